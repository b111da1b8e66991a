// Package assets holds the files that are part of the program.
package assets

import "embed"

//go:generate go run ./icons icons
//go:generate go run ./sounds sounds

// Lang holds the translations: one file a room and language, named
// ROOM.LANGUAGE.json, each a flat object from a message's id to its text.
//
//go:embed lang/*.json
var Lang embed.FS

// Icons holds the icon in its states off, writing, uploading and attention:
// STATE.png, and STATE.ico for Windows.
//
//go:embed icons/*.png icons/*.ico
var Icons embed.FS

// Sounds holds ding.wav, a picture has become a link, and fail.wav, one has not.
//
//go:embed sounds/*.wav
var Sounds embed.FS

// Page holds the page: index.html, and what it loads.
//
//go:embed page
var Page embed.FS

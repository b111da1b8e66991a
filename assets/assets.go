// Package assets holds the files that are part of the program.
package assets

import "embed"

// Lang holds the translations: one file a room and language, named
// ROOM.LANGUAGE.json, each a flat object from a message's id to its text.
//
//go:embed lang/*.json
var Lang embed.FS

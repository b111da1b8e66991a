// Package watcher watches the clipboard: it tells of each new clip what counts
// of it and why, and puts a text in its place.
package watcher

import (
	"context"
	"errors"
)

// MaxClip is the largest content, in bytes, that is read from another program.
const MaxClip = 64 << 20

// Take is what counts of a clip.
type Take int

// What counts of a clip.
const (
	Nothing Take = iota // it is left alone
	Picture             // the picture's bytes
	Files               // copied picture files
)

// Clip is what the clipboard holds at one moment.
type Clip struct {
	Formats []string // as the program that copied names them
	Take    Take
	Why     Reason   // why that, and not something else
	Type    string   // Picture: the media type it was offered as, such as "image/png"; the bytes may be another
	Data    []byte   // Picture: the encoded image
	Files   []string // Files: absolute paths, in the order they were copied

	change uint64 // the clipboard's change that brought it
}

// Reason is why a clip counts or is left alone. Its text is the catalogue's
// message "watcher.why.REASON".
type Reason string

// Why a clip counts, or is left alone.
const (
	IsPicture   Reason = "picture"    // a picture and no text beside it
	IsFiles     Reason = "files"      // picture files, copied
	IsPath      Reason = "path"       // a text that is exactly the path of one picture file
	IsEmpty     Reason = "empty"      // nothing is offered
	IsSecret    Reason = "secret"     // marked as a password
	IsCut       Reason = "cut"        // files to be moved, not copied
	OtherFiles  Reason = "other"      // files that are not all pictures
	TextBeside  Reason = "text"       // text, perhaps with a picture of it: a spreadsheet's cells, a page
	NoPicture   Reason = "no_picture" // neither picture nor text
	TooLarge    Reason = "too_large"  // more than MaxClip
	NotReadable Reason = "unreadable" // the program that copied it does not hand it over, or is gone
)

// ErrUnavailable says that this desktop has no clipboard that can be watched.
var ErrUnavailable = errors.New("no clipboard")

// ErrChanged says that the clipboard no longer holds the clip, and was left alone.
var ErrChanged = errors.New("the clipboard has changed")

// Watcher watches one desktop's clipboard.
type Watcher struct {
	backend backend
}

// backend is one platform's way to the clipboard.
type backend interface {
	// name names it for people, such as "X11".
	name() string
}

// Open connects to the clipboard. Where there is none it returns an error that
// wraps ErrUnavailable and names what was tried.
func Open(ctx context.Context) (*Watcher, error) {
	return nil, ErrUnavailable
}

// Backend names the way that leads to the clipboard, such as "X11 (XFixes)".
func (w *Watcher) Backend() string { return w.backend.name() }

// Run calls seen for each clip that another program puts on the clipboard from
// now on, in order, until ctx is done, and returns ctx's error. What is on the
// clipboard already does not count. seen must return soon. It survives the
// display server's end and goes on when that is back.
func (w *Watcher) Run(ctx context.Context, seen func(Clip)) error {
	return nil
}

// Replace puts text in the clip's place. It returns ErrChanged, and leaves the
// clipboard alone, if that holds something else by now.
func (w *Watcher) Replace(ctx context.Context, clip Clip, text string) error {
	return nil
}

// Close ends it. Where a clipboard manager runs, a text of ours is handed over
// to it first, and so outlives the program.
func (w *Watcher) Close() error { return nil }

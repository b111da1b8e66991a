//go:build windows

package watcher

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"strings"
	"unicode/utf16"

	"bilipaste/internal/picture/bmp"
)

// winForm is a content in one format.
type winForm struct {
	format string
	data   []byte
}

// forms returns what c is offered as, the best one first.
func (c content) forms() []winForm {
	switch {
	case c.mediaType != "":
		names := map[string]string{"image/png": "PNG", "image/jpeg": "JFIF", "image/gif": "GIF"}
		name, ok := names[c.mediaType]
		if !ok {
			name = c.mediaType
		}
		return append([]winForm{{name, c.picture}}, bitmap(c.picture)...)
	case c.files != nil:
		return []winForm{{dropList, dropFiles(c.files)}, {dropEffect, []byte{dropCopy, 0, 0, 0}}}
	}
	text := strings.ReplaceAll(strings.ReplaceAll(c.text, "\r\n", "\n"), "\n", "\r\n")
	return []winForm{{"CF_UNICODETEXT", wide(text)}}
}

// bitmap returns a picture as most programs want it, nothing where it cannot be decoded.
func bitmap(picture []byte) []winForm {
	config, _, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil || config.Width*config.Height > maxPixels {
		return nil
	}
	m, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil
	}
	block, isV5 := bmp.EncodeDIB(m)
	if isV5 {
		return []winForm{{"CF_DIBV5", block}}
	}
	return []winForm{{"CF_DIB", block}}
}

// dropFiles returns the list of files of Windows's file manager.
func dropFiles(paths []string) []byte {
	list := make([]byte, dropHeader)
	binary.LittleEndian.PutUint32(list, dropHeader)
	list[dropWide] = 1
	for _, path := range paths {
		list = append(list, wide(path)...)
	}
	return append(list, 0, 0)
}

// wide returns a text as Windows writes it, with a zero at its end.
func wide(text string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(strings.ReplaceAll(text, "\x00", ""))) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return append(b, 0, 0)
}

func (b *winClipboard) put(ctx context.Context, onlyIf offer, c content) error {
	forms := c.forms()
	return b.attempt(ctx, func(ctx context.Context) error {
		blocks, err := newBlocks(forms)
		if err != nil {
			return err
		}
		defer blocks.free()
		return b.opened(ctx, b.limits.put, func() error {
			if o, ok := onlyIf.(*winOffer); ok && !o.isThere() {
				return ErrChanged
			}
			return b.fill(blocks)
		})
	})
}

// fill puts blocks on the clipboard, which is open. What can fail is done before
// that is emptied; of what is put then, the first counts.
func (b *winClipboard) fill(blocks winBlocks) error {
	if err := blocks.check(); err != nil {
		return err
	}
	if r, _, err := emptyClipboard.Call(); r == 0 {
		return err
	}
	for i := range blocks {
		r, _, err := setClipboardData.Call(uintptr(blocks[i].format), blocks[i].memory)
		switch {
		case r != 0:
			blocks[i].memory = 0 // Windows's from now on
		case i == 0:
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.number, b.latest = sequenceNumber(), nil
	return nil
}

// winBlocks are contents in Windows's memory.
type winBlocks []struct {
	format uint32
	memory uintptr
}

// newBlocks copies forms there.
func newBlocks(forms []winForm) (winBlocks, error) {
	blocks := make(winBlocks, len(forms))
	for i, f := range forms {
		var errID, errMemory error
		blocks[i].format, errID = formatID(f.format)
		blocks[i].memory, errMemory = newBlock(f.data)
		if err := errors.Join(errID, errMemory); err != nil {
			blocks.free()
			return nil, err
		}
	}
	return blocks, nil
}

// check reports what Windows would refuse.
func (b winBlocks) check() error {
	for i := range b {
		size, _, err := globalSize.Call(b[i].memory)
		if size == 0 || b[i].format == 0 {
			return err
		}
	}
	return nil
}

// free frees what Windows has not taken.
func (b winBlocks) free() {
	for i := range b {
		if b[i].memory != 0 {
			_, _, _ = globalFree.Call(b[i].memory)
		}
	}
}

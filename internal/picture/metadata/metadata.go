// Package metadata removes from encoded pictures what does not show: EXIF, GPS,
// XMP, IPTC, comments, texts, times, thumbnails, and what follows the
// picture's end. Nothing is decoded or encoded anew, so the pixels stay as
// they are, and so does what changes how they look: orientation, colour
// profile, gamma, resolution, animation.
//
// What is left is returned in pieces, of which most are the picture's own memory;
// nil if there is nothing to remove. An error means that the picture is malformed.
package metadata

import "bytes"

// pieces gathers what stays of a picture.
type pieces struct {
	parts   [][]byte
	changed bool // a part is not the picture's own
}

// keep adds a part of the picture. What follows the last part in memory is one
// with it.
func (p *pieces) keep(part []byte) {
	if n := len(p.parts) - 1; n >= 0 && len(part) > 0 {
		last := p.parts[n]
		if size := len(last); size < cap(last) && &last[:size+1][size] == &part[0] {
			p.parts[n] = last[:size+len(part)]
			return
		}
	}
	p.parts = append(p.parts, part)
}

// put adds fresh in place of old, which may be equal.
func (p *pieces) put(fresh, old []byte) {
	p.parts = append(p.parts, fresh)
	p.changed = p.changed || !bytes.Equal(fresh, old)
}

// left returns the parts; nil if they are all of data.
func (p *pieces) left(data []byte) [][]byte {
	size := 0
	for _, part := range p.parts {
		size += len(part)
	}
	if size == len(data) && !p.changed {
		return nil
	}
	return p.parts
}

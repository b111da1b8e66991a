// Package metadata removes from encoded pictures what does not show: EXIF, GPS,
// XMP, IPTC, comments, texts, times, thumbnails, and what follows the
// picture's end. Nothing is decoded or encoded anew, so the pixels stay as
// they are, and so does what changes how they look: orientation, colour
// profile, gamma, resolution, animation.
//
// A picture with nothing to remove is returned as it is, the same bytes. An
// error means that the picture is malformed.
package metadata

import "bytes"

// pieces gathers what stays of a picture.
type pieces struct {
	parts   [][]byte
	changed bool // a part is not the picture's own
}

// keep adds a part of the picture.
func (p *pieces) keep(part []byte) { p.parts = append(p.parts, part) }

// put adds fresh in place of old, which may be equal.
func (p *pieces) put(fresh, old []byte) {
	p.parts = append(p.parts, fresh)
	p.changed = p.changed || !bytes.Equal(fresh, old)
}

// join returns the parts as one picture: data itself if nothing is missing.
func (p *pieces) join(data []byte) []byte {
	size := 0
	for _, part := range p.parts {
		size += len(part)
	}
	if size == len(data) && !p.changed {
		return data
	}
	return bytes.Join(p.parts, nil)
}

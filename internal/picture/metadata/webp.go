package metadata

import (
	"bytes"
	"slices"

	"bilipaste/internal/picture/container"
)

// WebP removes the metadata of a WebP, also of an animated one.
func WebP(data []byte) ([][]byte, error) {
	out := pieces{parts: [][]byte{nil}} // the header, when the length is known
	var extended []byte                 // the part that says which chunks there are
	turned := false
	for c, err := range container.WebP(data) {
		if err != nil {
			return nil, err
		}
		switch c.Name {
		case "VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ICCP":
			part := c.Raw
			if c.Name == "VP8X" {
				if len(c.Body) < 10 {
					return nil, container.ErrCut
				}
				part = slices.Clone(part)
				extended = part
			}
			out.keep(part)
			if len(c.Body)%2 == 1 && len(c.Raw) == 8+len(c.Body) { // its padding is missing
				out.put([]byte{0}, nil)
			}
		case "ANMF":
			frame, err := webpFrame(c)
			if err != nil {
				return nil, err
			}
			out.put(frame, c.Raw)
		case "EXIF":
			body := bytes.TrimPrefix(c.Body, []byte("Exif\x00\x00")) // some writers put it there
			if o := container.Orientation(body); o != 0 && !turned {
				turned = true
				out.put(container.AppendWebPChunk(nil, c.Name, container.OrientedExif(o)), c.Raw)
			}
		}
	}
	if extended != nil {
		const flags, xmpFlag, exifFlag = 8, 0x04, 0x08
		old := extended[flags]
		extended[flags] &^= xmpFlag | exifFlag
		if turned {
			extended[flags] |= exifFlag
		}
		out.changed = out.changed || extended[flags] != old
	}
	total := 0
	for _, part := range out.parts[1:] {
		total += len(part)
	}
	out.parts[0] = container.WebPHeader(total)
	out.changed = out.changed || !bytes.HasPrefix(data, out.parts[0])
	return out.left(data), nil
}

// webpFrame keeps of an animation's frame its header and its pixels.
func webpFrame(frame container.Chunk) ([]byte, error) {
	const header = 16 // bytes: where the frame is, and how long
	if len(frame.Body) < header {
		return nil, container.ErrCut
	}
	kept := slices.Clone(frame.Body[:header])
	for c, err := range container.WebPChunks(frame.Body[header:]) {
		if err != nil {
			return nil, err
		}
		switch c.Name {
		case "VP8 ", "VP8L", "ALPH":
			kept = container.AppendWebPChunk(kept, c.Name, c.Body)
		}
	}
	return container.AppendWebPChunk(nil, "ANMF", kept), nil
}

package metadata

import (
	"bytes"
	"slices"

	"bilipaste/internal/picture/container"
)

// WebP removes the metadata of a WebP, also of an animated one.
func WebP(data []byte) ([]byte, error) {
	const head = 12
	out := pieces{parts: [][]byte{data[:min(head, len(data))]}}
	var extended int // the part that says which chunks there are
	turned := false
	for c, err := range container.WebP(data) {
		if err != nil {
			return nil, err
		}
		switch c.Name {
		case "VP8X":
			if len(c.Body) < 10 {
				return nil, container.ErrCut
			}
			extended = len(out.parts)
			fallthrough
		case "VP8 ", "VP8L", "ALPH", "ANIM", "ICCP":
			out.keep(c.Raw)
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
	if extended > 0 {
		const xmpFlag, exifFlag = 0x04, 0x08
		old := out.parts[extended]
		fresh := slices.Clone(old)
		fresh[8] &^= xmpFlag | exifFlag
		if turned {
			fresh[8] |= exifFlag
		}
		out.changed = out.changed || fresh[8] != old[8]
		out.parts[extended] = fresh
	}
	total := 0
	for _, part := range out.parts[1:] {
		total += len(part)
	}
	fresh := container.WebPHeader(total)
	out.changed = out.changed || !bytes.Equal(fresh, out.parts[0])
	out.parts[0] = fresh
	return out.join(data), nil
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

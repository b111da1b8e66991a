package metadata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// WebP removes the metadata of a WebP, also of an animated one.
func WebP(data []byte) ([]byte, error) {
	const head = 12
	if len(data) < head || string(data[:4]) != "RIFF" || string(data[8:head]) != "WEBP" {
		return nil, errors.New("it does not start as a WebP does")
	}
	size := uint64(binary.LittleEndian.Uint32(data[4:])) + 8
	// The last byte of an odd chunk may be missing: some writers leave it out.
	if size > uint64(len(data))+1 || size < head {
		return nil, errCut
	}
	var out pieces
	out.keep(data[:head])
	exif := false
	var extended int // the part that says which chunks there are
	err := eachChunk(data[head:min(size, uint64(len(data)))], func(name string, chunk []byte) error {
		switch name {
		case "VP8X":
			if len(chunk) < 18 {
				return errCut
			}
			extended = len(out.parts)
			out.keep(chunk)
		case "VP8 ", "VP8L", "ALPH", "ANIM", "ICCP":
			out.keep(chunk)
		case "ANMF":
			frame, err := webpFrame(chunk)
			if err != nil {
				return err
			}
			out.put(frame, chunk)
		case "EXIF":
			body := bytes.TrimPrefix(chunk[8:], []byte("Exif\x00\x00")) // some writers put it there
			if o := Orientation(body); o != 0 && !exif {
				exif = true
				out.put(riffChunk(name, oriented(o)), chunk)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if extended > 0 {
		const xmpFlag, exifFlag = 0x04, 0x08
		old := out.parts[extended]
		fresh := slices.Clone(old)
		fresh[8] &^= xmpFlag | exifFlag
		if exif {
			fresh[8] |= exifFlag
		}
		out.changed = out.changed || fresh[8] != old[8]
		out.parts[extended] = fresh
	}
	total := -8
	for _, part := range out.parts {
		total += len(part)
	}
	fresh := slices.Clone(data[:head])
	binary.LittleEndian.PutUint32(fresh[4:], uint32(total))
	out.changed = out.changed || !bytes.Equal(fresh, data[:head])
	out.parts[0] = fresh
	return out.join(data), nil
}

// webpFrame keeps of an animation's frame its place and its pixels.
func webpFrame(frame []byte) ([]byte, error) {
	const head, place = 8, 16
	if len(frame) < head+place {
		return nil, errCut
	}
	body := slices.Clone(frame[head : head+place])
	size := binary.LittleEndian.Uint32(frame[4:])
	err := eachChunk(frame[head+place:min(len(frame), head+int(size))], func(name string, chunk []byte) error {
		switch name {
		case "VP8 ", "VP8L", "ALPH":
			body = append(body, chunk...)
		}
		return nil
	})
	return riffChunk("ANMF", body), err
}

// eachChunk calls do for each chunk, header and padding included.
func eachChunk(rest []byte, do func(name string, chunk []byte) error) error {
	for len(rest) > 0 {
		if len(rest) < 8 {
			return errCut
		}
		size := uint64(binary.LittleEndian.Uint32(rest[4:])) + 8
		if size > uint64(len(rest)) {
			return errCut
		}
		padded := min(size+size%2, uint64(len(rest)))
		chunk := rest[:padded]
		if padded < size+size%2 {
			chunk = append(slices.Clip(chunk), 0)
		}
		if err := do(string(chunk[:4]), chunk); err != nil {
			return err
		}
		rest = rest[padded:]
	}
	return nil
}

func riffChunk(name string, body []byte) []byte {
	chunk := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body)))
	chunk = append(chunk, body...)
	if len(body)%2 == 1 {
		chunk = append(chunk, 0)
	}
	return chunk
}

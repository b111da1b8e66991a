package container

import (
	"encoding/binary"
	"iter"
)

// WebP yields a WebP's chunks after its header. The last padding byte may be
// missing: some writers leave it out. ErrLength comes where the file's own
// length is wrong but no chunk is cut.
func WebP(data []byte) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		const head = 12
		if len(data) < head || string(data[:4]) != "RIFF" || string(data[8:head]) != "WEBP" {
			yield(Chunk{}, errForeign)
			return
		}
		said := uint64(binary.LittleEndian.Uint32(data[4:])) + 8
		at := uint64(head)
		for c, err := range WebPChunks(data[head:]) {
			if at >= said {
				break // what follows the picture's end
			}
			at += uint64(len(c.Raw))
			if !yield(c, err) || err != nil {
				return
			}
		}
		if at+1 < said || at > said+1 { // padding may count or not
			yield(Chunk{}, ErrLength)
		}
	}
}

// WebPChunks yields the chunks that data consists of, as an animation's frame
// does after its header.
func WebPChunks(data []byte) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		const head = 8
		for rest := data; len(rest) > 0; {
			if len(rest) < head {
				yield(Chunk{}, ErrCut)
				return
			}
			end := uint64(binary.LittleEndian.Uint32(rest[4:])) + head
			if end > uint64(len(rest)) {
				yield(Chunk{Name: string(rest[:4]), Raw: rest, Body: rest[head:]}, ErrCut)
				return
			}
			padded := min(end+end%2, uint64(len(rest)))
			if !yield(Chunk{Name: string(rest[:4]), Raw: rest[:padded], Body: rest[head:end]}, nil) {
				return
			}
			rest = rest[padded:]
		}
	}
}

// AppendWebPChunk appends a chunk, with its padding, to out.
func AppendWebPChunk(out []byte, name string, body []byte) []byte {
	out = binary.LittleEndian.AppendUint32(append(out, name...), uint32(len(body)))
	out = append(out, body...)
	if len(body)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

// WebPHeader starts a WebP whose chunks have size bytes together.
func WebPHeader(size int) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(size+4)), "WEBP"...)
}

// WebPSize returns the size in pixels that a chunk of pixels (VP8, VP8L) or
// the extended header (VP8X) says; ok is false for another chunk or a malformed one.
func (c Chunk) WebPSize() (width, height int, ok bool) {
	b := c.Body
	switch {
	case c.Name == "VP8 " && len(b) >= 10 && b[0]&1 == 0 && string(b[3:6]) == "\x9d\x01\x2a":
		return int(binary.LittleEndian.Uint16(b[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(b[8:]) & 0x3fff), true
	case c.Name == "VP8L" && len(b) >= 5 && b[0] == 0x2f:
		v := binary.LittleEndian.Uint32(b[1:])
		return int(v&0x3fff) + 1, int(v>>14&0x3fff) + 1, true
	case c.Name == "VP8X" && len(b) >= 10:
		return 1 + int(b[4]) + int(b[5])<<8 + int(b[6])<<16, 1 + int(b[7]) + int(b[8])<<8 + int(b[9])<<16, true
	}
	return 0, 0, false
}

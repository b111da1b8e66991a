package bmp

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
)

// DIBToPNG returns a packed DIB as a PNG. It prefers speed to a small result:
// its user waits for it. image/png takes three times as long for a screenshot.
func DIBToPNG(block []byte) ([]byte, error) {
	m, err := DecodeDIB(block)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if direct, ok := m.(*image.NRGBA); ok {
		err = writePNG(&b, direct)
	} else {
		err = png.Encode(&b, m)
	}
	return b.Bytes(), err
}

// writePNG writes m, filtered by the pixel to the left only.
func writePNG(b *bytes.Buffer, m *image.NRGBA) error {
	const rgb, rgba = 2, 6 // PNG's numbers of them
	kind, size := byte(rgba), 4
	if m.Opaque() {
		kind, size = rgb, 3
	}
	width, height := m.Rect.Dx(), m.Rect.Dy()
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = binary.BigEndian.AppendUint32(header, uint32(height))
	header = append(header, 8, kind, 0, 0, 0)

	var pixels bytes.Buffer
	z, err := zlib.NewWriterLevel(&pixels, zlib.BestSpeed)
	if err != nil {
		return err
	}
	const left = 1 // the filter
	filtered := make([]byte, 1+size*width)
	filtered[0] = left
	for y := range height {
		row, to := m.Pix[y*m.Stride:][:4*width], filtered[1:]
		var r, g, b, a byte
		for len(row) >= 4 && len(to) >= size {
			to[0], to[1], to[2] = row[0]-r, row[1]-g, row[2]-b
			if size == 4 {
				to[3] = row[3] - a
			}
			r, g, b, a = row[0], row[1], row[2], row[3]
			row, to = row[4:], to[size:]
		}
		if _, err := z.Write(filtered); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	b.Grow(pixels.Len() + 100)
	b.WriteString("\x89PNG\r\n\x1a\n")
	writeChunk(b, "IHDR", header)
	writeChunk(b, "IDAT", pixels.Bytes())
	writeChunk(b, "IEND", nil)
	return nil
}

func writeChunk(b *bytes.Buffer, name string, data []byte) {
	_ = binary.Write(b, binary.BigEndian, uint32(len(data))) // a buffer takes everything
	start := b.Len()
	b.WriteString(name)
	b.Write(data)
	_ = binary.Write(b, binary.BigEndian, crc32.ChecksumIEEE(b.Bytes()[start:]))
}

package picture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"bilipaste/internal/picture/container"
	"bilipaste/internal/picture/convert"
)

var errCut = errors.New("a part of the pixels is missing")

// whole checks that a picture has all its pixels. Where its outer structure is
// sound, that tells; what comes after its end does not matter, as it does not to
// browsers. Where an end mark is missing, an outer length is wrong or an extra
// is damaged, the pixels are decoded, and what is returned is put right.
func whole(f Format, data []byte) ([]byte, error) {
	switch f {
	case PNG:
		return wholePNG(data)
	case JPEG:
		return wholeJPEG(data)
	case WebP:
		return wholeWebP(data)
	case GIF:
		return wholeGIF(data)
	case BMP:
		return wholeBMP(data)
	case TIFF:
		return data, convert.TIFFWhole(data)
	}
	return data, nil
}

// decoded returns what was put right if all its pixels are there, and
// otherwise the damage that put that in doubt.
func decoded(mended []byte, doubt error) ([]byte, error) {
	if err := convert.Complete(context.Background(), mended); err != nil {
		return nil, errors.Join(doubt, err)
	}
	return mended, nil
}

// wholePNG takes no notice of a critical chunk's checksum, which is looked at
// when it is sent. An extra one that is damaged goes, as viewers have it.
func wholePNG(data []byte) ([]byte, error) {
	var parts [][]byte
	var header container.PNGHeader
	var doubt error
	pixels, damaged := int64(0), false
	for c, err := range container.PNG(data) {
		switch {
		case err != nil && c.Name == "IDAT":
			parts = append(parts, container.AppendPNGChunk(nil, c.Name, c.Body))
		case err != nil: // an extra one is left out
		case c.Name == "IEND", !c.Critical():
			if damaged = damaged || !c.Sound(); c.Name != "IEND" && c.Sound() {
				parts = append(parts, c.Raw)
			}
		default:
			parts = append(parts, c.Raw)
		}
		switch doubt = err; c.Name {
		case "IHDR":
			header, _ = container.ParsePNGHeader(c.Body) // its error comes with the size
		case "IDAT":
			pixels += int64(len(c.Body))
		}
	}
	// A compressed byte stands for 1032 at most.
	if pixels*1032+1032 < header.Bytes() {
		return nil, errCut
	}
	if doubt == nil && !damaged {
		return data, nil
	}
	mended := slices.Concat([]byte(container.PNGSignature), bytes.Join(parts, nil), container.AppendPNGChunk(nil, "IEND", nil))
	if doubt == nil {
		return mended, nil
	}
	return decoded(mended, doubt)
}

func wholeJPEG(data []byte) ([]byte, error) {
	var parts [][]byte
	var frame container.Frame
	var doubt error
	scanned := 0
	for s, err := range container.JPEG(data) {
		if doubt = err; err != nil {
			break
		}
		parts = append(parts, s.Raw)
		scanned += len(s.Scan)
		if f, ok := s.Frame(); ok {
			frame = f
		}
	}
	blocks := int64(0)
	for _, n := range frame.Blocks() {
		blocks += n
	}
	switch { // a block has one bit at least
	case doubt != nil && scanned == 0:
		return nil, doubt
	case frame.Marker <= container.SOF2 && blocks > 8*int64(scanned)+8:
		return nil, errCut
	case doubt == nil:
		return data, nil
	}
	return decoded(append(bytes.TrimRight(bytes.Join(parts, nil), "\xff"), 0xff, container.EOI), doubt)
}

func wholeWebP(data []byte) ([]byte, error) {
	var chunks []container.Chunk
	var doubt error
	for c, err := range container.WebP(data) {
		switch {
		case errors.Is(err, container.ErrLength):
			doubt = err
		case err != nil && slices.Contains([]string{"EXIF", "XMP "}, c.Name):
			doubt = err // an extra at the end, which is left out
		case err != nil:
			return nil, err
		default:
			chunks = append(chunks, c)
		}
	}
	switch {
	case len(chunks) == 0:
		return nil, errors.Join(doubt, errCut)
	case doubt == nil:
		return data, nil
	}
	mended := container.WebPHeader(0)
	for _, c := range chunks {
		mended = container.AppendWebPChunk(mended, c.Name, c.Body)
	}
	copy(mended, container.WebPHeader(len(mended)-len(container.WebPHeader(0))))
	return decoded(mended, doubt)
}

func wholeGIF(data []byte) ([]byte, error) {
	var parts [][]byte
	var doubt error
	frames, gaps, announced := 0, 0, false
	for b, err := range container.GIF(data) {
		cut := errors.Is(err, container.ErrCut)
		switch {
		case err == nil:
			parts = append(parts, b.Raw)
		case cut && b.Kind == container.GIFFrame:
			parts = append(parts, closed(b))
		case !cut && !errors.Is(err, container.ErrNoEnd):
			return nil, err
		}
		gaps += b.Gap
		announced = b.Announces() || announced && b.Kind != container.GIFFrame
		if doubt = err; b.Kind != container.GIFFrame {
			continue
		}
		w, h, _, pixels, ok := b.Frame()
		// A code, of 3 bits at least, stands for 4096 pixels at most.
		if frames++; ok && frames == 1 && int64(w)*int64(h) > 4096*8*int64(len(pixels)+1)/3 {
			return nil, errCut
		}
	}
	switch {
	case doubt == nil && gaps == 0:
		return data, nil
	case doubt == nil:
		return bytes.Join(parts, nil), nil
	case frames == 0, announced: // the frame is missing
		return nil, doubt
	}
	return decoded(append(bytes.Join(parts, nil), container.GIFEnd), doubt)
}

// closed returns a frame that is cut, with an end.
func closed(b container.Block) []byte {
	_, _, _, pixels, ok := b.Frame()
	if !ok {
		return b.Raw
	}
	fresh := slices.Clone(b.Raw[:len(b.Raw)-len(pixels)])
	for len(pixels) > 1 && pixels[0] != 0 {
		n := min(int(pixels[0]), len(pixels)-1)
		fresh = append(append(fresh, byte(n)), pixels[1:1+n]...)
		pixels = pixels[1+n:]
	}
	return append(fresh, 0)
}

func wholeBMP(data []byte) ([]byte, error) {
	h, at, err := container.BMP(data)
	doubt := err
	if h == nil {
		return data, nil // what is wrong is said with the size
	}
	said := int64(binary.LittleEndian.Uint32(data[2:]))
	if said > int64(len(data)) {
		doubt = container.ErrLength
	}
	switch {
	case !h.RunLength() && h.Pixels() > len(data)-at:
		return nil, errCut
	case doubt == nil:
		return data, nil
	}
	mended := slices.Clone(data)
	binary.LittleEndian.PutUint32(mended[2:], uint32(len(data)))
	binary.LittleEndian.PutUint32(mended[10:], uint32(at))
	if !h.RunLength() {
		return mended, nil
	}
	return decoded(mended, doubt)
}

// variant returns what is rare about a picture that others may show, but that
// neither browsers nor this program do.
func variant(f Format, data []byte) error {
	switch {
	case f == TIFF && (data[2] == '+' || data[3] == '+'):
		return convert.VariantError("it is a BigTIFF")
	case f == PNG:
		if c, _ := container.First(container.PNG(data)); c.Name == "CgBI" {
			return convert.VariantError("it is made for iPhones by Xcode (CgBI)")
		}
	}
	return nil
}

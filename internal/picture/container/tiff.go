package container

import (
	"encoding/binary"
	"errors"
	"iter"
	"slices"
)

// The TIFF tags that mean something here.
const (
	TIFFSubfile      = 254
	TIFFWidth        = 256
	TIFFHeight       = 257
	TIFFBits         = 258
	TIFFCompression  = 259
	TIFFPhotometric  = 262
	TIFFFillOrder    = 266
	TIFFStrips       = 273
	TIFFOrientation  = 274
	TIFFSamples      = 277
	TIFFRowsPerStrip = 278
	TIFFStripBytes   = 279
	TIFFPlanar       = 284
	TIFFG3Options    = 292
	TIFFPredictor    = 317
	TIFFPalette      = 320
	TIFFTileWidth    = 322
	TIFFTileHeight   = 323
	TIFFTiles        = 324
	TIFFTileBytes    = 325
	TIFFExtra        = 338
	TIFFSampleFormat = 339
	TIFFProfile      = 34675
)

// Directory is a page of a TIFF, or the fields of EXIF data.
type Directory struct {
	order   binary.ByteOrder
	fields  map[uint16]field
	entries int // that were read, also of a field that was there already
}

type field struct {
	kind  uint16
	value []byte // as many whole values as there are
}

// mostFields bounds the fields of all pages: real files have some thousand.
const mostFields = 1 << 16

var errFields = errors.New("it has more fields than are read")

// TIFF yields the directories of a TIFF, or of EXIF data, which is laid out
// alike, in their order. Each is read once: they may lead in a circle. A field
// whose values lie outside the data has none.
func TIFF(data []byte) iter.Seq2[Directory, error] {
	return func(yield func(Directory, error) bool) {
		var order binary.ByteOrder = binary.BigEndian
		switch {
		case len(data) < 8:
			yield(Directory{}, errForeign)
			return
		case string(data[:4]) == "II*\x00":
			order = binary.LittleEndian
		case string(data[:4]) != "MM\x00*":
			yield(Directory{}, errForeign)
			return
		}
		seen := map[uint32]bool{0: true}
		fields := 0
		for at := order.Uint32(data[4:]); !seen[at]; {
			seen[at] = true
			d, next, err := directory(data, at, order)
			if fields += 1 + d.entries; fields > mostFields {
				err = errFields
			}
			if !yield(d, err) || err != nil {
				return
			}
			at = next
		}
	}
}

// directory reads the directory at at, as far as it is there, and where the next one is.
func directory(data []byte, at uint32, order binary.ByteOrder) (d Directory, next uint32, err error) {
	d = Directory{order: order, fields: map[uint16]field{}}
	if uint64(at)+2 > uint64(len(data)) {
		return d, 0, ErrCut
	}
	const size = 12
	entries := data[at+2:]
	for range order.Uint16(data[at:]) {
		if len(entries) < size {
			return d, 0, ErrCut
		}
		tag, kind, count := order.Uint16(entries), order.Uint16(entries[2:]), uint64(order.Uint32(entries[4:]))
		value := entries[8:size]
		if bytes := count * valueSize(kind); bytes > 4 {
			from := uint64(order.Uint32(value))
			value = data[min(from, uint64(len(data))):]
			if bytes > uint64(len(value)) {
				value = nil
			} else {
				value = value[:bytes]
			}
		} else {
			value = value[:bytes]
		}
		d.entries++
		if _, twice := d.fields[tag]; !twice {
			d.fields[tag] = field{kind, value}
		}
		entries = entries[size:]
	}
	if len(entries) < 4 {
		return d, 0, nil // EXIF often leaves it out
	}
	return d, order.Uint32(entries), nil
}

// valueSize returns the bytes of a value of a TIFF type, 0 for one that is unknown.
func valueSize(kind uint16) uint64 {
	sizes := [...]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
	if int(kind) >= len(sizes) {
		return 0
	}
	return sizes[kind]
}

// Order returns the order of the bytes in a number.
func (d Directory) Order() binary.ByteOrder { return d.order }

// Bytes returns a field's values as they are stored, nil if it is not there.
func (d Directory) Bytes(tag uint16) []byte { return d.fields[tag].value }

// Lacks tells whether the values of any of some fields lie outside the data.
func (d Directory) Lacks(tags ...uint16) bool {
	return slices.ContainsFunc(tags, func(tag uint16) bool {
		f, ok := d.fields[tag]
		return ok && f.value == nil
	})
}

// Uints returns a field's whole numbers, nil if it has none.
func (d Directory) Uints(tag uint16) []uint32 {
	f := d.fields[tag]
	var values []uint32
	switch f.kind {
	case 1:
		for _, b := range f.value {
			values = append(values, uint32(b))
		}
	case 3:
		for v := f.value; len(v) >= 2; v = v[2:] {
			values = append(values, uint32(d.order.Uint16(v)))
		}
	case 4, 13:
		for v := f.value; len(v) >= 4; v = v[4:] {
			values = append(values, d.order.Uint32(v))
		}
	}
	return values
}

// Uint returns a field's first whole number, or otherwise if it has none.
func (d Directory) Uint(tag uint16, otherwise uint32) uint32 {
	if v := d.Uints(tag); len(v) > 0 {
		return v[0]
	}
	return otherwise
}

// Orientation returns how a page is turned: 2 to 8, or 0 where it is upright
// or does not say.
func (d Directory) Orientation() uint16 {
	if o := d.Uint(TIFFOrientation, 0); d.fields[TIFFOrientation].kind == 3 && o >= 2 && o <= 8 {
		return uint16(o)
	}
	return 0
}

// Orientation reads the orientation of EXIF data, which is laid out as a TIFF:
// 2 to 8, or 0 where it is upright, missing or unreadable.
func Orientation(exif []byte) uint16 {
	d, _ := First(TIFF(exif)) // what can be read of it
	return d.Orientation()
}

// OrientedExif returns EXIF data that holds an orientation and nothing else.
func OrientedExif(o uint16) []byte {
	return []byte{'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, byte(o), 0, 0, 0, 0, 0, 0}
}

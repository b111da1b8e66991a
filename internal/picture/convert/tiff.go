package convert

import (
	"encoding/binary"

	"bilipaste/internal/picture/metadata"
)

// tiffFacts is what a TIFF says that its decoder does not tell.
type tiffFacts struct {
	pages       int
	orientation uint16
	profile     []byte // ICC
}

// readTIFF reads the directories of a TIFF; of anything else, it knows nothing.
func readTIFF(data []byte) (t tiffFacts) {
	var order binary.ByteOrder = binary.BigEndian
	switch {
	case len(data) < 8:
		return t
	case string(data[:4]) == "II*\x00":
		order = binary.LittleEndian
	case string(data[:4]) != "MM\x00*":
		return t
	}
	t.orientation = metadata.Orientation(data)
	const icc, subfile, entrySize, most = 34675, 254, 12, 1000
	at := uint64(order.Uint32(data[4:]))
	for first := true; at != 0 && at+2 <= uint64(len(data)) && t.pages < most; first = false {
		entries, page := data[at+2:], 1
		for range order.Uint16(data[at:]) {
			if len(entries) < entrySize {
				return t
			}
			tag, count, value := order.Uint16(entries), uint64(order.Uint32(entries[4:])), uint64(order.Uint32(entries[8:]))
			switch {
			case tag == icc && first && count > 4 && value+count <= uint64(len(data)):
				t.profile = data[value : value+count]
			case tag == subfile && value&1 != 0: // a smaller version of another page
				page = 0
			}
			entries = entries[entrySize:]
		}
		t.pages += page
		if len(entries) < 4 {
			return t
		}
		next := uint64(order.Uint32(entries))
		if next <= at { // directories could lead in a circle
			return t
		}
		at = next
	}
	return t
}

package convert

import "bilipaste/internal/picture/container"

// tiffFacts is what a TIFF says that its decoder does not tell.
type tiffFacts struct {
	pages       int
	orientation uint16
	profile     []byte // ICC
}

// readTIFF reads the directories of a TIFF; of anything else, it knows nothing.
func readTIFF(data []byte) (t tiffFacts) {
	const thumbnail = 1
	first := true
	for d := range container.TIFF(data) {
		if first {
			t.orientation, t.profile = d.Orientation(), d.Bytes(container.TIFFProfile)
		}
		if d.Uint(container.TIFFSubfile, 0)&thumbnail == 0 {
			t.pages++
		}
		first = false
	}
	return t
}

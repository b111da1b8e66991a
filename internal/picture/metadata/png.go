package metadata

import (
	"fmt"

	"bilipaste/internal/picture/container"
)

// PNG removes the metadata of a PNG, also of an animated one. The chunks that
// stay are the ones that a picture cannot do without, and those that change
// how it looks; of the latter a damaged one goes, as viewers have it.
func PNG(data []byte) ([][]byte, error) {
	var out pieces
	out.keep(data[:min(len(container.PNGSignature), len(data))])
	exif := false
	for c, err := range container.PNG(data) {
		if err != nil {
			return nil, err
		}
		switch {
		case c.Critical():
			if !c.Sound() {
				return nil, fmt.Errorf("its chunk %q is damaged", c.Name)
			}
			out.keep(c.Raw)
		case c.Name == "eXIf":
			if o := container.Orientation(c.Body); o != 0 && !exif && c.Sound() {
				exif = true
				out.put(container.AppendPNGChunk(nil, c.Name, container.OrientedExif(o)), c.Raw)
			}
		case pngShows(c.Name) && c.Sound():
			out.keep(c.Raw)
		}
	}
	return out.left(data), nil
}

// pngShows tells whether an ancillary chunk changes how a PNG looks.
func pngShows(name string) bool {
	switch name {
	case "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "cICP", "mDCV", "cLLI", "sBIT", "bKGD", "pHYs":
		return true
	}
	return false
}

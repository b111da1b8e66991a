// Package qr draws QR codes: in a terminal, and as a picture.
package qr

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"

	"rsc.io/qr"

	"bilipaste/internal/lang"
)

// How much light is around a code, in modules. The standard asks for 4;
// above and below 2 are enough for phones, and keep the code of a login within
// the 24 lines of a terminal, with one to spare.
const (
	sideQuiet   = 4
	heightQuiet = 2
)

// Fixed colours, whatever the terminal's own are.
const (
	blackOnWhite = "\x1b[38;5;16;48;5;231m"
	blackOnBlack = "\x1b[38;5;16;48;5;16m"
	plain        = "\x1b[0m"
)

func encode(text string) (*qr.Code, error) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil, lang.Errorf("qr.long", nil, nil)
	}
	return code, nil
}

// Terminal draws a code as lines of half blocks: a character is one module
// wide and two high.
func Terminal(text string) (string, error) {
	code, err := encode(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for y := -heightQuiet; y < code.Size+heightQuiet; y += 2 {
		colours := ""
		for x := -sideQuiet; x < code.Size+sideQuiet; x++ {
			block, wanted := ' ', blackOnWhite
			switch top, bottom := code.Black(x, y), code.Black(x, y+1); {
			case top && bottom: // not a full block, which in some fonts does not fill its place
				wanted = blackOnBlack
			case top:
				block = '▀'
			case bottom:
				block = '▄'
			}
			if wanted != colours {
				colours = wanted
				b.WriteString(colours)
			}
			b.WriteRune(block)
		}
		b.WriteString(plain + "\n")
	}
	return b.String(), nil
}

// PNG writes a code as a picture, large enough for a phone at arm's length.
func PNG(w io.Writer, text string) error {
	const scale, quiet = 8, 4 // pixels to a module; modules
	code, err := encode(text)
	if err != nil {
		return err
	}
	side := (code.Size + 2*quiet) * scale
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			if code.Black(x/scale-quiet, y/scale-quiet) {
				picture.SetColorIndex(x, y, 1)
			}
		}
	}
	return png.Encode(w, picture)
}

// SVG writes a code as a drawing, black on white, of any size.
func SVG(w io.Writer, text string) error {
	const quiet = 4 // modules
	code, err := encode(text)
	if err != nil {
		return err
	}
	side := code.Size + 2*quiet
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, side, side, side, side)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	_, err = io.WriteString(w, b.String())
	return err
}

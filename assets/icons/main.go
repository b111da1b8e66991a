// Command icons draws the program's icon in its four states: a picture that is
// an outline while writing mode is off and filled while it is on, an arrow that
// leaves it while something is uploaded, and a warning before it. It writes
// PNG and ICO files into the folder that it is told; with sizes, in pixels, after
// the folder, the program's own icon alone, as bilipaste-SIZE.png.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/image/vector"
)

// pngSizes are the sizes in pixels of the pictures that desktops scale. Each
// state has one of its own: GNOME's AppIndicator extension ignores a new icon
// while it still works on one of the same size, and would go on showing the old.
var pngSizes = map[string]int{"writing": 48, "off": 49, "uploading": 50, "attention": 51}

// icoSizes are those of Windows. 256 is the program's own icon, in the largest
// view of its folder.
var icoSizes = []int{16, 20, 24, 32, 48, 256}

// The colours stand out on dark and on light panels alike.
var (
	blue  = color.NRGBA{0x13, 0x90, 0xdc, 0xff}
	grey  = color.NRGBA{0x88, 0x8c, 0x92, 0xff}
	red   = color.NRGBA{0xe8, 0x3f, 0x3f, 0xff}
	white = color.NRGBA{0xff, 0xff, 0xff, 0xff}
)

// icons draws each state, by its file's name.
var icons = map[string]func(*canvas){
	"off": func(c *canvas) {
		c.fill(grey, roundRect(1, 2, 15, 14, 2.5))
		c.cut(roundRect(2, 3, 14, 13, 1.5))
		scene(c, grey)
	},
	"writing": func(c *canvas) {
		c.fill(blue, roundRect(1, 2, 15, 14, 2.5))
		scene(c, white)
	},
	"uploading": func(c *canvas) {
		c.fill(blue, roundRect(1, 6, 15, 15, 2.5))
		c.cut([]point{{8, -1}, {15, 7}, {11.5, 7}, {11.5, 12.5}, {4.5, 12.5}, {4.5, 7}, {1, 7}})
		c.fill(blue, []point{{8, 1}, {12.5, 6}, {10, 6}, {10, 11}, {6, 11}, {6, 6}, {3.5, 6}})
	},
	"attention": func(c *canvas) {
		c.fill(blue, roundRect(1, 2, 15, 14, 2.5))
		c.fill(white, []point{{3, 12}, {6, 6.5}, {9, 12}})
		c.cut(circle(11.5, 11.5, 5.5))
		c.fill(red, circle(11.5, 11.5, 4.5))
		c.fill(white, roundRect(10.75, 8.5, 12.25, 12, .5))
		c.fill(white, circle(11.5, 13.5, .9))
	},
}

// scene draws what the picture shows: two mountains under the sun.
func scene(c *canvas, ink color.NRGBA) {
	c.fill(ink, []point{{3, 12}, {6.5, 6}, {9, 10}, {10.5, 8}, {13, 12}})
	c.fill(ink, circle(11, 6, 1.25))
}

// point is a point of the drawing, which is 16 by 16.
type point struct{ x, y float32 }

type canvas struct {
	image *image.RGBA
	scale float32
}

func paint(size int, drawing func(*canvas)) image.Image {
	c := &canvas{image.NewRGBA(image.Rect(0, 0, size, size)), float32(size) / 16}
	drawing(c)
	return c.image
}

// fill paints a shape over what is there.
func (c *canvas) fill(ink color.NRGBA, shape []point) {
	draw.DrawMask(c.image, c.image.Rect, image.NewUniform(ink), image.Point{}, c.mask(shape), image.Point{}, draw.Over)
}

// cut makes a shape transparent.
func (c *canvas) cut(shape []point) {
	mask := c.mask(shape)
	for i, v := range c.image.Pix {
		c.image.Pix[i] = uint8(uint32(v) * uint32(255-mask.Pix[i/4]) / 255)
	}
}

// mask returns how much of each pixel a shape covers.
func (c *canvas) mask(shape []point) *image.Alpha {
	size := c.image.Rect
	r := vector.NewRasterizer(size.Dx(), size.Dy())
	r.MoveTo(shape[0].x*c.scale, shape[0].y*c.scale)
	for _, p := range shape[1:] {
		r.LineTo(p.x*c.scale, p.y*c.scale)
	}
	r.ClosePath()
	mask := image.NewAlpha(size)
	r.Draw(mask, size, image.Opaque, image.Point{})
	return mask
}

// arc returns an arc about (x, y), from one angle to the other, in quarter turns.
func arc(x, y, radius float32, from, to float64) []point {
	const steps = 16
	var ps []point
	for i := range steps + 1 {
		s, c := math.Sincos((from + (to-from)*float64(i)/steps) * math.Pi / 2)
		ps = append(ps, point{x + radius*float32(c), y + radius*float32(s)})
	}
	return ps
}

func circle(x, y, radius float32) []point { return arc(x, y, radius, 0, 4) }

func roundRect(x0, y0, x1, y1, radius float32) []point {
	return slices.Concat(
		arc(x1-radius, y1-radius, radius, 0, 1),
		arc(x0+radius, y1-radius, radius, 1, 2),
		arc(x0+radius, y0+radius, radius, 2, 3),
		arc(x1-radius, y0+radius, radius, 3, 4),
	)
}

func pngFile(size int, drawing func(*canvas)) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, paint(size, drawing)); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// icoFile returns a Windows icon that holds a PNG of each size.
func icoFile(drawing func(*canvas)) []byte {
	const header, entry = 6, 16
	file := binary.LittleEndian.AppendUint16(nil, 0)
	file = binary.LittleEndian.AppendUint16(file, 1) // an icon
	file = binary.LittleEndian.AppendUint16(file, uint16(len(icoSizes)))
	var pictures []byte
	for _, size := range icoSizes {
		picture := pngFile(size, drawing)
		file = append(file, byte(size), byte(size), 0, 0) // 0 is 256
		file = binary.LittleEndian.AppendUint16(file, 1)  // plane
		file = binary.LittleEndian.AppendUint16(file, 32) // bits a pixel
		file = binary.LittleEndian.AppendUint32(file, uint32(len(picture)))
		file = binary.LittleEndian.AppendUint32(file, uint32(header+entry*len(icoSizes)+len(pictures)))
		pictures = append(pictures, picture...)
	}
	return append(file, pictures...)
}

// files returns every file that is made, by its name.
func files() map[string][]byte {
	made := map[string][]byte{}
	for name, drawing := range icons {
		made[name+".png"] = pngFile(pngSizes[name], drawing)
		made[name+".ico"] = icoFile(drawing)
	}
	return made
}

// sized returns the program's own icon in these sizes, by its file's name.
func sized(sizes []string) (map[string][]byte, error) {
	made := map[string][]byte{}
	for _, text := range sizes {
		size, err := strconv.Atoi(text)
		if err != nil || size < 1 || size > 4096 {
			return nil, fmt.Errorf("%s is no size", text)
		}
		made["bilipaste-"+text+".png"] = pngFile(size, icons["writing"])
	}
	return made, nil
}

func main() {
	made, err := files(), error(nil)
	if len(os.Args) > 2 {
		made, err = sized(os.Args[2:])
	}
	for name, data := range made {
		err = errors.Join(err, os.WriteFile(filepath.Join(os.Args[1], name), data, 0o644))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "icons:", err)
		os.Exit(1)
	}
}

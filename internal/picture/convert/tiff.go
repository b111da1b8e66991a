package convert

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"slices"

	"bilipaste/internal/picture/container"
)

// The kinds of a TIFF's colours and of its compressions.
const (
	whiteIsZero = 0
	blackIsZero = 1
	tiffRGB     = 2
	tiffPalette = 3
	tiffCMYK    = 5
	tiffYCbCr   = 6

	tiffPlain      = 1
	tiffG3         = 3
	tiffG4         = 4
	tiffLZW        = 5
	tiffOldJPEG    = 6
	tiffJPEG       = 7
	tiffDeflate    = 8
	tiffOldDeflate = 32946
	tiffPackBits   = 32773
)

var errTIFF = errors.New("it is no TIFF that can be read")

// tiffPage is the picture of a TIFF.
type tiffPage struct {
	container.Directory
	data                    []byte
	width, height           int
	depth, samples          int // bits a sample, samples a pixel
	colours                 int // samples that are colours; one more may be alpha
	photometric             uint32
	compression             uint32
	planar                  bool
	tileWidth, tileHeight   int // of a strip: as wide as the picture
	starts, sizes           []uint32
	hasAlpha, premultiplied bool
}

// mainPage returns the one page of a TIFF that is no thumbnail, or ErrPages.
func mainPage(data []byte) (container.Directory, error) {
	const thumbnail = 1
	var pages []container.Directory
	for d, err := range container.TIFF(data) {
		if err != nil {
			return d, err
		}
		if d.Uint(container.TIFFSubfile, 0)&thumbnail == 0 {
			pages = append(pages, d)
		}
	}
	switch len(pages) {
	case 0:
		return container.Directory{}, errTIFF
	case 1:
		return pages[0], nil
	}
	return pages[0], ErrPages
}

// decodeTIFF decodes the one page of a TIFF, row by row: nothing is kept beside
// the picture.
func decodeTIFF(ctx context.Context, data []byte, left *budget) (image.Image, facts, error) {
	d, err := mainPage(data)
	if err != nil {
		return nil, facts{}, err
	}
	t, err := newTIFFPage(d, data)
	if err != nil {
		return nil, facts{}, err
	}
	m, err := t.decode(ctx, left)
	return m, facts{orientation: d.Orientation(), profile: d.Bytes(container.TIFFProfile)}, err
}

// TIFFWhole checks, without decoding, that the pixels that a TIFF's main page
// points to are there.
func TIFFWhole(data []byte) error {
	d, err := mainPage(data)
	if err != nil && !errors.Is(err, ErrPages) {
		return err
	}
	t, err := newTIFFPage(d, data)
	if t == nil {
		return nil // what is wrong is said when it is converted
	}
	if err != nil {
		return err
	}
	plain := (t.tileWidth*t.samples*t.depth/t.planes() + 7) / 8 * min(t.tileHeight, t.height)
	for i := range t.across() * t.down() * t.planes() {
		end := int64(t.starts[i]) + int64(t.sizes[i])
		if end > int64(len(data)) || t.sizes[i] == 0 || i == 0 && t.compression == tiffPlain && int(t.sizes[i]) < plain {
			return container.ErrCut
		}
	}
	return nil
}

// newTIFFPage reads what a page says of itself.
func newTIFFPage(d container.Directory, data []byte) (*tiffPage, error) {
	t := &tiffPage{
		Directory: d, data: data,
		width: int(d.Uint(container.TIFFWidth, 0)), height: int(d.Uint(container.TIFFHeight, 0)),
		depth: int(d.Uint(container.TIFFBits, 1)), samples: int(d.Uint(container.TIFFSamples, 1)),
		photometric: d.Uint(container.TIFFPhotometric, 1<<16), compression: d.Uint(container.TIFFCompression, tiffPlain),
		planar: d.Uint(container.TIFFPlanar, 1) == 2,
	}
	const most = 1 << 20
	switch {
	case d.Lacks(container.TIFFBits, container.TIFFStrips, container.TIFFStripBytes, container.TIFFTiles, container.TIFFTileBytes, container.TIFFPalette):
		return t, container.ErrCut
	case t.width < 1 || t.height < 1 || t.width > most || t.height > most:
		return nil, errTIFF
	case t.samples < 1 || t.samples > 8:
		return nil, VariantError(fmt.Sprintf("it has %d samples a pixel", t.samples))
	}
	for _, b := range d.Uints(container.TIFFBits) {
		if int(b) != t.depth {
			return nil, VariantError("its samples have different sizes")
		}
	}
	const unsigned, undefined = 1, 4
	if f := d.Uint(container.TIFFSampleFormat, unsigned); f != unsigned && f != undefined {
		return nil, VariantError("its samples are not whole numbers")
	}
	switch t.photometric {
	case whiteIsZero, blackIsZero, tiffPalette:
		t.colours = 1
	case tiffRGB:
		t.colours = 3
	case tiffCMYK:
		return nil, VariantError(ErrColourSpace.Error())
	case tiffYCbCr:
		return nil, VariantError("its colours are coded as in a JPEG")
	default:
		return nil, VariantError(fmt.Sprintf("its colours are of kind %d", t.photometric))
	}
	switch {
	case t.samples < t.colours:
		return nil, errTIFF
	case t.photometric == tiffPalette && (t.depth > 8 || t.samples > 1):
		return nil, VariantError("its palette is of a rare kind")
	case !slices.Contains([]int{1, 2, 4, 8, 16}, t.depth):
		return nil, VariantError(fmt.Sprintf("it has %d bits a sample", t.depth))
	}
	// What kind the sample after the colours is may be left open: others take it for alpha.
	t.hasAlpha = t.samples > t.colours
	t.premultiplied = d.Uint(container.TIFFExtra, 0) == 1
	return t, t.tiles()
}

// tiles reads where the strips or tiles are.
func (t *tiffPage) tiles() error {
	t.tileWidth, t.tileHeight = t.width, min(t.height, int(t.Uint(container.TIFFRowsPerStrip, 1<<31)))
	t.starts, t.sizes = t.Uints(container.TIFFStrips), t.Uints(container.TIFFStripBytes)
	if w := t.Uint(container.TIFFTileWidth, 0); w > 0 {
		const most = 1 << 16
		t.tileWidth, t.tileHeight = int(min(w, most+1)), int(min(t.Uint(container.TIFFTileHeight, 0), most+1))
		if t.tileWidth > most || t.tileHeight > most {
			return errTIFF
		}
		if starts := t.Uints(container.TIFFTiles); starts != nil {
			t.starts, t.sizes = starts, t.Uints(container.TIFFTileBytes)
		}
	}
	if t.tileHeight < 1 {
		return errTIFF
	}
	if t.sizes == nil && t.compression == tiffPlain && len(t.starts) == 1 { // some old writers leave it out
		t.sizes = []uint32{uint32(min(int64(len(t.data)), 1<<32-1))}
	}
	if count := t.across() * t.down() * t.planes(); len(t.starts) < count || len(t.sizes) < count {
		return errTIFF
	}
	return nil
}

func (t *tiffPage) across() int { return (t.width + t.tileWidth - 1) / t.tileWidth }
func (t *tiffPage) down() int   { return (t.height + t.tileHeight - 1) / t.tileHeight }

// planes returns how many planes hold the samples.
func (t *tiffPage) planes() int {
	if t.planar {
		return t.samples
	}
	return 1
}

// decode returns the page's pixels.
func (t *tiffPage) decode(ctx context.Context, left *budget) (image.Image, error) {
	size := int64(t.width) * int64(t.height)
	wide := (t.depth + 7) / 8 // bytes a sample
	out := sink{step: wide, wide: wide, slots: [][]int{{0}}}
	if t.colours == 3 || t.hasAlpha {
		out.step = 4 * wide
		out.slots = [][]int{{0, 1, 2}}
		if t.colours == 3 {
			out.slots = [][]int{{0}, {1}, {2}}
		}
		if t.hasAlpha {
			out.slots = append(out.slots, []int{3})
		}
	}
	if err := left.take(size * int64(out.step)); err != nil {
		return nil, err
	}
	out.pix = make([]byte, size*int64(out.step))
	if out.step == 4*wide && !t.hasAlpha {
		for i := 3 * wide; i < len(out.pix); i += 4 * wide {
			out.pix[i], out.pix[i+wide-1] = 255, 255
		}
	}
	samples := t.samples
	if t.planar {
		samples = 1
	}
	row := make([]byte, (t.tileWidth*samples*t.depth+7)/8)
	for plane := range min(t.planes(), len(out.slots)) { // further samples are not shown
		for down := range t.down() {
			for across := range t.across() {
				if err := t.tile(ctx, out, row, plane, across, down); err != nil {
					return nil, err
				}
			}
		}
	}
	return t.image(out)
}

// sink takes samples: slots says for each of a pixel where in it they belong.
type sink struct {
	pix        []byte
	step, wide int // bytes a pixel, bytes a sample
	slots      [][]int
}

// image wraps the decoded samples.
func (t *tiffPage) image(out sink) (image.Image, error) {
	r := image.Rect(0, 0, t.width, t.height)
	stride := out.step * t.width
	switch {
	case t.photometric == tiffPalette:
		table, n := t.Uints(container.TIFFPalette), 1<<t.depth
		if len(table) < 3*n {
			return nil, errTIFF
		}
		shift := 8
		if slices.Max(table) < 256 { // some writers know of 8 bits only
			shift = 0
		}
		p := make(color.Palette, n)
		for i := range p {
			p[i] = color.NRGBA{byte(table[i] >> shift), byte(table[n+i] >> shift), byte(table[2*n+i] >> shift), 255}
		}
		return &image.Paletted{Pix: out.pix, Stride: stride, Rect: r, Palette: p}, nil
	case out.step == 1:
		return &image.Gray{Pix: out.pix, Stride: stride, Rect: r}, nil
	case out.step == 2:
		return &image.Gray16{Pix: out.pix, Stride: stride, Rect: r}, nil
	}
	if t.hasAlpha && !t.visible(out) {
		for i := 3 * out.wide; i < len(out.pix); i += out.step {
			out.pix[i], out.pix[i+out.wide-1] = 255, 255
		}
	}
	switch {
	case t.hasAlpha && !t.premultiplied && out.wide == 1:
		return &image.NRGBA{Pix: out.pix, Stride: stride, Rect: r}, nil
	case t.hasAlpha && !t.premultiplied:
		return &image.NRGBA64{Pix: out.pix, Stride: stride, Rect: r}, nil
	case out.wide == 1:
		return &image.RGBA{Pix: out.pix, Stride: stride, Rect: r}, nil
	}
	return &image.RGBA64{Pix: out.pix, Stride: stride, Rect: r}, nil
}

// visible tells whether any pixel is not wholly transparent, where the sample
// that is taken for alpha does not say that it is.
func (t *tiffPage) visible(out sink) bool {
	if t.Uint(container.TIFFExtra, 0) != 0 {
		return true
	}
	for i := 3 * out.wide; i < len(out.pix); i += out.step {
		if out.pix[i] != 0 || out.pix[i+out.wide-1] != 0 {
			return true
		}
	}
	return false
}

// tile decodes one strip or tile of a plane into out, by way of row.
func (t *tiffPage) tile(ctx context.Context, out sink, row []byte, plane, across, down int) error {
	index := (plane*t.down()+down)*t.across() + across
	start, size := uint64(t.starts[index]), uint64(t.sizes[index])
	if start >= uint64(len(t.data)) {
		return container.ErrCut
	}
	rows := min(t.tileHeight, t.height-down*t.tileHeight)
	r, err := t.unpacked(ctx, t.data[start:min(start+size, uint64(len(t.data)))], rows)
	if err != nil {
		return err
	}
	samples := t.samples
	if t.planar {
		samples = 1
	}
	columns := min(t.tileWidth, t.width-across*t.tileWidth)
	for y := range rows {
		if _, err := io.ReadFull(r, row); err != nil {
			if t.compression == tiffG3 && ctx.Err() == nil {
				return VariantError("its fax coding (G3) is of a rare kind")
			}
			return err
		}
		if err := t.unpredict(row, samples); err != nil {
			return err
		}
		at := ((down*t.tileHeight+y)*t.width + across*t.tileWidth) * out.step
		t.store(out, at, row, columns, samples, plane)
	}
	return nil
}

// store writes a row of pixels to out.
func (t *tiffPage) store(out sink, at int, row []byte, columns, samples, first int) {
	mask := byte(1<<t.depth - 1)
	for x := range columns {
		for s := range samples {
			if first+s >= len(out.slots) {
				break
			}
			isColour := first+s < t.colours
			i := x*samples + s
			var high, low byte
			switch t.depth {
			case 8:
				high = row[i]
			case 16:
				v := t.Order().Uint16(row[2*i:])
				high, low = byte(v>>8), byte(v)
			default:
				high = row[i*t.depth/8] >> (8 - t.depth - i*t.depth%8) & mask
				if t.photometric != tiffPalette {
					high *= 255 / mask
				}
			}
			if isColour && t.photometric == whiteIsZero {
				high, low = ^high, ^low
			}
			for _, slot := range out.slots[first+s] {
				to := at + x*out.step + slot*out.wide
				out.pix[to] = high
				if out.wide == 2 {
					out.pix[to+1] = low
				}
			}
		}
	}
}

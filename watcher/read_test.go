package watcher

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/png"
	"io"
	"maps"
	"slices"
	"testing"
	"unicode/utf16"

	"bilipaste/internal/picture/bmp"
)

// sheet is a clip as Windows's programs offer it: contents by format.
type sheet map[string][]byte

func (s sheet) formats(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(s)), nil
}

func (s sheet) read(_ context.Context, format string, limit int, _ io.Writer) ([]byte, error) {
	switch data := s[format]; {
	case data == nil:
		return nil, errRefused
	case len(data) > limit:
		return nil, errTooLarge
	default:
		return data, nil
	}
}

// wideText returns a text as Windows writes it.
func wideText(text string) (wide []byte) {
	for _, unit := range utf16.Encode([]rune(text + "\x00")) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	return wide
}

func TestWhatIsReadOfWindowsFormats(t *testing.T) {
	path := file(t, "截图.png", pictureOf(100, 1))
	text := wideText(path)
	files := append([]byte{20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, append(text, 0, 0)...)
	data := pictureOf(2000, 1)
	dib, _ := bmp.EncodeDIB(image.NewGray(image.Rect(0, 0, 5, 3)))
	wide := slices.Clone(dib)
	binary.LittleEndian.PutUint32(wide[4:], 1<<20)
	binary.LittleEndian.PutUint32(wide[8:], 1<<20)
	w := watch(&board{t: t}, pngs)
	for name, c := range map[string]struct {
		clip sheet
		why  Reason
	}{
		"a PNG":                     {sheet{"PNG": data, "CF_DIB": dib}, IsPicture},
		"a PNG that may be kept":    {sheet{"PNG": data, mayKeep: {1, 0, 0, 0}}, IsPicture},
		"one that may not":          {sheet{"PNG": data, mayKeep: {0, 0, 0, 0}}, IsSecret},
		"one that says nothing":     {sheet{"PNG": data, mayKeep: {}}, IsSecret},
		"one that nobody knows of":  {sheet{"PNG": data, mayKeep: nil}, NotReadable},
		"a bitmap":                  {sheet{"CF_DIB": dib, "CF_BITMAP": nil}, IsPicture},
		"a bitmap, cut off":         {sheet{"CF_DIB": dib[:50]}, NotReadable},
		"a PNG that is empty":       {sheet{"PNG": {}}, NotReadable},
		"an empty one, a bitmap":    {sheet{"PNG": {}, "CF_DIB": dib}, IsPicture},
		"one that is none, another": {sheet{"PNG": []byte("none"), "image/png": data}, IsPicture},
		"one that is none, a cut":   {sheet{"PNG": []byte("none"), "CF_DIBV5": dib[:50], "CF_DIB": dib}, IsPicture},
		"a bad one of Wine's":       {sheet{"CF_DIBV5": dib[:50], "CF_DIB": dib}, IsPicture},
		"a bitmap of nearly no end": {sheet{"CF_DIB": wide}, TooLarge},
		"one beside a text":         {sheet{"CF_DIB": dib, "CF_UNICODETEXT": {0, 0}, mayKeep: {0, 0, 0, 0}}, IsSecret},
		"cells":                     {sheet{"CF_DIB": dib, "CF_UNICODETEXT": wideText("1\t2")}, TextBeside},
		"a cell with a path":        {sheet{"CF_DIB": dib, "CF_UNICODETEXT": text, "HTML Format": []byte("<table>")}, TextBeside},
		"its own path beside it":    {sheet{"CF_DIB": dib, "CF_UNICODETEXT": text}, IsPicture},
		"an empty text beside it":   {sheet{"CF_DIB": dib, "CF_UNICODETEXT": {0, 0}, "CF_TEXT": {0}}, IsPicture},
		"files":                     {sheet{"CF_HDROP": files, "CF_DIB": dib}, IsFiles},
		"files to copy":             {sheet{"CF_HDROP": files, dropEffect: {5, 0, 0, 0}}, IsFiles},
		"files to move":             {sheet{"CF_HDROP": files, dropEffect: {2, 0, 0, 0}}, IsCut},
		"files that may not":        {sheet{"CF_HDROP": files, mayKeep: {0, 0, 0, 0}}, IsSecret},
		"a path":                    {sheet{"CF_UNICODETEXT": text}, IsPath},
	} {
		clip := w.clipOf(t.Context(), c.clip)
		if clip.Why != c.why {
			t.Errorf("%s: %q, want %q", name, clip.Why, c.why)
			continue
		}
		switch clip.Take {
		case Files:
			if !slices.Equal(clip.Files, []string{path}) {
				t.Errorf("%s: %q", name, clip.Files)
			}
		case Picture:
			asItIs := isPNG(c.clip["PNG"]) || c.clip["image/png"] != nil
			if clip.Type != "image/png" || asItIs && !bytes.Equal(clip.Data, data) {
				t.Errorf("%s: %d bytes as %q", name, len(clip.Data), clip.Type)
			}
			if !asItIs {
				m, err := png.Decode(bytes.NewReader(clip.Data))
				if err != nil || m.Bounds() != image.Rect(0, 0, 5, 3) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestATextBesideAPicture(t *testing.T) {
	const address = "https://example.org/img?id=1&size=2"
	markup := []byte(`<meta charset=utf-8><img src="https://example.org/img?id=1&amp;size=2" alt="x">`)
	data := pictureOf(2000, 1)
	w := watch(&board{t: t}, pngs)
	for name, c := range map[string]struct {
		clip sheet
		why  Reason
	}{
		"a text":                        {sheet{"UTF8_STRING": []byte("hello")}, TextBeside},
		"blank cells":                   {sheet{"UTF8_STRING": []byte("\n")}, TextBeside},
		"an empty one":                  {sheet{"UTF8_STRING": {}}, IsPicture},
		"an empty one, and another":     {sheet{"UTF8_STRING": {}, "STRING": []byte("hello")}, TextBeside},
		"one that is refused":           {sheet{"UTF8_STRING": nil}, IsPicture},
		"a long one":                    {sheet{"UTF8_STRING": bytes.Repeat([]byte("x"), maxPath+1)}, TextBeside},
		"its address":                   {sheet{"UTF8_STRING": []byte("https://example.org/a.PNG?x=1\n")}, IsPicture},
		"its address, by the markup":    {sheet{"UTF8_STRING": []byte(address), "text/html": markup}, IsPicture},
		"an address, of another":        {sheet{"UTF8_STRING": []byte("https://example.org/a.png"), "text/html": markup}, TextBeside},
		"a cell with an address":        {sheet{"UTF8_STRING": []byte("https://example.org/a.png"), "text/html": []byte("<table><td>https://example.org/a.png")}, TextBeside},
		"a page's address":              {sheet{"UTF8_STRING": []byte("https://example.org/page")}, TextBeside},
		"two addresses":                 {sheet{"UTF8_STRING": []byte("https://example.org/a.png\nhttps://example.org/b.png")}, TextBeside},
		"an address, with a list of it": {sheet{"UTF8_STRING": []byte("https://example.org/a.png"), uriList: []byte("https://example.org/a.png")}, IsPicture},
	} {
		c.clip["image/png"] = data
		clip := w.clipOf(t.Context(), c.clip)
		if clip.Why != c.why || (clip.Data != nil) != (c.why == IsPicture) {
			t.Errorf("%s: %q with %d bytes, want %q", name, clip.Why, len(clip.Data), c.why)
		}
	}
}

// early is a clip whose content is asked for after the picture was announced.
type early struct {
	sheet
	t    *testing.T
	told *int
}

func (e early) read(ctx context.Context, format string, limit int, _ io.Writer) ([]byte, error) {
	if format == "PNG" && *e.told != 1 {
		e.t.Errorf("told %d times before it is read", *e.told)
	}
	return e.sheet.read(ctx, format, limit, nil)
}

func TestAPictureIsAnnouncedBeforeItIsRead(t *testing.T) {
	told := 0
	options := pngs
	options.Coming = func() { told++ }
	w := watch(&board{t: t}, options)
	if clip := w.clipOf(t.Context(), early{sheet{"PNG": pictureOf(2000, 1)}, t, &told}); clip.Why != IsPicture || told != 1 {
		t.Errorf("%s, told %d times", clip.Why, told)
	}
	if w.clipOf(t.Context(), sheet{"CF_UNICODETEXT": wideText("words")}); told != 1 {
		t.Error("a text was announced")
	}
	if w.clipOf(t.Context(), sheet{"PNG": pictureOf(2000, 1), mayKeep: {0, 0, 0, 0}}); told != 1 {
		t.Error("a secret was announced")
	}
}

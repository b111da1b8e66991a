package qr_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/qr"
)

// address is as long as a login's.
var address = "https://account.bilibili.com/h5/account-h5/auth/scan-web?navhide=1&callback=close&qrcode_key=" +
	strings.Repeat("0f", 16) + "&from="

// read decodes the picture of a code with a program that is not ours.
func read(t *testing.T, data []byte) string {
	t.Helper()
	desktoptest.Need(t, "zbarimg")
	file := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("zbarimg", "-q", "--raw", "--nodbus", file)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("it cannot be read: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func TestAPictureHoldsTheText(t *testing.T) {
	var b bytes.Buffer
	if err := qr.PNG(&b, address); err != nil {
		t.Fatal(err)
	}
	if got := read(t, b.Bytes()); got != address {
		t.Errorf("%q", got)
	}
}

// screen draws what a terminal of this background shows: 8 by 16 pixels a character.
func screen(t *testing.T, text string, background color.Gray) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 80*8, 24*16))
	for i := range m.Pix {
		m.Pix[i] = background.Y
	}
	for row, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		column := 0
		on := background.Y
		for line != "" {
			if code, rest, ok := strings.Cut(line, "m"); ok && strings.HasPrefix(line, "\x1b[") {
				switch code {
				case "\x1b[38;5;16;48;5;231":
					on = 255
				case "\x1b[38;5;16;48;5;16":
					on = 0
				case "\x1b[0":
					on = background.Y
				default:
					t.Fatalf("unknown: %q", code)
				}
				line = rest
				continue
			}
			r := []rune(line)[0]
			line = line[len(string(r)):]
			for y := range 16 {
				black := r == '▀' && y < 8 || r == '▄' && y >= 8
				for x := range 8 {
					value := on
					if black {
						value = 0
					}
					m.SetGray(column*8+x, row*16+y, color.Gray{Y: value})
				}
			}
			column++
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestATerminalShowsTheTextOnDarkAndOnLight(t *testing.T) {
	text, err := qr.Terminal(address)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > 23 { // one is left for words
		t.Errorf("%d lines", len(lines))
	}
	for _, background := range []uint8{0, 255, 128} {
		if got := read(t, screen(t, text, color.Gray{Y: background})); got != address {
			t.Errorf("on %d: %q", background, got)
		}
	}
}

func TestWhatIsTooLong(t *testing.T) {
	if _, err := qr.Terminal(strings.Repeat("x", 4000)); err == nil {
		t.Error("no error")
	}
	if err := qr.PNG(&bytes.Buffer{}, strings.Repeat("x", 4000)); err == nil {
		t.Error("no error")
	}
}

// The drawing has the modules of the picture: it is drawn and read.
func TestADrawingCanBeRead(t *testing.T) {
	var svg bytes.Buffer
	if err := qr.SVG(&svg, address); err != nil {
		t.Fatal(err)
	}
	var side, height int
	if _, err := fmt.Sscanf(svg.String(), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d"`, &side, &height); err != nil || side != height {
		t.Fatalf("%d by %d: %v", side, height, err)
	}
	const scale = 6
	m := image.NewPaletted(image.Rect(0, 0, side*scale, side*scale), color.Palette{color.White, color.Black})
	_, path, _ := strings.Cut(svg.String(), `z"/><path d="`)
	for _, run := range strings.Split(path, "z") {
		var x, y, w int
		if _, err := fmt.Sscanf(run, "M%d %dh%dv1", &x, &y, &w); err != nil {
			continue // the end
		}
		for dy := range scale {
			for dx := range w * scale {
				m.SetColorIndex(x*scale+dx, y*scale+dy, 1)
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	if got := read(t, out.Bytes()); got != address {
		t.Errorf("it says %q", got)
	}
	if err := qr.SVG(&svg, strings.Repeat("x", 5000)); err == nil {
		t.Error("a text that fits no code is drawn")
	}
}

package watcher

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const pngHead = "\x89PNG\r\n\x1a\n"

func isPNG(head []byte) bool { return bytes.HasPrefix(head, []byte(pngHead)) }

// What real programs offer, measured on X11, shortened where more of the same
// follows; and what others may.
var offered = []struct {
	program string
	formats string // separated by blanks
	why     Reason
	format  string // what is to be read
}{
	{"Chromium, copy image", "text/x-moz-url chromium/x-internal-source-rfh-token chromium/x-source-url image/png text/html", IsPicture, "image/png"},
	{"Chromium, page", "UTF8_STRING STRING TEXT text/plain text/plain;charset=utf-8 chromium/x-source-url text/html", IsPath, "UTF8_STRING"},
	{"Chromium, script, picture", "chromium/x-internal-source-rfh-token chromium/x-source-url image/png", IsPicture, "image/png"},
	{"Chromium, script, all three", "UTF8_STRING STRING TEXT text/plain text/plain;charset=utf-8 image/png text/html", TextBeside, ""},
	{"Calc, cells", `application/x-openoffice-embed-source-xml;windows_formatname="Star" application/x-openoffice-emf;windows_formatname="EMF" image/png application/x-openoffice-bitmap;windows_formatname="Bitmap" image/bmp text/html text/plain;charset=utf-16 application/x-libreoffice-tsvc text/rtf text/richtext text/plain;charset=utf-8 UTF8_STRING STRING`, TextBeside, ""},
	{"Calc, picture", `application/x-openoffice-svxb;windows_formatname="SVXB" image/png application/x-openoffice-bitmap;windows_formatname="Bitmap" image/bmp application/x-libreoffice-internal-id-24072`, IsPicture, "image/png"},
	{"Writer, text", "text/rtf text/richtext text/html text/plain;charset=utf-16 text/plain;charset=utf-8 UTF8_STRING STRING", IsPath, "UTF8_STRING"},
	{"xclip", "image/png", IsPicture, "image/png"},
	{"gnome-screenshot", "image/png image/jpeg image/bmp image/x-bmp image/x-MS-bmp image/x-icon image/x-win-bitmap application/ico image/ico text/ico image/tiff image/webp audio/x-riff", IsPicture, "image/png"},
	{"flameshot", "application/x-qt-image image/png image/bmp image/cur image/jpeg image/jpg image/pbm BITMAP image/pgm PIXMAP image/xpm", IsPicture, "image/png"},
	{"xfsettingsd, its copy", "audio/x-riff image/webp image/tiff image/x-MS-bmp image/x-bmp image/bmp image/jpeg image/png", IsPicture, "image/png"},
	{"GIMP", "image/png image/bmp image/x-icon text/ico image/tiff image/webp audio/x-riff image/jpeg", IsPicture, "image/png"},
	{"CopyQ, its own", "application/x-copyq-owner", NoPicture, ""},
	{"Thunar", "text/uri-list x-special/gnome-copied-files UTF8_STRING", IsFiles, uriList},
	{"PCManFM", "text/uri-list x-special/gnome-copied-files application/x-kde-cutselection", IsFiles, uriList},
	{"Nautilus", "x-special/gnome-copied-files text/uri-list UTF8_STRING COMPOUND_TEXT TEXT STRING text/plain;charset=utf-8", IsFiles, uriList},
	{"Dolphin", "text/uri-list text/x-moz-url text/plain application/x-kde4-urilist application/x-kde-cutselection", IsFiles, uriList},
	{"a viewer, file and picture", "image/png image/jpeg text/uri-list", IsFiles, uriList},
	{"a file manager's own list alone", "x-special/mate-copied-files UTF8_STRING", IsFiles, "x-special/mate-copied-files"},

	{"KeePassXC", "text/plain;charset=utf-8 UTF8_STRING x-kde-passwordManagerHint", IsSecret, ""},
	{"a secret picture", "image/png x-kde-passwordManagerHint", IsSecret, ""},
	{"macOS, secret", "public.utf8-plain-text org.nspasteboard.ConcealedType", IsSecret, ""},
	{"macOS, passing", "image/png org.nspasteboard.TransientType", IsSecret, ""},
	{"Windows, secret", "CF_UNICODETEXT ExcludeClipboardContentFromMonitorProcessing", IsSecret, ""},
	{"Windows, cells", "CF_UNICODETEXT CF_TEXT image/png", TextBeside, ""},
	{"macOS, cells", "public.utf8-plain-text image/tiff", TextBeside, ""},

	{"jpeg before webp", "image/webp image/jpeg image/gif", IsPicture, "image/jpeg"},
	{"webp before gif", "image/tiff image/gif image/webp", IsPicture, "image/webp"},
	{"gif before bmp", "image/bmp image/gif", IsPicture, "image/gif"},
	{"bmp before tiff", "image/tiff image/x-MS-bmp", IsPicture, "image/x-MS-bmp"},
	{"old name, upper case", "IMAGE/JPG", IsPicture, "IMAGE/JPG"},
	{"with a parameter", "image/png;quality=1", IsPicture, "image/png;quality=1"},
	{"vector, with its picture", "image/svg+xml image/png", IsPicture, "image/png"},
	{"vector alone", "image/svg+xml", NoPicture, ""},
	{"icon alone", "image/x-icon text/ico", NoPicture, ""},
	{"vector and text", "image/svg+xml UTF8_STRING", TextBeside, ""},
	{"markup alone", "text/html text/x-moz-url", NoPicture, ""},
	{"sound", "audio/x-riff", NoPicture, ""},
	{"only another encoding", "text/plain;charset=iso-8859-1", IsPath, "text/plain;charset=iso-8859-1"},
	{"text by an old toolkit", "COMPOUND_TEXT image/png", TextBeside, ""},
	{"nothing", "", IsEmpty, ""},
}

func TestDecide(t *testing.T) {
	for _, o := range offered {
		p := decide(strings.Fields(o.formats))
		if p.why != o.why || p.format != o.format {
			t.Errorf("%s: %q, read %q; want %q, read %q", o.program, p.why, p.format, o.why, o.format)
		}
	}
}

func TestIsCut(t *testing.T) {
	for _, c := range []struct {
		mark, content string
		want          bool
	}{
		{"x-special/gnome-copied-files", "cut\nfile:///a.png", true},
		{"x-special/gnome-copied-files", "copy\nfile:///cut", false},
		{"x-special/gnome-copied-files", "cut\r\nfile:///a.png\r\n", true},
		{"x-special/gnome-copied-files", "cut\x00", true},
		{"x-special/gnome-copied-files", "cutlery\nfile:///a.png", false},
		{"x-special/gnome-copied-files", "", false},
		{kdeCut, "1", true},
		{kdeCut, "1\x00", true},
		{kdeCut, "0", false},
		{kdeCut, "", false},
	} {
		if got := isCut(c.mark, []byte(c.content)); got != c.want {
			t.Errorf("%s %q: %v", c.mark, c.content, got)
		}
	}
}

func TestFileList(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		list      string
		paths     []string
		elsewhere int
	}{
		{"file:///a.png\r\nfile:///b.png\r\n", []string{"/a.png", "/b.png"}, 0},
		{"file:///a.png\r\nfile:///b.png\x00", []string{"/a.png", "/b.png"}, 0}, // PCManFM
		{"copy\nfile:///a.png\nfile:///b.png", []string{"/a.png", "/b.png"}, 0},
		{"file:///a.png\ncopy\n", []string{"/a.png"}, 1},
		{"# a comment\r\nfile:///a.png\r\n\r\n", []string{"/a.png"}, 0},
		{"file:///%E6%88%AA%E5%9B%BE%20a.png", []string{"/截图 a.png"}, 0},
		{"file:///截图.png", []string{"/截图.png"}, 0},
		{"file:///a%23b%3F.png\nfile:///c#d?.png", []string{"/a#b?.png", "/c#d?.png"}, 0},
		{"file://localhost/a.png\nfile:/b.png\nFILE:///c.png", []string{"/a.png", "/b.png", "/c.png"}, 0},
		{"file://" + host + "/a.png", []string{"/a.png"}, 0},
		{"file://elsewhere.example/a.png", nil, 1},
		{"https://example.org/a.png\nsftp://host/b.png", nil, 2},
		{"file:///a%zz.png\nfile:///a%00.png\nfile:a.png\nfile://\nfile://host", nil, 5},
		{"", nil, 0},
		{"\x00\x00", nil, 0},
	} {
		paths, elsewhere := fileList([]byte(c.list))
		if !slices.Equal(paths, c.paths) || elsewhere != c.elsewhere {
			t.Errorf("%q: %q and %d elsewhere, want %q and %d", c.list, paths, elsewhere, c.paths, c.elsewhere)
		}
	}
}

func TestPathOf(t *testing.T) {
	for text, want := range map[string]string{
		"/a/b.png":                 "/a/b.png",
		" /a/b c.png \r\n":         "/a/b c.png",
		"\x00":                     "",
		"/a/../b.png":              "/b.png",
		"file:///a%20b.png":        "/a b.png",
		"/a.png\n/b.png":           "",
		"a.png":                    "",
		"see /a.png":               "",
		"https://example.org/a":    "",
		"![](file:///a.png)":       "",
		"":                         "",
		"file://elsewhere/a.png\n": "",
	} {
		if got, ok := pathOf([]byte(text)); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestOnlyARegularPictureFileIsOne(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{"a.png": pngHead, "link target": pngHead + strings.Repeat("x", 2000), "b.png": "text", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("link target", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"a.png": true, "link": true, "b.png": false, "empty": false, "missing": false, ".": false} {
		if got := isPictureFile(filepath.Join(dir, name), isPNG); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzFileList(f *testing.F) {
	f.Add([]byte("copy\nfile:///a%20b.png\r\n# c\r\nfile://localhost/b\x00"))
	f.Add([]byte("file:///%00\nhttps://h/a"))
	f.Fuzz(func(t *testing.T, list []byte) {
		paths, elsewhere := fileList(list)
		if lines := bytes.Count(list, []byte("\n")) + bytes.Count(list, []byte("\r")) + 1; len(paths)+elsewhere > lines {
			t.Errorf("%d paths and %d others of %d lines", len(paths), elsewhere, lines)
		}
		for _, p := range paths {
			if !filepath.IsAbs(p) || strings.ContainsRune(p, 0) || p != filepath.Clean(p) {
				t.Errorf("%q is no clean absolute path", p)
			}
		}
		if p, ok := pathOf(list); ok && !filepath.IsAbs(p) {
			t.Errorf("%q is no absolute path", p)
		}
	})
}

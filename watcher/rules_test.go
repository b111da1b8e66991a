package watcher

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

const pngHead = "\x89PNG\r\n\x1a\n"

func isPNG(head []byte) bool { return bytes.HasPrefix(head, []byte(pngHead)) }

// pngs are the options of a test.
var pngs = Options{IsPicture: isPNG, TextPaths: func() bool { return true }}

// pictureOf returns size bytes that begin like a PNG and are the same for a seed.
func pictureOf(size int, seed byte) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data)
	copy(data, pngHead)
	return data
}

// file makes a file that is not new, and returns its path.
func file(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	then := time.Now().Add(-time.Minute)
	if err := errors.Join(os.WriteFile(path, data, 0o600), os.Chtimes(path, then, then)); err != nil {
		t.Fatal(err)
	}
	return path
}

// What real programs offer, measured on X11, shortened where more of the same
// follows; and what others may.
var offered = []struct {
	program string
	formats string // separated by blanks; | stands for one
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
	{"Explorer", "Shell|IDList|Array CF_HDROP FileName FileNameW Preferred|DropEffect", IsFiles, dropList},
	{"Paint", "CF_BITMAP CF_DIB CF_DIBV5", IsPicture, "CF_DIB"}, // of which Windows has made the last
	{"Windows, one with transparency", "CF_DIBV5 CF_BITMAP CF_DIB", IsPicture, "CF_DIBV5"},
	{"Windows, one of 24 bits", "CF_DIB CF_BITMAP", IsPicture, "CF_DIB"},
	{"Chrome, copy image", "PNG HTML|Format CF_DIBV5 CF_BITMAP CF_DIB", IsPicture, "PNG"},
	{"Excel", "CF_ENHMETAFILE CF_METAFILEPICT CF_BITMAP HTML|Format CF_UNICODETEXT CF_TEXT Rich|Text|Format CF_DIB CF_DIBV5", TextBeside, ""},
	{"Windows, PNG and text", "PNG CF_UNICODETEXT CF_LOCALE", TextBeside, ""},
	{"Windows, a picture not to be watched", "CF_DIB Clipboard|Viewer|Ignore", IsSecret, ""},
	{"Windows, text", "CF_UNICODETEXT CF_LOCALE CF_TEXT CF_OEMTEXT", IsPath, "CF_UNICODETEXT"},
	{"Windows, drawing", "CF_ENHMETAFILE CF_METAFILEPICT", NoPicture, ""},
	{"macOS, cells", "public.utf8-plain-text image/tiff", TextBeside, ""},

	{"jpeg before webp", "image/webp image/jpeg image/gif", IsPicture, "image/jpeg"},
	{"webp before gif", "image/tiff image/gif image/webp", IsPicture, "image/webp"},
	{"gif before bmp", "image/bmp image/gif", IsPicture, "image/gif"},
	{"bmp before tiff", "image/tiff image/x-MS-bmp", IsPicture, "image/x-MS-bmp"},
	{"old name, upper case", "IMAGE/JPG", IsPicture, "IMAGE/JPG"},
	{"with a parameter", "image/png;quality=1", IsPicture, "image/png;quality=1"},
	{"vector, with its picture", "image/svg+xml image/png", IsPicture, "image/png"},
	{"vector alone", "image/svg+xml", IsPicture, "image/svg+xml"}, // to be refused by name
	{"icon alone", "image/x-icon text/ico", IsPicture, "image/x-icon"},
	{"kinds that no host takes", "image/x-unheard-of image/jxl", IsPicture, "image/jxl"},
	{"vector and text", "image/svg+xml UTF8_STRING", TextBeside, ""},
	{"markup alone", "text/html text/x-moz-url", NoPicture, ""},
	{"sound", "audio/x-riff", NoPicture, ""},
	{"only another encoding", "text/plain;charset=iso-8859-1", IsPath, "text/plain;charset=iso-8859-1"},
	{"text by an old toolkit", "COMPOUND_TEXT image/png", TextBeside, ""},
	{"a JPEG on Windows", "CF_DIB JFIF CF_DIBV5", IsPicture, "JFIF"},
	{"nothing", "", IsEmpty, ""},
}

func TestDecide(t *testing.T) {
	for _, o := range offered {
		formats := strings.Fields(o.formats)
		for i := range formats {
			formats[i] = strings.ReplaceAll(formats[i], "|", " ")
		}
		p := decide(formats)
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
		{"UTF8_STRING", "x-special/nautilus-clipboard\ncut\nfile:///a.png\n", true}, // GNOME Files 3.30 to 3.38
		{"UTF8_STRING", "x-special/nautilus-clipboard\ncopy\nfile:///cut\n", false},
		{"text/plain;charset=utf-8", "x-special/nautilus-clipboard\r\ncut\r\nfile:///a.png", true},
		{"text/plain;charset=utf-16", "\xff\xfec\x00u\x00t\x00\n\x00f\x00", true},
		{"UTF8_STRING", "/home/a/cut", false},
		{"UTF8_STRING", "cut.png", false},
		{dropEffect, "\x02\x00\x00\x00", true},
		{dropEffect, "\x05\x00\x00\x00", false},
		{dropEffect, "\x03\x00\x00\x00", false}, // may be moved or copied
		{dropEffect, "\x02", false},
	} {
		if got := isCut(c.mark, []byte(c.content)); got != c.want {
			t.Errorf("%s %q: %v", c.mark, c.content, got)
		}
	}
}

// inURI returns text with the root of this system for each ~, as in a file: URI.
func inURI(text string) string {
	root := ""
	if runtime.GOOS == "windows" {
		root = "/C:"
	}
	return strings.ReplaceAll(text, "~", root)
}

// onDisk returns paths as this system writes them, with its root for the ~.
func onDisk(paths ...string) []string {
	var all []string
	for _, path := range paths {
		all = append(all, filepath.FromSlash(strings.TrimPrefix(inURI(path), "/C:")))
		if runtime.GOOS == "windows" {
			all[len(all)-1] = "C:" + all[len(all)-1]
		}
	}
	return all
}

func pathsOf(files []address) (paths []string) {
	for _, f := range files {
		paths = append(paths, f.path)
	}
	return paths
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
		{"file://~/a.png\r\nfile://~/b.png\r\n", []string{"~/a.png", "~/b.png"}, 0},
		{"file://~/a.png\r\nfile://~/b.png\x00", []string{"~/a.png", "~/b.png"}, 0}, // PCManFM
		{"copy\nfile://~/a.png\nfile://~/b.png", []string{"~/a.png", "~/b.png"}, 0},
		{"file://~/a.png\ncopy\n", []string{"~/a.png"}, 1},
		{"# a comment\r\nfile://~/a.png\r\n\r\n", []string{"~/a.png"}, 0},
		{"file://~/%E6%88%AA%E5%9B%BE%20a.png", []string{"~/截图 a.png"}, 0},
		{"file://~/截图.png", []string{"~/截图.png"}, 0},
		{"file://~/a%23b%3F.png\nfile://~/c#d?.png", []string{"~/a#b?.png", "~/c#d?.png"}, 0},
		{"file://localhost~/a.png\nfile:~/b.png\nFILE://~/c.png", []string{"~/a.png", "~/b.png", "~/c.png"}, 0},
		{"file://" + host + "~/a.png", []string{"~/a.png"}, 0},
		{"file://elsewhere.example/a.png", nil, 1},
		{"https://example.org/a.png\nsftp://host/b.png", nil, 2},
		{"file://~/100%.png\nfile://~/a%zz b.png", []string{"~/100%.png", "~/a%zz b.png"}, 0}, // not escaped
		{"file://~/a%00.png\nfile:a.png\nfile://\nfile://host", nil, 4},
		{"", nil, 0},
		{"\x00\x00", nil, 0},
	} {
		list, want := inURI(c.list), onDisk(c.paths...)
		files, elsewhere := fileList([]byte(list))
		if got := pathsOf(files); !slices.Equal(got, want) || elsewhere != c.elsewhere {
			t.Errorf("%q: %q and %d elsewhere, want %q and %d", list, got, elsewhere, want, c.elsewhere)
		}
	}
}

func TestPathOf(t *testing.T) {
	a, b := onDisk("~/a/b.png")[0], onDisk("~/a b.png")[0]
	for text, want := range map[string]string{
		a:                            a,
		" " + b + " \r\n":            b,
		`"` + b + `"`:                b,
		"\x00":                       "",
		onDisk("~/a/../a/b.png")[0]:  a,
		inURI("file://~/a%20b.png"):  b,
		a + "\n" + b:                 "",
		"a.png":                      "",
		"see " + a:                   "",
		"https://example.org/a":      "",
		inURI("![](file://~/a.png)"): "",
		"":                           "",
		`"`:                          "",
		`"` + a:                      "",
		`""`:                         "",
		"file://elsewhere/a.png\n":   "",
	} {
		if got, ok := pathOf(text); ok && got.path != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestDroppedFiles(t *testing.T) {
	a, b := onDisk("~/截图/a b.png")[0], onDisk("~/" + strings.Repeat("long", 80) + "😀.png")[0]
	list := func(offset int, wide bool, text string) []byte {
		head := make([]byte, offset)
		binary.LittleEndian.PutUint32(head, uint32(offset))
		if !wide {
			return append(head, text...)
		}
		head[16] = 1
		for _, unit := range utf16.Encode([]rune(text)) {
			head = binary.LittleEndian.AppendUint16(head, unit)
		}
		return head
	}
	for name, c := range map[string]struct {
		content   []byte
		paths     []string
		elsewhere int
	}{
		"two":              {list(20, true, a+"\x00"+b+"\x00\x00"), []string{a, b}, 0},
		"what follows":     {list(20, true, a+"\x00\x00"+b+"\x00"), []string{a}, 0},
		"no end":           {list(20, true, a), []string{a}, 0},
		"a longer header":  {list(40, true, a+"\x00\x00"), []string{a}, 0},
		"narrow":           {list(20, false, onDisk("~/a.png")[0]+"\x00\x00"), onDisk("~/a.png"), 0},
		"narrow, encoded":  {list(20, false, onDisk("~/\xbd\xd8.png")[0]+"\x00\x00"), nil, 1},
		"relative":         {list(20, true, "a.png\x00"+a+"\x00\x00"), []string{a}, 1},
		"none":             {list(20, true, "\x00\x00"), nil, 0},
		"header only":      {list(20, true, ""), nil, 0},
		"cut off":          {make([]byte, 19), nil, 0},
		"nothing":          {nil, nil, 0},
		"beyond the block": {append([]byte{255, 255, 255, 255}, make([]byte, 40)...), nil, 0},
	} {
		files, elsewhere := droppedFiles(c.content)
		if got := pathsOf(files); !slices.Equal(got, c.paths) || elsewhere != c.elsewhere {
			t.Errorf("%s: %q and %d elsewhere, want %q and %d", name, got, elsewhere, c.paths, c.elsewhere)
		}
	}
}

func FuzzFileList(f *testing.F) {
	f.Add([]byte("copy\nfile:///a%20b.png\r\n# c\r\nfile://localhost/b\x00"))
	f.Add([]byte("file:///%00\nhttps://h/a"))
	f.Add(append([]byte{20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, "/\x00a\x00\x00\x00"...))
	f.Fuzz(func(t *testing.T, list []byte) {
		files, elsewhere := fileList(list)
		if lines := bytes.Count(list, []byte("\n")) + bytes.Count(list, []byte("\r")) + 1; len(files)+elsewhere > lines {
			t.Errorf("%d files and %d others of %d lines", len(files), elsewhere, lines)
		}
		dropped, _ := droppedFiles(list)
		files = append(files, dropped...)
		if f, ok := pathOf(string(list)); ok {
			files = append(files, f)
		}
		for _, f := range files {
			for _, p := range []string{f.path, f.raw} {
				if p != "" && (!filepath.IsAbs(p) || strings.ContainsRune(p, 0) || p != filepath.Clean(p)) {
					t.Errorf("%q is no clean absolute path", p)
				}
			}
		}
	})
}

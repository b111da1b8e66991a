package watcher

import (
	"encoding/binary"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// filesIn returns the paths of the local files in a content, in order, and how
// many of its addresses lead elsewhere.
func filesIn(format string, content []byte) (paths []string, elsewhere int) {
	if format == dropList {
		return droppedFiles(content)
	}
	return fileList(content)
}

// Where things are in Windows's list of files (a DROPFILES).
const (
	dropWide   = 16 // whether the paths are in UTF-16
	dropHeader = 20 // the size of what comes before the paths
)

// droppedFiles parses Windows's list of files: absolute paths with a zero after
// each. Those of old programs in another encoding than ASCII are not understood.
func droppedFiles(content []byte) (paths []string, elsewhere int) {
	if len(content) < dropHeader {
		return nil, 0
	}
	list := content[min(uint64(binary.LittleEndian.Uint32(content)), uint64(len(content))):]
	text := string(list)
	if binary.LittleEndian.Uint32(content[dropWide:]) != 0 {
		text = fromWide(list)
	}
	for path := range strings.SplitSeq(text, "\x00") {
		switch {
		case path == "":
			return paths, elsewhere
		case filepath.IsAbs(path) && utf8.ValidString(path):
			paths = append(paths, filepath.Clean(path))
		default:
			elsewhere++
		}
	}
	return paths, elsewhere
}

// plainText returns a content in a format of plain text.
func plainText(format string, content []byte) string {
	if format == "CF_UNICODETEXT" {
		return fromWide(content)
	}
	return string(content)
}

// fromWide returns a text that is in UTF-16, as on Windows.
func fromWide(content []byte) string {
	units := make([]uint16, len(content)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(content[2*i:])
	}
	return string(utf16.Decode(units))
}

// fileList parses a text/uri-list, or a file manager's list that starts with a
// line "copy" or "cut". It returns the paths of local files, in order, and
// how many of the addresses lead elsewhere.
func fileList(content []byte) (paths []string, elsewhere int) {
	list := strings.TrimRight(string(content), "\x00")
	for i, line := range strings.FieldsFunc(list, func(r rune) bool { return r == '\r' || r == '\n' }) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case i == 0 && (line == "copy" || line == "cut"):
		default:
			if path, ok := localPath(line); ok {
				paths = append(paths, path)
			} else {
				elsewhere++
			}
		}
	}
	return paths, elsewhere
}

// pathOf returns the one path that text consists of, as a path, in quotes (as
// Windows copies one) or not, or a file: URI.
func pathOf(text string) (path string, ok bool) {
	s := strings.TrimSpace(strings.TrimRight(text, "\x00"))
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if s == "" || strings.ContainsAny(s, "\x00\r\n") {
		return "", false
	}
	if filepath.IsAbs(s) {
		return filepath.Clean(s), true
	}
	return localPath(s)
}

// localPath returns the absolute path of a file: URI of this machine.
func localPath(uri string) (path string, ok bool) {
	const scheme = "file:"
	if len(uri) < len(scheme) || !strings.EqualFold(uri[:len(scheme)], scheme) {
		return "", false
	}
	rest := uri[len(scheme):]
	if host, isURL := strings.CutPrefix(rest, "//"); isURL {
		slash := strings.IndexByte(host, '/')
		if slash < 0 || !isHere(host[:slash]) {
			return "", false
		}
		rest = host[slash:]
	}
	// A name may hold a bare # or ?, which a strict parser would cut off.
	path, err := url.PathUnescape(rest)
	if err != nil || strings.ContainsRune(path, 0) {
		return "", false
	}
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/") // of /C:/a.png
	}
	path = filepath.FromSlash(path)
	return filepath.Clean(path), filepath.IsAbs(path)
}

// isHere reports whether the host of a file: URI is this machine.
func isHere(host string) bool {
	if host == "" || strings.EqualFold(host, "localhost") {
		return true
	}
	name, err := os.Hostname()
	return err == nil && strings.EqualFold(host, name)
}

// headSize is how many of its first bytes tell whether something is a picture.
const headSize = 512

// isPictureFile reports whether path is a regular file that isPicture takes
// for a picture by its first bytes.
func isPictureFile(path string, isPicture func(head []byte) bool) bool {
	// Opening a pipe would block: look first.
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	return (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) && isPicture(head[:n])
}

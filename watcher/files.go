package watcher

import (
	"encoding/binary"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// address is a local file as a program names it.
type address struct {
	path string // absolute
	raw  string // the path if each % in the address stands for itself; "" if that is no other
}

// filesIn returns the local files in a content, in order, and how many of its
// addresses lead elsewhere.
func filesIn(format string, content []byte) (files []address, elsewhere int) {
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
func droppedFiles(content []byte) (files []address, elsewhere int) {
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
			return files, elsewhere
		case filepath.IsAbs(path) && utf8.ValidString(path) && !isDevice(path):
			files = append(files, address{path: filepath.Clean(path)})
		default:
			elsewhere++
		}
	}
	return files, elsewhere
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
// line "copy" or "cut". It returns the local files, in order, and how many of the
// addresses lead elsewhere.
func fileList(content []byte) (files []address, elsewhere int) {
	list := strings.TrimRight(string(content), "\x00")
	for i, line := range strings.FieldsFunc(list, func(r rune) bool { return r == '\r' || r == '\n' }) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case i == 0 && (line == "copy" || line == "cut"):
		default:
			if file, ok := localFile(line); ok {
				files = append(files, file)
			} else {
				elsewhere++
			}
		}
	}
	return files, elsewhere
}

// pathOf returns the one local file that text consists of, as a path, in quotes
// (as Windows copies one) or not, or a file: URI. What leads to another machine
// or to a device is none: anybody may have written it.
func pathOf(text string) (file address, ok bool) {
	s := strings.TrimSpace(strings.TrimRight(text, "\x00"))
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if s == "" || strings.ContainsAny(s, "\x00\r\n") {
		return address{}, false
	}
	if filepath.IsAbs(s) {
		return address{path: filepath.Clean(s)}, !isShare(s) && !isDevice(s)
	}
	return localFile(s)
}

// localFile returns the file of a file: URI of this machine.
func localFile(uri string) (file address, ok bool) {
	const scheme = "file:"
	if len(uri) < len(scheme) || !strings.EqualFold(uri[:len(scheme)], scheme) {
		return address{}, false
	}
	rest := uri[len(scheme):]
	if host, isURL := strings.CutPrefix(rest, "//"); isURL {
		slash := strings.IndexByte(host, '/')
		if slash < 0 || !isHere(host[:slash]) {
			return address{}, false
		}
		rest = host[slash:]
	}
	// A name may hold a bare # or ?, which a strict parser would cut off.
	file.raw, ok = localPath(rest)
	if path, err := url.PathUnescape(rest); err == nil {
		file.path, ok = localPath(path)
	}
	switch file.path {
	case "": // a program that escapes nothing
		file.path, file.raw = file.raw, ""
	case file.raw:
		file.raw = ""
	}
	return file, ok
}

// localPath returns the path in a file: URI, which must be absolute and lead to
// a file of this machine.
func localPath(path string) (string, bool) {
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/") // of /C:/a.png
	}
	path = filepath.FromSlash(path)
	if strings.ContainsRune(path, 0) || !filepath.IsAbs(path) || isShare(path) || isDevice(path) {
		return "", false
	}
	return filepath.Clean(path), true
}

// isShare reports whether a path of Windows leads to another machine, or past
// what Windows checks of a path: \\server\share, \\?\, \\.\ and the like.
func isShare(path string) bool {
	return runtime.GOOS == "windows" && len(path) > 1 && os.IsPathSeparator(path[0]) && (os.IsPathSeparator(path[1]) || path[1] == '?')
}

// isDevice reports whether a path leads to a device of Windows, such as C:\a\NUL
// or \\.\COM1.
func isDevice(path string) bool {
	if runtime.GOOS != "windows" {
		return false
	}
	volume := filepath.VolumeName(path)
	rest := strings.TrimLeft(filepath.Clean(`\`+path[len(volume):]), `\`)
	return strings.HasPrefix(filepath.FromSlash(volume), `\\.`) || rest != "" && !filepath.IsLocal(rest)
}

// isHere reports whether the host of a file: URI is this machine.
func isHere(host string) bool {
	if host == "" || strings.EqualFold(host, "localhost") {
		return true
	}
	name, err := os.Hostname()
	return err == nil && strings.EqualFold(host, name)
}

package watcher

import (
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

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

// pathOf returns the one path that text consists of, as a path or a file: URI.
func pathOf(text []byte) (path string, ok bool) {
	s := strings.TrimSpace(strings.TrimRight(string(text), "\x00"))
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
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	return (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) && isPicture(head[:n])
}

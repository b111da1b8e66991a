package watcher

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// foreignTypes are file systems whose files are not on this machine, or are made
// up by a program, so that to look at one is to call somebody.
var foreignTypes = []string{
	"autofs", "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "glusterfs", "coda", "ncpfs",
	"fuse", "fuse.", "proc", "sysfs", "debugfs", "tracefs",
}

// isForeign reports whether a path leads, also by symbolic links, into such a
// file system, other than the one that the user's home is in. What is in one is
// not touched.
func isForeign(path string) bool {
	mounts := readMounts()
	home, _ := os.UserHomeDir()
	at := func(path string) bool {
		m := mounts.of(path)
		return m.foreign && m.point != mounts.of(home).point
	}
	const mostLinks = 40 // as in the kernel
	for links := 0; links < mostLinks; {
		link := ""
		for end := 1; end <= len(path); end++ {
			if end < len(path) && path[end] != '/' {
				continue
			}
			part := path[:end]
			if at(part) {
				return true
			}
			info, err := os.Lstat(part)
			if err != nil {
				return false
			}
			if info.Mode()&os.ModeSymlink == 0 {
				continue
			}
			target, err := os.Readlink(part)
			if err != nil {
				return false
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(part), target)
			}
			link = filepath.Join(target, path[end:])
			break
		}
		if link == "" {
			return false
		}
		path = link
		links++
	}
	return true
}

// mount is where a file system begins.
type mount struct {
	point   string
	foreign bool
}

type mounts []mount

// of returns what a path is in.
func (all mounts) of(path string) (in mount) {
	for _, m := range all { // a later one covers those before it
		inside := m.point == "/" || path == m.point || strings.HasPrefix(path, m.point+"/")
		if inside && len(m.point) >= len(in.point) {
			in = m
		}
	}
	return in
}

// readMounts lists what is mounted; nothing where that cannot be known.
func readMounts() mounts {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	return parseMounts(f)
}

// parseMounts reads what the kernel says of mounts, the oldest first.
func parseMounts(r io.Reader) (all mounts) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		// 36 35 98:0 /root /point options … - type source options
		fields, what, ok := strings.Cut(lines.Text(), " - ")
		parts := strings.Fields(fields)
		if !ok || len(parts) < 5 {
			continue
		}
		kind, _, _ := strings.Cut(what, " ")
		m := mount{point: unescaped(parts[4])}
		for _, foreign := range foreignTypes {
			m.foreign = m.foreign || kind == foreign || foreign == "fuse." && strings.HasPrefix(kind, foreign)
		}
		all = append(all, m)
	}
	return all
}

// unescaped returns a path of mountinfo, where blanks and the like are \040.
func unescaped(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '\\' && i+4 <= len(path) {
			if c, err := strconv.ParseUint(path[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

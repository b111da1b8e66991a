package watcher

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatATextNamesOnAnotherFileSystem(t *testing.T) {
	dir := t.TempDir()
	for link, target := range map[string]string{
		"into": "/proc/self", "over": "into", "relative": strings.Repeat("../", 20) + "proc/self", "here": ".", "endless": "endless",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "a.png"), []byte(pngHead), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"/proc/self/status":                     true,
		"/proc":                                 true,
		"/proc/../etc/hostname":                 true, // pathOf cleans it
		"/processes":                            false,
		filepath.Join(dir, "into/status"):       true,
		filepath.Join(dir, "over/status"):       true,
		filepath.Join(dir, "relative/status"):   true,
		filepath.Join(dir, "endless"):           true,
		filepath.Join(dir, "a.png"):             false,
		filepath.Join(dir, "here/here/a.png"):   false,
		filepath.Join(dir, "missing/a.png"):     false,
		filepath.Join(dir, "a.png/impossible"):  false,
		filepath.Join(dir, "here/into/status"):  true,
		filepath.Join(dir, "missing/../a b\tc"): false,
	} {
		if got := isForeign(path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	w := watch(&board{t: t}, pngs)
	if c := w.clipOf(t.Context(), &sheet{"UTF8_STRING": []byte("/proc/self/status")}); c.Why != TextBeside {
		t.Errorf("taken as %q", c.Why)
	}
}

func TestMountsAreReadAsTheKernelWritesThem(t *testing.T) {
	all := parseMounts(strings.NewReader(strings.Join([]string{
		`27 1 254:0 / / rw - ext4 /dev/vda rw`,
		`30 27 0:26 / /net rw,relatime shared:7 - autofs -hosts rw`,
		`31 27 0:27 / /home rw - autofs systemd-1 rw`,
		`32 31 8:1 / /home rw - ext4 /dev/sda1 rw`, // mounted by it
		`33 27 0:28 / /media/My\040Share rw shared:1 master:2 - cifs //evil/s rw`,
		`34 27 0:29 / /run/user/1000/gvfs rw - fuse.gvfsd-fuse gvfsd-fuse rw`,
		`35 27 8:2 / /media/usb rw - fuseblk /dev/sdb1 rw`,
		`broken`,
	}, "\n")))
	for path, want := range map[string]bool{
		"/a.png": false, "/net": true, "/net/evil/s/a.png": true, "/network/a.png": false, "/home/u/a.png": false,
		"/media/My Share/a.png": true, "/run/user/1000/gvfs/smb-share:server=evil,share=s/a.png": true, "/media/usb/a.png": false,
	} {
		if got := all.of(path).foreign; got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

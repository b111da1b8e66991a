package album_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
)

// smallDisk mounts a file system of some bytes for as long as the test lasts.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		if os.Getenv("BILIPASTE_DESKTOP") == "require" {
			t.Fatalf("cannot mount a file system: %v", err)
		}
		t.Skipf("cannot mount a file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// largePicture is a picture of many bytes.
func largePicture(t *testing.T, n, bytes int) picture.Picture {
	t.Helper()
	p := drawn(t, n)
	p.Data = append(p.Data, make([]byte, bytes)...)
	return p
}

// fillUp writes a file that takes all the room of a disk.
func fillUp(t *testing.T, disk string) (file string) {
	t.Helper()
	f, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// saysFull fails the test unless err says that the disk is full.
func saysFull(t *testing.T, what string, err error) {
	t.Helper()
	if said, hint := say(err); !strings.Contains(said, "the disk is full") || !strings.Contains(hint, "make room") {
		t.Errorf("%s: %s / %s", what, said, hint)
	}
}

// SQLite needs a little room to read.
func TestAnAlbumOnAFullDisk(t *testing.T) {
	disk := smallDisk(t, "size=2m")
	dir := filepath.Join(disk, "album")
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	filler := fillUp(t, disk)
	if a, err := album.Open(t.Context(), dir, album.Options{}); err == nil {
		t.Error("it was opened")
		_ = a.Close()
	} else {
		saysFull(t, "Open", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestAFullDiskIsSaidAndNothingIsHalfDone(t *testing.T) {
	disk := smallDisk(t, "size=2m")
	dir := filepath.Join(disk, "album")
	a, err := album.Open(t.Context(), dir, album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Record(t.Context(), upload(drawn(t, 0))); err != nil {
		t.Fatal(err)
	}
	first := keep(t, a, 1)
	_, err = a.Keep(t.Context(), largePicture(t, 2, 2<<20), live)
	saysFull(t, "an original that does not fit", err)

	// Nothing fits, not even a page of the database.
	filler := fillUp(t, disk)
	_, err = a.Keep(t.Context(), drawn(t, 3), live)
	saysFull(t, "Keep", err)
	saysFull(t, "Record", a.Record(t.Context(), upload(drawn(t, 4))))
	for n := 0; ; n++ { // what little room the log has left is used up
		if err := a.Postpone(t.Context(), first.ID, album.Failure{Why: strings.Repeat("why ", 4000)}); err != nil {
			saysFull(t, "Postpone", err)
			break
		} else if n > 100 {
			t.Fatal("a full disk takes everything")
		}
	}
	// An original fits, and its row does not.
	p := largePicture(t, 5, 64<<10)
	info, err := os.Stat(filler)
	if err == nil {
		err = os.Truncate(filler, info.Size()-int64(len(p.Data)+4095)&^4095)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Keep(t.Context(), p, live)
	saysFull(t, "a row that does not fit", err)
	holdsFiles(t, a, 2)
	if got := found(t, a, album.Query{}); len(got) != 1 {
		t.Errorf("the history has %d links", len(got))
	}
	if entries := pending(t, a); len(entries) != 1 || entries[0].ID != first.ID {
		t.Errorf("%+v", entries)
	}
	if err := a.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	if other, err := album.Open(t.Context(), filepath.Join(disk, "other"), album.Options{}); err == nil {
		t.Error("a new album has room")
		_ = other.Close()
	} else {
		saysFull(t, "a new album", err)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	a = open(t, dir)
	if err := a.Record(t.Context(), upload(drawn(t, 1))); err != nil {
		t.Error(err)
	}
	if entries := pending(t, a); len(entries) != 0 {
		t.Errorf("%+v", entries)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if r := verify(t, dir); r.Whole != 2 || len(r.Missing)+len(r.Changed)+len(r.Strange)+r.Adopted > 0 || r.Rescue.File != "" {
		t.Errorf("%+v", r)
	}
}

func TestADiskThatCannotBeWrittenIsSaid(t *testing.T) {
	disk := smallDisk(t, "size=2m")
	a, err := album.Open(t.Context(), disk, album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	a, err = album.Open(t.Context(), disk, album.Options{})
	if err == nil {
		_, err = a.Keep(t.Context(), drawn(t, 1), live)
		_ = a.Close()
	}
	if said, hint := say(err); !strings.Contains(said, disk) || !strings.Contains(said, "cannot be written") || hint == "" {
		t.Errorf("%s / %s", said, hint)
	}
}

func TestOnlyTheOwnerReadsTheAlbum(t *testing.T) {
	old := syscall.Umask(0)
	t.Cleanup(func() { syscall.Umask(old) })
	dir := filepath.Join(t.TempDir(), "data", "album")
	a := open(t, dir)
	keep(t, a, 1)
	if err := a.Record(t.Context(), upload(drawn(t, 2))); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700 | fs.ModeDir
		}
		if seen++; err != nil || info.Mode() != want {
			t.Errorf("%s has %v, %v", path, info.Mode(), err)
		}
		return nil
	})
	if err != nil || seen < 12 { // the folders, the database with its log and index, the lock, the owner, two originals
		t.Errorf("%d files, %v", seen, err)
	}
}

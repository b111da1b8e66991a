package durable_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/durable"
)

// holds fails unless a folder has exactly these files.
func holds(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(names) {
		t.Errorf("%s holds %v, not %v", dir, entries, names)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestWriteMakesFoldersAndReplacesFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a", "b", "file")
	for _, text := range []string{"first, and longer", "second"} {
		if err := durable.Write(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	holds(t, filepath.Dir(file), "file")
	if err := durable.Write(filepath.Join(file, "below"), nil, 0o600); err == nil {
		t.Error("a file was taken for a folder")
	}
	holds(t, filepath.Dir(file), "file")
}

func TestWhatCannotBeReplacedStays(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "taken", "by a folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.Write(filepath.Join(dir, "taken"), []byte("x"), 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	holds(t, dir, "taken")
	holds(t, filepath.Join(dir, "taken"), "by a folder")
}

func TestReadersSeeOneWholeText(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	texts := [][]byte{bytes.Repeat([]byte("a"), 100_000), bytes.Repeat([]byte("b"), 50_000)}
	if err := durable.Write(file, texts[0], 0o600); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for _, text := range texts {
		writers.Go(func() {
			for range 20 {
				if err := durable.Write(file, text, 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		writers.Wait()
		close(done)
	}()
	for {
		got, err := durable.Read(file)
		if err != nil || !bytes.Equal(got, texts[0]) && !bytes.Equal(got, texts[1]) {
			t.Errorf("read %d bytes of something else, %v", len(got), err)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestAFileThatIsReadCanBeRemoved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := durable.Write(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	reading, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	removed := make(chan error)
	go func() { removed <- durable.Remove(file) }()
	if err := reading.Close(); err != nil {
		t.Error(err)
	}
	if err := <-removed; err != nil {
		t.Error(err)
	}
}

// Only what a killed Write can have left is removed, and not while one may still
// be at it.
func TestTidy(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * time.Minute)
	for name, at := range map[string]time.Time{
		".bilipaste-1.new": old, ".bilipaste-23.new": time.Now(), ".bilipaste-4": old, ".new-5": old, "mine.new": old,
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(file, []byte("half"), 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".bilipaste-6.new"), 0o700); err != nil {
		t.Fatal(err)
	}
	durable.Tidy(filepath.Join(dir, "nowhere"), 0)
	durable.Tidy(dir, time.Minute)
	holds(t, dir, ".bilipaste-23.new", ".bilipaste-4", ".new-5", "mine.new", ".bilipaste-6.new")
	durable.Tidy(dir, 0)
	holds(t, dir, ".bilipaste-4", ".new-5", "mine.new", ".bilipaste-6.new")
}

func TestHoldsTellsWhetherAFileIsThatOne(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	data := bytes.Repeat([]byte("0123456789"), 20_000)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(data)
	other[len(other)-1]++
	for name, c := range map[string]struct {
		data []byte
		want bool
	}{"the same": {data, true}, "another end": {other, false}, "less": {data[:len(data)-1], false}, "more": {append(bytes.Clone(data), 0), false}, "nothing": {nil, false}} {
		if got, err := durable.Holds(file, c.data); got != c.want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := durable.Holds(filepath.Join(dir, "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if got, err := durable.Holds(dir, nil); got || err != nil {
		t.Errorf("a folder: %v, %v", got, err)
	}
	link := filepath.Join(dir, "link")
	err := os.Symlink(file, link) // Windows may forbid it, and Wine says that it did
	if _, statErr := os.Lstat(link); err == nil && statErr == nil {
		if got, err := durable.Holds(link, data); got || err != nil {
			t.Errorf("a link: %v, %v", got, err)
		}
	}
}

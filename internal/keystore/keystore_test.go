package keystore_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/keystore"
	"bilipaste/internal/lang"
)

// newFile returns a file's path in a folder that is not there yet.
func newFile(t *testing.T) string { return filepath.Join(t.TempDir(), "new", "session.json") }

// noBus takes the session bus away.
func noBus(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
}

func wantSecret(t *testing.T, s *keystore.Store, want string, location keystore.Location) {
	t.Helper()
	got, err := s.Load()
	if err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if at, err := s.Where(); at != location || err != nil {
		t.Errorf("in %q, %v, want %q", at, err, location)
	}
}

func TestAFileKeepsASecret(t *testing.T) {
	file := newFile(t)
	s := keystore.New(keystore.File, file)
	wantSecret(t, s, "", keystore.Nowhere)
	for _, secret := range []string{"one", "two\x00\"\n", strings.Repeat("long", 1000)} {
		if err := s.Save([]byte(secret)); err != nil {
			t.Fatal(err)
		}
		wantSecret(t, keystore.New(keystore.Auto, file), secret, keystore.InFile)
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v", path, info.Mode(), err)
			}
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
		t.Errorf("%v", left)
	}
	for range 2 {
		if err := s.Delete(); err != nil {
			t.Fatal(err)
		}
		wantSecret(t, s, "", keystore.Nowhere)
	}
}

func TestWithoutABusTheFileIsTakenAndThatIsSaid(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the keyring of Windows and macOS needs no bus")
	}
	noBus(t)
	s := keystore.New(keystore.Auto, newFile(t))
	if err := s.Save([]byte("secret")); err != nil {
		t.Fatal(err)
	}
	wantSecret(t, s, "secret", keystore.InFile)
	wantSaid(t, s.Fallback(), "no session bus")

	file := newFile(t)
	s = keystore.New(keystore.Keyring, file)
	wantSaid(t, s.Save([]byte("secret")), "no session bus")
	wantSecret(t, s, "", keystore.Nowhere)
	if _, err := os.Stat(file); err == nil {
		t.Error("there is a file, which nobody allowed")
	}
	wantSaid(t, keystore.Check(), "no session bus")
}

func wantSaid(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", want)
		return
	}
	what, hint := lang.New(lang.English).Error(err)
	if !strings.Contains(what, want) || hint == "" {
		t.Errorf("%q, hint %q", what, hint)
	}
}

func TestABrokenFileIsNamedAndReplaced(t *testing.T) {
	for _, text := range []string{"", "{", "null", `{"kept_in":"cloud"}`, `[]`} {
		file := filepath.Join(t.TempDir(), "session.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := keystore.New(keystore.File, file)
		_, err := s.Load()
		wantSaid(t, err, file+" is broken")
		if err := s.Save([]byte("new")); err != nil {
			t.Error(err)
		}
		wantSecret(t, s, "new", keystore.InFile)
	}
}

// A file that another user's Windows has sealed, or another system, is no empty
// one: nobody is told that nothing is kept.
func TestAFileThatWasSealedElsewhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session.json")
	if err := os.WriteFile(file, []byte(`{"kept_in":"file","sealed":"eA=="}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := keystore.New(keystore.File, file)
	got, err := s.Load()
	wantSaid(t, err, file)
	if len(got) > 0 {
		t.Errorf("%q", got)
	}
	if at, err := s.Where(); at != keystore.InFile || err != nil {
		t.Errorf("in %q, %v", at, err)
	}
	if err := s.Delete(); err != nil {
		t.Error(err)
	}
	wantSecret(t, s, "", keystore.Nowhere)
}

// A Save that was killed has left the secret beside the file: the next one takes
// it away, and so does Delete.
func TestWhatAKilledSaveHasLeftGoes(t *testing.T) {
	file := newFile(t)
	s := keystore.New(keystore.File, file)
	left := filepath.Join(filepath.Dir(file), ".bilipaste-1.new")
	for name, call := range map[string]func() error{"save": func() error { return s.Save([]byte("one")) }, "delete": s.Delete} {
		if err := s.Save([]byte("zero")); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-2 * time.Minute)
		if err := errors.Join(os.WriteFile(left, []byte("half a secret"), 0o600), os.Chtimes(left, old, old), call()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after a %s it is still there: %v", name, err)
		}
	}
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file", "session.json")
	if err := os.WriteFile(filepath.Dir(file), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := keystore.New(keystore.File, file)
	if err := s.Save([]byte("x")); err == nil {
		t.Error("no error")
	} else if what, _ := lang.New(lang.Chinese).Error(err); !strings.Contains(what, file) {
		t.Error(what)
	}
}

func TestWritersAtTheSameTimeLeaveOneWholeSecret(t *testing.T) {
	file := newFile(t)
	var writers sync.WaitGroup
	for i := range 20 {
		writers.Go(func() {
			if err := keystore.New(keystore.File, file).Save(bytes.Repeat([]byte{'a' + byte(i)}, 5000)); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	got, err := keystore.New(keystore.File, file).Load()
	if err != nil || len(got) != 5000 || !bytes.Equal(got, bytes.Repeat(got[:1], 5000)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// What is in the file may be anybody's: it is a secret of ours, or an error
// that quotes nothing of it, and a Save mends it.
func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"kept_in":"file","secret":"x"}`))
	f.Add([]byte(`{"kept_in":"file","sealed":"eA=="}`))
	f.Add([]byte(`{"kept_in":"keyring"}`))
	f.Add([]byte(`null`))
	f.Add([]byte("{\"kept_in\":[]}\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		noBus(t)
		file := filepath.Join(t.TempDir(), "session.json")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s := keystore.New(keystore.File, file)
		if _, err := s.Load(); err != nil {
			if what, _ := lang.New(lang.English).Error(err); what == "" || len(data) > 20 && strings.Contains(what, string(data)) {
				t.Errorf("%q: %q", data, what)
			}
		}
		if err := s.Save([]byte("new")); err != nil {
			t.Fatal(err)
		}
		wantSecret(t, s, "new", keystore.InFile)
	})
}

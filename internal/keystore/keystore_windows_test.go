package keystore_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/danieljoos/wincred"
	"github.com/zalando/go-keyring"

	"bilipaste/internal/keystore"
)

const (
	short = "short"
	saver = "BILIPASTE_TEST_SAVER" // names the file into which the process does nothing but save
)

var long = strings.Repeat("long", 1000) // more than Windows takes

func TestMain(m *testing.M) {
	if file := os.Getenv(saver); file != "" {
		for s := keystore.New(keystore.Auto, file); ; {
			for _, secret := range []string{long, short} {
				if err := s.Save([]byte(secret)); err != nil {
					println(err.Error())
					os.Exit(1)
				}
			}
		}
	}
	os.Exit(m.Run())
}

// wantInWindows fails the test unless Windows keeps so many secrets for the file.
func wantInWindows(t *testing.T, file string, want int) {
	t.Helper()
	all, err := wincred.List()
	if err != nil && !errors.Is(err, wincred.ErrElementNotFound) {
		t.Fatal(err)
	}
	got := 0
	for _, c := range all {
		if strings.Contains(c.TargetName, file) {
			got++
		}
	}
	if got != want {
		t.Errorf("Windows keeps %d secrets, want %d", got, want)
	}
}

func TestWindowsKeepsASecret(t *testing.T) {
	if err := keystore.Check(); err != nil {
		t.Fatal(err)
	}
	file := newFile(t)
	s := keystore.New(keystore.Auto, file)
	for _, c := range []struct {
		secret   string
		location keystore.Location
		kept     int
	}{
		{short, keystore.InKeyring, 1},
		{strings.Repeat("x", 2500), keystore.InKeyring, 1},
		{long, keystore.InFile, 0},
		{"中文 \x00 1", keystore.InKeyring, 1},
		{long, keystore.InFile, 0},
	} {
		if err := s.Save([]byte(c.secret)); err != nil {
			t.Fatal(err)
		}
		wantSecret(t, keystore.New(keystore.Auto, file), c.secret, c.location)
		wantInWindows(t, file, c.kept)
		if c.location == keystore.InFile {
			wantSaid(t, s.Fallback(), "too long")
		} else if s.Fallback() != nil {
			t.Error(s.Fallback())
		}
		if data, err := os.ReadFile(file); err != nil || bytes.Contains(data, []byte(c.secret)) || bytes.Contains(data, []byte("long")) {
			t.Errorf("in the file: %s, %v", data, err)
		}
	}
	wantSaid(t, keystore.New(keystore.Keyring, file).Save([]byte(long)), "too long")
	wantSecret(t, s, long, keystore.InFile)
	if err := s.Delete(); err != nil {
		t.Fatal(err)
	}
	wantSecret(t, s, "", keystore.Nowhere)
	wantInWindows(t, file, 0)
}

func TestAFileOfSomeoneElse(t *testing.T) {
	file := newFile(t)
	s := keystore.New(keystore.File, file)
	if err := s.Save([]byte(short)); err != nil {
		t.Fatal(err)
	}
	// What another user's Windows sealed, this one's cannot open.
	if err := os.WriteFile(file, []byte(`{"kept_in":"file","sealed":"AAAA"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.Load()
	wantSaid(t, err, file+" cannot be decrypted")
	// A file of another system, or of before.
	if err := os.WriteFile(file, []byte(`{"kept_in":"file","secret":"plain"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	wantSecret(t, s, "plain", keystore.InFile)
}

// Killed between the keyring and the file, a Save leaves what the file says.
func TestASaveThatWasKilled(t *testing.T) {
	file := newFile(t)
	s := keystore.New(keystore.Auto, file)
	if err := s.Save([]byte(long)); err != nil {
		t.Fatal(err)
	}
	if err := keyring.Set("bilipaste", file, short); err != nil { // as Save begins
		t.Fatal(err)
	}
	wantInWindows(t, file, 1)
	wantSecret(t, s, long, keystore.InFile)
	if err := s.Delete(); err != nil {
		t.Fatal(err)
	}
	wantInWindows(t, file, 0)

	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), saver+"="+file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			time.Sleep(time.Millisecond)
			if at, _ := s.Where(); at != keystore.Nowhere {
				break
			}
		}
		time.Sleep(rand.N(30 * time.Millisecond)) // anywhere in its loop
		if err := cmd.Process.Kill(); err != nil {
			t.Error("the process ended before: ", err)
		}
		_ = cmd.Wait()
		got, err := s.Load()
		if err != nil && os.Getenv("WINEPREFIX") != "" {
			// Windows writes credentials in a process of its own. Wine does so in
			// the program: a kill can leave half of one, which spoils all of them.
			if out, err := exec.Command("reg", "delete", `HKCU\Software\Wine\Credential Manager`, "/f").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			t.Skipf("Windows under Wine: its keyring was killed in the middle: %v", err)
		}
		if err != nil || string(got) != long && string(got) != short {
			t.Fatalf("%.10q, %v", got, err)
		}
	}
	if err := s.Delete(); err != nil {
		t.Fatal(err)
	}
	wantSecret(t, s, "", keystore.Nowhere)
	wantInWindows(t, file, 0)
}

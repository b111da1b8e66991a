package keystore_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/keystore"
)

func TestAnUnlockedKeyring(t *testing.T) {
	desktoptest.Bus(t)
	desktoptest.StartKeyring(t)
	if err := keystore.Check(); err != nil {
		t.Fatal(err)
	}
	file := newFile(t)
	s := keystore.New(keystore.Auto, file)
	for _, secret := range []string{"one", strings.Repeat("long", 5000)} {
		if err := s.Save([]byte(secret)); err != nil || s.Fallback() != nil {
			t.Fatal(err, s.Fallback())
		}
		wantSecret(t, keystore.New(keystore.Auto, file), secret, keystore.InKeyring)
	}
	if data, err := os.ReadFile(file); err != nil || strings.Contains(string(data), "long") {
		t.Errorf("in the file: %s, %v", data, err)
	}
	out, err := exec.Command("secret-tool", "lookup", "service", "bilipaste", "username", file).Output()
	if err != nil || !strings.HasPrefix(string(out), "longlong") {
		t.Errorf("another program sees %.20q, %v", out, err)
	}

	// Two homes have two secrets.
	other := keystore.New(keystore.Auto, newFile(t))
	wantSecret(t, other, "", keystore.Nowhere)
	if err := other.Save([]byte("other")); err != nil {
		t.Fatal(err)
	}
	wantSecret(t, s, strings.Repeat("long", 5000), keystore.InKeyring)

	// From the keyring to the file, and nothing stays behind.
	if err := keystore.New(keystore.File, file).Save([]byte("two")); err != nil {
		t.Fatal(err)
	}
	wantSecret(t, s, "two", keystore.InFile)
	if out, err := exec.Command("secret-tool", "lookup", "service", "bilipaste", "username", file).Output(); err == nil {
		t.Errorf("still there: %.20q", out)
	}
	if err := other.Delete(); err != nil {
		t.Fatal(err)
	}
	wantSecret(t, other, "", keystore.Nowhere)
	if out, err := exec.Command("secret-tool", "search", "--all", "service", "bilipaste").Output(); len(out) > 0 {
		t.Errorf("still there: %s, %v", out, err)
	}
}

// A locked keyring asks for its password, and nobody types one.
func TestALockedKeyringIsNotWaitedForLong(t *testing.T) {
	desktoptest.Bus(t)
	desktoptest.Prompter(t, desktoptest.StartX(t))
	keyring := desktoptest.StartKeyring(t)
	file := newFile(t)
	s := keystore.New(keystore.Auto, file)
	if err := s.Save([]byte("one")); err != nil {
		t.Fatal(err)
	}
	keyring.Lock(t)

	start := time.Now()
	_, err := s.Load()
	wantSaid(t, err, "the keyring")
	if past := time.Since(start); past > 6*time.Second {
		t.Errorf("after %v", past)
	}
	// A new login goes into the file, and is what counts.
	if err := s.Save([]byte("two")); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, s.Fallback(), "the keyring")
	wantSecret(t, keystore.New(keystore.Auto, file), "two", keystore.InFile)
}

func TestAKeyringThatHangs(t *testing.T) {
	desktoptest.Bus(t)
	keyring := desktoptest.StartKeyring(t)
	s := keystore.New(keystore.Auto, newFile(t))
	if err := s.Save([]byte("one")); err != nil {
		t.Fatal(err)
	}
	keyring.Freeze(t)
	_, err := s.Load()
	wantSaid(t, err, "the keyring does not answer")
	start := time.Now()
	_, err = s.Load()
	wantSaid(t, err, "the keyring does not answer")
	if past := time.Since(start); past > 2*time.Second {
		t.Errorf("while that call goes on, the next waits %v", past)
	}
	keyring.Thaw(t)
	desktoptest.Eventually(t, "the secret again", func() bool {
		got, err := s.Load()
		return err == nil && string(got) == "one"
	})
}

func TestABusWithoutAKeyring(t *testing.T) {
	desktoptest.Bus(t)
	s := keystore.New(keystore.Auto, newFile(t))
	if err := s.Save([]byte("one")); err != nil {
		t.Fatal(err)
	}
	wantSecret(t, s, "one", keystore.InFile)
	wantSaid(t, s.Fallback(), "the keyring cannot be used")
}

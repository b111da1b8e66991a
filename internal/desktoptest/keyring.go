//go:build unix

package desktoptest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Keyring is gnome-keyring.
type Keyring struct {
	process *os.Process
}

// StartKeyring starts an unlocked keyring, empty, on the session bus of the
// test (see Bus), and returns when it answers.
func StartKeyring(t testing.TB) *Keyring {
	t.Helper()
	Need(t, "gnome-keyring-daemon", "secret-tool", "gdbus")
	dir := shortDir(t)
	cmd := exec.Command("gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets",
		"--control-directory="+filepath.Join(dir, "control"))
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_RUNTIME_DIR="+dir)
	cmd.Stdin = strings.NewReader("password")
	run(t, cmd)
	Eventually(t, "an unlocked keyring on the bus", func() bool {
		out, err := exec.Command("gdbus", "call", "--session", "--dest", "org.freedesktop.secrets",
			"--object-path", loginKeyring, "--method", "org.freedesktop.DBus.Properties.Get",
			"org.freedesktop.Secret.Collection", "Locked").Output()
		return err == nil && strings.Contains(string(out), "false")
	})
	return &Keyring{cmd.Process}
}

const loginKeyring = "/org/freedesktop/secrets/collection/login"

// Lock locks the keyring: from now on it asks for its password.
func (k *Keyring) Lock(t testing.TB) {
	t.Helper()
	out, err := exec.Command("gdbus", "call", "--session", "--dest", "org.freedesktop.secrets",
		"--object-path", "/org/freedesktop/secrets", "--method", "org.freedesktop.Secret.Service.Lock",
		"['"+loginKeyring+"']").CombinedOutput()
	if err != nil {
		t.Fatalf("lock: %v %s", err, out)
	}
}

// Freeze makes the keyring one that takes calls and never answers, as it does
// while it asks for a password.
func (k *Keyring) Freeze(t testing.TB) { k.signal(t, syscall.SIGSTOP) }

// Thaw ends Freeze.
func (k *Keyring) Thaw(t testing.TB) { k.signal(t, syscall.SIGCONT) }

func (k *Keyring) signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := k.process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// Prompter starts the program with which the keyring asks for passwords, on
// x, where nobody types one.
func Prompter(t testing.TB, x *XServer) {
	t.Helper()
	const program = "/usr/libexec/gcr-prompter"
	Need(t, program)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "DISPLAY="+x.Display)
	run(t, cmd)
	Eventually(t, "the prompter on the bus", func() bool {
		out, err := exec.Command("gdbus", "call", "--session", "--dest", "org.freedesktop.DBus",
			"--object-path", "/org/freedesktop/DBus", "--method", "org.freedesktop.DBus.NameHasOwner",
			"org.gnome.keyring.SystemPrompter").Output()
		return err == nil && strings.Contains(string(out), "true")
	})
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/sandbox"
)

// says runs a command and returns what it prints.
func says(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, errOut.String())
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func TestTheRunningProgramIsAsked(t *testing.T) {
	x := desktoptest.StartX(t)
	w := startWatch(t)
	ask := func(args ...string) string { t.Helper(); return says(t, program(w.home, w.host.URL(), args...)) }
	if got := ask("writing", "status"); got != "on" {
		t.Errorf("writing mode is %q", got)
	}
	if got := ask("writing", "toggle", "--json"); got != `{"writing":false}` {
		t.Errorf("toggled: %q", got)
	}
	first := noise(t, 2000)
	x.Copy(t, "image/png", first)
	link := ask("now", "--format", "markdown")
	if got := pasted(t, x, "![]("); got != link || uploads(w.host) != 1 {
		t.Errorf("pasted %q, printed %q; %d uploads", got, link, uploads(w.host))
	}
	ask("put-back")
	if got, err := x.Paste(t, "image/png"); err != nil || !bytes.Equal(got, first) {
		t.Errorf("not put back: %v", err)
	}
	x.Copy(t, "UTF8_STRING", []byte("a text"))
	var failed struct {
		Error struct{ Message string }
	}
	cmd := program(w.home, w.host.URL(), "now", "--json")
	out, err := cmd.Output()
	if err == nil || json.Unmarshal(out, &failed) != nil || !strings.Contains(failed.Error.Message, "does not count") {
		t.Errorf("of a text: %v, %s", err, out)
	}
	if got := ask("writing", "on"); got != "on" {
		t.Errorf("turned on: %q", got)
	}
	x.Copy(t, "image/png", noise(t, 3000))
	pasted(t, x, "![](")
}

// A key that turns writing mode on shows what it did, where no icon does.
func TestWithoutAnIconASwitchIsTold(t *testing.T) {
	desktoptest.Bus(t)
	x := desktoptest.StartX(t)
	dunst := desktoptest.StartDunst(t, x)
	p := startTray(t, `{"sound": false}`)
	desktoptest.Eventually(t, "it to run", func() bool { return isRunning(p.home) })
	toggle := func(want string) {
		t.Helper()
		if out, err := p.command("writing", "toggle").CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != want {
			t.Fatalf("toggled: %s, %v", out, err)
		}
	}
	told := func() (bodies []string) {
		for _, n := range dunst.History(t) {
			if n.Summary == "bilipaste" {
				bodies = append(bodies, n.Body)
			}
		}
		return bodies
	}
	toggle("on")
	desktoptest.Eventually(t, "it is told", func() bool { return slices.Equal(told(), []string{"Writing mode is on."}) })

	desktoptest.StartPanel(t, x).Shows("writing mode", blue, 60, 1000)
	toggle("off")
	toggle("on")
	if got := told(); len(got) != 1 {
		t.Errorf("with an icon it told %q", got)
	}
}

func TestWhereNoneRunsTheCommandUploadsAlone(t *testing.T) {
	x := desktoptest.StartX(t)
	host := sandbox.New()
	if err := host.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close() })
	home := newHome(t)
	x.Copy(t, "image/png", noise(t, 2000))
	cmd := program(home, host.URL(), "now")
	cmd.Env = append(cmd.Env, "DISPLAY="+x.Display)
	link := says(t, cmd)
	if !strings.HasPrefix(link, "http") || uploads(host) != 1 {
		t.Errorf("printed %q; %d uploads", link, uploads(host))
	}
	if got := pasted(t, x, "![]("); !strings.Contains(got, link) {
		t.Errorf("after its end %q can be pasted", got)
	}
}

// A flag holds for the life of the program: what a user keeps in a folder must
// not become public because of a setting that has nothing to do with it.
func TestAFlagHoldsWhateverTheFileSays(t *testing.T) {
	x := desktoptest.StartX(t)
	host := sandbox.New()
	if err := host.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close() })
	home, folder := t.TempDir(), t.TempDir()
	settings, err := json.Marshal(map[string]string{"pace": "0s", "language": "en", "folder": folder})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "config.json"), settings, 0o600); err != nil {
		t.Fatal(err)
	}
	w := watchFrom(t, home, host.URL(), "--host", "folder")
	copies := 0
	for n, change := range []string{"sound false", "host bilibili", "bucket album", "fallback bilibili", "strip_metadata false"} {
		says(t, program(home, host.URL(), append([]string{"config", "set"}, strings.Fields(change)...)...))
		// The next link is written anew: the settings are taken over.
		format := fmt.Sprintf("%d: {url}", n)
		says(t, program(home, host.URL(), "config", "set", "format", format))
		desktoptest.Eventually(t, "the settings to be taken over", func() bool {
			x.Copy(t, "image/png", noise(t, 2000+copies))
			w.line(t, copies)
			copies++
			return strings.HasPrefix(pasted(t, x, ""), format[:2])
		})
		if sent := uploads(host); sent != 0 {
			t.Errorf("after %q %d of %d pictures went to Bilibili", change, sent, copies)
		}
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != copies {
		t.Errorf("in the folder: %v, %v", files, err)
	}
}

// A user who is logged in twice has two clipboards: each has a program of its own.
func TestASecondSessionHasAProgramOfItsOwn(t *testing.T) {
	first := desktoptest.StartX(t)
	w := startWatch(t)
	display := first.Display
	second := desktoptest.StartX(t)
	if second.Display == display {
		t.Fatal("there is one display only")
	}
	watchFrom(t, w.home, w.host.URL())
	for n, x := range []*desktoptest.XServer{first, second} {
		x.Copy(t, "image/png", noise(t, 2000+n))
		pasted(t, x, "![](")
	}
	if got := says(t, program(w.home, w.host.URL(), "writing", "off")); got != "off" {
		t.Errorf("the second session's is %q", got)
	}
	t.Setenv("DISPLAY", display)
	if got := says(t, program(w.home, w.host.URL(), "writing", "status")); got != "on" {
		t.Errorf("the first session's is %q", got)
	}
	if out, err := program(w.home, w.host.URL(), "watch").CombinedOutput(); err == nil || !strings.Contains(string(out), "running already") {
		t.Errorf("a third one: %v: %s", err, out)
	}
}

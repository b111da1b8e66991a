package main

import (
	"bytes"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/config"
	"bilipaste/internal/desktoptest"
	"bilipaste/internal/sandbox"
)

// trayed is the tray program, as a process of its own.
type trayed struct {
	cmd    *exec.Cmd
	host   *sandbox.Server
	home   string
	nobody bool // is signed in
	said   bytes.Buffer
	ended  chan struct{}
	err    error
}

// startTray starts the tray program on the test's desktop, with these settings
// and signed in.
func startTray(t *testing.T, settings string) *trayed {
	t.Helper()
	return (&trayed{}).start(t, settings)
}

func (p *trayed) start(t *testing.T, settings string) *trayed {
	t.Helper()
	p.host, p.home = sandbox.New(), t.TempDir()
	if err := p.host.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.host.Close() })
	if err := os.WriteFile(p.file(), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return p.run(t)
}

// run starts it, also again after it has ended.
func (p *trayed) run(t *testing.T) *trayed {
	t.Helper()
	p.ended = make(chan struct{})
	p.cmd = p.command()
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, ended := p.cmd, p.ended
	go func() {
		p.err = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		for _, fault := range desktoptest.Faults(p.said.String()) {
			t.Errorf("it said: %s", fault)
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(p.home, "bilipaste.log"))
			t.Logf("it said:\n%s\nits log:\n%s", p.said.String(), log)
		}
	})
	return p
}

// command is a start of the program by the same user.
func (p *trayed) command(args ...string) *exec.Cmd {
	cmd := exec.Command("bilipaste", args...)
	cmd.Env = append(os.Environ(), "BILIPASTE_HOME="+p.home, "BILIPASTE_GATEWAY="+p.host.URL(), "LANG=C", "XDG_CONFIG_HOME="+p.home, "GORACE=exitcode=0 atexit_sleep_ms=0")
	if !p.nobody {
		cmd.Env = append(cmd.Env, "BILIPASTE_SESSDATA="+sandbox.SESSDATA, "BILIPASTE_BILI_JCT="+sandbox.BiliJct)
	}
	return cmd
}

func (p *trayed) file() string { return filepath.Join(p.home, "config.json") }

// The icon's inks, where no other is.
var (
	grey = color.NRGBA{0x88, 0x8c, 0x92, 0xff}
	blue = color.NRGBA{0x13, 0x90, 0xdc, 0xff}
	red  = color.NRGBA{0xe8, 0x3f, 0x3f, 0xff}
)

// Writing mode and bucket at a click, on a real panel.
func TestTheTrayProgram(t *testing.T) {
	desktoptest.Bus(t)
	x := desktoptest.StartX(t)
	panel := desktoptest.StartPanel(t, x)
	p := startTray(t, `{"pace": "0s", "notify": false, "sound": false}`)

	icon, _ := panel.Shows("off", grey, 20, 1000)
	panel.Save("program-off")
	first := noise(t, 1000)
	x.Copy(t, "image/png", first)
	// With writing mode off nothing is taken, unless it is asked for.
	panel.Open(icon)
	if n := uploads(p.host); n != 0 {
		t.Errorf("%d uploads with writing mode off", n)
	}
	panel.Press("Down", "Down", "Return")
	pasted(t, x, "![](http")

	panel.Click(1, icon)
	panel.Shows("writing mode", blue, 60, 1000)
	panel.Save("program-writing")
	x.Copy(t, "image/png", noise(t, 2000))
	if text := pasted(t, x, "![](http"); !strings.Contains(text, "/bfs/live/") {
		t.Errorf("pasted %q", text)
	}

	// Another bucket, for the next picture and for the next start.
	panel.Open(icon)
	panel.Press("Down", "Down", "Down", "Down", "Down", "Down", "Right", "Down") // past the hosts
	panel.Save("program-bucket")
	panel.Press("Return")
	desktoptest.Eventually(t, "the bucket is saved", func() bool {
		c, err := config.Load(p.file())
		return err == nil && c.Bucket == "static"
	})
	picture := noise(t, 300_000)
	x.Copy(t, "image/png", picture)
	desktoptest.Eventually(t, "a link in that bucket", func() bool {
		return strings.Contains(pasted(t, x, "![](http"), "/bfs/static/")
	})

	// The picture that was replaced, again.
	panel.Open(icon)
	panel.Press("Down", "Down", "Down", "Return")
	desktoptest.Eventually(t, "the picture is back", func() bool {
		offered, err := x.Paste(t, "TARGETS")
		return err == nil && strings.Contains(string(offered), "image/png")
	})
	if got, err := x.Paste(t, "image/png"); err != nil || !bytes.Equal(got, picture) {
		t.Errorf("%d bytes were put back, not %d; %v", len(got), len(picture), err)
	}

	// The link before that, and starting at login.
	panel.Open(icon)
	panel.Press("Down", "Down", "Down", "Down", "Right", "Down", "Return")
	if text := pasted(t, x, "![](http"); !strings.Contains(text, "/bfs/live/") {
		t.Errorf("pasted %q", text)
	}
	panel.Open(icon)
	panel.Press("Up", "Up", "Up", "Up", "Up", "Return")
	desktoptest.Eventually(t, "an autostart entry", func() bool {
		entry, err := os.ReadFile(filepath.Join(p.home, "autostart", "bilipaste.desktop"))
		return err == nil && strings.Contains(string(entry), "bilipaste")
	})

	// What another command sets holds at once, and so does an editor's change.
	if out, err := p.command("config", "set", "format", "url").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	desktoptest.Eventually(t, "the new format", func() bool {
		x.Copy(t, "image/png", noise(t, 1000))
		return strings.HasPrefix(pasted(t, x, ""), "http")
	})
	if err := os.WriteFile(p.file(), []byte(`{"bucket": `), 0o600); err != nil {
		t.Fatal(err)
	}
	panel.Shows("attention", red, 15, 1000)
	panel.Save("program-attention")

	// A second start says so and ends well.
	out, err := p.command("tray").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "running") {
		t.Errorf("a second start: %v: %s", err, out)
	}

	panel.Open(icon)
	panel.Save("program-menu")
	panel.Press("Up", "Return")
	<-p.ended
	if p.err != nil {
		t.Errorf("it ended with %v", p.err)
	}
	if info, err := os.Stat(filepath.Join(p.home, "bilipaste.log")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the log: %v, %v", info, err)
	}
}

// The account's item signs in with a picture of the code, and then shows the name.
func TestLoginFromTheTray(t *testing.T) {
	desktoptest.Bus(t)
	x := desktoptest.StartX(t)
	dunst := desktoptest.StartDunst(t, x)
	panel := desktoptest.StartPanel(t, x)
	viewer := t.TempDir()
	opened := filepath.Join(viewer, "opened")
	if err := os.WriteFile(filepath.Join(viewer, "xdg-open"), []byte("#!/bin/sh\ncp \"$1\" \""+opened+"\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", viewer+string(os.PathListSeparator)+os.Getenv("PATH"))
	p := (&trayed{nobody: true}).start(t, `{"writing_mode": true, "sound": false, "pace": "0s", "keystore": "file"}`)
	p.host.Phone(100*time.Millisecond, 200*time.Millisecond)
	icon, _ := panel.Shows("writing mode", blue, 60, 1000)

	// Not signed in, it says so once, and keeps what is copied.
	x.Copy(t, "image/png", noise(t, 1000))
	panel.Shows("attention", red, 15, 1000)
	picture := noise(t, 1000)
	x.Copy(t, "image/png", picture)
	kept := albumIn(t, p.home)
	desktoptest.Eventually(t, "both wait", func() bool {
		entries, err := kept.Pending(t.Context())
		waiting, _ := album.Count(entries)
		return err == nil && waiting == 2
	})
	panel.Open(icon)
	panel.Save("program-login")
	panel.Press("Up", "Up", "Up", "Up", "Up", "Return") // quit, help, settings, the page, log in
	desktoptest.Eventually(t, "the name", func() bool {
		return slices.ContainsFunc(dunst.History(t), func(n desktoptest.Shown) bool {
			return n.Summary == "Logged in as "+sandbox.Uname
		})
	})
	if code, err := os.ReadFile(opened); err != nil || !bytes.HasPrefix(code, []byte("\x89PNG")) {
		t.Errorf("the viewer got %.8q, %v", code, err)
	}
	panel.Shows("writing mode", blue, 60, 1000)

	// The picture was kept, and goes up now; the clipboard is left alone.
	desktoptest.Eventually(t, "the link of the picture that was kept", func() bool {
		return slices.ContainsFunc(dunst.History(t), func(n desktoptest.Shown) bool {
			return n.Summary == "2 pictures copied earlier are uploaded" && strings.Count(n.Body, "](http") == 2
		})
	})
	if got, err := x.Paste(t, "image/png"); err != nil || !bytes.Equal(got, picture) {
		t.Errorf("the clipboard does not hold the picture any more: %v", err)
	}
	told := 0
	for _, n := range dunst.History(t) {
		if strings.Contains(n.Body, "not logged in") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%d notifications of the missing login", told)
	}
	panel.Open(icon)
	panel.Save("program-account")
}

// Recent links and the picture to put back are the album's: also those of an
// earlier run, and those that another process makes.
func TestTheTrayRemembers(t *testing.T) {
	desktoptest.Bus(t)
	x := desktoptest.StartX(t)
	panel := desktoptest.StartPanel(t, x)
	p := startTray(t, `{"writing_mode": true, "notify": false, "sound": false, "pace": "0s"}`)
	icon, _ := panel.Shows("writing mode", blue, 60, 1000)
	picture := noise(t, 3000)
	x.Copy(t, "image/png", picture)
	link := pasted(t, x, "![](http")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.ended

	p.run(t)
	desktoptest.Eventually(t, "the tray is back", func() bool {
		if where, _ := panel.Shows("writing mode", blue, 60, 1000); where != (image.Point{}) {
			icon = where
		}
		return isRunning(p.home)
	})
	x.Copy(t, "UTF8_STRING", []byte("my own words"))
	panel.Open(icon)
	panel.Press("Down", "Down", "Down", "Return")
	desktoptest.Eventually(t, "the picture is back", func() bool {
		got, err := x.Paste(t, "image/png")
		return err == nil && bytes.Equal(got, picture)
	})
	panel.Open(icon)
	panel.Press("Down", "Down", "Down", "Down", "Right", "Return")
	if text := pasted(t, x, "![](http"); text != link {
		t.Errorf("pasted %q, want %q", text, link)
	}

	file := filepath.Join(t.TempDir(), "other.png")
	if err := os.WriteFile(file, noise(t, 4000), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := p.command("upload", "--format", "markdown", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	desktoptest.Eventually(t, "the link that a terminal has made", func() bool {
		panel.Open(icon)
		panel.Press("Down", "Down", "Down", "Down", "Right", "Return")
		return pasted(t, x, "![](http") == strings.TrimSpace(string(out))
	})

	// What waits is counted, and goes up at a click.
	p.host.Play(sandbox.LoggedOut, 0)
	waits := noise(t, 5000)
	x.Copy(t, "image/png", waits)
	panel.Shows("attention", red, 15, 1000)
	p.host.Play("", 0)
	panel.Open(icon)
	panel.Save("program-waiting")
	panel.Press("Down", "Down", "Down", "Down", "Down", "Return") // past the error
	kept := albumIn(t, p.home)
	desktoptest.Eventually(t, "it goes up", func() bool {
		waiting, taken := pendingIn(t, kept)
		return waiting+taken == 0
	})
	panel.Shows("writing mode", blue, 60, 1000)
	if got, err := x.Paste(t, "image/png"); err != nil || !bytes.Equal(got, waits) {
		t.Errorf("the clipboard was not left alone: %v", err)
	}
}

// With an album that cannot be opened it does not start, and shows why.
func TestADamagedAlbumIsShown(t *testing.T) {
	desktoptest.Bus(t)
	x := desktoptest.StartX(t)
	dunst := desktoptest.StartDunst(t, x)
	home := newHome(t)
	dir := filepath.Join(home, "gateway", "album")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "album.db"), noise(t, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := program(home, newFront(t).url(), "tray").CombinedOutput(); err == nil {
		t.Errorf("it started: %s", out)
	}
	shown := dunst.History(t)
	if len(shown) != 1 || shown[0].Summary != "bilipaste cannot start" || !strings.Contains(shown[0].Body, "bilipaste album verify") {
		t.Errorf("shown: %+v", shown)
	}
}

// A second start has the first one show itself.
func TestASecondStartShowsTheFirst(t *testing.T) {
	desktoptest.Bus(t)
	x := desktoptest.StartX(t)
	dunst := desktoptest.StartDunst(t, x)
	p := startTray(t, `{"writing_mode": true, "sound": false}`)
	desktoptest.Eventually(t, "it to run", func() bool {
		return isRunning(p.home)
	})
	var shown []desktoptest.Shown
	desktoptest.Eventually(t, "it to show itself", func() bool {
		if out, err := p.command().CombinedOutput(); err != nil || !strings.Contains(string(out), "running already") {
			t.Fatalf("a second start: %v: %s", err, out)
		}
		shown = dunst.History(t)
		return slices.ContainsFunc(shown, func(n desktoptest.Shown) bool { return n.Summary == "bilipaste is running" })
	})
	out, err := p.command("watch").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "running already") {
		t.Errorf("watch beside it: %v: %s", err, out)
	}
}

// albumIn opens the album of a program that talks to a stand-in, as another process.
func albumIn(t testing.TB, home string) *album.Album {
	t.Helper()
	a, err := album.Open(t.Context(), filepath.Join(home, "gateway", "album"), album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// uploads counts the uploads that the host was asked for.
func uploads(host *sandbox.Server) int {
	n := 0
	for _, r := range host.Requests() {
		if strings.Contains(r.Path, "upload") {
			n++
		}
	}
	return n
}

func TestTheTrayProgramEndsByASignal(t *testing.T) {
	x := desktoptest.StartX(t)
	desktoptest.Bus(t)
	p := startTray(t, `{"writing_mode": true, "notify": false, "sound": false}`)
	p.host.Play(sandbox.Hang, 0)
	desktoptest.Eventually(t, "an upload", func() bool { // it begins to watch some time
		x.Copy(t, "image/png", noise(t, 1000))
		return uploads(p.host) > 0
	})
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if code := p.cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("status %d", code)
	}
}

// One that stayed would be in the next session's way, with neither icon nor
// notifications there.
func TestTheTrayProgramEndsWithTheSession(t *testing.T) {
	x := desktoptest.StartX(t)
	bus := desktoptest.Bus(t)
	p := startTray(t, `{"writing_mode": true, "notify": false, "sound": false}`)
	p.host.Play(sandbox.Hang, 0)
	desktoptest.Eventually(t, "an upload", func() bool {
		x.Copy(t, "image/png", noise(t, 1000))
		return uploads(p.host) > 0
	})
	x.Stop()
	if err := bus.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if p.err != nil {
		t.Error(p.err)
	}
	entries, err := albumIn(t, p.home).Pending(t.Context())
	if err != nil || len(entries) == 0 {
		t.Errorf("what was being sent is not pending: %v, %v", entries, err)
	}
}

// Without a bus there is no icon, but all else works; it is told once.
func TestTheTrayProgramWithoutABus(t *testing.T) {
	x := desktoptest.StartX(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	p := startTray(t, `{"writing_mode": true, "sound": false}`)
	desktoptest.Eventually(t, "a link", func() bool {
		x.Copy(t, "image/png", noise(t, 1000))
		return uploads(p.host) > 0
	})
	pasted(t, x, "![](http")
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.ended
	if said := p.said.String(); strings.Count(said, "bilipaste: ") != 1 || !strings.Contains(said, "session bus") {
		t.Errorf("it said %q", said)
	}
}

// isRunning tells whether a program of this home can be asked.
func isRunning(home string) bool {
	found, err := filepath.Glob(filepath.Join(home, "instance*.json"))
	return err == nil && len(found) > 0
}

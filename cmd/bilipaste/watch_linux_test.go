package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"image"
	"image/png"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/sandbox"
)

// watching is the whole program in writing mode, as a process of its own.
type watching struct {
	cmd    *exec.Cmd
	host   *sandbox.Server
	home   string
	mu     sync.Mutex
	lines  []string // what it prints
	notes  bytes.Buffer
	print  chan string   // the same, for who waits
	ended  chan struct{} // closed when it has ended
	err    error         // how it ended
	reader sync.WaitGroup
}

// startWatch starts "bilipaste watch" on the test's desktop, against a sandbox,
// and returns when it watches.
func startWatch(t testing.TB, args ...string) *watching {
	t.Helper()
	host := sandbox.New()
	if err := host.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close() })
	w := watchFrom(t, newHome(t), host.URL(), args...)
	w.host = host
	return w
}

// newHome makes a home with settings.
func newHome(t testing.TB) string {
	t.Helper()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "config.json"), []byte(`{"pace": "0s", "language": "en"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

// program is a command of a user who is signed in.
func program(home, gateway string, args ...string) *exec.Cmd {
	cmd := exec.Command("bilipaste", args...)
	cmd.Env = append(os.Environ(), "BILIPASTE_HOME="+home, "BILIPASTE_GATEWAY="+gateway,
		"BILIPASTE_SESSDATA="+sandbox.SESSDATA, "BILIPASTE_BILI_JCT="+sandbox.BiliJct)
	return cmd
}

// watchFrom starts "bilipaste watch" of a home, and returns when it watches or
// has ended.
func watchFrom(t testing.TB, home, gateway string, args ...string) *watching {
	t.Helper()
	w := &watching{home: home, print: make(chan string, 1000), ended: make(chan struct{})}
	w.cmd = program(home, gateway, append([]string{"watch"}, args...)...)
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	notes, err := w.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	w.reader.Go(func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			w.mu.Lock()
			w.lines = append(w.lines, s.Text())
			w.mu.Unlock()
			w.print <- s.Text()
		}
	})
	w.reader.Go(func() {
		r := bufio.NewReader(notes)
		for said := ""; !strings.Contains(said, "Ctrl-C"); { // it watches
			var err error
			said, err = r.ReadString('\n')
			w.mu.Lock()
			w.notes.WriteString(said)
			w.mu.Unlock()
			if err != nil {
				break
			}
		}
		close(ready)
		rest, _ := io.ReadAll(r)
		w.mu.Lock()
		w.notes.Write(rest)
		w.mu.Unlock()
	})
	go func() {
		w.reader.Wait()
		w.err = w.cmd.Wait()
		close(w.ended)
	}()
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill() // if it has not ended
		<-w.ended
		if t.Failed() {
			t.Logf("watch printed:\n%s\n%s", strings.Join(w.lines, "\n"), w.notes.String())
		}
	})
	<-ready
	return w
}

// kill ends it as a power cut does.
func (w *watching) kill() {
	_ = w.cmd.Process.Kill()
	<-w.ended
}

// line waits for the nth line, from 0, and returns it.
func (w *watching) line(t testing.TB, n int) string {
	t.Helper()
	var line string
	desktoptest.Eventually(t, "the next line of watch", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.lines) > n {
			line = w.lines[n]
		}
		return line != ""
	})
	return line
}

// pasted waits until the clipboard holds a text that starts so, and no picture.
// (xclip gives what it has for any format that is asked of it.)
func pasted(t testing.TB, x *desktoptest.XServer, start string) string {
	t.Helper()
	var text string
	desktoptest.Eventually(t, "the clipboard holds "+start, func() bool {
		got, err := x.Paste(t, "TARGETS")
		if err != nil || !bytes.Contains(got, []byte("UTF8_STRING")) {
			return false
		}
		got, err = x.Paste(t, "UTF8_STRING")
		text = string(got)
		return err == nil && strings.HasPrefix(text, start)
	})
	return text
}

// The main job on a whole desktop: a link, then a ding and a notification.
func TestCopyDingPaste(t *testing.T) {
	x := desktoptest.StartX(t)
	desktoptest.Bus(t)
	dunst := desktoptest.StartDunst(t, x)
	ears := desktoptest.StartSpeaker(t).Record(t)
	w := startWatch(t)

	x.Copy(t, "image/png", noise(t, 1_000_000))
	text := pasted(t, x, "![](http")
	if !strings.HasSuffix(text, ".png)") {
		t.Errorf("the clipboard holds %q", text)
	}
	link := strings.TrimSuffix(strings.TrimPrefix(text, "![]("), ")")
	if line := w.line(t, 0); !strings.Contains(line, "picture PNG 400×") || !strings.Contains(line, "→ "+link) {
		t.Errorf("watch says %q", line)
	}
	ears.Sounds(t, 1)
	var shown []desktoptest.Shown
	desktoptest.Eventually(t, "a notification", func() bool {
		shown = dunst.History(t)
		return len(shown) > 0
	})
	if n := shown[0]; n.Summary != "Picture uploaded" || !strings.Contains(n.Body, link) || n.Icon == "" {
		t.Errorf("the notification: %+v", n)
	}
}

func TestWhatIsNoPictureIsLeftAlone(t *testing.T) {
	x := desktoptest.StartX(t)
	w := startWatch(t)
	x.Copy(t, "UTF8_STRING", []byte("just a text"))
	if line := w.line(t, 0); !strings.Contains(line, "left alone: ") {
		t.Errorf("watch says %q", line)
	}
	x.Copy(t, "x-kde-passwordManagerHint", []byte("secret"))
	if line := w.line(t, 1); !strings.Contains(line, "left alone: ") {
		t.Errorf("watch says %q", line)
	}
	if got := uploads(w.host); got != 0 {
		t.Errorf("%d uploads were made", got)
	}
}

func TestACopyDuringAnUploadIsNotOverwritten(t *testing.T) {
	x := desktoptest.StartX(t)
	w := startWatch(t)
	w.host.Delay(time.Second)
	x.Copy(t, "image/png", noise(t, 1000))
	desktoptest.Eventually(t, "the upload to begin", func() bool { return uploads(w.host) == 1 })
	x.Copy(t, "UTF8_STRING", []byte("my own words"))
	if line := w.line(t, 0); !strings.Contains(line, "http") || !strings.Contains(line, "something else was copied meanwhile") {
		t.Errorf("watch says %q", line)
	}
	if got, err := x.Paste(t, "UTF8_STRING"); err != nil || string(got) != "my own words" {
		t.Errorf("the clipboard holds %q, %v", got, err)
	}
}

func TestCopiedFilesAreOneTextWithALinkEach(t *testing.T) {
	x := desktoptest.StartX(t)
	w := startWatch(t, "--format", "url")
	var list strings.Builder
	for _, name := range []string{"图 一.png", "two.png"} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, noise(t, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		list.WriteString((&url.URL{Scheme: "file", Path: file}).String() + "\r\n")
	}
	x.Copy(t, "text/uri-list", []byte(list.String()))
	links := strings.Split(pasted(t, x, "http"), "\n")
	if len(links) != 2 || !strings.HasPrefix(links[0], "http") || !strings.HasPrefix(links[1], "http") || links[0] == links[1] {
		t.Errorf("the clipboard holds %q", links)
	}
	if line := w.line(t, 0); !strings.Contains(line, "图 一.png") || !strings.Contains(line, "two.png") {
		t.Errorf("watch says %q", line)
	}
}

func TestAFailedUploadIsHeardAndSeen(t *testing.T) {
	x := desktoptest.StartX(t)
	desktoptest.Bus(t)
	dunst := desktoptest.StartDunst(t, x)
	ears := desktoptest.StartSpeaker(t).Record(t)
	w := startWatch(t)
	w.host.Play(sandbox.LoggedOut, 0)
	data := noise(t, 1000)
	x.Copy(t, "image/png", data)
	if line := w.line(t, 0); !strings.Contains(line, "not logged in") {
		t.Errorf("watch says %q", line)
	}
	if got, err := x.Paste(t, "image/png"); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the picture is not on the clipboard any more: %v", err)
	}
	ears.Sounds(t, 1)
	var shown []desktoptest.Shown
	desktoptest.Eventually(t, "a notification", func() bool {
		shown = dunst.History(t)
		return len(shown) > 0
	})
	if n := shown[0]; n.Summary != "Picture not uploaded" || !strings.Contains(n.Body, "not logged in") {
		t.Errorf("the notification: %+v", n)
	}

	// It was kept, and goes up with the next one that does.
	w.host.Play("", 0)
	x.Copy(t, "image/png", noise(t, 2000))
	pasted(t, x, "![](http")
	desktoptest.Eventually(t, "the picture that was kept", func() bool {
		return slices.ContainsFunc(dunst.History(t), func(n desktoptest.Shown) bool {
			return n.Summary == "A picture copied earlier is uploaded"
		})
	})
}

func TestAnInterruptEndsItInTheMiddleOfAnUpload(t *testing.T) {
	x := desktoptest.StartX(t)
	w := startWatch(t)
	w.host.Play(sandbox.Hang, 0)
	x.Copy(t, "image/png", noise(t, 1000))
	desktoptest.Eventually(t, "the upload to begin", func() bool { return uploads(w.host) == 1 })
	if err := w.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-w.ended
	if exit, ok := errors.AsType[*exec.ExitError](w.err); !ok || exit.ExitCode() != exitInterrupted {
		t.Errorf("it ended with %v", w.err)
	}
}

func TestCopyAndPasteOnWayland(t *testing.T) {
	sway := desktoptest.StartSway(t)
	w := startWatch(t)
	sway.Copy(t, "image/png", noise(t, 1_000_000))
	line := w.line(t, 0)
	got, err := sway.Paste(t, "text/plain")
	if err != nil || !strings.HasPrefix(got, "![](http") || !strings.Contains(line, strings.Trim(got, "![]()\n")) {
		t.Errorf("the clipboard holds %q, %v; watch says %q", got, err, line)
	}
}

// noise returns a PNG that cannot be compressed, of about that many bytes.
func noise(t testing.TB, size int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 400, max(1, size/1600)))
	_, _ = rand.Read(m.Pix)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

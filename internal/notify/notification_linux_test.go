package notify_test

import (
	"html"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/lang"
	"bilipaste/internal/notify"
)

var green = color.RGBA{20, 160, 60, 255}

func has(m image.Image, c color.RGBA) bool {
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			if color.RGBAModel.Convert(m.At(x, y)) == c {
				return true
			}
		}
	}
	return false
}

// pictureFile writes a green picture with a name that markup would choke on.
func pictureFile(t *testing.T) string {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range 64 * 64 {
		m.Set(i%64, i/64, green)
	}
	name := filepath.Join(t.TempDir(), "图 <b>&.png")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestANotificationIsSeenAsItWasSaid(t *testing.T) {
	desktoptest.Bus(t)
	x := desktoptest.StartX(t)
	dunst := desktoptest.StartDunst(t, x)
	var j journal
	n := notify.New(false, true, j.log())
	icon := pictureFile(t)
	const title, body = "链接已复制", "猫 <b>&\" &amp; it's.png"

	if server, err := notify.CheckNotification(t.Context()); err != nil || !strings.HasPrefix(server, "dunst") {
		t.Errorf("the server is %q, %v", server, err)
	}
	n.Done(t.Context(), title, body, icon)
	n.Wait()
	desktoptest.Eventually(t, "the picture on the screen", func() bool { return has(x.Screen(t), green) })
	n.Failed(t.Context(), "failed", "why")
	n.FailedAgain(t.Context()) // heard alone
	n.Wait()

	shown := dunst.History(t)
	if len(shown) != 2 {
		t.Fatalf("shown: %+v, want 2", shown)
	}
	want := desktoptest.Shown{App: "bilipaste", Summary: "failed", Body: "why"}
	if shown[0] != want {
		t.Errorf("shown: %+v, want %+v", shown[0], want)
	}
	if html.UnescapeString(shown[1].Body) != body || strings.ContainsAny(shown[1].Body, "<>") {
		t.Errorf("the body was sent as %q", shown[1].Body)
	}
	want = desktoptest.Shown{App: "bilipaste", Summary: title, Body: shown[1].Body, Icon: icon}
	if shown[1] != want {
		t.Errorf("shown: %+v, want %+v", shown[1], want)
	}
	if lines := j.lines(); len(lines) > 0 {
		t.Errorf("logged: %q", lines)
	}
}

func TestADaemonThatReadsNoMarkupIsSentNone(t *testing.T) {
	desktoptest.Bus(t)
	dunst := desktoptest.StartDunst(t, desktoptest.StartX(t), "markup = no")
	n := notify.New(false, true, new(journal).log())
	n.Done(t.Context(), "title", "a <b> & c", "")
	n.Wait()
	if shown := dunst.History(t); len(shown) != 1 || shown[0].Body != "a <b> & c" {
		t.Errorf("shown: %+v", shown)
	}
}

func TestAFrozenDaemonIsGivenUp(t *testing.T) {
	desktoptest.Bus(t)
	dunst := desktoptest.StartDunst(t, desktoptest.StartX(t))
	dunst.Freeze(t)
	var j journal
	n := notify.New(false, true, j.log())
	before := runtime.NumGoroutine()
	start := time.Now()
	for range 20 {
		n.Done(t.Context(), "title", "body", "")
	}
	n.Wait()
	took(t, start, 2*time.Second)
	if lines := j.lines(); len(lines) != 20 {
		t.Errorf("logged %d lines, want one each: %q", len(lines), lines)
	}
	desktoptest.Eventually(t, "the end of what hung", func() bool { return runtime.NumGoroutine() <= before+2 })

	_, err := notify.CheckNotification(t.Context())
	if what, hint := lang.New(lang.English).Error(err); what != "the notification daemon does not answer" || hint == "" {
		t.Errorf("the check says %q, %q", what, hint)
	}

	dunst.Thaw(t)
	n.Done(t.Context(), "again", "", "")
	n.Wait()
	if shown := dunst.History(t); len(shown) != 1 || shown[0].Summary != "again" {
		t.Errorf("shown: %+v, want only the last", shown)
	}
}

// Where there is no bus or no daemon, no program is started to make up for it.
func TestNothingIsStartedInPlaceOfADaemon(t *testing.T) {
	helpers := func(t *testing.T) (called func() bool) {
		mark := filepath.Join(t.TempDir(), "called")
		script := "echo \"$0\" >>" + mark
		alone(t, map[string]string{"dbus-launch": script, "notify-send": script, "kdialog": script})
		return func() bool { _, err := os.Stat(mark); return err == nil }
	}
	try := func(t *testing.T, called func() bool, says string) {
		var j journal
		n := notify.New(false, true, j.log())
		n.Done(t.Context(), "title", "body", "")
		n.Wait()
		if lines := j.lines(); len(lines) != 1 || !strings.Contains(lines[0], says) {
			t.Errorf("logged: %q", lines)
		}
		_, err := notify.CheckNotification(t.Context())
		for _, tag := range []string{lang.English, lang.Chinese} {
			if what, hint := lang.New(tag).Error(err); what == "" || hint == "" {
				t.Errorf("%s: the check says %q, %q", tag, what, hint)
			}
		}
		if called() {
			t.Error("a program was started")
		}
	}
	t.Run("no bus", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
		t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
		try(t, helpers(t), "no session bus")
	})
	t.Run("dead bus", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
		try(t, helpers(t), "cannot be reached")
	})
	t.Run("no daemon", func(t *testing.T) {
		desktoptest.Bus(t)
		try(t, helpers(t), "shows notifications")
	})
}

package main

import (
	"strings"
	"testing"

	"bilipaste/internal/desktoptest"
)

// After a login the program of the session before may still be there, if the
// desktop does not end programs. It knows of no way to the new display.
func TestOneOfAnEndedDesktopGivesWay(t *testing.T) {
	desktoptest.Bus(t)
	before := desktoptest.StartX(t)
	session := func() { t.Setenv("WAYLAND_DISPLAY", "none") } // which makes the session's name
	session()
	p := startTray(t, `{"writing_mode": true, "notify": false, "sound": false}`)
	desktoptest.Eventually(t, "it to run", func() bool { return isRunning(p.home) })
	now := desktoptest.StartX(t) // another display than before
	before.Stop()
	session()
	(&trayed{host: p.host, home: p.home}).run(t)
	<-p.ended
	if p.err != nil {
		t.Errorf("it ended with %v", p.err)
	}
	desktoptest.Eventually(t, "a link", func() bool {
		now.Copy(t, "image/png", noise(t, 1000))
		return uploads(p.host) > 0
	})
	pasted(t, now, "![](http")
	out, err := p.command().CombinedOutput()
	if err != nil || !strings.Contains(string(out), "running already") {
		t.Errorf("one more start: %v: %s", err, out)
	}
}

// screen is a display server that ends and comes back, and what is copied and
// pasted there.
type screen struct {
	copy    func(picture []byte)
	paste   func() string
	stop    func()
	restart func()
}

// A compositor or an X server that is started again finds the same program:
// writing mode goes on.
func TestTheDisplayComesBack(t *testing.T) {
	for name, start := range map[string]func(*testing.T) screen{
		"sway": func(t *testing.T) screen {
			s := desktoptest.StartSway(t)
			return screen{
				func(picture []byte) { s.Copy(t, "image/png", picture) },
				func() string { text, _ := s.Paste(t, "text/plain"); return text },
				s.Stop, func() { s.Restart(t) },
			}
		},
		"X": func(t *testing.T) screen {
			x := desktoptest.StartX(t)
			return screen{
				func(picture []byte) { x.Copy(t, "image/png", picture) },
				func() string {
					offered, _ := x.Paste(t, "TARGETS")
					if !strings.Contains(string(offered), "UTF8_STRING") {
						return ""
					}
					text, _ := x.Paste(t, "UTF8_STRING")
					return string(text)
				},
				x.Stop, func() { x.Restart(t) },
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			desktoptest.Bus(t)
			startTray(t, `{"writing_mode": true, "notify": false, "sound": false, "pace": "0s"}`)
			link := func(when string) {
				t.Helper()
				desktoptest.Eventually(t, "a link "+when, func() bool { // it begins to watch some time
					s.copy(noise(t, 1000))
					for range 20 {
						if strings.HasPrefix(s.paste(), "![](http") {
							return true
						}
					}
					return false
				})
			}
			link("at first")
			s.stop()
			s.restart()
			link("after the display's end")
		})
	}
}

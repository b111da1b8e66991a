package notify_test

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/lang"
	"bilipaste/internal/notify"
)

// A journal is a log that a test reads. It may be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.FieldsFunc(j.text.String(), func(r rune) bool { return r == '\n' })
}

func (j *journal) log() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// alone makes PATH a folder with nothing but these shell scripts.
func alone(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

// took fails the test if what began at start has outlasted the limit by far.
func took(t *testing.T, start time.Time, limit time.Duration) {
	t.Helper()
	if d := time.Since(start); d > limit+2*time.Second {
		t.Errorf("it took %v, the limit is %v", d, limit)
	}
}

// The desktops' sound servers.
var servers = map[string]func(testing.TB) *desktoptest.Speaker{
	"PulseAudio": desktoptest.StartSpeaker,
	"PipeWire": func(t testing.TB) *desktoptest.Speaker {
		desktoptest.Bus(t)
		return desktoptest.StartPipeWire(t)
	},
}

func TestADingIsHeard(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			recording := start(t).Record(t)
			alone(t, nil) // no player helps out
			testSounds(t, recording)
		})
	}
}

func testSounds(t *testing.T, recording *desktoptest.Recording) {
	var j journal
	n := notify.New(true, false, j.log())
	for i, c := range []struct {
		tell  func()
		pitch float64
	}{
		{func() { n.Done(t.Context(), "", "", "") }, 1318.5},
		{func() { n.Failed(t.Context(), "", "") }, 659.3},
		{func() { n.FailedAgain(t.Context()) }, 659.3},
	} {
		c.tell()
		n.Wait()
		h := recording.Sounds(t, i+1)[i]
		if math.Abs(h.Pitch-c.pitch) > 15 {
			t.Errorf("sound %d: pitch %.0f Hz, want %.0f", i, h.Pitch, c.pitch)
		}
		if math.Abs(h.Peak-0.6) > 0.03 {
			t.Errorf("sound %d: peak %.3f, want 0.6", i, h.Peak)
		}
		if h.Length < 400*time.Millisecond || h.Length > 600*time.Millisecond {
			t.Errorf("sound %d: %v long", i, h.Length)
		}
		t.Logf("sound %d: %+v", i, h)
	}
	if lines := j.lines(); len(lines) > 0 {
		t.Errorf("logged: %q", lines)
	}
}

// At login the program may be there first.
func TestAServerThatStartsLater(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PULSE_SERVER", "unix:"+filepath.Join(t.TempDir(), "native"))
			path := os.Getenv("PATH")
			alone(t, nil)
			var j journal
			n := notify.New(true, false, j.log())
			n.Done(t.Context(), "", "", "")
			n.Wait()
			if len(j.lines()) == 0 {
				t.Fatal("nothing is logged without a server")
			}
			t.Setenv("PATH", path)
			recording := start(t).Record(t)
			alone(t, nil)
			n.Done(t.Context(), "", "", "")
			n.Wait()
			if h := recording.Sounds(t, 1)[0]; math.Abs(h.Peak-0.6) > 0.03 {
				t.Errorf("heard %+v", h)
			}
		})
	}
}

func TestDingsAreNotHeardOverOneAnother(t *testing.T) {
	speaker := desktoptest.StartSpeaker(t)
	recording := speaker.Record(t)
	alone(t, nil)
	n := notify.New(true, false, new(journal).log())
	for range 20 {
		n.Done(t.Context(), "", "", "")
	}
	n.Wait()
	if heard := recording.Sounds(t, 1); len(heard) != 1 || heard[0].Peak > 0.63 || heard[0].Length > 600*time.Millisecond {
		t.Errorf("heard %+v, want one ding", heard)
	}
}

func TestSilenceIsCheckedWithoutNoise(t *testing.T) {
	speaker := desktoptest.StartSpeaker(t)
	recording := speaker.Record(t)
	alone(t, nil)
	if err := notify.CheckSound(t.Context()); err != nil {
		t.Error(err)
	}
	n := notify.New(true, false, new(journal).log())
	n.Done(t.Context(), "", "", "")
	n.Wait()
	if heard := recording.Sounds(t, 1); len(heard) != 1 || heard[0].Length > 600*time.Millisecond {
		t.Errorf("heard %+v, want only the ding after the check", heard)
	}
	speaker.Stop(t)
	desktoptest.Eventually(t, "a check that fails", func() bool { return notify.CheckSound(t.Context()) != nil })
	what, hint := lang.New(lang.Chinese).Error(notify.CheckSound(t.Context()))
	if !strings.Contains(what, "无法播放声音") || hint == "" {
		t.Errorf("%q, %q", what, hint)
	}
}

// A server that hangs up, or never answers, is given up with one line in the log.
func TestAServerThatDoesNotPlayIsGivenUp(t *testing.T) {
	alone(t, nil)
	for name, serve := range map[string]func(net.Conn){
		"hangs up": func(c net.Conn) { _ = c.Close() },
		"mute":     func(net.Conn) {},
		"gone":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("unix", filepath.Join(t.TempDir(), "native"))
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("PULSE_SERVER", l.Addr().String())
			if serve == nil {
				_ = l.Close()
			} else {
				go func() {
					for {
						c, err := l.Accept()
						if err != nil {
							return
						}
						t.Cleanup(func() { _ = c.Close() })
						serve(c)
					}
				}()
				t.Cleanup(func() { _ = l.Close() })
			}
			var j journal
			n := notify.New(true, false, j.log())
			start := time.Now()
			n.Done(t.Context(), "", "", "")
			n.Wait()
			took(t, start, 3*time.Second)
			if lines := j.lines(); len(lines) != 1 || !strings.Contains(lines[0], "no sound") {
				t.Errorf("logged: %q", lines)
			}
		})
	}
}

func TestAServerThatDiesMidwayIsGivenUp(t *testing.T) {
	speaker := desktoptest.StartSpeaker(t)
	recording := speaker.Record(t)
	alone(t, nil)
	var j journal
	n := notify.New(true, false, j.log())
	start := time.Now()
	n.Done(t.Context(), "", "", "")
	recording.Started(t)
	speaker.Stop(t)
	n.Wait()
	took(t, start, 3*time.Second)
	if lines := j.lines(); len(lines) != 1 {
		t.Errorf("logged: %q", lines)
	}
}

func TestWithoutAServerAPlayerProgramPlays(t *testing.T) {
	t.Setenv("PULSE_SERVER", "unix:/nowhere/native")
	dir := t.TempDir()
	alone(t, map[string]string{
		"paplay":  "exit 1",
		"pw-play": "/bin/cp \"$1\" " + dir + "/played.wav",
		"aplay":   "/bin/touch " + dir + "/too-many",
	})
	var j journal
	n := notify.New(true, false, j.log())
	n.Done(t.Context(), "", "", "")
	n.Wait()
	played, err := os.ReadFile(dir + "/played.wav")
	if err != nil || len(played) < 10_000 || string(played[8:12]) != "WAVE" {
		t.Errorf("pw-play was given %d bytes, %v", len(played), err)
	}
	if _, err := os.Stat(dir + "/too-many"); err == nil {
		t.Error("aplay was asked too")
	}
	if lines := j.lines(); len(lines) > 0 {
		t.Errorf("logged: %q", lines)
	}
}

func TestAPlayerThatHangsIsKilled(t *testing.T) {
	t.Setenv("PULSE_SERVER", "unix:/nowhere/native")
	pid := filepath.Join(t.TempDir(), "pid")
	alone(t, map[string]string{"aplay": "echo $$ >" + pid + "\nexec /bin/sleep 60"})
	var j journal
	n := notify.New(true, false, j.log())
	start := time.Now()
	n.Done(t.Context(), "", "", "")
	n.Wait()
	took(t, start, 3*time.Second)
	if lines := j.lines(); len(lines) != 1 || !strings.Contains(lines[0], "aplay") && !strings.Contains(lines[0], "deadline") {
		t.Errorf("logged: %q", lines)
	}
	number, err := os.ReadFile(pid)
	if err != nil {
		t.Fatal(err)
	}
	desktoptest.Eventually(t, "the player's end", func() bool {
		_, err := os.Stat("/proc/" + strings.TrimSpace(string(number)))
		return err != nil
	})
}

func TestACancelledSoundEndsAtOnce(t *testing.T) {
	t.Setenv("PULSE_SERVER", "unix:/nowhere/native")
	pid := filepath.Join(t.TempDir(), "pid")
	alone(t, map[string]string{"aplay": "echo $$ >" + pid + "\nexec /bin/sleep 60"})
	var j journal
	n := notify.New(true, false, j.log())
	ctx, cancel := context.WithCancel(t.Context())
	n.Done(ctx, "", "", "")
	desktoptest.Eventually(t, "the player", func() bool { _, err := os.Stat(pid); return err == nil })
	start := time.Now()
	cancel()
	n.Wait()
	took(t, start, 0)
	if lines := j.lines(); len(lines) > 0 {
		t.Errorf("logged: %q", lines)
	}
}

//go:build unix

package desktoptest

import (
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const (
	recordRate = 44100 // samples a second
	loud       = 0.001 // of full scale: what is softer counts as silence
)

// Speaker is a sound server whose only device is heard by nobody but the test.
type Speaker struct {
	process *os.Process
}

// StartSpeaker starts a PulseAudio server and names it in PULSE_SERVER.
func StartSpeaker(t testing.TB) *Speaker {
	t.Helper()
	Need(t, "pulseaudio", "parec")
	dir := shortDir(t)
	socket := filepath.Join(dir, "native")
	cmd := exec.Command("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes",
		// Without norewinds the device adds up to 2 s, and short sounds are lost.
		"--load=module-null-sink sink_name=nul rate=44100 norewinds=1",
		"--load=module-native-protocol-unix auth-anonymous=1 socket="+socket)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "DBUS_SESSION_BUS_ADDRESS=unix:path=/dev/null")
	run(t, cmd)
	t.Setenv("PULSE_SERVER", "unix:"+socket)
	Eventually(t, "the sound server's socket", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	return &Speaker{cmd.Process}
}

// StartPipeWire starts PipeWire with WirePlumber and the server that speaks
// PulseAudio's protocol, on the session bus of the test (see Bus), and names that
// server in PULSE_SERVER.
func StartPipeWire(t testing.TB) *Speaker {
	t.Helper()
	Need(t, "pipewire", "wireplumber", "pipewire-pulse", "pactl", "parec")
	dir := shortDir(t)
	socket := filepath.Join(dir, "pulse", "native")
	var server *exec.Cmd
	for _, program := range []string{"pipewire", "wireplumber", "pipewire-pulse"} {
		server = exec.Command(program)
		server.Env = append(os.Environ(), "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "XDG_STATE_HOME="+dir,
			"DBUS_SYSTEM_BUS_ADDRESS=unix:path=/dev/null", "PULSE_SERVER=unix:"+socket)
		run(t, server)
		Eventually(t, "PipeWire's socket", func() bool {
			_, err := os.Stat(filepath.Join(dir, "pipewire-0"))
			return err == nil
		})
	}
	t.Setenv("PULSE_SERVER", "unix:"+socket)
	for _, command := range [][]string{
		{"load-module", "module-null-sink", "sink_name=nul", "channel_map=mono"},
		{"set-default-sink", "nul"},
	} {
		Eventually(t, "pactl "+command[0], func() bool { return exec.Command("pactl", command...).Run() == nil })
	}
	return &Speaker{server.Process}
}

// Stop ends the server at once, as a crash does.
func (s *Speaker) Stop(t testing.TB) {
	t.Helper()
	if err := s.process.Kill(); err != nil {
		t.Fatal(err)
	}
}

// Recording is what comes out of a Speaker, from Record on.
type Recording struct {
	file string
}

// Heard is a sound in a Recording, from its first loud sample to its last.
type Heard struct {
	Length time.Duration
	Peak   float64 // of full scale
	Pitch  float64 // hertz of its strongest tone, to the next 5
}

// Record records what the server plays, until the test's end. It returns when
// the recording runs.
func (s *Speaker) Record(t testing.TB) *Recording {
	t.Helper()
	r := &Recording{filepath.Join(t.TempDir(), "sound.raw")}
	file, err := os.Create(r.file)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("parec", "-d", "nul.monitor", "--latency-msec=20", "--format=s16le", "--rate=44100", "--channels=1")
	cmd.Stdout = file
	run(t, cmd)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "a running recording", func() bool { return len(r.samples(t)) > 0 })
	return r
}

// Sounds waits until at least n sounds have been heard, and returns all. A
// silence of 0.3 s is the end of a sound.
func (r *Recording) Sounds(t testing.TB, n int) []Heard {
	t.Helper()
	var sounds [][]float64
	Eventually(t, "the sounds in the recording", func() bool {
		sounds = split(r.samples(t))
		return len(sounds) >= n
	})
	var all []Heard
	for _, s := range sounds {
		all = append(all, measure(s))
	}
	return all
}

// Started waits until a sound is heard.
func (r *Recording) Started(t testing.TB) {
	t.Helper()
	Eventually(t, "a sound in the recording", func() bool {
		return slices.ContainsFunc(r.samples(t), func(v float64) bool { return math.Abs(v) > loud })
	})
}

func (r *Recording) samples(t testing.TB) []float64 {
	t.Helper()
	data, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	s := make([]float64, len(data)/2)
	for i := range s {
		s[i] = float64(int16(binary.LittleEndian.Uint16(data[2*i:]))) / (math.MaxInt16 + 1)
	}
	return s
}

// split returns the sounds that have ended.
func split(samples []float64) [][]float64 {
	const pause = recordRate * 3 / 10
	var all [][]float64
	first, last := -1, -1
	for i, v := range samples {
		switch {
		case math.Abs(v) > loud:
			if first < 0 {
				first = i
			}
			last = i
		case first >= 0 && i-last > pause:
			all = append(all, samples[first:last+1])
			first = -1
		}
	}
	return all
}

func measure(samples []float64) Heard {
	h := Heard{Length: time.Duration(len(samples)) * time.Second / recordRate}
	for _, v := range samples {
		h.Peak = max(h.Peak, math.Abs(v))
	}
	strongest := 0.0
	for pitch := 200.0; pitch <= 4000; pitch += 5 {
		if s := strength(samples, pitch); s > strongest {
			strongest, h.Pitch = s, pitch
		}
	}
	return h
}

// strength is how much of a tone there is: Goertzel's algorithm.
func strength(samples []float64, pitch float64) float64 {
	c := 2 * math.Cos(2*math.Pi*pitch/recordRate)
	var a, b float64
	for _, v := range samples {
		a, b = v+c*a-b, a
	}
	return a*a + b*b - c*a*b
}

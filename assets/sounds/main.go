// Command sounds makes the sounds of the program: a struck bell for a picture
// that has become a link, two lower strokes for one that has not. It writes
// them into the folder that it is told, as mono WAV of 16 bits.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
)

const (
	rate = 44100 // samples a second
	peak = 0.6   // of full scale
)

// A partial is one of the tones that together are a bell's voice.
type partial struct {
	ratio float64 // its frequency, as a multiple of the stroke's
	level float64
	decay float64 // seconds until it has fallen to 1/e
}

// bell is a small bell: a hum an octave below, a round body, and a glint that
// is gone at once.
var bell = []partial{
	{0.5, 0.18, 0.20},
	{1, 1, 0.15},
	{1.002, 0.25, 0.15},
	{2, 0.38, 0.09},
	{3.01, 0.16, 0.05},
	{4.17, 0.07, 0.028},
	{5.43, 0.04, 0.015},
}

// A stroke is one blow on the bell.
type stroke struct {
	at    float64 // seconds from the sound's start
	pitch float64 // hertz
	level float64
}

// sounds holds what is made, by its file's name.
var sounds = map[string]func() []byte{
	"ding.wav": func() []byte { return wav(ring(0.55, stroke{0, 1318.51, 1})) },
	"fail.wav": func() []byte { return wav(ring(0.55, stroke{0, 783.99, 0.9}, stroke{0.13, 659.26, 1})) },
}

// ring returns the samples of strokes on the bell, faded out over the last
// eighth of a sound this many seconds long.
func ring(seconds float64, strokes ...stroke) []float64 {
	samples := make([]float64, int(seconds*rate))
	for _, s := range strokes {
		first := int(s.at * rate)
		for i := range samples[first:] {
			t := float64(i) / rate
			var v float64
			for _, p := range bell {
				v += p.level * math.Exp(-t/p.decay) * math.Sin(2*math.Pi*p.ratio*s.pitch*t)
			}
			samples[first+i] += s.level * swell(t/0.004) * v
		}
	}
	tail := len(samples) / 8
	for i := range tail {
		samples[len(samples)-1-i] *= swell(float64(i) / float64(tail))
	}
	return samples
}

// swell rises from 0 to 1, softly at both ends, while x goes from 0 to 1.
func swell(x float64) float64 {
	return (1 - math.Cos(math.Pi*min(x, 1))) / 2
}

// wav encodes the samples, brought to the peak.
func wav(samples []float64) []byte {
	loudest := 0.0
	for _, v := range samples {
		loudest = max(loudest, math.Abs(v))
	}
	data := make([]int16, len(samples))
	for i, v := range samples {
		data[i] = int16(math.Round(v / loudest * peak * math.MaxInt16))
	}

	var b bytes.Buffer
	size := uint32(2 * len(data))
	for _, field := range []any{
		[]byte("RIFF"), 36 + size, []byte("WAVE"),
		[]byte("fmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2 * rate), uint16(2), uint16(16),
		[]byte("data"), size, data,
	} {
		_ = binary.Write(&b, binary.LittleEndian, field) // into memory
	}
	return b.Bytes()
}

func main() {
	for name, sound := range sounds {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), sound(), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "sounds:", err)
			os.Exit(1)
		}
	}
}

package main

import (
	"encoding/binary"
	"math"
	"testing"

	"bilipaste/assets"
)

// samples returns what a WAV file holds as fractions of full scale.
func samples(t *testing.T, file []byte) []float64 {
	t.Helper()
	if len(file) < 44 || len(file)%2 != 0 || string(file[36:40]) != "data" {
		t.Fatalf("not the WAV file that is made here: %d bytes", len(file))
	}
	var s []float64
	for i := 44; i < len(file); i += 2 {
		s = append(s, float64(int16(binary.LittleEndian.Uint16(file[i:])))/math.MaxInt16)
	}
	return s
}

func TestEmbeddedSoundsAreWhatIsMadeHere(t *testing.T) {
	for name, sound := range sounds {
		file, err := assets.Sounds.ReadFile("sounds/" + name)
		if err != nil {
			t.Fatal(err)
		}
		made := sound()
		if string(file[:44]) != string(made[:44]) {
			t.Errorf("%s: the header is another: run go generate ./assets", name)
			continue
		}
		// The last bit may differ: processors round sines differently.
		embedded, made16 := samples(t, file), samples(t, made)
		for i := range embedded {
			if math.Abs(embedded[i]-made16[i]) > 1.5/math.MaxInt16 {
				t.Errorf("%s: sample %d is another: run go generate ./assets", name, i)
				break
			}
		}
	}
}

func TestSoundsAreShortSoftAndWithoutClicks(t *testing.T) {
	for name, sound := range sounds {
		s := samples(t, sound())
		if seconds := float64(len(s)) / rate; seconds >= 0.6 {
			t.Errorf("%s: %.2f s long", name, seconds)
		}
		loudest, step := 0.0, 0.0
		for i, v := range s {
			loudest = max(loudest, math.Abs(v))
			if i > 0 {
				step = max(step, math.Abs(v-s[i-1]))
			}
		}
		if math.Abs(loudest-peak) > 0.001 {
			t.Errorf("%s: peak %.3f", name, loudest)
		}
		// A click is a jump: more than the slope of the loudest tone allows.
		if step > 0.25 {
			t.Errorf("%s: jumps by %.3f", name, step)
		}
		if first, last := s[0], s[len(s)-1]; first != 0 || last != 0 {
			t.Errorf("%s: starts at %.4f, ends at %.4f", name, first, last)
		}
	}
}

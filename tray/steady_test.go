package tray

import (
	"testing"
	"time"
)

func TestTheIconIsSteady(t *testing.T) {
	type step struct {
		at    int // milliseconds
		wants string
		shows string
		again int // milliseconds
	}
	for name, steps := range map[string][]step{
		"a fast upload is not shown": {
			{0, "writing", "writing", 0}, {5000, "uploading", "writing", 300}, {5060, "writing", "writing", 0},
		},
		"a slow one is, and long enough to be seen": {
			{0, "writing", "writing", 0}, {5000, "uploading", "writing", 300}, {5300, "uploading", "uploading", 0},
			{5310, "writing", "uploading", 590}, {5900, "writing", "writing", 0},
		},
		"what needs the user is shown at once": {
			{0, "writing", "writing", 0}, {5000, "uploading", "writing", 300}, {5100, "attention", "attention", 0},
		},
		"but not in quick succession": {
			{0, "off", "off", 0}, {100, "writing", "off", 500}, {600, "writing", "writing", 0}, {700, "off", "writing", 500},
			{800, "writing", "writing", 0},
		},
		"many fast ones after another are one upload that goes on": {
			{0, "writing", "writing", 0}, {1000, "uploading", "writing", 300}, {1060, "writing", "writing", 0}, {1061, "uploading", "writing", 300},
			{1361, "uploading", "uploading", 0}, {1370, "writing", "uploading", 591}, {1375, "uploading", "uploading", 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s steady
			start := time.Now()
			for _, step := range steps {
				show, again := s.want(step.wants, start.Add(time.Duration(step.at)*time.Millisecond))
				if show != step.shows || again != time.Duration(step.again)*time.Millisecond {
					t.Errorf("at %d ms %s is meant: %s is shown, asked again after %v; want %s and %d ms", step.at, step.wants, show, again, step.shows, step.again)
				}
			}
		})
	}
}

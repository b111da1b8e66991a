package notify_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/lang"
	"bilipaste/internal/notify"
)

// These tests hold with a sound device and without.
func TestASoundPlaysOrSaysWhyNot(t *testing.T) {
	start := time.Now()
	err := notify.CheckSound(t.Context())
	took := time.Since(start)
	if err == nil && took < 300*time.Millisecond {
		t.Errorf("a sound of 0.5 s was played in %v", took)
	}
	if err != nil {
		for _, tag := range []string{lang.English, lang.Chinese} {
			if what, hint := lang.New(tag).Error(err); !strings.Contains(what, "Windows") || hint == "" {
				t.Errorf("%q, hint %q", what, hint)
			}
		}
	}
	t.Logf("%v in %v", err, took)
}

func TestADingIsHeardInTime(t *testing.T) {
	works := notify.CheckSound(t.Context()) == nil
	var said bytes.Buffer
	n := notify.New(true, false, slog.New(slog.NewTextHandler(&said, nil)))
	start := time.Now()
	n.Done(t.Context(), "", "", "")
	n.Wait()
	took := time.Since(start)
	if works != (said.Len() == 0) {
		t.Errorf("a device: %t, logged %q", works, said.String())
	}
	if took > 4*time.Second {
		t.Errorf("given up after %v", took)
	}
	n.Failed(t.Context(), "", "")
	n.Wait()
}

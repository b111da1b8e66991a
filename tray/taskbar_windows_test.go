package tray

import (
	"context"
	"os"
	"testing"
	"time"

	"bilipaste/internal/lang"
)

func TestATaskbarThatDoesNotComeIsToldOfOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	late := make(chan struct{}, 2)
	ended := make(chan bool)
	go func() {
		ended <- awaitWindow(ctx, "no window of this class", time.Millisecond, func() { late <- struct{}{} })
	}()
	<-late
	cancel()
	if <-ended {
		t.Error("it came")
	}
	if len(late) > 0 {
		t.Error("told twice")
	}
	for _, tag := range []string{lang.English, lang.Chinese} {
		if what, hint := lang.New(tag).Error(lang.Errorf("tray.no_taskbar", nil, nil)); what == "tray.no_taskbar" || hint == "" {
			t.Errorf("%q, %q", what, hint)
		}
	}
}

func TestTheTaskbarIsFound(t *testing.T) {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WINEPREFIX") != "" {
		t.Skip("Wine's Windows has no taskbar without a display")
	}
	tray := New(func(Action) {}, func(err error) { t.Error(err) })
	if !tray.awaitTaskbar(t.Context()) {
		t.Error("it was not found")
	}
}

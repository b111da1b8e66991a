package watcher_test

import (
	"context"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
	"bilipaste/watcher"
)

func TestAHeldTextIsLetGo(t *testing.T) {
	sway := desktoptest.StartSway(t)
	w, err := watcher.Open(t.Context(), watcher.Options{IsPicture: func([]byte) bool { return false }, TextPaths: func() bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := w.Hold(ctx, "hello", func() { sway.Copy(t, "text/plain", []byte("other")) }); err != nil {
		t.Error(err)
	}
	if t.Context().Err() != nil || ctx.Err() != nil {
		t.Error("it is held although something else was copied")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

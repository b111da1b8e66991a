package album_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
	"bilipaste/uploader/hosttest"
)

// Watch tells of what another one does.
func TestWatchTellsOfChanges(t *testing.T) {
	dir := t.TempDir()
	var both []*album.Album
	for range 2 {
		a, err := album.Open(t.Context(), dir, album.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Close() }()
		both = append(both, a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	changed := make(chan struct{}, 100)
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := both[0].Watch(ctx, func() { changed <- struct{}{} }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	defer watching.Wait()
	defer cancel()
	<-changed // it watches
	for i := range 3 {
		if _, err := both[1].Keep(t.Context(), hosttest.Picture(t, picture.PNG, i), live); err != nil {
			t.Fatal(err)
		}
		<-changed
	}
}

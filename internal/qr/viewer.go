package qr

import (
	"bytes"
	"context"
	"os"
	"sync"

	"bilipaste/internal/desktop"
	"bilipaste/internal/durable"
	"bilipaste/internal/lang"
)

// Viewer shows codes with the system's viewer of pictures.
type Viewer struct {
	File   string      // the picture, for its owner alone; Close removes it
	Failed func(error) // told where the viewer cannot be started: a lang.Teller

	opening sync.WaitGroup
}

// Show shows a code until ctx is done, where the viewer can be ended.
func (v *Viewer) Show(ctx context.Context, code string) error {
	if err := Save(v.File, code); err != nil {
		return err
	}
	v.opening.Go(func() { // on some desktops until the viewer ends
		if err := desktop.Open(ctx, v.File); err != nil && ctx.Err() == nil {
			v.Failed(lang.Errorf("qr.no_viewer", lang.Data{"Cause": err}, err))
		}
	})
	return nil
}

// Close waits for the viewers, whose ctx is done, and removes the picture.
func (v *Viewer) Close() {
	v.opening.Wait()
	_ = os.Remove(v.File)
}

// Save writes the picture of a code, for its owner alone. A viewer that shows
// the one before sees it whole.
func Save(file, code string) error {
	var picture bytes.Buffer
	if err := PNG(&picture, code); err != nil {
		return err
	}
	if err := durable.Write(file, picture.Bytes(), 0o600); err != nil {
		return lang.Errorf("qr.unwritable", lang.Data{"File": file, "Cause": err}, err)
	}
	return nil
}

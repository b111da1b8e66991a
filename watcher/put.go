package watcher

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
)

// content is what we put on the clipboard. One of its three kinds is set.
type content struct {
	text      string
	once      bool // the text is given to one program, within onceLimit
	picture   []byte
	mediaType string   // of picture
	files     []string // absolute paths
}

// onceLimit is how long a text that is given once stays, as password menus have it.
const onceLimit = 45 * time.Second

// PutPicture puts a picture on the clipboard, whatever that holds, in the one
// format mediaType, such as "image/png". data must not be changed afterwards; it
// is held until something else is copied.
//
// What is put is our own: Run does not tell of it. It returns ErrChanged if
// another program copies at the same moment.
func (w *Watcher) PutPicture(ctx context.Context, mediaType string, data []byte) error {
	return w.put(ctx, content{picture: data, mediaType: mediaType}, Clip{Take: Picture, Why: IsPicture, Data: data, Sum: picture.SumOf(data)})
}

// PutFiles puts files on the clipboard, as a file manager copies them. It is
// otherwise like PutPicture. A path that leads to no file is an error.
func (w *Watcher) PutFiles(ctx context.Context, paths []string) error {
	var files []string
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err == nil {
			var missing error
			missing, err = within(ctx, w, func(context.Context) error { _, err := os.Stat(path); return err })
			err = cmp.Or(err, missing)
		}
		if err != nil {
			return lang.Errorf("watcher.not_put", lang.Data{"Cause": err}, err)
		}
		files = append(files, path)
	}
	return w.put(ctx, content{files: files}, Clip{Take: Files, Why: IsFiles, Files: files})
}

// PutText puts a text on the clipboard. It is otherwise like PutPicture.
func (w *Watcher) PutText(ctx context.Context, text string) error {
	return w.put(ctx, content{text: text}, Clip{Why: TextBeside})
}

// put puts c on the clipboard. clip is what would come back if a clipboard
// manager offered it once more.
func (w *Watcher) put(ctx context.Context, c content, clip Clip) error {
	w.replacing.Lock()
	defer w.replacing.Unlock()
	at := time.Now()
	if err := w.backend.put(ctx, nil, c); err != nil {
		return lang.Errorf("watcher.not_put", lang.Data{"Cause": err}, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latest = held{why: clip.Why, sum: sum(clip), at: at, size: len(clip.Data)}
	if c.text != "" {
		w.noteText(c.text)
	}
	return nil
}

// Hold puts a text on the clipboard, calls held, and stays until something else
// is copied or ctx is done: on X11 and Wayland a text is gone with the program
// that has put it there. Its error is PutText's.
func (w *Watcher) Hold(ctx context.Context, text string, held func()) error {
	ctx, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer stop()
	var put atomic.Bool
	watching.Go(func() {
		_ = w.Run(ctx, func(Clip) { // it ends with its context alone
			if put.Load() {
				stop()
			}
		})
	})
	if err := w.Attached(ctx); err != nil { // so that no copy after held is missed
		return err
	}
	if err := w.PutText(ctx, text); err != nil {
		return err
	}
	put.Store(true)
	held()
	<-ctx.Done()
	return nil
}

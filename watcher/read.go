package watcher

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"slices"
	"time"

	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/picture/bmp"
)

// Limits of what is read besides pictures.
const (
	maxList = 4 << 20  // a list of files
	maxMark = 64 << 10 // a mark of Windows
	maxPath = 16 << 10 // a text that may be a path

	maxDIB = 4 * MaxClip // a picture without any compression, which becomes a PNG
)

// busy is how long a program takes to list its formats before the user is told
// that it could not be asked: one that ends or copies again sooner means no harm.
const busy = time.Second

// Read returns the clip that the clipboard holds now, judged as Run does, also
// one that was there before. It can be given to Replace. An empty clipboard, and
// what we put there ourselves, are left alone as IsEmpty and IsOurs. An error
// means that the clipboard cannot be reached, or that ctx is done. Read is not
// to be called from within Run's seen.
func (w *Watcher) Read(ctx context.Context) (Clip, error) {
	for {
		at := time.Now()
		o, why, err := w.backend.current(ctx)
		if err != nil {
			return Clip{}, lang.Errorf("watcher.not_read", lang.Data{"Cause": err}, err)
		}
		if o == nil {
			return Clip{Why: why}, nil
		}
		clip := w.clipOf(ctx, o)
		if err := ctx.Err(); err != nil {
			return Clip{}, err
		}
		if clip.Why != Superseded {
			return w.adopt(ctx, clip, at)
		}
	}
}

// clipOf finds out what counts of an offer, and reads it.
func (w *Watcher) clipOf(ctx context.Context, o offer) Clip {
	clip := Clip{offer: o}
	if !w.begin(ctx) {
		clip.Why = NotReadable
		return clip
	}
	defer w.end()
	start := time.Now()
	formats, err := o.formats(ctx)
	clip.Formats = formats
	if err != nil {
		clip.Why = whyNot(err)
		if len(formats) == 0 && time.Since(start) >= busy {
			clip.Why = Unanswered
		}
		return clip
	}
	p := decide(formats)
	if (p.take != Nothing || len(p.others) > 0) && slices.Contains(formats, mayKeep) {
		content, err := o.read(ctx, mayKeep, maxMark, nil)
		switch {
		case err != nil:
			clip.Why = whyNot(err)
			return clip
		case forbids(content):
			clip.Why = IsSecret
			return clip
		}
	}
	if w.options.Coming != nil && (p.take == Picture || p.why == IsFiles) {
		w.options.Coming()
	}
	switch {
	case p.take == Picture:
		w.readPicture(ctx, &clip, p)
	case p.why == IsFiles:
		w.readFiles(ctx, &clip, p)
	case p.why == IsPath && w.options.TextPaths():
		w.readPath(ctx, &clip, p)
	case p.why == IsPath:
		clip.Why = TextBeside
	case len(p.others) > 0:
		w.readBeside(ctx, &clip, p)
	default:
		clip.Why = p.why
	}
	return clip
}

// begin waits until no other offer is read, and reports whether that came before
// ctx was done. The reading that begins ends with end.
func (w *Watcher) begin(ctx context.Context) bool {
	select {
	case w.reading <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *Watcher) end() { <-w.reading }

// errNoPicture says that a content is no picture, whatever its format's name.
var errNoPicture = errors.New("no picture")

// readPicture reads the best format that holds a picture. Programs offer some
// that do not, and so does Wine, which makes a bad CF_DIBV5 of a bitmap with a
// palette. Where none does, what is wrong with the best one is the uploader's to say.
func (w *Watcher) readPicture(ctx context.Context, clip *Clip, p plan) {
	format := p.format
	data, sum, err := w.readAs(ctx, clip.offer, format)
	for _, other := range p.others {
		if !errors.Is(err, errNoPicture) {
			break
		}
		if next, nextSum, failed := w.readAs(ctx, clip.offer, other); !errors.Is(failed, errNoPicture) {
			format, data, sum, err = other, next, nextSum, failed
		}
	}
	switch {
	case err != nil && len(data) == 0:
		clip.Why = whyNot(err)
	case len(data) > MaxClip:
		clip.Why = TooLarge
	default:
		clip.Take, clip.Why, clip.Type, clip.Data, clip.Sum = Picture, p.why, typeOf(format), data, sum
	}
}

// readAs reads a picture in one format, a bitmap as a PNG, and its sum. With
// errNoPicture it returns what there is in its place.
func (w *Watcher) readAs(ctx context.Context, o offer, format string) ([]byte, picture.Sum, error) {
	if isDIB(format) {
		data, err := o.read(ctx, format, maxDIB, nil)
		if err != nil {
			return nil, picture.Sum{}, err
		}
		w.spent(len(data))
		data, err = bmp.DIBToPNG(data)
		switch {
		case errors.Is(err, bmp.ErrTooLarge):
			return nil, picture.Sum{}, err
		case err != nil:
			return nil, picture.Sum{}, errNoPicture
		}
		return data, picture.SumOf(data), nil
	}
	seen := summer{sha256.New(), 0}
	data, err := o.read(ctx, format, MaxClip, &seen)
	if err != nil {
		return nil, picture.Sum{}, err
	}
	w.spent(len(data))
	_, _ = seen.Write(data[seen.n:]) // it never fails
	if !w.options.IsPicture(data[:min(headSize, len(data))]) {
		err = errNoPicture
	}
	return data, picture.Sum(seen.Sum(nil)), err
}

// summer sums what is written to it, and counts the bytes.
type summer struct {
	hash.Hash
	n int
}

func (s *summer) Write(p []byte) (int, error) {
	s.n += len(p)
	return s.Hash.Write(p)
}

func (w *Watcher) readFiles(ctx context.Context, clip *Clip, p plan) {
	for _, mark := range p.marks {
		content, err := clip.offer.read(ctx, mark, maxList, nil)
		switch {
		case errors.Is(err, errRefused): // PCManFM names KDE's mark with a copy too
		case err != nil:
			clip.Why = whyNot(err)
			return
		case isCut(mark, content):
			clip.Why = IsCut
			return
		}
	}
	content, err := clip.offer.read(ctx, p.format, maxList, nil)
	if err != nil {
		clip.Why = whyNot(err)
		return
	}
	files, elsewhere := filesIn(p.format, content)
	if len(files) == 0 {
		// The addresses of the web page that a picture comes from are no files.
		rest := slices.DeleteFunc(slices.Clone(clip.Formats), func(f string) bool { return f == uriList || f == dropList || isCopiedFiles(f) })
		switch q := decide(rest); {
		case q.take == Picture:
			w.readPicture(ctx, clip, q)
			return
		case len(q.others) > 0:
			w.readBeside(ctx, clip, q)
			return
		}
	}
	clip.Why = OtherFiles
	if len(files) == 0 || elsewhere > 0 {
		return
	}
	paths, err := w.pictureFiles(ctx, files, false)
	switch {
	case err != nil:
		clip.Why = Unreachable
	case paths != nil:
		clip.Take, clip.Why, clip.Files = Files, p.why, paths
	}
}

func (w *Watcher) readPath(ctx context.Context, clip *Clip, p plan) {
	text, err := clip.offer.read(ctx, p.format, maxPath, nil)
	if err != nil && !errors.Is(err, errTooLarge) {
		clip.Why = whyNot(err)
		return
	}
	clip.Why = TextBeside
	file, ok := pathOf(plainText(p.format, text))
	if err == nil && !ok {
		w.giveBack(ctx, clip.offer, string(text))
	}
	if err != nil || !ok {
		return
	}
	paths, err := w.pictureFiles(ctx, []address{file}, true)
	switch {
	case err != nil:
		clip.Why = Unreachable
	case paths != nil:
		clip.Take, clip.Why, clip.Files = Files, p.why, paths
	}
}

// giveBack puts a text that was read on the clipboard again if its program gives it
// once only, as those of passwords do, and ends then: nobody else has had it.
func (w *Watcher) giveBack(ctx context.Context, o offer, text string) {
	m, ok := o.(mortal)
	if !ok || text == "" {
		return
	}
	select {
	case <-m.left():
	case <-m.replaced():
		return
	case <-time.After(w.ending):
		return
	case <-ctx.Done():
		return
	}
	w.replacing.Lock()
	defer w.replacing.Unlock()
	_ = w.backend.put(ctx, o, content{text: text, once: true}) // else something else was copied
}

// whyNot returns the reason that a failed read gives.
func whyNot(err error) Reason {
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, bmp.ErrTooLarge):
		return TooLarge
	case errors.Is(err, errSuperseded):
		return Superseded
	}
	return NotReadable
}

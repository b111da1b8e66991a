package writing_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/markup"
	"bilipaste/internal/picture"
	"bilipaste/internal/queue"
	"bilipaste/internal/writing"
	"bilipaste/uploader"
	"bilipaste/watcher"
)

// desk is a desktop on which the test is every other program: it copies,
// pastes, sees the notifications and is the host.
type desk struct {
	album    *album.Album
	mu       sync.Mutex
	copied   chan watcher.Clip
	holds    watcher.Clip // what the clipboard holds
	text     string       // what was put in its place
	log      []string     // in the order it happened
	failing  map[string]error
	notes    []lang.Message // of each link
	sending  chan string    // a picture's name, when its upload begins
	proceed  chan struct{}  // nil: uploads end at once
	reported chan writing.Result
}

func newDesk() *desk {
	return &desk{
		copied: make(chan watcher.Clip), failing: map[string]error{},
		sending: make(chan string, 100), reported: make(chan writing.Result, 100),
	}
}

func (d *desk) Run(ctx context.Context, seen func(watcher.Clip)) error {
	for {
		select {
		case c := <-d.copied:
			d.mu.Lock()
			d.holds, d.text = c, ""
			d.mu.Unlock()
			seen(c)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *desk) Replace(_ context.Context, clip watcher.Clip, text string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.holds.Formats, clip.Formats) {
		return watcher.ErrChanged
	}
	d.text = text
	d.log = append(d.log, "paste")
	return nil
}

// Name, Limits, Destination and Upload are the host. What is between it and writing
// mode is real.
func (d *desk) Name() string { return shelf.Host }

func (d *desk) Limits() uploader.Limits {
	return uploader.Limits{Formats: []picture.Format{picture.PNG}, Bytes: 1e6}
}

func (d *desk) Destination() (uploader.Destination, bool) { return shelf, true }

func (d *desk) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	d.sending <- p.Name
	if err := uploader.Await(ctx); err != nil {
		return uploader.Link{}, err
	}
	if d.proceed != nil {
		select {
		case <-d.proceed:
		case <-ctx.Done():
			return uploader.Link{}, ctx.Err()
		}
	}
	d.mu.Lock()
	err := d.failing[p.Name]
	d.mu.Unlock()
	if err != nil {
		return uploader.Link{}, err
	}
	return uploader.Link{URL: "https://host/" + p.Name, Host: shelf.Host, Made: time.Now(), Notes: d.notes}, nil
}

// fails makes uploads of picture data fail, or with nil succeed.
func (d *desk) fails(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing[""] = err
}

func (d *desk) Done(_ context.Context, title, body, icon string) { d.note("done", title, body, icon) }
func (d *desk) Failed(_ context.Context, title, body string)     { d.note("failed", title, body, "") }
func (d *desk) FailedAgain(context.Context)                      { d.note("failed again", "", "", "") }

func (d *desk) note(what, title, body, icon string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, what+": "+title+": "+strings.ReplaceAll(body, "\n", " / ")+" ["+filepath.Base(icon)+"]")
}

var shelf = uploader.Destination{Host: "host"}

func markdown() markup.Markup { return markup.Markdown }
func english() *lang.Printer  { return lang.New(lang.English) }

func openAlbum(t *testing.T) *album.Album {
	t.Helper()
	a, err := album.Open(t.Context(), t.TempDir(), album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// start runs writing mode on the desk until the test ends.
func (d *desk) start(t *testing.T) *writing.Mode {
	t.Helper()
	a := openAlbum(t)
	d.album = a
	m := &writing.Mode{
		Clipboard: d, Album: a, Notifier: d, To: func() uploader.Destination { return shelf }, Many: func() int { return 3 }, Markup: markdown, Language: english,
		Queue: &queue.Queue{
			Album: a, Language: english, Log: slog.New(slog.DiscardHandler),
			Way: func(uploader.Destination) (*uploader.Uploader, error) {
				return &uploader.Uploader{Host: d, Ledger: a}, nil
			},
		},
		Report: func(r writing.Result) { d.reported <- r },
		Late:   func(queue.Outcome) {},
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	return m
}

func pngOf(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// files is a clip of files, each a picture of its own.
func files(t *testing.T, names ...string) watcher.Clip {
	t.Helper()
	c := watcher.Clip{Formats: names, Take: watcher.Files, Why: watcher.IsFiles}
	for _, n := range names {
		f := filepath.Join(t.TempDir(), n)
		if err := os.WriteFile(f, pictureOf(t, n).Data, 0o600); err != nil {
			t.Fatal(err)
		}
		c.Files = append(c.Files, f)
	}
	return c
}

func TestACopiedPictureBecomesALinkThenADing(t *testing.T) {
	d := newDesk()
	m := d.start(t)
	data := pngOf(t)
	d.copied <- watcher.Clip{Formats: []string{"image/png"}, Take: watcher.Picture, Why: watcher.IsPicture, Data: data}
	r := <-d.reported
	if d.text != "![](https://host/)" || r.Text != d.text || r.Pasted != nil {
		t.Errorf("clipboard %q, result %+v", d.text, r)
	}
	if p := r.Pictures[0]; p.Width != 3 || p.Height != 2 || p.Format != picture.PNG || p.Bytes != len(data) {
		t.Errorf("%+v", p)
	}
	icon := r.Pictures[0].Original
	want := []string{"paste", "done: Picture uploaded: On the clipboard, ready to paste: / ![](https://host/) [" + filepath.Base(icon) + "]"}
	if !slices.Equal(d.log, want) {
		t.Errorf("%q", d.log)
	}
	if shown, err := os.ReadFile(icon); err != nil || !bytes.Equal(shown, data) || !strings.HasPrefix(icon, m.Album.Dir()) {
		t.Errorf("the notification's picture: %s, %v", icon, err)
	}
}

func TestWhatWasChangedIsSaidOnce(t *testing.T) {
	d := newDesk()
	d.notes = []lang.Message{{ID: "prepare.converted", Data: lang.Data{"Format": "BMP"}}}
	d.start(t)
	d.copied <- files(t, "a.png", "b.png")
	<-d.reported
	if n := strings.Count(d.log[1], "sent as PNG instead of BMP"); n != 1 {
		t.Errorf("said %d times: %q", n, d.log)
	}
}

func TestSeveralFilesAreOneText(t *testing.T) {
	d := newDesk()
	d.start(t)
	d.copied <- files(t, "a.png", "b.png", "c.png")
	<-d.reported
	if want := "![](https://host/a.png)\n![](https://host/b.png)\n![](https://host/c.png)"; d.text != want {
		t.Errorf("%q", d.text)
	}
	if len(d.log) != 2 || !strings.HasPrefix(d.log[1], "done: 3 pictures uploaded") {
		t.Errorf("%q", d.log)
	}
}

func TestWhatFailsIsNamedAndTheRestIsPasted(t *testing.T) {
	d := newDesk()
	d.failing["b.png"] = &fault.Error{Kind: fault.TooLarge, Name: "b.png", Size: 16e6, Limit: 15e6}
	d.start(t)
	d.copied <- files(t, "a.png", "b.png")
	<-d.reported
	if d.text != "![](https://host/a.png)" {
		t.Errorf("%q", d.text)
	}
	if got := d.log[1]; !strings.HasPrefix(got, "failed: 1 of 2 pictures not uploaded") || !strings.Contains(got, "b.png is 16.0 MB") {
		t.Errorf("%q", got)
	}
}

// The first of many is sent while the others are still being read.
func TestMoreFilesAreTakenOnlyIfTheUserAsks(t *testing.T) {
	d := newDesk()
	m := d.start(t)
	clip := files(t, "a.png", "b.png", "c.png", "d.png")
	d.copied <- clip
	if r := <-d.reported; r.Asked != 4 || len(r.Pictures) != 0 || len(d.sending) > 0 || d.text != "" {
		t.Errorf("%+v", r)
	}
	if log := d.said(); len(log) != 1 || !strings.HasPrefix(log[0], "failed: 4 pictures were copied, and left alone: ") || !strings.Contains(log[0], "bilipaste now") {
		t.Errorf("%q", log)
	}
	r, err := m.Take(t.Context(), clip)
	if err != nil || len(r.Pictures) != 4 || r.Failed() > 0 || strings.Count(d.text, "https://") != 4 {
		t.Errorf("%+v, %v, pasted %q", r, err, d.text)
	}
}

func TestWhatTheUserStopsIsNotTold(t *testing.T) {
	d := newDesk()
	d.proceed = make(chan struct{})
	m := d.start(t)
	d.copied <- files(t, "a.png", "b.png")
	<-d.sending
	eventually(t, "both are pending", func() bool { return len(pending(t, d.album)) == 2 })
	if n, err := m.Queue.Stop(t.Context()); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if r := <-d.reported; r.Text != "" || !errors.Is(r.Pictures[1].Err, queue.ErrStopped) || len(d.said()) > 0 {
		t.Errorf("%+v; told %q", r, d.said())
	}
}

func TestNothingIsPastedWhereNothingWasUploaded(t *testing.T) {
	d := newDesk()
	d.failing[""] = &fault.Error{Kind: fault.NotLoggedIn}
	d.start(t)
	d.copied <- watcher.Clip{Take: watcher.Picture, Data: pngOf(t)}
	r := <-d.reported
	if len(d.log) != 1 || !strings.HasPrefix(d.log[0], "failed: Picture not uploaded: not logged in") || r.Failed() != 1 {
		t.Errorf("%q", d.log)
	}
}

func TestABrokenPictureIsNotSent(t *testing.T) {
	d := newDesk()
	d.start(t)
	d.copied <- watcher.Clip{Take: watcher.Picture, Data: pngOf(t)[:40]}
	<-d.reported
	if len(d.sending) != 0 || !strings.Contains(d.log[0], "cut off") {
		t.Errorf("%q", d.log)
	}
}

func TestANewerClipIsNeitherOverwrittenNorDropped(t *testing.T) {
	d := newDesk()
	d.proceed = make(chan struct{})
	d.start(t)
	d.copied <- files(t, "first.png")
	<-d.sending // the first is on its way
	d.copied <- files(t, "second.png")
	d.copied <- watcher.Clip{Formats: []string{"text"}, Why: watcher.TextBeside}
	d.copied <- files(t, "third.png")
	for range 3 {
		d.proceed <- struct{}{}
	}
	var got []string
	for range 4 {
		r := <-d.reported
		s := string(r.Clip.Why)
		if r.Text != "" {
			s = r.Text
		}
		if errors.Is(r.Pasted, watcher.ErrChanged) {
			s += " changed"
		}
		got = append(got, s)
	}
	want := []string{"![](https://host/first.png) changed", "![](https://host/second.png) changed", "text", "![](https://host/third.png)"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if d.text != "![](https://host/third.png)" {
		t.Errorf("clipboard: %q", d.text)
	}
	if !strings.Contains(d.log[0], "Something else was copied") || !strings.Contains(d.log[0], "https://host/first.png") {
		t.Errorf("the notification must carry the link: %q", d.log[0])
	}
}

func TestWhatIsLeftAloneIsReportedInSilence(t *testing.T) {
	d := newDesk()
	d.start(t)
	for _, why := range []watcher.Reason{watcher.TextBeside, watcher.IsSecret, watcher.IsCut, watcher.NotReadable} {
		d.copied <- watcher.Clip{Why: why}
		if r := <-d.reported; r.Clip.Why != why || len(r.Pictures) != 0 {
			t.Errorf("%+v", r)
		}
	}
	d.copied <- watcher.Clip{Formats: []string{"UTF8_STRING"}, Why: watcher.NotReadable} // only a text
	<-d.reported
	if len(d.log) != 0 {
		t.Errorf("%q", d.log)
	}
}

func TestAPictureThatCannotBeHadIsTold(t *testing.T) {
	d := newDesk()
	d.start(t)
	d.copied <- watcher.Clip{Formats: []string{"image/png"}, Why: watcher.NotReadable}
	<-d.reported
	d.copied <- watcher.Clip{Formats: []string{"CF_DIB"}, Why: watcher.TooLarge}
	<-d.reported
	if len(d.log) != 2 || !strings.HasPrefix(d.log[0], "failed: Picture not taken") {
		t.Errorf("%q", d.log)
	}
}

// The deferred end in start fails unless Run ends while an upload hangs.
func TestItEndsInTheMiddleOfAnUpload(t *testing.T) {
	d := newDesk()
	d.proceed = make(chan struct{})
	d.start(t)
	d.copied <- files(t, "hangs.png")
	<-d.sending
}

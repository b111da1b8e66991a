package watcher

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnlyARegularPictureFileIsOne(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{"a.png": pngHead, "link target": pngHead + strings.Repeat("x", 2000), "b.png": "text", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	links := runtime.GOOS != "windows" // they need a privilege there
	if links {
		if err := os.Symlink("link target", filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
	}
	w := watch(&board{t: t}, pngs)
	for name, want := range map[string]bool{"a.png": true, "link": links, "b.png": false, "empty": false, "missing": false, ".": false} {
		if got := w.isPictureFile(t.Context(), filepath.Join(dir, name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestASelectionWithAnythingElseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{"a.png": pngHead, "b.png": pngHead, "note.txt": "BMW dealers of the city"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := watch(&board{t: t}, pngs)
	uri := func(name string) string {
		return inURI("file://~" + strings.TrimPrefix(filepath.ToSlash(filepath.Join(dir, name)), "C:"))
	}
	for list, why := range map[string]Reason{
		uri("a.png") + "\r\n" + uri("b.png"):             IsFiles,
		"# two\r\n" + uri("a.png") + "\r\n":              IsFiles,
		uri("a.png") + "\r\n" + uri("note.txt"):          OtherFiles,
		uri("note.txt") + "\r\n" + uri("a.png"):          OtherFiles,
		uri("a.png") + "\r\n" + uri("missing.png"):       OtherFiles,
		uri("a.png") + "\r\n" + uri("."):                 OtherFiles,
		uri("a.png") + "\r\nhttps://example.org/a.png":   OtherFiles,
		uri("a.png") + "\r\nfile://elsewhere/a.png":      OtherFiles,
		uri("a.png") + "\r\nBMW dealers of the city\r\n": OtherFiles,
	} {
		if c := w.clipOf(t.Context(), &sheet{uriList: []byte(list)}); c.Why != why {
			t.Errorf("%q: %q, want %q", list, c.Why, why)
		}
	}
}

// Programs that escape nothing name files that look escaped.
func TestAnAddressMayBeUnescaped(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has paths in place of addresses")
	}
	w := watch(&board{t: t}, pngs)
	for _, name := range []string{"100%.png", "a%20b.png", "a b.png", "50%25 100%.png"} {
		path := file(t, name, []byte(pngHead))
		for _, content := range []*sheet{{uriList: []byte("file://" + path)}, {"UTF8_STRING": []byte("file://" + path)}} {
			if c := w.clipOf(t.Context(), content); !slices.Equal(c.Files, []string{path}) {
				t.Errorf("%s: %q, %q", name, c.Why, c.Files)
			}
		}
	}
}

// asleep is a folder that does not answer while it is held up.
type asleep struct{ held chan struct{} }

func (a *asleep) options() Options {
	o := pngs
	o.IsPicture = func(head []byte) bool {
		if strings.Contains(string(head), "asleep") {
			<-a.held
		}
		return isPNG(head)
	}
	return o
}

func TestAFolderThatDoesNotAnswerIsGivenUp(t *testing.T) {
	path := file(t, "a.png", []byte(pngHead+"asleep"))
	for _, content := range []*sheet{{uriList: []byte(inURI("file://~" + strings.TrimPrefix(filepath.ToSlash(path), "C:")))}, {"UTF8_STRING": []byte(path)}} {
		synctest.Test(t, func(t *testing.T) {
			folder := &asleep{make(chan struct{})}
			b := &board{t: t}
			b.w = watch(b, folder.options())
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- b.w.Run(ctx, func(c Clip) { b.seen = append(b.seen, c) }) }()
			synctest.Wait()

			start := time.Now()
			b.copy(content)
			b.copy(&paper{content: pngHead})
			time.Sleep(lookLimit)
			synctest.Wait()
			if len(b.seen) != 2 || b.seen[0].Why != Unreachable || !b.seen[0].Lost() || b.seen[1].Why != IsPicture {
				t.Errorf("after %v: %+v", time.Since(start), b.seen)
			}

			// Many of them do not pile up, and the end waits for none.
			for range 2 * maxLooks {
				b.copy(content)
				time.Sleep(lookLimit)
			}
			if n := b.w.looks.Load(); n > maxLooks {
				t.Errorf("%d looks are under way", n)
			}
			if _, err := within(t.Context(), b.w, func(context.Context) int { return 0 }); !errors.Is(err, errUnreachable) {
				t.Errorf("one more: %v", err)
			}
			b.copy(content)
			start = time.Now()
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(start) != 0 {
				t.Errorf("Run ended with %v after %v", err, time.Since(start))
			}
			close(folder.held)
			synctest.Wait()
			if n := b.w.looks.Load(); n != 0 {
				t.Errorf("%d looks are left", n)
			}
		})
	}
}

func TestAFileThatIsBeingWrittenIsWaitedFor(t *testing.T) {
	w := watch(&board{t: t}, pngs)
	path := filepath.Join(t.TempDir(), "a.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	defer writing.Wait()
	writing.Go(func() {
		for i := range len(pngHead) {
			time.Sleep(settling / 4) // a slow program
			_, _ = f.WriteString(pngHead[i : i+1])
		}
		_ = f.Close()
	})
	if !w.isPictureFile(t.Context(), path) {
		t.Error("it was looked at before it was whole")
	}

	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if !w.isPictureFile(t.Context(), path) || time.Since(start) >= settling {
		t.Errorf("an old file takes %v", time.Since(start))
	}
}

func TestAFileThatNeverComesToAnEndIsTakenAsItIs(t *testing.T) {
	w := watch(&board{t: t}, pngs)
	path := file(t, "a.png", []byte(pngHead))
	done := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(settling / 10):
				now := time.Now()
				_ = os.Chtimes(path, now, now)
			}
		}
	})
	start := time.Now()
	if !w.isPictureFile(t.Context(), path) || time.Since(start) > growing+2*settling {
		t.Errorf("after %v", time.Since(start))
	}
	close(done)
	writing.Wait()
}

func TestTextsAreReadOnlyIfTheUserWantsIt(t *testing.T) {
	options, on := pngs, true
	options.TextPaths = func() bool { return on }
	w := watch(&board{t: t}, options)
	once := &served{sheet: sheet{"UTF8_STRING": []byte(file(t, "a.png", []byte(pngHead)))}}
	if c := w.clipOf(t.Context(), once); c.Why != IsPath {
		t.Errorf("on: %q", c.Why)
	}
	on, once.reads = false, 0
	if c := w.clipOf(t.Context(), once); c.Why != TextBeside || once.reads != 0 {
		t.Errorf("off: %q, read %d times", c.Why, once.reads)
	}
}

// served counts how often it is read.
type served struct {
	sheet
	reads int
}

func (s *served) read(ctx context.Context, format string, limit int, _ io.Writer) ([]byte, error) {
	s.reads++
	return s.sheet.read(ctx, format, limit, nil)
}

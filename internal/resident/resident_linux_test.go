package resident_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"bilipaste/internal/app"
	"bilipaste/internal/config"
	"bilipaste/internal/desktoptest"
	"bilipaste/internal/resident"
)

// program is a resident on a desktop of its own, against a sandbox.
type program struct {
	*resident.Resident
	file string // its settings

	mu     sync.Mutex
	told   []string // what the user was told
	states int
}

// start runs one. The settings are quiet and in English.
func start(t *testing.T) *program {
	t.Helper()
	desktoptest.StartX(t)
	t.Setenv("BILIPASTE_HOME", t.TempDir())
	dirs, err := config.FindDirs()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dirs.File(), []byte(`{"language": "en", "sound": false, "notify": false}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app.App{Dirs: dirs, Source: config.Source{File: dirs.File()}, Sandboxed: true, Log: slog.New(slog.DiscardHandler)}
	r, err := resident.New(t.Context(), a, false)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{Resident: r, file: dirs.File()}
	events := r.Listen()
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Errorf("Run ended with %v after Quit", err)
		}
	})
	parts.Go(func() {
		if err := events.Run(ctx, p.heard); !errors.Is(err, context.Canceled) {
			t.Errorf("the listener ended with %v", err)
		}
	})
	t.Cleanup(func() {
		r.Quit()
		stop()
		parts.Wait()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *program) heard(e resident.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case e.Told != nil:
		p.told = append(p.told, e.Told.Text())
	case e == resident.Event{}:
		p.states++
	}
}

// heardOf tells how often the user was told something with these words.
func (p *program) heardOf(words string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, text := range p.told {
		if strings.Contains(text, words) {
			n++
		}
	}
	return n
}

// edit changes the settings file as an editor does, until that is seen: a change
// from before the program looks at its file is seen with the next one.
func (p *program) edit(t *testing.T, key, value string, seen func() bool) {
	t.Helper()
	polls := 0
	desktoptest.Eventually(t, "the edited "+key, func() bool {
		if polls%100 == 0 {
			if err := config.Save(p.file, key, value); err != nil {
				t.Fatal(err)
			}
		}
		polls++
		return seen()
	})
}

func TestASettingIsSavedAndTakenOver(t *testing.T) {
	p := start(t)
	if err := p.Set("bucket", "album"); err != nil {
		t.Fatal(err)
	}
	if got := p.State().Settings.Bucket; got != "album" {
		t.Errorf("the bucket is %q", got)
	}
	if err := p.Set("sound", "loud"); err == nil {
		t.Error("a sound that is neither on nor off is taken")
	}
	if got := p.State(); got.Settings.Bucket != "album" || got.Bad != nil {
		t.Errorf("after a refused one: %+v", got)
	}
}

// What a host's user has to know is said when the host is chosen, and not again
// when something else changes.
func TestAHostIsExplainedWhenItIsChosen(t *testing.T) {
	p := start(t)
	set := func(key, value string) {
		t.Helper()
		if err := p.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	const about = "draw is for posts"
	set("host", "draw")
	set("bucket", "album")
	set("format", "html")
	set("host", "bilibili")
	set("host", "draw")
	desktoptest.Eventually(t, "the second explanation", func() bool { return p.heardOf(about) >= 2 })
	set("strip_metadata", "false")
	set("writing_mode", "true")
	p.edit(t, "host", "nosuch", func() bool { return p.heardOf("nosuch") > 0 })
	if n := p.heardOf(about); n != 2 {
		t.Errorf("explained %d times", n)
	}
}

func TestBrokenSettingsAreToldAndTheLastGoodOnesGoOn(t *testing.T) {
	p := start(t)
	if err := p.Set("host", "nosuch"); err == nil || p.State().Bad != nil {
		t.Errorf("a host that is none: %v, %v", err, p.State().Bad)
	}
	p.edit(t, "host", "nosuch", func() bool { return p.State().Bad != nil })
	if s := p.State(); s.Settings.Host != "bilibili" {
		t.Errorf("host %q", s.Settings.Host)
	}
	p.Dismiss()
	if s := p.State(); s.Bad != nil {
		t.Errorf("after it was read: %v", s.Bad)
	}
	if err := p.Set("host", "scdn"); err != nil {
		t.Fatal(err)
	}
	if s := p.State(); s.Settings.Host != "scdn" || s.Bad != nil {
		t.Errorf("host %q, %v", s.Settings.Host, s.Bad)
	}
}

func TestAStateIsAValueOfItsOwn(t *testing.T) {
	p := start(t)
	before := p.State()
	if err := p.SetWriting(true); err != nil {
		t.Fatal(err)
	}
	if before.Writing || !p.State().Writing {
		t.Error("the state that was returned has changed, or the new one has not")
	}
	if err := p.ToggleWriting(); err != nil || p.State().Writing {
		t.Error("writing mode is still on")
	}
	if _, err := p.UploadNow(t.Context()); err == nil || !strings.Contains(err.Error(), "does not count") {
		t.Errorf("of an empty clipboard: %v", err)
	}
	if err := p.PutBack(t.Context()); err == nil {
		t.Error("there was something to put back")
	}
	if n := slices.Index([]bool{before.PutBack, p.State().PutBack}, true); n >= 0 {
		t.Error("the state offers to put back")
	}
}

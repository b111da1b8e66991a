package uploader_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
	"bilipaste/uploader/hosttest"
)

// scripted is a host that fails as its script says, and then works.
type scripted struct {
	script []error
	asked  []time.Time
}

func (s *scripted) Name() string { return "scripted" }

func (s *scripted) Limits() uploader.Limits {
	return uploader.Limits{Formats: []picture.Format{picture.PNG}, Bytes: 1000}
}

func (s *scripted) Destination() (uploader.Destination, bool) {
	return uploader.Destination{Host: "scripted"}, true
}

func (s *scripted) Upload(ctx context.Context, _ picture.Picture) (uploader.Link, error) {
	s.asked = append(s.asked, time.Now())
	if n := len(s.asked); n <= len(s.script) && s.script[n-1] != nil {
		return uploader.Link{}, s.script[n-1]
	}
	return uploader.Link{URL: "https://scripted.example/1.png"}, nil
}

func fails(kind fault.Kind, after time.Duration) error {
	return &fault.Error{Kind: kind, Host: "scripted", After: after}
}

func TestOnlyPassingTroubleIsTriedAgain(t *testing.T) {
	for kind := fault.NotLoggedIn; kind <= fault.Local; kind++ {
		synctest.Test(t, func(t *testing.T) {
			host := &scripted{script: []error{fails(kind, 0)}}
			_, err := (&uploader.Uploader{Host: host}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
			if kind == fault.Passing {
				if err != nil || len(host.asked) != 2 {
					t.Errorf("%v: asked %d times: %v", kind, len(host.asked), err)
				}
			} else if fault.KindOf(err) != kind || len(host.asked) != 1 {
				t.Errorf("%v: asked %d times: %v", kind, len(host.asked), err)
			}
		})
	}
	foreign := errors.New("foreign")
	host := &scripted{script: []error{foreign}}
	if _, err := (&uploader.Uploader{Host: host}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1)); !errors.Is(err, foreign) || len(host.asked) != 1 {
		t.Errorf("asked %d times: %v", len(host.asked), err)
	}
}

func TestThreeTriesEachLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("cause")
		trouble := &fault.Error{Kind: fault.Passing, Host: "scripted", Err: cause}
		host := &scripted{script: []error{trouble, trouble, trouble, trouble}}
		_, err := (&uploader.Uploader{Host: host}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
		if fault.KindOf(err) != fault.Passing || !errors.Is(err, cause) || len(host.asked) != 3 {
			t.Fatalf("asked %d times: %v", len(host.asked), err)
		}
		if e, _ := errors.AsType[*fault.Error](err); e.Name != "picture.png" || trouble.Name != "" {
			t.Errorf("the error names %q, the host's own %q", e.Name, trouble.Name)
		}
		first, second := host.asked[1].Sub(host.asked[0]), host.asked[2].Sub(host.asked[1])
		if first < 250*time.Millisecond || first > 750*time.Millisecond || second < 750*time.Millisecond || second > 2250*time.Millisecond {
			t.Errorf("waited %v, then %v", first, second)
		}
	})
}

func TestTheHostSaysWhenToTryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := &scripted{script: []error{fails(fault.Passing, 7*time.Second), fails(fault.Passing, time.Minute)}}
		if _, err := (&uploader.Uploader{Host: host}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1)); err != nil {
			t.Fatal(err)
		}
		if first, second := host.asked[1].Sub(host.asked[0]), host.asked[2].Sub(host.asked[1]); first != 7*time.Second || second != time.Minute {
			t.Errorf("waited %v, then %v", first, second)
		}
		host = &scripted{script: []error{fails(fault.Passing, time.Minute+time.Second)}}
		if _, err := (&uploader.Uploader{Host: host}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1)); fault.KindOf(err) != fault.Passing || len(host.asked) != 1 {
			t.Errorf("a longer wait: asked %d times: %v", len(host.asked), err)
		}
	})
}

func TestCancelledBetweenTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("the user's own reason")) })
		host := &scripted{script: []error{fails(fault.Passing, 30*time.Second)}}
		begun := time.Now()
		_, err := (&uploader.Uploader{Host: host}).Upload(ctx, hosttest.Picture(t, picture.PNG, 1))
		if !errors.Is(err, context.Canceled) || len(host.asked) != 1 || time.Since(begun) != time.Second {
			t.Errorf("asked %d times, over after %v: %v", len(host.asked), time.Since(begun), err)
		}
	})
}

// holding is a host that says what it holds.
type holding struct {
	scripted
	link uploader.Link
}

func (h *holding) Upload(context.Context, picture.Picture) (uploader.Link, error) { return h.link, nil }

// What the host says of what it holds counts, and where it says nothing, what was
// sent.
func TestWhatTheHostHolds(t *testing.T) {
	p := hosttest.Picture(t, picture.PNG, 1)
	sent := int64(len(p.Data))
	own := uploader.Link{Format: p.Format, Width: p.Width, Height: p.Height, Bytes: sent}
	for name, test := range map[string]struct{ says, want uploader.Link }{
		"nothing":      {uploader.Link{}, own},
		"the same":     {own, own},
		"other bytes":  {uploader.Link{Bytes: 5}, uploader.Link{Format: p.Format, Width: p.Width, Height: p.Height, Bytes: 5, Sent: sent}},
		"another size": {uploader.Link{Format: picture.WebP, Width: 1, Height: 9}, uploader.Link{Format: picture.WebP, Width: 1, Height: 9, Bytes: sent}},
		"half a size":  {uploader.Link{Width: 1}, own},
		"the other":    {uploader.Link{Height: 1}, own},
	} {
		got, err := (&uploader.Uploader{Host: &holding{link: test.says}, Prepare: asItIs}).Upload(t.Context(), p)
		if err != nil || got.Format != test.want.Format || got.Width != test.want.Width || got.Height != test.want.Height || got.Bytes != test.want.Bytes || got.Sent != test.want.Sent {
			t.Errorf("%s: %+v, want %+v: %v", name, got, test.want, err)
		}
	}
}

// asItIs leaves a picture alone, also the filling of hosttest.PNG.
var asItIs = uploader.Prepare{KeepMetadata: true, RefuseLarge: true}

func TestWhatTheHostDoesNotTakeIsNotSent(t *testing.T) {
	for name, test := range map[string]struct {
		p        picture.Picture
		what, zh string
	}{
		"format": {
			hosttest.Picture(t, picture.JPEG, 1),
			"picture.jpg: scripted does not take JPEG pictures", "picture.jpg：scripted 不支持 JPEG 图片",
		},
		"size": {hosttest.PNG(t, 2_000_000), "large.png is 2.0 MB; the limit is 0.0 MB", "large.png 有 2.0 MB，上限是 0.0 MB"},
	} {
		host := &scripted{}
		_, err := (&uploader.Uploader{Host: host, Prepare: asItIs}).Upload(t.Context(), test.p)
		what, hint := lang.New(lang.English).Error(err)
		if zh, zhHint := lang.New(lang.Chinese).Error(err); what != test.what || zh != test.zh || hint == "" || zhHint == "" {
			t.Errorf("%s: %q, %q, %q, %q", name, what, zh, hint, zhHint)
		}
		if len(host.asked) > 0 {
			t.Errorf("%s: it was sent", name)
		}
	}
	// exactly at the limit
	if _, err := (&uploader.Uploader{Host: &scripted{}, Prepare: asItIs}).Upload(t.Context(), hosttest.PNG(t, 1000)); err != nil {
		t.Error(err)
	}
}

// Every error that can be made has a message in both languages.
func TestEveryErrorIsSaid(t *testing.T) {
	whys := map[fault.Kind][]string{
		fault.NotLoggedIn: {"", "csrf"}, fault.Refused: {""}, fault.TooLarge: {"", "host", "output", "pixels", "transparent", "colours"},
		fault.NotTaken: {"", "host", "request", "small", "animated", "pages", "variant"},
		fault.Unusable: {"empty", "unknown", "cut", "broken", "unreadable", "missing"}, fault.Rejected: {"", "unknown", "method", "parameters", "picture"},
		fault.Passing:      {"", "network", "silent", "page", "redirect", "locked", "busy", "frequent", "server"},
		fault.BrokenAnswer: {"", "empty", "cut", "long", "link"},
		fault.Local:        {"", "state", "folder"},
	}
	for kind, whys := range whys {
		for _, why := range whys {
			for _, cause := range []error{nil, errors.New("cause")} {
				err := &fault.Error{Kind: kind, Why: why, Host: "bilibili", Err: cause}
				for _, tag := range []string{lang.English, lang.Chinese} {
					what, _ := lang.New(tag).Error(fmt.Errorf("wrapped: %w", err))
					if what == err.Tell().ID || what == "" {
						t.Errorf("%s.%s is not said in %s: %q", kind, why, tag, what)
					}
				}
			}
		}
	}
}

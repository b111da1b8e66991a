package scdn_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"bilipaste/internal/config"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/sandbox"
	"bilipaste/uploader"
	"bilipaste/uploader/hosttest"
	"bilipaste/uploader/scdn"
)

const password = "correct-horse+battery"

// patient is a stand-in that counts nothing.
func patient(*testing.T) http.Handler {
	s := sandbox.New()
	s.SetWindows(1e6, 1e6)
	return s
}

func newHost(t testing.TB, transport http.RoundTripper, windows *scdn.Windows, o scdn.Options) *scdn.Host {
	t.Helper()
	h, err := scdn.New(transport, windows, o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHost(t *testing.T) {
	for name, o := range map[string]scdn.Options{
		"public":   {},
		"password": {Password: config.NewSecret(password)},
		"question": {Password: config.NewSecret(password), Question: "多少？", Domain: "esaimg.cdn1.vip", Output: "png"},
	} {
		t.Run(name, func(t *testing.T) {
			without := map[string]string{}
			if o.Password.IsZero() {
				without["no secret told"] = "there is none"
			}
			hosttest.Run(t, hosttest.Harness{
				Without: without,
				New: func(t *testing.T, transport http.RoundTripper, _ *slog.Logger) uploader.Host {
					return newHost(t, transport, nil, o)
				},
				StandIn:   patient,
				ErrorCode: `{"success":false,"error":"SAID","message":"SAID"}`,
				Secrets:   []string{password},
				Reencodes: true,
			})
		})
	}
}

// direct sends requests to a handler within the process, so that a test can
// have a time of its own.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.URL.Path = "/" + r.URL.Host + r.URL.Path
	if in.Body == nil {
		in.Body = http.NoBody
	}
	d.handler.ServeHTTP(w, in)
	return w.Result(), nil
}

func TestWhatIsSent(t *testing.T) {
	moving := hosttest.Picture(t, picture.APNG, 1)
	animation := hosttest.AnimatedWebP(t)
	still := hosttest.Picture(t, picture.PNG, 1)
	secret := config.NewSecret(password)
	for name, test := range map[string]struct {
		options scdn.Options
		p       picture.Picture
		want    string // the form, in its order
		note    string
	}{
		"nothing said":     {scdn.Options{}, still, "outputFormat=auto image", ""},
		"an output":        {scdn.Options{Output: "png"}, still, "outputFormat=png image", ""},
		"a domain":         {scdn.Options{Domain: "esaimg.cdn1.vip"}, still, "outputFormat=auto cdn_domain=esaimg.cdn1.vip image", ""},
		"its own domain":   {scdn.Options{Domain: "default"}, still, "outputFormat=auto image", ""},
		"a password":       {scdn.Options{Password: secret}, still, "outputFormat=auto password_enabled=true image_password=" + password + " password_type=plain image", ""},
		"a question":       {scdn.Options{Password: secret, Question: "?"}, still, "outputFormat=auto password_enabled=true image_password=" + password + " password_type=qa password_question=? image", ""},
		"moves":            {scdn.Options{}, animation, "outputFormat=auto image", ""},
		"moves, as webp":   {scdn.Options{Output: "webp"}, animation, "outputFormat=webp image", ""},
		"moves, as gif":    {scdn.Options{Output: "gif"}, animation, "outputFormat=gif image", ""},
		"moves, as png":    {scdn.Options{Output: "png"}, animation, "outputFormat=webp_animated image", "not for png"},
		"moves, as jpg":    {scdn.Options{Output: "jpg"}, animation, "outputFormat=webp_animated image", "not for jpg"},
		"moves, as such":   {scdn.Options{Output: "webp_animated"}, animation, "outputFormat=webp_animated image", ""},
		"a PNG that does":  {scdn.Options{}, moving, "outputFormat=webp_animated image", "does not promise"},
		"the same, left":   {scdn.Options{Output: "auto"}, moving, "outputFormat=webp_animated image", "does not promise"},
		"the same, as gif": {scdn.Options{Output: "gif"}, moving, "outputFormat=webp_animated image", "not for gif"},
	} {
		s := sandbox.New()
		h := newHost(t, direct{s}, nil, test.options)
		p := test.p
		p.Name = "my house"
		link, err := h.Upload(t.Context(), p)
		if err != nil || strings.Contains(link.URL, "/p/") != !test.options.Password.IsZero() {
			t.Errorf("%s: %+v, %v", name, link, err)
			continue
		}
		r := s.Requests()[0]
		var sent []string
		for _, field := range r.Fields {
			if field != "image" {
				field += "=" + r.Values[field]
			}
			sent = append(sent, field)
		}
		if got := strings.Join(sent, " "); got != test.want || r.File != "image"+p.Format.Ext() || r.Header.Get("Cookie") != "" || r.Length <= 0 {
			t.Errorf("%s: %s, want %s: %+v", name, got, test.want, r)
		}
		said := ""
		for _, note := range link.Notes {
			said += lang.New(lang.English).Say(note)
		}
		if test.note == "" && said != "" || !strings.Contains(said, test.note) || strings.Contains(said, "auto") {
			t.Errorf("%s: %q is said", name, said)
		}
		if text := fmt.Sprintf("%v %+v %#v", h, h, *h); strings.Contains(text, password) {
			t.Error("the password is printed")
		}
	}
}

func TestTheThreeShapesOfSuccess(t *testing.T) {
	s := sandbox.New()
	h := newHost(t, direct{s}, nil, scdn.Options{})
	p := hosttest.Picture(t, picture.PNG, 1)
	first, err := h.Upload(t.Context(), p)
	if err != nil || len(first.Notes) > 0 || first.Bytes == 0 || first.Bytes >= int64(len(p.Data)) || first.Format != picture.WebP {
		t.Errorf("%+v, %v", first, err)
	}
	second, err := h.Upload(t.Context(), p)
	if err != nil || second.URL != first.URL || len(second.Notes) != 1 || !strings.Contains(lang.New(lang.English).Say(second.Notes[0]), "had this picture already") {
		t.Errorf("%+v, %v", second, err)
	}
	praise := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"success":true,"message":"well done","data":{"url":"https://img.scdn.io/i/x.webp","filename":"x.webp"}}`))
	})
	if link, err := newHost(t, direct{praise}, nil, scdn.Options{}).Upload(t.Context(), p); err != nil || len(link.Notes) > 0 {
		t.Errorf("a message beside a name: %+v, %v", link, err)
	}
	s.Play(sandbox.SCDNBare, 1)
	if third, err := h.Upload(t.Context(), hosttest.Picture(t, picture.PNG, 2)); err != nil || third.URL == first.URL || len(third.Notes) > 0 {
		t.Errorf("%+v, %v", third, err)
	}
}

func TestAPasswordThatWasNotSetIsNoSuccess(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"success":true,"url":"https://img.scdn.io/i/x.webp"}`))
	})
	h := newHost(t, direct{answer}, nil, scdn.Options{Password: config.NewSecret(password)})
	if _, err := h.Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1)); fault.KindOf(err) != fault.BrokenAnswer {
		t.Error(err)
	}
}

func TestEachRefusalHasItsWords(t *testing.T) {
	said := map[string]int{}
	for status, kind := range map[int]fault.Kind{
		400: fault.NotTaken, 404: fault.Rejected, 405: fault.Rejected, 413: fault.TooLarge,
		415: fault.NotTaken, 429: fault.Passing, 500: fault.Passing,
	} {
		answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"success":false,"error":"no","message":"no"}`))
		})
		_, err := newHost(t, direct{answer}, nil, scdn.Options{}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
		what, hint := lang.New(lang.English).Error(err)
		if fault.KindOf(err) != kind || hint == "" || said[what] != 0 {
			t.Errorf("%d: %v, %q, %q, as for %d", status, fault.KindOf(err), what, hint, said[what])
		}
		said[what] = status
		if e, _ := errors.AsType[*fault.Error](err); status == 429 && e.After != 5*time.Second {
			t.Errorf("without Retry-After: %v", e.After)
		}
	}
}

// The stand-in counts strictly; a client that obeys is never told.
func TestTheWindowsAreObeyedByEveryProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.New()
		dir := t.TempDir()
		begun := time.Now()
		var uploads sync.WaitGroup
		for range 3 {
			h := newHost(t, direct{s}, scdn.NewWindows(dir, slog.New(slog.DiscardHandler)), scdn.Options{})
			uploads.Go(func() {
				for i := range 40 {
					if _, err := h.Upload(t.Context(), hosttest.Picture(t, picture.PNG, i)); err != nil {
						t.Error(err)
					}
				}
				if _, err := h.Info(t.Context(), "1"); err != nil {
					t.Error(err)
				}
			})
		}
		uploads.Wait()
		if took := time.Since(begun); took < 2*time.Minute || took > 3*time.Minute {
			t.Errorf("120 uploads took %v", took)
		}
	})
}

func TestARefusalForNowIsObeyedToo(t *testing.T) {
	for odd, want := range map[sandbox.Odd]time.Duration{sandbox.SCDNBusy: 5 * time.Second, sandbox.SCDNBusyDate: 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := sandbox.New()
			s.Play(odd, 1)
			h := newHost(t, direct{s}, scdn.NewWindows(t.TempDir(), slog.New(slog.DiscardHandler)), scdn.Options{})
			begun := time.Now()
			if _, err := (&uploader.Uploader{Host: h}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1)); err != nil {
				t.Error(err)
			}
			if took := time.Since(begun); took < want || took > want+2*time.Second || len(s.Requests()) != 2 {
				t.Errorf("%s: %v, %d requests", odd, took, len(s.Requests()))
			}
		})
	}
}

func TestCancelledWhileTheWindowIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, direct{sandbox.New()}, scdn.NewWindows(t.TempDir(), slog.New(slog.DiscardHandler)), scdn.Options{})
		for i := range 4 {
			if _, err := h.Upload(t.Context(), hosttest.Picture(t, picture.PNG, i)); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if _, err := h.Upload(ctx, hosttest.Picture(t, picture.PNG, 9)); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("%v, after %v", err, time.Since(begun))
		}
	})
}

func TestInfo(t *testing.T) {
	s := sandbox.New()
	h := newHost(t, direct{s}, nil, scdn.Options{})
	link, err := h.Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
	if err != nil {
		t.Fatal(err)
	}
	s.SetWindows(100, 100)
	name := link.URL[strings.LastIndex(link.URL, "/")+1:]
	for _, q := range []string{"1", name, link.URL, "http://" + strings.TrimPrefix(link.URL, "https://")} {
		info, err := h.Info(t.Context(), q)
		if err != nil || info.Filename != name || info.Original != "image.png" || info.URL != link.URL || len(info.Tags) != 2 {
			t.Errorf("%s: %+v, %v", q, info, err)
		}
	}
	for tags, want := range map[string]int{`"tags":"文本、截图、x"`: 3, `"tags":"文本"`: 1, `"tags":""`: 0, `"tags":"a、b","tags_array":["c"]`: 1, `"tags":null,"tags_array":null`: 0} {
		answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"success":true,"data":{"id":1,"filename":"a.webp",` + tags + `}}`))
		})
		if info, err := newHost(t, direct{answer}, nil, scdn.Options{}).Info(t.Context(), "1"); err != nil || len(info.Tags) != want {
			t.Errorf("%s: %q, %v", tags, info.Tags, err)
		}
	}
	for _, data := range []string{`{}`, `{"id":1}`, `[]`, `null`, `"a.webp"`} {
		answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"success":true,"data":` + data + `}`))
		})
		if _, err := newHost(t, direct{answer}, nil, scdn.Options{}).Info(t.Context(), "1"); fault.KindOf(err) != fault.BrokenAnswer {
			t.Errorf("%s: %v", data, err)
		}
	}
	if _, err := h.Info(t.Context(), "nosuch.webp"); fault.KindOf(err) != fault.Rejected {
		t.Error(err)
	}
	sent := len(s.Requests())
	for _, q := range []string{"", "a b", "../x", "https://example.com/i/x.webp", "图.webp"} {
		if _, err := h.Info(t.Context(), q); err == nil || len(s.Requests()) != sent {
			t.Errorf("%q: %v", q, err)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []scdn.Options{
		{Output: "avif"}, {Domain: "example.com"}, {Question: "?"},
		{Question: strings.Repeat("问", 151), Password: config.NewSecret("x")},
	} {
		if _, err := scdn.New(nil, nil, o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	if _, err := scdn.New(nil, nil, scdn.Options{Question: strings.Repeat("问", 150), Password: config.NewSecret("x")}); err != nil {
		t.Error(err)
	}
}

// What another hand or a wrong clock left in the notes costs no panic, no wait
// that was not asked for, and no refusal that can be read.
func TestNotesAreForeignBytes(t *testing.T) {
	stamp := func(d time.Duration) string { return `"` + time.Now().Add(d).Format(time.RFC3339Nano) + `"` }
	many := func(apart, offset time.Duration) string {
		var all []string
		for i := range 200 {
			all = append(all, stamp(offset-time.Duration(i)*apart))
		}
		return `{"begun":[` + strings.Join(all, ",") + `]}`
	}
	says := func(notes string) func() string { return func() string { return notes } }
	for name, test := range map[string]struct {
		notes func() string
		want  time.Duration // until the upload; less than 0: it is refused for as long
	}{
		"null":               {says(`null`), 0},
		"a family as before": {says(`{"uploads":null}`), 0},
		"empty fields":       {says(`{"begun":null,"until":null}`), 0},
		"an empty time":      {says(`{"begun":[null]}`), 0},
		"another type":       {says(`{"begun":{"a":1}}`), 0},
		"no JSON":            {says("\x00"), 0},
		"from the future":    {func() string { return many(0, time.Hour) }, 0},
		"more than fit":      {func() string { return many(time.Second/8, 0) }, 48*time.Second + time.Second/8},
		"a part is broken":   {func() string { return `{"begun":["soon"],"until":` + stamp(30*time.Second) + `}` }, 30 * time.Second},
		"noted 8 hours ahead": {func() string {
			return `{"since":` + stamp(8*time.Hour) + `,"until":` + stamp(8*time.Hour+20*time.Second) + `}`
		}, 20 * time.Second},
		"without a start": {says(`{"until":"2999-01-01T00:00:00Z"}`), -24 * time.Hour},
		"for two minutes": {func() string { return `{"since":` + stamp(0) + `,"until":` + stamp(2*time.Minute) + `}` }, -2 * time.Minute},
		"over":            {func() string { return `{"since":` + stamp(-2*time.Minute) + `,"until":` + stamp(-time.Minute) + `}` }, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "scdn-uploads.json"), []byte(test.notes()), 0o600); err != nil {
				t.Fatal(err)
			}
			s := sandbox.New()
			h := newHost(t, direct{s}, scdn.NewWindows(dir, slog.New(slog.DiscardHandler)), scdn.Options{})
			begun := time.Now()
			_, err := h.Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
			took := time.Since(begun)
			e, _ := errors.AsType[*fault.Error](err)
			switch {
			case test.want >= 0 && (err != nil || took != test.want):
				t.Errorf("%s: after %v, want %v: %v", name, took, test.want, err)
			case test.want < 0 && (e == nil || e.Kind != fault.Passing || e.After != -test.want || took > 0 || len(s.Requests()) > 0):
				t.Errorf("%s: after %v, %d requests: %+v", name, took, len(s.Requests()), e)
			}
		})
	}
}

// Another process that holds the notes is waited for, but not for ever.
func TestNotesThatAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		other := flock.New(filepath.Join(dir, "scdn-uploads.lock"))
		if err := other.Lock(); err != nil {
			t.Fatal(err)
		}
		s := sandbox.New()
		h := newHost(t, direct{s}, scdn.NewWindows(dir, slog.New(slog.DiscardHandler)), scdn.Options{})
		begun := time.Now()
		_, err := h.Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
		if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Why != "locked" || time.Since(begun) > 11*time.Second || len(s.Requests()) > 0 {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		if _, err := h.Info(t.Context(), "1"); fault.KindOf(err) != fault.Rejected { // which has notes of its own
			t.Error(err)
		}
		if err := other.Unlock(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestThePlaceSaysWhatChangesALink(t *testing.T) {
	secret := config.NewSecret(password)
	for _, test := range []struct {
		options scdn.Options
		bucket  string
		lasting bool
	}{
		{scdn.Options{}, "", true}, {scdn.Options{Output: "png"}, "png", true}, {scdn.Options{Domain: "default"}, "", true},
		{scdn.Options{Output: "png", Domain: "img.scdn.io"}, "png img.scdn.io", true},
		{scdn.Options{Domain: "img.scdn.io", Password: secret}, "img.scdn.io password", false}, {scdn.Options{Password: secret}, "password", false},
	} {
		at, lasting := newHost(t, nil, nil, test.options).Destination()
		if at.Host != "scdn" || at.Bucket != test.bucket || lasting != test.lasting {
			t.Errorf("%+v: %+v, lasting %v", test.options, at, lasting)
		}
		if scdn.HasPassword(at) == lasting {
			t.Errorf("%+v has a password: %v", at, !lasting)
		}
	}
	for _, at := range []uploader.Destination{{Host: "folder", Bucket: "password"}, {Host: "scdn", Bucket: "passwords"}} {
		if scdn.HasPassword(at) {
			t.Errorf("%+v has a password", at)
		}
	}
}

// A link counts only with a status that says that all is well.
func TestALinkWithAnotherStatusIsNone(t *testing.T) {
	for status, want := range map[int]fault.Kind{
		200: 0, 201: 0, 299: 0, 300: fault.Passing, 302: fault.Passing, 399: fault.Passing, 400: fault.NotTaken, 403: fault.Rejected, 404: fault.Rejected,
		408: fault.Passing, 429: fault.Passing, 500: fault.Passing, 599: fault.Passing,
	} {
		answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"success":true,"url":"https://img.scdn.io/i/x.webp"}`))
		})
		link, err := newHost(t, direct{answer}, nil, scdn.Options{}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
		if fault.KindOf(err) != want || (err == nil) != (want == 0) || (link.URL != "") != (want == 0) {
			t.Errorf("%d: %q, %v", status, link.URL, err)
		}
		after := map[int]time.Duration{429: 5 * time.Second}[status]
		if e, _ := errors.AsType[*fault.Error](err); e != nil && e.After != after {
			t.Errorf("%d: again after %v, want %v", status, e.After, after)
		}
	}
}

func TestLinksInEveryForm(t *testing.T) {
	for body, want := range map[string]string{
		`"url":"https://img.scdn.io/i/x.webp"`:          "https://img.scdn.io/i/x.webp",
		`"url":"http://img.scdn.io/i/x.webp"`:           "https://img.scdn.io/i/x.webp",
		`"url":"//esaimg.cdn1.vip/i/x.webp"`:            "https://esaimg.cdn1.vip/i/x.webp",
		`"data":{"url":"https://img.scdn.io/i/x.webp"}`: "https://img.scdn.io/i/x.webp",
		`"url":"ftp://img.scdn.io/i/x.webp"`:            "", `"url":"img.scdn.io/i/x.webp"`: "", `"url":""`: "", `"data":null`: "", `"url":"https://[::1"`: "",
		`"url":"https://img.scdn.io/p/x.webp"`: "", `"url":"https://img.scdn.io/i/"`: "", `"url":"https://img.scdn.io/x/x.webp"`: "", `"url":"https://img.scdn.io/i/a/b"`: "",
	} {
		answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"success":true,` + body + `}`)) })
		link, err := newHost(t, direct{answer}, nil, scdn.Options{}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
		if link.URL != want || (err == nil) != (want != "") || err != nil && fault.KindOf(err) != fault.BrokenAnswer {
			t.Errorf("%s: %q, %v", body, link.URL, err)
		}
	}
}

func TestTheHostsOwnWordsAreShown(t *testing.T) {
	for body, want := range map[string]string{
		`{"success":false,"error":"no","message":"other"}`: "no", `{"success":false,"message":"no"}`: "no", `{"success":false}`: "",
		`denied`: "denied", `{"error":"no"}`: `{"error":"no"}`,
	} {
		answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		_, err := newHost(t, direct{answer}, nil, scdn.Options{}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
		if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Said != want {
			t.Errorf("%s: %+v", body, e)
		}
	}
}

// What the host asks one process for, all keep to; other trouble closes nothing.
func TestARefusalForNowStopsEveryProcess(t *testing.T) {
	for status, want := range map[int]time.Duration{http.StatusTooManyRequests: 30 * time.Second, http.StatusInternalServerError: 0} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			asked := 0
			answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked++; asked == 1 {
					w.Header().Set("Retry-After", "30")
					w.WriteHeader(status)
				}
				_, _ = w.Write([]byte(`{"success":true,"url":"https://img.scdn.io/i/x.webp"}`))
			})
			for i := range 2 {
				h := newHost(t, direct{answer}, scdn.NewWindows(dir, slog.New(slog.DiscardHandler)), scdn.Options{})
				begun := time.Now()
				_, err := h.Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
				if i == 0 && fault.KindOf(err) != fault.Passing || i == 1 && (err != nil || time.Since(begun) != want) {
					t.Errorf("%d, upload %d: after %v: %v", status, i, time.Since(begun), err)
				}
			}
		})
	}
}

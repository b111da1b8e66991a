package hosttest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

// status checks the kinds of error that HTTP statuses can mean where the host
// gave them itself, in its own words.
func status(want []fault.Kind, codes ...int) func(*testing.T, Harness) {
	return func(t *testing.T, h Harness) {
		for _, code := range codes {
			r := newRig(t, h, "")
			r.faults.set(answerWith(code, h.ErrorCode))
			_, err := r.upload(t, small(t, r.host, 1))
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || !slices.Contains(want, e.Kind) || e.Host != r.host.Name() {
				t.Errorf("%d: %v: %+v", code, fault.KindOf(err), err)
			}
			if n := r.faults.count(); n != 1 {
				t.Errorf("%d: %d requests; trying again is the caller's part", code, n)
			}
		}
	}
}

// stranger checks that what a proxy, a firewall or a hotel's page answers in
// the host's place is no verdict: the same upload may succeed later.
func stranger(t *testing.T, h Harness) {
	page := "<!DOCTYPE html><html><title>Hotel\x07 Wi-Fi</title>" + strings.Repeat("<p>x", 5000)
	for _, code := range []int{200, 302, 307, 400, 401, 403, 404, 407, 429, 451, 500, 502, 511} {
		for name, body := range map[string]string{"page": page, "empty": "", "json": "{}", "text": "denied"} {
			if name != "page" && code != 403 && code != 404 {
				continue // with 200 it is the host's own trouble, as it seems
			}
			r := newRig(t, h, "")
			r.faults.set(answerWith(code, body))
			_, err := r.upload(t, small(t, r.host, 1))
			if e := fault.Temporary(err); e == nil || e.Code != code || e.Host != r.host.Name() {
				t.Errorf("%d, %s: %v: %v", code, name, fault.KindOf(err), err)
			}
			if what, hint := lang.New(lang.English).Error(err); code == 200 && (!strings.Contains(what, "a proxy or a hotel's page answered") || hint == "") {
				t.Errorf("%d: %q, %q", code, what, hint)
			}
			clean(t, name, err)
		}
	}
}

func tooMany(t *testing.T, h Harness) {
	for name, after := range map[string]func() string{
		"seconds": func() string { return "20" },
		"date":    func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) },
		"nothing": func() string { return "" },
		"nonsense": func() string {
			return "-1, soon"
		},
	} {
		r := newRig(t, h, "")
		r.faults.set(func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			w.Header().Set("Retry-After", after())
			w.WriteHeader(http.StatusTooManyRequests)
		})
		_, err := r.upload(t, small(t, r.host, 1))
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Kind != fault.Passing {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if said := name == "seconds" || name == "date"; said && (e.After < 15*time.Second || e.After > 20*time.Second) || e.After < 0 {
			t.Errorf("%s: to be left alone for %v", name, e.After)
		}
	}
}

func errorCode(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	r.faults.set(answerWith(http.StatusOK, h.ErrorCode))
	_, err := r.upload(t, small(t, r.host, 1))
	if fault.KindOf(err) != fault.Rejected {
		t.Errorf("%v: %v", fault.KindOf(err), err)
	}
	if err == nil || !strings.Contains(err.Error(), "SAID") {
		t.Errorf("the host's words are lost: %v", err)
	}
}

func oddAnswers(t *testing.T, h Harness) {
	long := strings.Repeat("x\x1b[31m\r\n ", 10<<20/9)
	for name, body := range map[string]string{
		"empty":         "",
		"blank":         " \n",
		"truncated":     h.ErrorCode[:len(h.ErrorCode)-2],
		"10 MiB":        long,
		"10 MiB opened": `{"x":"` + long,
		"empty object":  "{}",
		"null":          "null",
		"list":          "[]",
		"number":        "0",
		"binary":        "\x00\xff\xfe\x80",
	} {
		r := newRig(t, h, "")
		r.faults.set(answerWith(http.StatusOK, body))
		_, err := r.upload(t, small(t, r.host, 1))
		if fault.KindOf(err) != fault.BrokenAnswer {
			t.Errorf("%s: %v: %v", name, fault.KindOf(err), err)
			continue
		}
		clean(t, name, err)
	}
}

// clean checks that an error is one short line without control characters.
func clean(t *testing.T, name string, err error) {
	t.Helper()
	if text := err.Error(); len(text) > 600 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		t.Errorf("%s: not one short clean line: %.700q", name, text)
	}
}

// endlessAnswer checks that an answer is not read for ever.
func endlessAnswer(t *testing.T, h Harness) {
	const most = 64 << 20 // more than any buffers between the two ends hold
	r := newRig(t, h, "")
	sent := make(chan int, 1)
	r.faults.set(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		part, n := bytes.Repeat([]byte(" "), 1<<20), 0
		for err := error(nil); err == nil && n < most; n += len(part) {
			_, err = w.Write(part)
		}
		sent <- n
	})
	if _, err := r.upload(t, small(t, r.host, 1)); fault.KindOf(err) != fault.BrokenAnswer {
		t.Errorf("%v: %v", fault.KindOf(err), err)
	}
	if n := <-sent; n >= most {
		t.Errorf("%d bytes were read", n)
	}
}

func connectionCut(t *testing.T, h Harness) {
	for name, broken := range map[string]http.HandlerFunc{
		"before the body": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"after the body": func(_ http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			panic(http.ErrAbortHandler)
		},
		"in the answer": func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"`))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		r := newRig(t, h, "")
		r.faults.set(broken)
		if _, err := r.upload(t, small(t, r.host, 1)); fault.KindOf(err) != fault.Passing {
			t.Errorf("%s: %v: %v", name, fault.KindOf(err), err)
		}
		r.faults.set(nil)
		if _, err := r.upload(t, small(t, r.host, 1)); err != nil {
			t.Errorf("%s: the next upload: %v", name, err)
		}
	}
}

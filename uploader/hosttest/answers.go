package hosttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/fault"
)

// status checks the kind of error that HTTP statuses mean. A refused
// credential may also be a rejection: hosts use 403 for both.
func status(want fault.Kind, codes ...int) func(*testing.T, Harness) {
	return func(t *testing.T, h Harness) {
		for _, code := range codes {
			for name, body := range map[string]string{"page": "<html><title>Oh</title></html>", "empty": "", "json": "{}"} {
				r := newRig(t, h, "")
				r.faults.set(func(w http.ResponseWriter, req *http.Request) {
					_, _ = io.Copy(io.Discard, req.Body)
					w.WriteHeader(code)
					fmt.Fprint(w, body)
				})
				_, err := r.upload(t, small(t, r.host, 1))
				kind := fault.KindOf(err)
				if kind != want && (want != fault.NotLoggedIn || kind != fault.Rejected) {
					t.Errorf("%d, %s: %v: %v", code, name, kind, err)
				}
				if e, ok := errors.AsType[*fault.Error](err); ok && (e.Code != code || e.Host != r.host.Name()) {
					t.Errorf("%d, %s: the error says %d of %q", code, name, e.Code, e.Host)
				}
				if n := r.faults.count(); n != 1 {
					t.Errorf("%d, %s: %d requests; trying again is the caller's part", code, name, n)
				}
			}
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
	r.faults.set(answerWith(h.ErrorCode))
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
		"page":          "<!DOCTYPE html><html><title>Hotel\x07 Wi-Fi</title>" + strings.Repeat("<p>x", 5000),
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
		r.faults.set(answerWith(body))
		_, err := r.upload(t, small(t, r.host, 1))
		if fault.KindOf(err) != fault.BrokenAnswer {
			t.Errorf("%s: %v: %v", name, fault.KindOf(err), err)
			continue
		}
		if text := err.Error(); len(text) > 600 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
			t.Errorf("%s: not one short clean line: %.700q", name, text)
		}
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

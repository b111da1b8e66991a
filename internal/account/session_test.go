package account_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/sandbox"
)

func TestWhatIsPastedBecomesWireForm(t *testing.T) {
	const wire, jct = "0a1b2c3d%2C1810771200%2C4e5f6%2Ab1", "00112233445566778899aabbccddeeff"
	header := "buvid3=X; SESSDATA=" + wire + "; bili_jct=" + jct + "; sid=abc=="
	for _, pasted := range [][2]string{
		{wire, jct},
		{"  " + wire + "\n", "\t" + jct + " "},
		{`"` + wire + `"`, "'" + jct + "'"},
		{"“" + wire + "”", jct},
		{"0a1b2c3d,1810771200,4e5f6*b1", jct},
		{`"0a1b2c3d,1810771200,4e5f6*b1"`, jct},
		{"SESSDATA=" + wire, "bili_jct=" + jct},
		{"SESSDATA=0a1b2c3d,1810771200,4e5f6*b1;", "bili_jct=" + jct + ";"},
		{"sessdata = " + wire, jct},
		{wire[:10] + "\r\n" + wire[10:], jct},
		{header, ""},
		{"Cookie: " + header, jct},
		{header, header},
	} {
		if got := account.NormalizeSESSDATA(pasted[0]); got != wire {
			t.Errorf("%q: %q", pasted[0], got)
		}
		s, err := account.NewSession(pasted[0], pasted[1])
		want, _ := account.NewSession(wire, jct)
		if err != nil || s.IsZero() || !s.Equal(want) {
			t.Errorf("%q: %v", pasted, err)
		}
	}
	// what is half encoded is left as the host gave it
	if got := account.NormalizeSESSDATA("0a1b2c3d%2C1810771200%2C4e5f6*b1"); got != "0a1b2c3d%2C1810771200%2C4e5f6*b1" {
		t.Error(got)
	}
	for _, pasted := range [][2]string{{"", ""}, {wire, ""}, {"", jct}, {" ", jct}, {`""`, jct}, {"a=b; c=d", jct}} {
		if s, err := account.NewSession(pasted[0], pasted[1]); err != nil || !s.IsZero() {
			t.Errorf("%q is a session, or %v", pasted, err)
		}
	}
	for _, pasted := range [][2]string{{"a\x01b", jct}, {"a\x7fb", jct}, {`a"b`, jct}, {"密码", jct}, {wire, "a;b"}, {wire, "a,b"}} {
		_, err := account.NewSession(pasted[0], pasted[1])
		if err == nil || strings.Contains(err.Error(), pasted[0]) || strings.Contains(err.Error(), pasted[1]) {
			t.Errorf("%q: %v", pasted, err)
		}
	}
}

func TestASessionSaysWhenItEnds(t *testing.T) {
	for sessdata, want := range map[string]time.Time{
		"0a1b2c3d%2C1810771200%2C4e5f6%2Ab1": time.Date(2027, 5, 20, 0, 0, 0, 0, time.UTC),
		"0a1b2c3d%2c1810771200%2c4e5f6*b1":   time.Date(2027, 5, 20, 0, 0, 0, 0, time.UTC),
		"abc":                                {},
		"a%2Cb%2Cc":                          {},
		"a%2C-5%2Cc":                         {},
		"a%2C99999999999999%2Cc":             {},
	} {
		s, err := account.NewSession(sessdata, "x")
		if got := s.Expires(); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, want %v", sessdata, got, want)
		}
	}
	if !(account.Session{}).Expires().IsZero() {
		t.Error("nobody's session ends")
	}
}

func TestASessionPrintsAsNothing(t *testing.T) {
	kept := `{"SESSDATA":"` + sandbox.SESSDATA + `","bili_jct":"` + sandbox.BiliJct + `","cookies":"sid=abcd1234",` +
		`"refresh_token":"` + sandbox.RefreshToken + `","replaced":{"SESSDATA":"a","bili_jct":"beforehand"}}`
	s, err := account.DecodeSession([]byte(kept))
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Public  account.Session
		private account.Session
		Pointer *account.Session
	}
	h := holder{s, s, &s}
	client := account.NewClient(nil, s, nil)
	var printed bytes.Buffer
	for _, v := range []any{s, &s, h, &h, []account.Session{s}, map[string]any{"s": s}, client} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&printed, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&printed, nil)).Info("said", "v", v)
		slog.New(slog.NewJSONHandler(&printed, nil)).Info("said", "v", v)
	}
	if data, err := json.Marshal(map[string]any{"s": s, "p": &s}); err == nil {
		printed.Write(data)
	}
	fmt.Fprint(&printed, s.String(), s.GoString(), s.LogValue())
	for _, secret := range []string{
		sandbox.SESSDATA, sandbox.BiliJct, fmt.Sprintf("%x", sandbox.BiliJct), sandbox.RefreshToken, "abcd1234", "beforehand",
	} {
		if strings.Contains(printed.String(), secret) {
			t.Error("a secret is printed")
		}
	}
	if !strings.Contains(printed.String(), "[session]") {
		t.Error("nothing is printed in its place")
	}
}

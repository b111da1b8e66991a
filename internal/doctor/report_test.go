package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAReportTellsNothingOfWhoAndWhat(t *testing.T) {
	t.Setenv("HOME", "/home/zhang")
	for line, want := range map[string]string{
		"the log: /home/zhang/.local/state/bilipaste/bilipaste.log": "the log: ~/.local/state/bilipaste/bilipaste.log",
		`GET https://i0.hdslb.com/bfs/live/abc.png: 404`:            `GET https://i0.hdslb.com/… 404`,
		`proxy http://zhang:geheim@proxy.example:8080 refuses`:      `proxy http://proxy.example:8080 refuses`,
		`error="我的截图 1.png cannot be read"`:                         `error="我的截图 ….png cannot be read"`,
		`Cookie: SESSDATA=ab%2Ccd; bili_jct=0123`:                   `Cookie: …; bili_jct=…`,
		"refresh_token=0a1b2c&csrf=1":                               "refresh_token=…&csrf=…",
		"Zhang (12345678)":                                          "Zhang (…)",
		"sum 3268bee1ed4e03a9b5f77aa46037db440d8b5c9d":              "sum …",
		"level=INFO msg=clip why=picture took=17.6935ms bytes=4096": "level=INFO msg=clip why=picture took=17.6935ms bytes=4096",
		"time=2026-11-26T02:23:13.668Z level=WARN":                  "time=2026-11-26T02:23:13.668Z level=WARN",
	} {
		if got := redact(line); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", line, got, want)
		}
	}
}

func TestTheLogsEndIsWholeLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	line := strings.Repeat("x", 99) + "\n"
	if err := os.WriteFile(file, []byte(strings.Repeat(line, 2*logTail/100)), 0o600); err != nil {
		t.Fatal(err)
	}
	got := string(tail(file))
	if len(got) > logTail || len(got) < logTail-100 || strings.ReplaceAll(got, line, "") != "" {
		t.Errorf("%d bytes that begin with %.20q", len(got), got)
	}
	if got := tail(file + ".gone"); got != nil {
		t.Errorf("%q of a log that is not there", got)
	}
}

func FuzzNoSecretIsInAReport(f *testing.F) {
	f.Add("msg=", " more")
	f.Add(`{"a": "`, `"}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "7f3a9c0e5b1d2846"
		for _, name := range []string{"SESSDATA", "bili_jct", "refresh_token"} {
			if got := redact(before + " " + name + "=" + secret + " " + after); strings.Contains(got, secret) && !strings.Contains(before+after, secret) {
				t.Errorf("%q", got)
			}
		}
	})
}

package doctor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"bilipaste/internal/app"
	"bilipaste/internal/config"
	"bilipaste/internal/desktop"
	"bilipaste/internal/lang"
	"bilipaste/internal/regex"
)

// logTail is how many bytes of the log's end are in a report.
const logTail = 32 << 10

// Report writes what whoever mends the program needs to know of this machine, in
// English: versions, desktop, the parts as Check finds them, what the clipboard
// holds by its formats, the settings that were changed, and the log's end. No
// content, no address, no name of a file, account or user is in it. bad is what is
// wrong with the settings.
func Report(ctx context.Context, out io.Writer, a *app.App, settings config.Config, bad error) error {
	say := lang.New(lang.English)
	var b bytes.Buffer
	section := func(title string) { fmt.Fprintf(&b, "\n== %s\n", title) }

	fmt.Fprintf(&b, "bilipaste %s %s/%s %s, %s\n", a.Version, runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "system: %s\n", desktop.System())
	for _, v := range desktop.Environment() {
		fmt.Fprintf(&b, "%s\n", v)
	}

	section("parts")
	for f := range Check(ctx, a, settings, bad, say) {
		mark := "ok"
		if !f.OK {
			mark = "!!"
		} else if f.Part == "account" {
			f.Detail = "asked" // not who it is
		}
		fmt.Fprintf(&b, "[%s] %s: %s\n", mark, f.Part, f.Detail)
	}

	section("the clipboard now")
	fmt.Fprintf(&b, "%s\n", clipboard(ctx, a, say))

	section("settings that were changed")
	standard := config.Default()
	for _, key := range config.Keys() {
		value, _ := settings.Get(key)
		if usual, _ := standard.Get(key); value != usual {
			if freeText[key] {
				value = "[given]"
			}
			fmt.Fprintf(&b, "%s = %s\n", key, value)
		}
	}

	section("the log's end")
	b.Write(tail(a.LogFile()))
	_, err := io.WriteString(out, redact(b.String()))
	return err
}

// freeText are the settings that may say who or where the user is.
var freeText = map[string]bool{
	"SESSDATA": true, "bili_jct": true, "proxy": true, "folder": true, "folder_name": true, "folder_url": true,
	"scdn_password": true, "scdn_question": true,
}

// clipboard tells the formats that the clipboard offers, and what counts of them.
func clipboard(ctx context.Context, a *app.App, say *lang.Printer) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	w, err := a.Clipboard(ctx, app.NoTexts, nil, nil)
	if err != nil {
		return say.Say(lang.Message{ID: "doctor.no_clip", Data: lang.Data{"Cause": err}})
	}
	defer func() { _ = w.Close() }()
	clip, err := w.Read(ctx)
	if err != nil {
		return say.Say(lang.Message{ID: "doctor.no_clip", Data: lang.Data{"Cause": err}})
	}
	return fmt.Sprintf("formats: %q; why: %s; a picture was read: %v; files: %d", clip.Formats, clip.Why, len(clip.Data) > 0, len(clip.Files))
}

// tail returns the last lines of a file, nothing where it cannot be read.
func tail(file string) []byte {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	start := max(info.Size()-logTail, 0)
	data, err := io.ReadAll(io.NewSectionReader(f, start, logTail))
	if err != nil {
		return nil
	}
	if _, whole, ok := bytes.Cut(data, []byte("\n")); ok && start > 0 {
		data = whole
	}
	return data
}

// What is not to be read in a report, and what stands in its place. The order
// counts: an address is one before its parts are.
var private = []struct {
	what func() *regexp.Regexp
	by   string
}{
	{regex.Lazy(`(?i)\b(sessdata|bili_jct|refresh_token|csrf|cookie|password)("?\s*[:=]\s*"?)[^\s"&;,]+`), "$1$2…"},
	{regex.Lazy(`\b([a-z][a-z0-9+.-]*://)[^\s/@"]*@`), "$1"},               // who signs in there
	{regex.Lazy(`\b([a-z][a-z0-9+.-]*://[^\s/"?#]+)[/?#][^\s"]*`), "$1/…"}, // which picture
	{regex.Lazy(`(?i)[^\s"'/\\:=]+\.(png|jpe?g|gif|webp|bmp|tiff?|svg|avif|heic|md|html)\b`), "….$1"},
	{regex.Lazy(`(?i)\b[0-9a-f]{16,}\b`), "…"},
	{regex.Lazy(`\b[0-9]{7,}\b`), "…"}, // an account's number
}

// redact takes out of a text what says who the user is, or what was copied.
func redact(text string) string {
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 {
		for _, form := range []string{home, strings.ReplaceAll(home, `\`, `\\`)} { // as it is, and quoted
			text = strings.ReplaceAll(text, form, "~")
		}
	}
	for _, p := range private {
		text = p.what().ReplaceAllString(text, p.by)
	}
	return text
}

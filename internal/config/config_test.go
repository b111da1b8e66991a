package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/config"
	"bilipaste/internal/lang"
	"bilipaste/internal/markup"
)

func file(t *testing.T, text string) string {
	t.Helper()
	f := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestNoFileAndEmptyFileAreTheDefaults(t *testing.T) {
	for _, f := range []string{filepath.Join(t.TempDir(), "none.json"), file(t, ""), file(t, " \n"), file(t, "{}"), file(t, "\xef\xbb\xbf{}")} {
		c, err := config.Load(f)
		if err != nil {
			t.Fatal(err)
		}
		if c.Host != "bilibili" || c.Bucket != "live" || c.Markup != markup.Markdown || !c.Sound || !c.Notify ||
			c.Language != "auto" || c.Pace != time.Second || !c.SESSDATA.IsZero() || c.Proxy != nil || !c.StripMetadata || c.GIF != "refuse" || c.TooLarge != "jpeg" {
			t.Errorf("%s: %+v", f, c)
		}
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	c, err := config.Load(file(t, `{
		"host": "bilibili", "bucket": "my_own", "bucket_unlisted": true, "format": "<{url}>",
		"SESSDATA": "s", "bili_jct": "j", "sound": false, "notify": false,
		"language": "zh-CN", "pace": "2s500ms", "proxy": "socks5://127.0.0.1:1080",
		"strip_metadata": false, "gif": "first-frame", "too_large": "refuse", "fallback": ["scdn", "folder"],
		"scdn_output": "png", "scdn_domain": "img.scdn.io", "scdn_password": "p", "scdn_question": "q",
		"folder": "f", "folder_name": "{hash}", "folder_url": "u", "draw_category": "cos", "draw_biz": "vote",
		"album.max_size": "1.5 GB"
	}`))
	if err != nil {
		t.Fatal(err)
	}
	if c.Bucket != "my_own" || !c.BucketUnlisted || c.Markup.String() != "<{url}>" || c.SESSDATA.Reveal() != "s" ||
		c.BiliJct.Reveal() != "j" || c.Sound || c.Notify || c.Language != "zh-CN" || c.Pace != 2500*time.Millisecond ||
		c.Proxy.String() != "socks5://127.0.0.1:1080" || c.StripMetadata ||
		c.GIF != "first-frame" || c.TooLarge != "refuse" || !slices.Equal(c.Fallback, []string{"scdn", "folder"}) ||
		c.SCDNOutput+c.SCDNDomain+c.SCDNPassword.Reveal()+c.SCDNQuestion != "pngimg.scdn.iopq" ||
		c.Folder+c.FolderName+c.FolderURL+c.DrawCategory+c.DrawBiz != "f{hash}ucosvote" ||
		c.AlbumMaxSize != 1.5e9 {
		t.Errorf("%+v", c)
	}
}

func TestABadFileIsNamedWithWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		`{"hots": "x"}`:                           "no setting hots",
		`{"sessdata": "x"}`:                       "written SESSDATA",
		`{"host": "a b"}`:                         "a host's name",
		`{"fallback": "scdn"}`:                    "a list",
		`{"fallback": ["scdn", 1]}`:               "a list",
		`{"fallback": ["scdn,folder"]}`:           "a list",
		`{"many_files": "9"}`:                     "number",
		`{"fallback": ["scdn", ""]}`:              "hosts' names",
		`{"gif": "png"}`:                          "one of scdn, first-frame, refuse",
		`{"sound": "yes"}`:                        "true or false",
		`{"bucket": 1}`:                           "a text in quotation marks",
		`{"bucket": "../x"}`:                      "letters, digits",
		`{"pace": "soon"}`:                        "1s",
		`{"format": "jpeg"}`:                      "{url}",
		`{"proxy": "127.0.0.1:80"}`:               "http://",
		`{"album.max_size": 5}`:                   "a text in quotation marks",
		`{"album.max_size": "2 bottles"}`:         "2GiB",
		`{"album.max_size": "-1GB"}`:              "2GiB",
		"{\n\"sound\": true\n\"notify\": true\n}": "line 3",
		`{"sound": true, "sound": false}`:         "twice",
		`[]`:                                      "line 1",
		`{} {}`:                                   "line 1",
		`{"sound": tru`:                           "line 1",
	} {
		f := file(t, text)
		_, err := config.Load(f)
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		what, _ := lang.New(lang.English).Error(err)
		if !strings.Contains(what, want) || !strings.Contains(what, f) {
			t.Errorf("%s: %s", text, what)
		}
	}
}

func TestAFolderInsteadOfAFile(t *testing.T) {
	if _, err := config.Load(t.TempDir()); err == nil {
		t.Error("no error")
	}
}

func TestSaveChangesOneKeyAndKeepsTheRest(t *testing.T) {
	f := file(t, `{"bucket": "album", "SESSDATA": "<s&>"}`)
	if err := config.Save(f, "format", `<a href="{url}">`); err != nil {
		t.Fatal(err)
	}
	if err := config.Save(f, "sound", "false"); err != nil {
		t.Fatal(err)
	}
	if err := config.Save(f, "bucket", "live"); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(f)
	want := "{\n  \"bucket\": \"live\",\n  \"SESSDATA\": \"<s&>\",\n  \"format\": \"<a href=\\\"{url}\\\">\",\n  \"sound\": false\n}\n"
	if string(got) != want {
		t.Errorf("got %s", got)
	}
	before := string(got)
	if err := config.Save(f, "sound", "loud"); err == nil {
		t.Error("a bad value was saved")
	}
	if err := config.Save(f, "volume", "1"); err == nil {
		t.Error("an unknown key was saved")
	}
	if got, _ := os.ReadFile(f); string(got) != before {
		t.Error("a refused change changed the file")
	}
}

func TestAListIsSavedAsOne(t *testing.T) {
	f := file(t, `{}`)
	for value, want := range map[string]string{"scdn, folder": `["scdn", "folder"]`, "": "[]", "scdn": `["scdn"]`} {
		if err := config.Save(f, "fallback", value); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(f); string(got) != "{\n  \"fallback\": "+want+"\n}\n" {
			t.Errorf("%q: %s", value, got)
		}
		if _, err := config.Load(f); err != nil {
			t.Error(err)
		}
	}
}

func TestSavedFileIsTheOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	f := filepath.Join(t.TempDir(), "new", "config.json")
	if err := config.Save(f, "SESSDATA", "s"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{f: 0o600, filepath.Dir(f): 0o700} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// The example settings are copied and filled in by hand.
func TestAFileWithASessionBecomesTheOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	for text, want := range map[string]fs.FileMode{
		`{"SESSDATA": "s", "bili_jct": "j"}`: 0o600, `{"SESSDATA": "", "sound": false}`: 0o644,
		`{"scdn_password": "p"}`: 0o600, `{"scdn_password": ""}`: 0o644, `{"bili_jct": "j"}`: 0o600,
		`{"proxy": "http://u:p@proxy:1"}`: 0o600, `{"proxy": "http://proxy:1"}`: 0o644,
		`{"nonsense": true, "scdn_password": "p"}`: 0o600, `{"pace": "soon", "proxy": "http://p@proxy:1"}`: 0o600,
	} {
		f := file(t, text)
		if err := os.Chmod(f, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(f); (err != nil) != strings.Contains(text, "nonsense") && (err != nil) != strings.Contains(text, "soon") {
			t.Error(err)
		}
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", text, info.Mode(), err)
		}
	}
}

func TestAFileThatOthersMayWriteIsTold(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	f := file(t, `{}`)
	for mode, want := range map[fs.FileMode]bool{0o600: false, 0o644: false, 0o664: true, 0o646: true} {
		if err := os.Chmod(f, mode); err != nil {
			t.Fatal(err)
		}
		if err := config.Exposed(f); (err != nil) != want {
			t.Errorf("%v: %v", mode, err)
		}
	}
	if err := config.Exposed(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Error(err)
	}
	if os.Getuid() == 0 {
		if err := errors.Join(os.Chmod(f, 0o600), os.Chown(f, 12345, -1)); err != nil {
			t.Fatal(err)
		}
		if config.Exposed(f) == nil {
			t.Error("somebody else's file is not told of")
		}
	}
}

func TestWhatHoldsASecret(t *testing.T) {
	for _, test := range []struct {
		key, value string
		is, holds  bool
	}{
		{"SESSDATA", "x", true, true}, {"bili_jct", "x", true, true}, {"scdn_password", "x", true, true}, {"scdn_password", "", true, false},
		{"proxy", "http://u:p@proxy:1", true, true}, {"proxy", "u:p@proxy:1", true, true}, {"proxy", "http://proxy:1", true, false},
		{"bucket", "a@b", false, false}, {"none", "x", false, false},
	} {
		if is, holds := config.IsSecret(test.key), config.HoldsSecret(test.key, test.value); is != test.is || holds != test.holds {
			t.Errorf("%s %q: %v, %v", test.key, test.value, is, holds)
		}
	}
}

func TestSaveKeepsALinkedFileLinked(t *testing.T) {
	target := file(t, `{}`)
	link := filepath.Join(t.TempDir(), "config.json")
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no symbolic links for everyone")
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(link); err != nil {
		t.Skip("no links, whatever is said: ", err) // Wine
	}
	if err := config.Save(link, "sound", "false"); err != nil {
		t.Fatal(err)
	}
	if c, err := config.Load(target); err != nil || c.Sound {
		t.Errorf("the linked file: %v, %v", c.Sound, err)
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	const text = "0a1b2c3d"
	c := config.Default()
	c.SESSDATA = config.NewSecret(text)
	holder := struct{ c config.Config }{c}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", c.SESSDATA, "c", c)
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := c.Get("SESSDATA")
	all := fmt.Sprint(c, holder, c.SESSDATA) + fmt.Sprintf("%v %+v %#v %s %q %x", c, holder, c, c.SESSDATA, c.SESSDATA, c.SESSDATA) +
		log.String() + string(j) + got
	if strings.Contains(all, text) || strings.Contains(all, fmt.Sprintf("%x", text)) {
		t.Errorf("printed: %s", all)
	}
	if c.SESSDATA.Reveal() != text {
		t.Error("the secret itself is lost")
	}
}

func TestDirsOfOneHome(t *testing.T) {
	home := t.TempDir()
	t.Setenv("BILIPASTE_HOME", home)
	d, err := config.FindDirs()
	if err != nil || d.File() != filepath.Join(home, "config.json") || d.State != home || d.Data != home {
		t.Errorf("%+v, %v", d, err)
	}
	t.Setenv("BILIPASTE_HOME", "")
	if d, err = config.FindDirs(); err != nil || filepath.Base(d.Config) != "bilipaste" || filepath.Base(d.State) != "bilipaste" || filepath.Base(d.Data) != "bilipaste" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestSizesAreSaidAsTheyWereGiven(t *testing.T) {
	for given, want := range map[string]string{
		"2GiB": "2GiB", "2 gib": "2GiB", "500MB": "500MB", "0": "0", "1.5KiB": "1536", "1000": "1kB", "0.5TB": "500GB",
	} {
		var c config.Config
		if err := c.Set("album.max_size", given); err != nil {
			t.Error(err)
		}
		if got, err := c.Get("album.max_size"); got != want || err != nil {
			t.Errorf("%s is said as %s, %v", given, got, err)
		}
	}
	var c config.Config
	for _, wrong := range []string{"", "GB", "NaN", "Inf", "1e3", "9e9TiB", "99999999TiB", "1GB2"} {
		if err := c.Set("album.max_size", wrong); err == nil {
			t.Errorf("%q was read as %v", wrong, c.AlbumMaxSize)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"bucket": "live", "sound": true}`))
	f.Add([]byte(`{"a":`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "c.json")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Skip(err)
		}
		if _, err := config.Load(path); err != nil {
			lang.New(lang.Chinese).Error(err)
			return
		}
		if err := config.Save(path, "sound", "false"); err != nil {
			t.Fatalf("a file that loads cannot be saved: %v", err)
		}
		if c, err := config.Load(path); err != nil || c.Sound {
			t.Fatalf("after Save: %v, %v", c.Sound, err)
		}
	})
}

func TestBounds(t *testing.T) {
	for key, values := range map[string]map[string]bool{
		"pace":           {"0s": true, "1h": true, "1h0m1s": false, "-1s": false, "-1ns": false, "1": false, "": false},
		"many_files":     {"1": true, "1000": true, "0": false, "1001": false, "-1": false, "many": false, "": false},
		"server_port":    {"1024": true, "65535": true, "1023": false, "65536": false, "-1": false, "0": false, "": false},
		"album.max_size": {"0": true, "8388607TiB": true, "8388608TiB": false, "-1": false},
		"bucket":         {strings.Repeat("b", 64): true, strings.Repeat("b", 65): false, "a/b": false, "": false},
		"fallback":       {"": true, "scdn": true, "scdn, folder": true, "scdn,": false, ",": false, "a b": false},
		"proxy":          {"": true, "http://proxy": true, "socks5h://u:p@proxy:1": true, "ftp://proxy:1": false, "http://": false, "proxy:1": false, "http://%": false},
		"server_origins": {"": true, "https://a.example": true, "https://a.example, http://b.example:8080": true, "https://a.example,": false, "https://a.example/": false, "*": false,
			"null": false, "https://": false, "//a.example": false, "file://a.example": false, "https://*.example": false, "https://a.example?x": false, "https://%": false},
	} {
		for value, want := range values {
			c := config.Default()
			if err := c.Set(key, value); (err == nil) != want {
				t.Errorf("%s %q: %v", key, value, err)
			}
		}
	}
}

package lang_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/assets"
	"bilipaste/internal/config"
	"bilipaste/internal/lang"
)

// texts returns the catalogue of one language: id to text, or to the forms of a plural.
func texts(t *testing.T, tag string) map[string]any {
	t.Helper()
	all := map[string]any{}
	files, err := fs.Glob(assets.Lang, "lang/*."+tag+".json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no translations for %s: %v", tag, err)
	}
	for _, f := range files {
		data, err := fs.ReadFile(assets.Lang, f)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for id, text := range m {
			if _, twice := all[id]; twice {
				t.Errorf("%s: %s stands in two files", f, id)
			}
			if room, _, _ := strings.Cut(id, "."); room != strings.TrimSuffix(filepath.Base(f), "."+tag+".json") {
				t.Errorf("%s: %s would not be found there", f, id)
			}
			all[id] = text
		}
	}
	return all
}

var placeholder = regexp.MustCompile(`{{[^}]*}}`)

// placeholders returns the placeholders of a text, or of all forms of a plural.
func placeholders(text any) []string {
	found := placeholder.FindAllString(fmt.Sprint(text), -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestEveryMessageIsInBothLanguages(t *testing.T) {
	en, zh := texts(t, lang.English), texts(t, lang.Chinese)
	for id, text := range en {
		other, ok := zh[id]
		if !ok {
			t.Errorf("%s is not in Chinese", id)
			continue
		}
		if a, b := placeholders(text), placeholders(other); !slices.Equal(a, b) {
			t.Errorf("%s: placeholders differ: %v, %v", id, a, b)
		}
	}
	for id := range zh {
		if _, ok := en[id]; !ok {
			t.Errorf("%s is not in English", id)
		}
	}
}

// A message's id in the code is a string literal such as "upload.done" whose
// first word is a room of the catalogue, unless it names a file or a setting.
func TestEveryMessageOfTheCodeIsInTheCatalogue(t *testing.T) {
	en := texts(t, lang.English)
	rooms := map[string]bool{}
	for id := range en {
		room, _, _ := strings.Cut(id, ".")
		rooms[room] = true
	}
	id := regexp.MustCompile(`^[a-z]+(\.[a-z0-9_]+)+$`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			s, _ := strconv.Unquote(lit.Value)
			room, _, _ := strings.Cut(s, ".")
			other := slices.Contains([]string{".json", ".db", ".lock", ".toml", ".yaml", ".yml"}, filepath.Ext(s)) || slices.Contains(config.Keys(), s)
			if id.MatchString(s) && rooms[room] && !other {
				if _, ok := en[s]; !ok {
					t.Errorf("%s: message %s is not in the catalogue", path, s)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLanguageIsChosenByItsTag(t *testing.T) {
	for tag, want := range map[string]string{
		"zh-CN": "简体中文", "zh_CN.UTF-8": "简体中文", "zh_TW": "简体中文", "zh": "简体中文",
		"en": "English", "en_US.UTF-8": "English", "C": "English", "": "English", "fr-FR": "English",
	} {
		if got := lang.New(tag).Text("lang.name"); got != want {
			t.Errorf("%q: %s, want %s", tag, got, want)
		}
	}
}

func TestAnErrorIsSaidWithItsHint(t *testing.T) {
	p := lang.New(lang.English)
	if what, hint := p.Error(errors.New("plain")); what != "plain" || hint != "" {
		t.Errorf("a plain error: %q, %q", what, hint)
	}
	cause := errors.New("cause")
	err := fmt.Errorf("wrapped: %w", lang.Errorf("lang.name", nil, cause))
	if what, _ := p.Error(err); what != "English" {
		t.Errorf("a wrapped Teller: %q", what)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	for _, id := range []string{"lang.none", "none.at.all", "none", ""} {
		if got := p.Text(id); got != id {
			t.Errorf("%q is in no catalogue, and is said as %q", id, got)
		}
	}
	nested := lang.Message{ID: "lang.name"}
	if got := lang.New("zh").Say(nested); got != "简体中文" {
		t.Errorf("a message: %q", got)
	}
}

func TestAMomentIsSaidWithItsDayUnlessThatIsToday(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noon := time.Now().Local()
		noon = time.Date(noon.Year(), noon.Month(), noon.Day()+1, 12, 0, 0, 0, time.Local)
		time.Sleep(time.Until(noon))
		day := noon.Format(time.DateOnly)
		for offset, want := range map[time.Duration]string{
			0: "12:00:00", 11*time.Hour + 59*time.Minute: "23:59:00", -12 * time.Hour: "00:00:00",
			12 * time.Hour: noon.AddDate(0, 0, 1).Format(time.DateOnly) + " 00:00:00", -13 * time.Hour: noon.AddDate(0, 0, -1).Format(time.DateOnly) + " 23:00:00",
			-365 * 24 * time.Hour: noon.AddDate(0, 0, -365).Format(time.DateOnly) + " 12:00:00",
		} {
			if got := lang.Clock(noon.Add(offset).UTC()); got != want {
				t.Errorf("%v from noon of %s: %s, want %s", offset, day, got, want)
			}
		}
	})
}

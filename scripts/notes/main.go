// Command notes writes what is new in a release, from the commits since the
// release before it: NOTES.md, NOTES.zh-CN.md and the packages' changelog.yaml.
//
//	notes VERSION DATE MAINTAINER DIR
//
// DATE is the release's, in RFC 3339. Commits are read from standard input, as
// "git log --format=…" gives them with the format that scripts/release has.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: notes VERSION DATE MAINTAINER DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "notes:", err)
		os.Exit(1)
	}
}

// change is one commit: what it says to users in both languages.
type change struct {
	rooms            []string
	english, chinese string
}

// The separators of fields and commits in the input, which no text contains.
const (
	fieldEnd  = "\x1f"
	commitEnd = "\x1e"
)

// changes reads commits: the subject, and the values of the trailers "Note" and
// "Note-zh-CN", which say it in the words of users. A commit with "Note: none"
// is not told of.
func changes(log string) []change {
	var cs []change
	for commit := range strings.SplitSeq(log, commitEnd) {
		fields := strings.Split(strings.TrimSpace(commit), fieldEnd)
		if len(fields) != 3 {
			continue
		}
		room, text, ok := strings.Cut(fields[0], ": ")
		if !ok {
			room, text = "", fields[0]
		}
		c := change{strings.Split(room, ", "), text, text}
		if note := strings.TrimSpace(fields[1]); note != "" {
			c.english, c.chinese = note, note
		}
		if note := strings.TrimSpace(fields[2]); note != "" {
			c.chinese = note
		}
		if c.english != "none" {
			cs = append(cs, c)
		}
	}
	return cs
}

// A section gathers what was changed in some rooms.
type section struct {
	english, chinese string
	rooms            []string
}

var sections = []section{
	{"Copying and pasting", "复制与粘贴", []string{"writing", "watcher", "terminal", "markup", "format"}},
	{"Tray and notifications", "托盘与通知", []string{"tray", "notify", "desktop", "resident", "assets"}},
	{"Hosts and account", "图床与账号", []string{"uploader", "bilibili", "scdn", "folder", "account", "keystore", "qr", "web", "fault"}},
	{"Pictures and album", "图片与相册", []string{"picture", "metadata", "convert", "bmp", "album", "durable"}},
	{"Posts", "文章与动态", []string{"posts", "dynamic"}},
	{"Page and editors", "网页与编辑器", []string{"server", "page", "control"}},
	{"Commands and settings", "命令与设置", []string{"cmd", "config", "lang", "sandbox", "app"}},
	{"Packages and documentation", "安装包与文档", []string{"packaging", "release", "docs", "README"}},
}

// gathered returns each section's changes. What belongs to none, such as tests,
// says nothing to users.
func gathered(cs []change) [][]change {
	all := make([][]change, len(sections))
	for _, c := range cs {
		i := slices.IndexFunc(sections, func(s section) bool {
			return slices.ContainsFunc(c.rooms, func(room string) bool { return slices.Contains(s.rooms, room) })
		})
		if i >= 0 {
			all[i] = append(all[i], c)
		}
	}
	return all
}

// notes is the page for one language.
func notes(version string, cs []change, chinese bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# bilipaste %s\n", version)
	for i, changes := range gathered(cs) {
		if len(changes) == 0 {
			continue
		}
		heading := sections[i].english
		if chinese {
			heading = sections[i].chinese
		}
		fmt.Fprintf(&b, "\n## %s\n\n", heading)
		for _, c := range changes {
			text := c.english
			if chinese {
				text = c.chinese
			}
			fmt.Fprintf(&b, "* %s\n", text)
		}
	}
	return b.String()
}

// changelog is nfpm's, of which it makes Debian's and RPM's. JSON is YAML.
func changelog(version string, date time.Time, maintainer string, cs []change) ([]byte, error) {
	type entry struct {
		Note string `json:"note"`
	}
	told := []entry{}
	for _, changes := range gathered(cs) {
		for _, c := range changes {
			told = append(told, entry{c.english})
		}
	}
	if len(told) == 0 {
		told = append(told, entry{"Release " + version})
	}
	return json.MarshalIndent([]map[string]any{{
		"semver": version, "date": date.UTC().Format(time.RFC3339), "packager": maintainer,
		"deb":     map[string]any{"urgency": "medium", "distributions": []string{"unstable"}},
		"changes": told,
	}}, "", "  ")
}

func run(version, date, maintainer, dir string, in io.Reader) error {
	day, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return err
	}
	log, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	cs := changes(string(log))
	list, err := changelog(version, day, maintainer, cs)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"NOTES.md": []byte(notes(version, cs, false)), "NOTES.zh-CN.md": []byte(notes(version, cs, true)),
		"changelog.yaml": list,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

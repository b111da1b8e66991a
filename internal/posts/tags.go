package posts

import (
	"bytes"
	"strings"

	"bilipaste/internal/regex"
)

// The tags of Hugo, {{< figure src="a.png" >}}, and of Hexo and Jekyll,
// {% asset_img a.png "title" %}.
var (
	hugo  = regex.Lazy(`^\{\{(?:<|%)[^/*]`)
	hexo  = regex.Lazy(`^\{%-?\s*([a-z_]+)\s`)
	named = regex.Lazy("([\\w-]+)\\s*=\\s*(\"[^\"]*\"|`[^`]*`|[^\\s\"`>]+)")
	words = regex.Lazy(`"[^"]*"|'[^']*'|\S+`)
)

// tags matches such a tag.
func tags(rest []byte) (int, func(*finder, int, int)) {
	if hugo().Match(rest) {
		if end := bytes.Index(rest, []byte(string(mirror[rest[2]])+"}}")); end > 0 {
			return end + 3, shortcode
		}
	}
	if m := hexo().FindSubmatch(rest); m != nil {
		if end := bytes.Index(rest, []byte("%}")); end > 0 {
			if name := string(m[1]); name == "asset_img" || name == "img" {
				return end + 2, hexoImage
			}
			return end + 2, nil
		}
	}
	return 0, nil
}

var mirror = map[byte]byte{'<': '>', '%': '%'}

// shortcode finds the src of Hugo's figure and of the others that show pictures.
func shortcode(f *finder, start, end int) {
	text := f.d.Text[start:end]
	for _, m := range named().FindAllSubmatchIndex(text, -1) {
		key, from, to := string(text[m[2]:m[3]]), m[4], m[5]
		if c := text[from]; c == '"' || c == '`' {
			from, to = from+1, to-1
		}
		if value := string(text[from:to]); key == "src" && (isPicture(value) || IsRemote(value)) {
			f.add(start+from, start+to, value, as, nil)
		}
	}
}

// hexoImage finds the picture of {% asset_img %}, which becomes {% img %} where
// it gets an address, and of {% img %}. Before it there may be names of classes.
func hexoImage(f *finder, start, end int) {
	text := f.d.Text[start:end]
	name := bytes.Index(text, []byte("img"))
	assets := bytes.Contains(text[:name+3], []byte("asset_img"))
	at := name + 3
	for _, m := range words().FindAllIndex(text[at:len(text)-2], -1) {
		from, to := at+m[0], at+m[1]
		if c := text[from]; (c == '"' || c == '\'') && text[to-1] == c && to-from > 1 {
			from, to = from+1, to-1
		}
		value := string(text[from:to])
		if strings.ContainsAny(value, `"'`) || !isPicture(value) && !IsRemote(value) {
			continue
		}
		if !assets {
			f.add(start+from, start+to, value, as, nil)
			return
		}
		first := name - len("asset_")
		before := "img" + string(text[at:from])
		f.add(start+first, start+to, value, func(address string) string { return before + address }, nil)
		return
	}
}

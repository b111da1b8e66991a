package posts_test

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"bilipaste/internal/lang"
	"bilipaste/internal/posts"
)

// Only the address changes, whatever the file's encoding and line ends are.
func TestEncodings(t *testing.T) {
	text := "---\r\ntitle: 标题\r\ncover: \"图 片.png\"\r\n---\r\n猫 ![猫|図](图/猫.png)  \r\nlast \\ 𠮷 line"
	for name, codec := range map[string]encoding.Encoding{
		"GBK": simplifiedchinese.GBK, "GB18030": simplifiedchinese.GB18030, "UTF-8": encoding.Nop,
		"UTF-8 with a mark":             unicode.UTF8BOM,
		"UTF-16, little endian":         unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		"UTF-16, big endian":            unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
		"UTF-16 of one line, no end":    unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
		"GBK with nothing but Chinese ": simplifiedchinese.GBK,
	} {
		text := text
		if strings.HasPrefix(name, "GBK") {
			text = strings.ReplaceAll(text, "𠮷", "吉")
		}
		encode := func(text string) []byte {
			data, err := codec.NewEncoder().Bytes([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
		data := encode(text)
		d, err := posts.Parse("a.md", data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		mentions, err := posts.Find(d)
		if err != nil || len(mentions) != 2 || mentions[0].Address != "图 片.png" || mentions[1].Address != "图/猫.png" || mentions[0].Line != 3 || mentions[1].Line != 5 {
			t.Errorf("%s: %+v, %v", name, mentions, err)
			continue
		}
		got := applied(t, d, data, []posts.Change{mentions[1].Change("https://a.example/1.png", false), mentions[0].Change("https://a.example/2.png", false)})
		want := encode(strings.NewReplacer("图 片.png", "https://a.example/2.png", "图/猫.png", "https://a.example/1.png").Replace(text))
		if !bytes.Equal([]byte(got), want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestAnUnknownEncodingIsRefusedByName(t *testing.T) {
	for _, data := range []string{"caf\xe9\n![](a.png)", "\xff\xfe\x00", "\xff\xfea", "a\x00b", "\xff\xfe\x3d\xd8"} {
		_, err := posts.Parse("odd.md", []byte(data))
		what, hint := "", ""
		if err != nil {
			what, hint = lang.New(lang.English).Error(err)
		}
		if !strings.Contains(what, "odd.md") || !strings.Contains(hint, "UTF-8") {
			t.Errorf("%q: %q, %q", data, what, hint)
		}
	}
}

// An address that has characters of the language around it is written so that
// it is read there.
func TestAddressesAreEscaped(t *testing.T) {
	const address = `https://a.example/x y(1)'"<é>&copy;?a=1,2&b=[3]|\{}` + "`"
	const is = "https://a.example/x%20y%281%29%27%22%3C%C3%A9%3E&copy;?a=1,2&b=%5B3%5D%7C%5C%7B%7D%60"
	for _, text := range []string{
		"![](a.png)", "![](<a b.png>)", "![r]\n\n[r]: a.png", "<img src=a.png>", "<img src='a.png'>", `<img srcset="a.png 2x">`,
		"![[a.png]]", "|a|\n|-|\n|![](a.png)|", "---\ncover: a.png\n---\n", "---\ncover: [\"a.png\"]\nimages: {cover: a.png}\n---\n", "+++\nimage = 'a.png'\n+++\n",
		"{\n\"image\": \"a.png\"}\n", "{{< figure src=a.png >}}", "{% img a.png %}",
	} {
		d, _ := posts.Parse("a.md", []byte(text))
		mentions, err := posts.Find(d)
		if err != nil || len(mentions) == 0 {
			t.Errorf("%s: %v, %v", text, mentions, err)
			continue
		}
		var changes []posts.Change
		for _, p := range mentions {
			changes = append(changes, p.Change(address, false))
		}
		after := applied(t, d, []byte(text), changes)
		d, _ = posts.Parse("a.md", []byte(after))
		mentions, err = posts.Find(d)
		if len(mentions) != len(changes) || err != nil {
			t.Errorf("%s became %s: %v", text, after, err)
			continue
		}
		for _, p := range mentions {
			if strings.ReplaceAll(p.Address, "%2C", ",") != is {
				t.Errorf("%s became %s, which is read as %s", text, after, p.Address)
			}
		}
	}
}

// Where a referrer policy is asked for, <img> gets it, and an image of Markdown
// becomes such an <img>.
func TestNoReferrer(t *testing.T) {
	for text, want := range map[string]string{
		`![a *b* "c"](x.png 'ti"tle') ![r]` + "\n\n[r]: y.png": `<img src="https://a.example/1" alt="a b &#34;c&#34;" title="ti&#34;tle" referrerpolicy="no-referrer"> ![r]` + "\n\n[r]: https://a.example/1",
		`<img alt=x src=x.png width=3> [![](s.png)](b)`:        `<img alt=x src="https://a.example/1" referrerpolicy="no-referrer" width=3> [<img src="https://a.example/1" alt="" referrerpolicy="no-referrer">](b)`,
		`<img src='x.png' referrerpolicy="origin">`:            `<img src='https://a.example/1' referrerpolicy="origin">`,
		`<img src="x.png"/>`:                                   `<img src="https://a.example/1" referrerpolicy="no-referrer"/>`,
		`![[x.png|300]] ![[x.png|a|20x30]] ![[x.png|a]]`:       `<img src="https://a.example/1" width="300" alt="" referrerpolicy="no-referrer"> <img src="https://a.example/1" width="20" height="30" alt="a" referrerpolicy="no-referrer"> <img src="https://a.example/1" alt="a" referrerpolicy="no-referrer">`,
	} {
		d, _ := posts.Parse("a.md", []byte(text))
		mentions, err := posts.Find(d)
		if err != nil {
			t.Fatal(err)
		}
		var changes []posts.Change
		for _, p := range mentions {
			changes = append(changes, p.Change("https://a.example/1", true))
		}
		if got := applied(t, d, []byte(text), changes); got != want {
			t.Errorf("%s became\n%s\nnot\n%s", text, got, want)
		}
	}
}

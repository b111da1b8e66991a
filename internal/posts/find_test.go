package posts_test

import (
	"fmt"
	"strings"
	"testing"

	"bilipaste/internal/posts"
)

// In these documents each picture's range is between ⟦ and ⟧.
var marked = map[string][]string{
	"a.md": {
		"![](⟦a.png⟧)",
		`![a](⟦x.png⟧ "t") ![a](<⟦a b.png⟧>) ![a](⟦a%20b.png⟧) ![](⟦a\(1\).png⟧) ![](⟦a(1).png⟧)`,
		"[![t](⟦s.png⟧)](⟦big.png⟧) [![t](⟦s.png⟧)](page.html) [text](big.png)",
		"![a][r] ![b][R] ![r]\n\n> [r]: ⟦one.png⟧ 'title'\n\n[r]: two.png\n[unused]: three.png",
		"| a | b |\n|---|---|\n| ![x\\|y](⟦a.png⟧) | <img src=\"⟦b.png⟧\"> |",
		"> ![](⟦a.png⟧)\n>\n> > ![](⟦b.png⟧)\n\n- x\n\n    ![](⟦c.png⟧)\n\n        ![](code.png)",
		"text[^1]\n\n[^1]: see ![](⟦a.png⟧)",
		"`![](x.png)` ``` ![](x.png) ```\n\n```\n![](x.png)\n```\n\n    ![](x.png)\n\n<!-- ![](x.png)\n<img src=x.png> -->\n\n$$\n![](x.png)\n\n$$\n\n$$![](x.png)$$ $![](x.png)$\n\n<pre>\n![](x.png) <img src=x.png></pre>\n\n![](⟦y.png⟧)",
		"it costs $5 ![](⟦a.png⟧) or $6, 是$5，![](⟦b.png⟧)，$3",
		"<img alt='a>b' src=⟦x.png⟧>\n\nx <IMG\n  SRC='⟦y.png⟧' > <img data-src=\"⟦z.png⟧\" src=\"⟦data:image/gif;base64,R0lGODlhAQABAAAAACw=⟧\">",
		`<img srcset="⟦a.png⟧ 1x, ⟦b.png⟧ 2x"> <picture><source srcset="⟦c.webp⟧"><img src="⟦c.png⟧"></picture>`,
		`<video><source src="https://a.example/m.png"></video>` + "\n\n<a href=\"⟦big.png⟧\"><img src=\"⟦small.png⟧\"></a>",
		"<div align=\"center\"> <img src=\"⟦index_files/1.png⟧\"/> </div><br>\n\n> <div>\n> <img src='⟦q.png⟧'>\n> </div>",
		"![[⟨x⟩]] ![[note]] ⟦![[x.png|300]]⟧ ⟦![[dir/a.png|alt|300x200]]⟧\n\n|a|\n|-|\n|⟦![[b.png\\|300]]⟧|",
		`{{< figure src="⟦a.png⟧" title="![](no.png)" >}} {{< figure src=⟦b.png⟧ >}} {{< video src="m.mp4" >}} {{</* figure src="c.png" */>}}`,
		"{{< figure\n  src=\"⟦a.png⟧\"\n  title=\"x\" >}}",
		`{% ⟦asset_img a.png⟧ "title" %} {% ⟦asset_img left "a b.png⟧" 10 %} {% img ⟦/i/c.png⟧ 3 %} {% post_link a.png %}`,
		"![](⟦{{ site.baseurl }}/x.png⟧) ![a](⟦{{ \"/assets/y.png\" | relative_url }}⟧)",
		`![a](⟦x.png⟧){width=50%} the picture x.png, https://a.example/x.png and [a](x.png)`,
		"* a\n\n\t![](⟦tab.png⟧)\n\n![a](\n⟦next.png⟧\n'title')",
		"![a ![b](inner.png)](⟦outer.png⟧) ![](<>) ![]() ![](#id)",
		"![](⟦a.png?x=1&amp;y=2⟧ 'q') \\![](b.png)",
		"---\ntitle: a\n---\n![](⟦a.png⟧)",
		"---\n\ntext\n\n---\n\n![](⟦a.png⟧)",
		"---\ncover: ⟦a.png⟧ # comment\nimage: \"⟦中 文.png⟧\"\nthumbnail: '⟦c.png⟧'\nbanner_img: \ncover_image: yes\nphotos:\n  - ⟦d.png⟧\n  - \"⟦e.png⟧\"\nextra: {image: ⟦f.png⟧, other: g.png}\nresources:\n- src: ⟦j.png⟧\n- src: 'img/*.png'\nheroImage: &h ⟦k.png⟧\nog_image: *h\nfeatured_image: >-\n  ⟦l.png⟧\ndescription: |\n  cover: m.png\n---\n![](⟦z.png⟧)",
		"---\r\ncover:\r\n  image: ⟦https://a.example/x⟧\r\n---\r\n![](⟦z.png⟧)\r\n",
		"---\ntitle: \"a --- b\"\ncover: ⟦x.png⟧\n---\n![](⟦z.png⟧)",
		"+++\ntitle = 'x'\nimage = \"⟦a.png⟧\"\nimages = [\"⟦b.png⟧\", '⟦c.png⟧']\n[extra]\nimage = '''⟦d.png⟧'''\n[[resources]]\nsrc = '⟦e.png⟧'\n[params]\ncover = {image = \"⟦f.png⟧\", alt = 'g.png'}\n+++\n![](⟦z.png⟧)",
		"{\n\"image\": \"⟦a.png⟧\", \"x\": {\"cover\": {\"src\": \"⟦b.png⟧\"}}, \"images\": [\"⟦c.png⟧\"]\n}\n\n![](⟦z.png⟧)",
		"{% raw %}\n\n![](⟦z.png⟧)",
		"---\ncover: [unclosed\n---\n![](⟦z.png⟧)",
	},
	"a.mdx": {
		"import x from './x.png'\n\n<Image src={x} /> <img src={\"⟦a.png⟧\"} alt={`a>b`} />\n\n<Figure\n  onClick={() => go('b.png')}\n  src='⟦c.png⟧'\n/>\n\n{/* <img src=\"d.png\" /> */}\n\n`<img src=\"e.png\" />`\n\n<div>\n    ![](⟦f.png⟧)\n</div>\n\n<Video src=\"m.mp4\" />",
	},
}

func TestFind(t *testing.T) {
	for name, documents := range marked {
		for _, m := range documents {
			text := strings.NewReplacer("⟦", "", "⟧", "").Replace(m)
			d, err := posts.Parse(name, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			mentions, _ := posts.Find(d)
			var changes []posts.Change
			for _, p := range mentions {
				changes = append(changes, posts.Change{Start: p.Start, End: p.End, Text: "⟦" + text[p.Start:p.End] + "⟧"})
			}
			if got := applied(t, d, []byte(text), changes); got != m {
				t.Errorf("found\n%s\nwant\n%s", got, m)
			}
		}
	}
}

func applied(t *testing.T, d *posts.Document, data []byte, changes []posts.Change) string {
	t.Helper()
	edits, err := d.Edits(changes)
	if err != nil {
		t.Fatal(err)
	}
	out, err := posts.Apply(data, edits)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

var _ = fmt.Sprint

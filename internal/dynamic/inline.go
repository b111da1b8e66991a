package dynamic

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"bilipaste/internal/lang"
	"bilipaste/internal/regex"
)

// What stands in a line, each where it begins. A user's name holds no blanks,
// and no signs that would end it.
var (
	imageStart  = regex.Lazy(`^!\[((?:[^\[\]\\]|\\.)*)\]\(`)
	mentionLink = regex.Lazy(`^\[@([^\[\]\n]+)\]\((?:https?:)?(?://)?space\.bilibili\.com/(\d+)[^()\s]*\)`)
	mentionID   = regex.Lazy(`^@([^\s@#()（）\[\]]{1,40})[(（](\d{1,19})[)）]`)
	mentionBare = regex.Lazy(`^@([^\s@#()（）\[\]]+)`)
	emojiWord   = regex.Lazy(`^\[([^\[\]()\s]{1,30})\]`)
	otherLink   = regex.Lazy(`^\[[^\[\]]+\]\([^()\s]+\)`)
	codeSpan    = regex.Lazy("^(`+)[^`].*?`+")
)

// escapable follows a backslash where it is to be text and nothing else.
const escapable = "@[!`"

// inline reads the parts of a line; pictures go to the document.
func (p *parser) inline(line string, number int) (parts []Part, err error) {
	add := func(part Part) { parts = join(parts, part) }
	for rest, before := line, ' '; rest != ""; {
		taken := 0
		switch rest[0] {
		case '\\':
			if len(rest) > 1 && strings.IndexByte(escapable, rest[1]) >= 0 {
				add(Part{Kind: Text, Text: rest[1:2]})
				taken = 2
			}
		case '`':
			if code := codeSpan().FindString(rest); code != "" {
				add(Part{Kind: Text, Text: code})
				taken = len(code)
			}
		case '!':
			if start := imageStart().FindString(rest); start != "" {
				file, length, err := target(rest[len(start):])
				if err != nil {
					return nil, at(number, err)
				}
				p.document.Pictures = append(p.document.Pictures, Image{File: file, Line: number})
				taken = len(start) + length
			}
		case '@':
			switch id, bare := mentionID().FindStringSubmatch(rest), mentionBare().FindString(rest); {
			case isWord(before): // an address
			case id != nil:
				add(Part{Kind: Mention, Text: "@" + id[1], ID: id[2]})
				taken = len(id[0])
			case bare != "":
				p.notice("dynamic.notice.mention", number)
			}
		case '[':
			if user := mentionLink().FindStringSubmatch(rest); user != nil {
				add(Part{Kind: Mention, Text: "@" + user[1], ID: user[2]})
				taken = len(user[0])
			} else if link := otherLink().FindString(rest); link != "" {
				p.notice("dynamic.notice.link", number)
				add(Part{Kind: Text, Text: link})
				taken = len(link)
			} else if word := emojiWord().FindString(rest); word != "" && !strings.HasPrefix(rest[len(word):], ":") {
				add(Part{Kind: Emoji, Text: word})
				taken = len(word)
			}
		}
		if taken == 0 {
			_, taken = utf8.DecodeRuneInString(rest)
			add(Part{Kind: Text, Text: rest[:taken]})
		}
		before, _ = utf8.DecodeLastRuneInString(rest[:taken])
		rest = rest[taken:]
	}
	return parts, nil
}

// isWord tells a character of an e-mail address.
func isWord(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '.' || r == '_' || r == '-')
}

// target reads what stands between a picture's parentheses, of which the first
// has been read: a path, also between < and >, and perhaps a title. It returns
// the path and how long all of it is, with the closing parenthesis.
func target(s string) (file string, length int, err error) {
	bad := lang.Errorf("dynamic.picture", nil, errNoPicture)
	trimmed := strings.TrimLeft(s, " \t")
	i := len(s) - len(trimmed)
	if strings.HasPrefix(trimmed, "<") {
		end := strings.IndexByte(trimmed, '>')
		if end < 0 {
			return "", 0, bad
		}
		file, i = trimmed[1:end], i+end+1
	} else {
		start, depth := i, 0
		for i < len(s) && (depth > 0 || s[i] != ')') && s[i] != ' ' && s[i] != '\t' {
			switch s[i] {
			case '(':
				depth++
			case ')':
				depth--
			}
			i++
		}
		if file = s[start:i]; strings.Contains(file, "%") {
			if plain, err := url.PathUnescape(file); err == nil && utf8.ValidString(plain) {
				file = plain
			}
		}
	}
	end := strings.IndexByte(s[i:], ')')
	title := ""
	if end >= 0 {
		title = strings.TrimSpace(s[i : i+end])
	}
	if quoted := len(title) >= 2 && title[0] == title[len(title)-1] && strings.IndexByte(`"'`, title[0]) >= 0; end < 0 || title != "" && !quoted || file == "" {
		return "", 0, bad
	}
	if strings.ContainsFunc(file, unicode.IsControl) {
		return "", 0, bad
	}
	return file, i + end + 1, nil
}

// number reads a number of Bilibili's.
func number(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == s
}

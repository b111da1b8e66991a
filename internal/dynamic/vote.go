package dynamic

import (
	"strconv"
	"strings"
	"time"

	"bilipaste/internal/lang"
	"bilipaste/internal/regex"
)

const defaultVoting = 7 * 24 * time.Hour

var (
	inParentheses = regex.Lazy(`^(.*?)\s*[(（]([^()（）]*)[)）]\s*$`)
	votingTime    = regex.Lazy(`^(\d{1,5})([dhm])$`)
	votingMax     = regex.Lazy(`^max\s+(\d{1,3})$`)
	votingID      = regex.Lazy(`^id\s+(\d{1,19})$`)
	units         = map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute}
)

// ParseVoting reads how long a vote goes on, such as "7d", "12h" or "90m".
func ParseVoting(text string) (time.Duration, error) {
	found := votingTime().FindStringSubmatch(text)
	if found == nil {
		return 0, lang.Errorf("dynamic.voting", lang.Data{"Value": text}, nil)
	}
	n, err := strconv.Atoi(found[1])
	return time.Duration(n) * units[found[2]], err
}

// readVote reads a vote: its title, with parentheses that say how long it goes
// on and how many options one may choose, or the number of a vote that exists;
// and, a line each, its description and its options. number is the title's line.
func readVote(title string, lines []string, number int) (Vote, error) {
	v := Vote{Title: strings.TrimSpace(title), Max: 1, For: defaultVoting}
	if found := inParentheses().FindStringSubmatch(v.Title); found != nil {
		if known, err := v.settings(found[2]); err != nil {
			return v, at(number, err)
		} else if known {
			v.Title = found[1]
		}
	}
	var desc []string
	for i, line := range lines {
		line = strings.TrimSpace(line)
		option, ok := strings.CutPrefix(line, "- ")
		switch {
		case line == "":
		case !ok && len(v.Options) > 0:
			return v, at(number+1+i, lang.Errorf("dynamic.vote_line", nil, nil))
		case !ok:
			desc = append(desc, line)
		default:
			choice, err := readChoice(strings.TrimSpace(option), number+1+i)
			if err != nil {
				return v, err
			}
			v.Options = append(v.Options, choice)
		}
	}
	v.Desc = strings.Join(desc, " ")
	if err := v.Check(); err != nil {
		return v, at(number, err)
	}
	return v, nil
}

// settings reads what stands in a title's parentheses. It is no error that none
// of it is known: then it belongs to the title.
func (v *Vote) settings(text string) (known bool, err error) {
	var strange error
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '，' }) {
		part = strings.TrimSpace(part)
		if votingTime().MatchString(part) {
			known = true
			v.For, err = ParseVoting(part)
		} else if found := votingMax().FindStringSubmatch(part); found != nil {
			known = true
			v.Max, err = strconv.Atoi(found[1])
		} else if found := votingID().FindStringSubmatch(part); found != nil {
			known = true
			v.ID = found[1]
		} else {
			strange = lang.Errorf("dynamic.voting", lang.Data{"Value": part}, nil)
		}
		if err != nil {
			return known, err
		}
	}
	if known {
		return true, strange
	}
	return false, nil
}

// readChoice reads an option, which may have a picture.
func readChoice(text string, number int) (Choice, error) {
	var d Document
	p := parser{document: &d}
	c := Choice{Text: text}
	start := strings.Index(text, "![")
	if start < 0 {
		return c, nil
	}
	parts, err := p.inline(text[start:], number)
	switch {
	case err != nil:
		return c, err
	case len(d.Pictures) != 1 || len(parts) > 1 || len(parts) == 1 && parts[0].Kind != Text:
		return c, at(number, lang.Errorf("dynamic.vote_picture", nil, nil))
	}
	rest := ""
	if len(parts) == 1 {
		rest = parts[0].Text
	}
	return Choice{Text: strings.TrimSpace(text[:start] + rest), Picture: d.Pictures[0]}, nil
}

package account

import (
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"bilipaste/internal/lang"
)

// Session is a signed-in account: its cookies, and what renews them. The zero
// Session is signed in nowhere. It prints as "[session]", whatever prints it.
type Session struct {
	// In wire form: percent-encoded, as the host gave them out. Behind pointers
	// to strings, which fmt never follows: it prints the unexported fields of
	// other structs without asking their types.
	sessdata, jct *string

	// As they come from Bilibili's own login, or were pasted; nil where they are not known.
	others       *string // the other cookies, as in a Cookie header
	refreshToken *string
}

// NewSession makes a session of what a person pasted: with quotes, blanks or
// line breaks, as NAME=VALUE, decoded, or as a whole Cookie header, from which
// a missing jct and the account's other cookies are taken as well. Without SESSDATA or bili_jct it is the zero
// Session. The error names the cookie that cannot be one, never its value.
func NewSession(sessdata, jct string) (Session, error) {
	header := sessdata
	if jct == "" {
		jct = pick(sessdata, "bili_jct")
	}
	sessdata, jct = NormalizeSESSDATA(sessdata), normalize(jct, "bili_jct")
	switch {
	case sessdata == "" || jct == "":
		return Session{}, nil
	case strings.ContainsFunc(sessdata, notInCookie):
		return Session{}, lang.Errorf("account.session", lang.Data{"Name": "SESSDATA"}, nil)
	case strings.ContainsFunc(jct, notInCookie):
		return Session{}, lang.Errorf("account.session", lang.Data{"Name": "bili_jct"}, nil)
	}
	s := Session{sessdata: &sessdata, jct: &jct}
	for _, name := range otherCookies {
		s = s.with(name, pick(header, name))
	}
	return s, nil
}

// otherCookies are the names of what a browser sends to Bilibili beside SESSDATA
// and bili_jct. Who sends them all is trusted more.
var otherCookies = []string{"DedeUserID", "DedeUserID__ckMd5", "sid", "buvid3", "buvid4", "b_nut"}

// NormalizeSESSDATA brings a pasted SESSDATA into wire form, with its commas
// percent-encoded. It returns "" where there is none.
func NormalizeSESSDATA(pasted string) string {
	value := normalize(pasted, "SESSDATA")
	if !strings.Contains(value, "%") {
		value = strings.NewReplacer(",", "%2C", "*", "%2A").Replace(value)
	}
	return value
}

// normalize finds one cookie's value in what was pasted for it.
func normalize(pasted, name string) string {
	if value := pick(pasted, name); value != "" {
		return value
	}
	if strings.Contains(pasted, "=") && strings.Contains(pasted, ";") {
		return "" // other cookies
	}
	return bare(pasted)
}

// pick returns the value of one cookie of a Cookie header, "" if it is not there.
func pick(header, name string) string {
	if _, rest, ok := strings.Cut(header, "Cookie:"); ok {
		header = rest
	}
	for pair := range strings.SplitSeq(bare(header), ";") {
		if n, value, ok := strings.Cut(pair, "="); ok && strings.EqualFold(bare(n), name) {
			return bare(value)
		}
	}
	return ""
}

// bare removes what copying adds: blanks and line breaks anywhere, quotes around.
func bare(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' {
			return -1
		}
		return r
	}, s)
	return strings.Trim(s, "\"'`“”‘’;")
}

// notInCookie tells the characters that a cookie's value cannot hold (RFC 6265).
func notInCookie(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\",;\\", r)
}

// IsZero tells whether nobody is signed in.
func (s Session) IsZero() bool { return s.sessdata == nil }

// Equal tells whether both are the same session.
func (s Session) Equal(other Session) bool {
	return s.IsZero() == other.IsZero() && (s.IsZero() || *s.sessdata == *other.sessdata && *s.jct == *other.jct)
}

// Expires returns when the session ends, the zero time if it does not tell.
func (s Session) Expires() time.Time {
	if s.IsZero() {
		return time.Time{}
	}
	plain, _ := url.PathUnescape(*s.sessdata)
	parts := strings.Split(plain, ",")
	if len(parts) < 3 {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || seconds <= 0 || seconds > 1e11 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// header returns the Cookie header, written here because net/http would put
// some values between quotes, which the host does not understand.
func (s Session) header() string {
	if s.IsZero() {
		return ""
	}
	header := "SESSDATA=" + *s.sessdata + "; bili_jct=" + *s.jct
	if others := reveal(s.others); others != "" {
		header += "; " + others
	}
	return header
}

// cookie returns one of the other cookies, "" if it is not there.
func (s Session) cookie(name string) string { return pick(reveal(s.others), name) }

// with returns s with one more of the other cookies, unless it has that.
func (s Session) with(name, value string) Session {
	if s.cookie(name) != "" || value == "" || strings.ContainsFunc(value, notInCookie) {
		return s
	}
	others := name + "=" + value
	if before := reveal(s.others); before != "" {
		others = before + "; " + others
	}
	s.others = &others
	return s
}

// secrets returns the texts by which who has them is signed in as this session,
// or can become so, in every form in which a host may repeat them.
func (s Session) secrets() []string {
	if s.IsZero() {
		return nil
	}
	decoded, _ := url.PathUnescape(*s.sessdata)
	return []string{
		*s.sessdata, decoded, url.QueryEscape(decoded), url.QueryEscape(*s.sessdata),
		*s.jct, reveal(s.refreshToken), s.cookie("sid"),
	}
}

const redacted = "[session]"

// String returns the redaction.
func (s Session) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// GoString returns the redaction.
func (s Session) GoString() string { return s.String() }

// Format prints the redaction under every verb.
func (s Session) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue logs the redaction.
func (s Session) LogValue() slog.Value { return slog.StringValue(s.String()) }

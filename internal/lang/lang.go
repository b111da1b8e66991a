// Package lang says everything that a user reads in Chinese and in English.
package lang

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"bilipaste/assets"
)

// The languages of the catalogue, as the setting "language" names them.
const (
	Chinese = "zh-CN"
	English = "en"
)

// Message is one text of the catalogue, with the values that its placeholders
// name. A value that is itself a Message or an error is said in the same language.
type Message struct {
	ID   string
	Data Data
}

// Data holds the values of a message's placeholders.
type Data map[string]any

// Teller is an error that knows how a user is told of it.
// A message "ID.hint", where the catalogue has one, says what to do next.
type Teller interface {
	error
	Tell() Message
}

// Error is the plain Teller: a message of the catalogue, and its cause.
type Error struct {
	Message
	Err error
}

// Errorf returns the error that the catalogue's message id describes.
// cause may be nil.
func Errorf(id string, data Data, cause error) *Error {
	return &Error{Message{id, data}, cause}
}

// Error says it in English, for logs.
func (e *Error) Error() string { return New(English).Say(e.Message) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Tell returns the message.
func (e *Error) Tell() Message { return e.Message }

// Printer says messages in one language.
type Printer struct {
	tag string
}

// New returns a Printer for a language tag such as "zh-CN" or "zh_CN.UTF-8";
// a language that is not in the catalogue is said in English.
func New(tag string) *Printer {
	tag, _, _ = strings.Cut(tag, ".")
	tag = strings.ReplaceAll(tag, "_", "-")
	name := English
	if base, _, _ := strings.Cut(strings.ToLower(tag), "-"); base == "zh" {
		name = Chinese
	}
	return &Printer{name}
}

// Tag is the language's name in the catalogue: Chinese or English.
func (p *Printer) Tag() string { return p.tag }

// Room returns the messages of one room as they stand in the catalogue, each a
// text or an object of a plural's forms, for whoever fills in the placeholders
// elsewhere.
func (p *Printer) Room(name string) map[string]any {
	texts := map[string]any{}
	data, err := fs.ReadFile(assets.Lang, "lang/"+name+"."+p.tag+".json")
	if err == nil {
		err = json.Unmarshal(data, &texts)
	}
	if err != nil {
		panic(fmt.Sprintf("the embedded translations: %v", err))
	}
	return texts
}

// OneLine keeps a text that is not ours, such as a file's name, from breaking
// the line, steering a terminal or turning its direction around.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, s)
}

// Text says the message with this id.
func (p *Printer) Text(id string, data ...Data) string {
	m := Message{ID: id}
	if len(data) > 0 {
		m.Data = data[0]
	}
	return p.Say(m)
}

// Say says m, with its texts as OneLine makes them: names, addresses and a
// host's words are not ours. A message that the catalogue lacks is said as its id.
func (p *Printer) Say(m Message) string {
	name, _, _ := strings.Cut(m.ID, ".")
	messages := localizer(room{name, p.tag})
	if messages == nil {
		return m.ID
	}
	values := make(Data, len(m.Data))
	var count any
	for k, v := range m.Data {
		switch v := v.(type) {
		case Message:
			values[k] = p.Say(v)
		case error:
			values[k], _ = p.Error(v)
		case string:
			values[k] = OneLine(v)
		default:
			values[k] = v
		}
		if k == "Count" {
			count = v
		}
	}
	text, err := messages.Localize(&i18n.LocalizeConfig{
		MessageID: m.ID, TemplateData: map[string]any(values), PluralCount: count,
	})
	if err != nil {
		return m.ID
	}
	return text
}

// Error says what went wrong and, where the catalogue knows it, what to do
// next: the hint of err or of the nearest of its causes that has one. An error
// that is no Teller is said as it says itself.
func (p *Printer) Error(err error) (what, hint string) {
	t, ok := errors.AsType[Teller](err)
	if !ok {
		return OneLine(err.Error()), ""
	}
	what = p.Say(t.Tell())
	for ok {
		m := t.Tell()
		m.ID += ".hint"
		if hint = p.Say(m); hint != m.ID {
			return what, hint
		}
		t, ok = errors.AsType[Teller](errors.Unwrap(t))
	}
	return what, ""
}

// room is the messages of one room in one language: those whose ids begin with
// its name.
type room struct{ name, tag string }

var (
	roomsMu sync.Mutex
	rooms   = map[room]*i18n.Localizer{} // those of which something was said
)

// localizer returns the messages of a room, nil if there is no such room. Its
// embedded file is read when the first of them is said: most runs of the program
// say few. The files are checked by the tests: one that cannot be read is a
// fault of the build.
func localizer(r room) *i18n.Localizer {
	roomsMu.Lock()
	defer roomsMu.Unlock()
	l, ok := rooms[r]
	if ok {
		return l
	}
	file := "lang/" + r.name + "." + r.tag + ".json"
	data, err := fs.ReadFile(assets.Lang, file)
	if err == nil {
		b := i18n.NewBundle(language.English)
		b.RegisterUnmarshalFunc("json", json.Unmarshal)
		_, err = b.ParseMessageFileBytes(data, file)
		l = i18n.NewLocalizer(b, r.tag)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		panic(fmt.Sprintf("the embedded translations: %v", err))
	}
	rooms[r] = l
	return l
}

// Clock says a moment as a clock on this machine's wall shows it, with its day
// where that is not today.
func Clock(t time.Time) string {
	t = t.Local()
	if t.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

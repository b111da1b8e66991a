// Package lang says everything that a user reads in Chinese and in English.
package lang

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode"

	"bilipaste/assets"
)

// The languages of the catalogue, as the setting "language" names them.
const (
	Chinese = "zh-CN"
	English = "en"
)

// Message is one text of the catalogue, with the values that its placeholders
// name: {{.Name}} is said as the value of Name, and of
// {{if .Name}}one{{else}}the other{{end}} the one is said where Name has a value,
// which nil, 0, false and an empty text are not. A value that is itself a Message
// or an error is said in the same language. A text with forms has "one" for a
// value of Count that is 1, in languages that tell that apart, and "other".
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
// text or an object of its forms, for whoever fills in the placeholders elsewhere;
// nil if there is no such room. They are not to be changed.
func (p *Printer) Room(name string) map[string]any {
	file := "lang/" + name + "." + p.tag + ".json"
	if texts, ok := rooms.Load(file); ok {
		return texts.(map[string]any)
	}
	data, err := assets.Lang.ReadFile(file)
	if err != nil {
		return nil
	}
	texts := map[string]any{}
	if err := json.Unmarshal(data, &texts); err != nil {
		panic(fmt.Sprintf("the embedded translations: %v", err)) // a fault of the build
	}
	rooms.Store(file, texts)
	return texts
}

// rooms holds the messages of those rooms that have said something, by their
// embedded files: most runs of the program say little.
var rooms sync.Map

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
	room, _, _ := strings.Cut(m.ID, ".")
	text := p.Room(room)[m.ID]
	if forms, ok := text.(map[string]any); ok {
		if text, ok = forms["one"]; !ok || fmt.Sprint(m.Data["Count"]) != "1" {
			text = forms["other"]
		}
	}
	if text, ok := text.(string); ok {
		return p.fill(text, m.Data)
	}
	return m.ID
}

// fill says a text with values for its placeholders. What a value holds is never
// read as a placeholder.
func (p *Printer) fill(text string, data Data) string {
	var b strings.Builder
	said := true // or passed over, as the part of an {{if}} that does not hold
	for {
		plain, rest, more := strings.Cut(text, "{{")
		if said {
			b.WriteString(plain)
		}
		if !more {
			return b.String()
		}
		var action string
		action, text, _ = strings.Cut(rest, "}}")
		word, name, _ := strings.Cut(action, ".")
		switch word {
		case "if ":
			_, said = p.value(data[name])
		case "else":
			said = !said
		case "end":
			said = true
		default:
			if said {
				value, _ := p.value(data[name])
				b.WriteString(value)
			}
		}
	}
}

// value says a value, and whether there is one.
func (p *Printer) value(v any) (text string, ok bool) {
	switch v := v.(type) {
	case nil:
	case Message:
		text = p.Say(v)
	case error:
		text, _ = p.Error(v)
	default:
		return OneLine(fmt.Sprint(v)), !reflect.ValueOf(v).IsZero()
	}
	return text, text != ""
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

// Clock says a moment as a clock on this machine's wall shows it, with its day
// where that is not today.
func Clock(t time.Time) string {
	t = t.Local()
	if t.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

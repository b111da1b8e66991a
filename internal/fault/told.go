package fault

import (
	"slices"

	"bilipaste/internal/lang"
)

// Told is an error as other programs are told of it.
type Told struct {
	Kind    string `json:"kind"` // a Kind's name; "other" for what is none of ours
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // what to do next
}

// Tell says an error in p's language; nil for none.
func Tell(p *lang.Printer, err error) *Told {
	if err == nil {
		return nil
	}
	t := &Told{Kind: "other"}
	if k := KindOf(err); k != 0 {
		t.Kind = k.String()
	}
	t.Message, t.Hint = p.Error(err)
	return t
}

// Error says it as it was told.
func (t *Told) Error() string { return t.Message }

// Tell returns it as a message, which has its hint.
func (t *Told) Tell() lang.Message {
	return lang.Message{ID: "fault.told", Data: lang.Data{"Message": t.Message, "Hint": t.Hint}}
}

// Unwrap returns an Error of its kind, nil where that is none of ours.
func (t *Told) Unwrap() error {
	if i := slices.Index(kindNames[:], t.Kind); i > 0 {
		return &Error{Kind: Kind(i)}
	}
	return nil
}

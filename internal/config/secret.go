package config

import (
	"fmt"
	"log/slog"
)

// Secret is a text that prints as "[secret]", whatever prints it.
type Secret struct {
	text *string // behind a pointer: fmt prints unexported fields without asking them
}

const redacted = "[secret]"

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero tells whether there is none.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Format prints the redaction under every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	if !s.IsZero() {
		fmt.Fprint(f, redacted)
	}
}

// LogValue logs the redaction.
func (s Secret) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(s)) }

// MarshalText writes the redaction: a secret is saved by Set alone.
func (s Secret) MarshalText() ([]byte, error) { return []byte(fmt.Sprint(s)), nil }

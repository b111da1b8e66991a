package terminal

import (
	"fmt"
	"io"

	"bilipaste/internal/lang"
)

// Complain tells of an error, and what to do about it, as one message.
func Complain(w io.Writer, say *lang.Printer, err error) {
	what, hint := say.Error(err)
	text := "bilipaste: " + what + "\n"
	if hint != "" {
		text += say.Text("terminal.hint") + ": " + hint + "\n"
	}
	fmt.Fprint(w, text)
}

package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// OneLine keeps a text that is not ours, such as a file's name, from breaking
// the line, steering the terminal or turning its direction around.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, s)
}

// Size says bytes in kilobytes or megabytes, "" for none.
func Size(bytes int64) string {
	switch {
	case bytes == 0:
		return ""
	case bytes < 1e6:
		return fmt.Sprintf("%d kB", (bytes+999)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}

// JSON prints v on one line.
func JSON(w io.Writer, v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // a link stays as it is
	_ = e.Encode(v)        // nothing that is given cannot be encoded; a broken pipe ends the program
}

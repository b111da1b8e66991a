package terminal

import (
	"encoding/json"
	"fmt"
	"io"
)

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

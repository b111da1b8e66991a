//go:build !windows

package notify

import (
	"bytes"

	"github.com/gopxl/beep/v2"
	"github.com/gopxl/beep/v2/wav"
)

// decode opens a WAV file. Windows plays one as it is.
func decode(file []byte) (beep.StreamSeekCloser, beep.Format, error) {
	return wav.Decode(bytes.NewReader(file))
}

package terminal

import (
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress shows how far something is. The zero Progress shows nothing.
type Progress struct{ bar *progressbar.ProgressBar }

// NewProgress shows what is being done, and how much of so many steps is done,
// for more than one step and on a terminal only.
func NewProgress(w io.Writer, what string, steps int) Progress {
	f, ok := w.(*os.File)
	if steps < 2 || !ok || !term.IsTerminal(int(f.Fd())) {
		return Progress{}
	}
	bar := progressbar.NewOptions(steps, progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish())
	_ = bar.RenderBlank()
	return Progress{bar}
}

// Clear makes room for a line.
func (p Progress) Clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// Next notes that a step is done.
func (p Progress) Next() {
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}

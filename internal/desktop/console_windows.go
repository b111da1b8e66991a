package desktop

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/windows"
)

// Messages returns where messages for the user go. end is called when all is
// said, and told whether the program failed. The tray program, which is built without a console,
// has no standard error unless it is redirected: what it fails of, and nothing
// else, is said in the console that it was started from, else in a box.
func Messages() (w io.Writer, end func(failed bool)) {
	if kind, err := windows.GetFileType(windows.Stderr); err == nil && kind != windows.FILE_TYPE_UNKNOWN {
		return os.Stderr, func(bool) {}
	}
	last := &lastMessage{}
	return last, func(failed bool) {
		if failed {
			last.show()
		}
	}
}

// lastMessage remembers what was written last.
type lastMessage struct {
	mu   sync.Mutex
	text string
}

func (l *lastMessage) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = string(p)
	return len(p), nil
}

// show shows the message. The console is attached to for no longer than that:
// whoever closes it ends the programs that are.
func (l *lastMessage) show() {
	const parent = ^uintptr(0) // ATTACH_PARENT_PROCESS
	l.mu.Lock()
	defer l.mu.Unlock()
	if attached, _, _ := windows.NewLazySystemDLL("kernel32.dll").NewProc("AttachConsole").Call(parent); attached != 0 {
		if console, err := os.OpenFile("CONOUT$", os.O_RDWR, 0); err == nil {
			_, err = fmt.Fprint(console, "\n", l.text)
			_ = console.Close()
			if err == nil {
				return
			}
		}
	}
	text, err := windows.UTF16PtrFromString(l.text)
	if err != nil {
		return
	}
	caption, err := windows.UTF16PtrFromString("bilipaste")
	if err != nil {
		return
	}
	_, _ = windows.MessageBox(0, text, caption, windows.MB_ICONERROR|windows.MB_SETFOREGROUND) // there is nowhere else to say it
}

// WithoutConsole returns the tray program that stands beside a program, which
// would open a console at login; the program itself where there is none.
func WithoutConsole(program string) string {
	end := filepath.Ext(program)
	tray := strings.TrimSuffix(program, end) + "w" + end
	if _, err := os.Stat(tray); err != nil {
		return program
	}
	return tray
}

// AllowColours makes a console understand colours, as terminals do.
func AllowColours(w io.Writer) {
	f, ok := w.(*os.File)
	if !ok {
		return
	}
	var mode uint32
	if console := windows.Handle(f.Fd()); windows.GetConsoleMode(console, &mode) == nil {
		_ = windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) // a code without colours is still a code
	}
}

// Expand returns the files that args name, those of a pattern such as *.png in
// the order of their names: Windows's shells leave patterns to programs. One
// that no file matches stays as it is.
func Expand(args []string) []string {
	var files []string
	for _, arg := range args {
		folder, pattern := filepath.Split(arg)
		var found []string
		if strings.ContainsAny(pattern, "*?") {
			entries, _ := os.ReadDir(cmp.Or(folder, ".")) // of a folder that cannot be read no file matches
			pattern = strings.ReplaceAll(strings.ToLower(pattern), "[", "[[]")
			for _, e := range entries {
				if match, err := filepath.Match(pattern, strings.ToLower(e.Name())); err == nil && match && !e.IsDir() {
					found = append(found, folder+e.Name())
				}
			}
		}
		if found == nil {
			found = []string{arg}
		}
		files = append(files, found...)
	}
	return files
}

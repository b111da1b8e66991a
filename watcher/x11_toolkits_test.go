//go:build linux

package watcher

import (
	"bufio"
	"os/exec"
	"testing"

	"bilipaste/internal/desktoptest"
)

// Programs of two toolkits, which copy a picture and say when they have lost the
// clipboard.
var toolkits = map[string]struct{ needs, program string }{
	"Qt 5": {"import PyQt5.QtGui", `
from PyQt5.QtGui import QGuiApplication, QImage
app = QGuiApplication([])
clipboard = app.clipboard()
picture = QImage(40, 30, QImage.Format_RGB32)
picture.fill(0x336699)
clipboard.setImage(picture)
clipboard.dataChanged.connect(lambda: print("owns" if clipboard.ownsClipboard() else "lost", flush=True))
print("owns" if clipboard.ownsClipboard() else "lost", flush=True)
app.exec()
`},
	"GTK 4": {`import gi; gi.require_version("Gtk", "4.0")`, `
import gi
gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
from gi.repository import Gdk, GdkPixbuf, GLib, Gtk
Gtk.init()
clipboard = Gdk.Display.get_default().get_clipboard()
picture = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, False, 8, 40, 30)
picture.fill(0x336699ff)
ok, png = picture.save_to_bufferv("png", [], [])
clipboard.set_content(Gdk.ContentProvider.new_for_bytes("image/png", GLib.Bytes.new(png)))
clipboard.connect("notify::local", lambda *_: print("owns" if clipboard.is_local() else "lost", flush=True))
print("owns" if clipboard.is_local() else "lost", flush=True)
GLib.MainLoop().run()
`},
}

func TestAToolkitLearnsThatItHasLostTheClipboard(t *testing.T) {
	for name, toolkit := range toolkits {
		t.Run(name, func(t *testing.T) {
			desktoptest.NeedPython(t, toolkit.needs)
			d := startDesk(t, x11Patience) // they take a moment to start
			cmd := exec.Command(desktoptest.Python, "-c", toolkit.program)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			says := make(chan string, 10)
			go func() {
				for lines := bufio.NewScanner(out); lines.Scan(); {
					says <- lines.Text()
				}
				close(says)
			}()
			if got := <-says; got != "owns" {
				t.Fatalf("it says %q", got)
			}
			c := d.expect(IsPicture)
			if err := d.Replace(t.Context(), c, "link"); err != nil {
				t.Fatal(err)
			}
			d.pastes("UTF8_STRING", "link")
			d.until("it says that it has lost the clipboard", func() bool {
				select {
				case got := <-says:
					return got == "lost"
				default:
					return false
				}
			})
		})
	}
}

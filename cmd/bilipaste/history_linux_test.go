package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/desktoptest"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// homeWithLink makes a home whose history has one link.
func homeWithLink(t *testing.T, url string) (home string) {
	t.Helper()
	home = t.TempDir()
	kept, err := album.Open(t.Context(), filepath.Join(home, "album"), album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.New("c.png", noise(t, 100))
	if err == nil {
		err = kept.Record(t.Context(), uploader.Upload{
			At: uploader.Destination{Host: "bilibili"}, Picture: p, Given: picture.SumOf(p.Data), How: "-", Sent: picture.SumOf(p.Data),
			Link: uploader.Link{URL: url, Host: "bilibili", Made: time.Now(), Width: 3, Height: 2},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	return home
}

// holders counts the processes that hold a text for the commands of a home.
func holders(t *testing.T, home string) (n int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		words, _ := os.ReadFile(line) // the process may have ended
		if strings.Contains(string(words), "\x00hold\x00") && strings.Contains(string(words), home) {
			n++
		}
	}
	return n
}

func TestALinkOfTheHistoryStaysOnTheClipboard(t *testing.T) {
	const url = "https://i0.hdslb.com/bfs/live/one.png"
	t.Run("X11", func(t *testing.T) {
		x := desktoptest.StartX(t)
		home := homeWithLink(t, url)
		copyFirst(t, home, "![]("+url+")\n")
		if got := pasted(t, x, "!["); got != "![]("+url+")" {
			t.Errorf("the clipboard holds %q", got)
		}
		copyFirst(t, home, "<3×2 "+url+">\n", "--format", "<{width}×{height} {url}>")
		if got := pasted(t, x, "<"); got != "<3×2 "+url+">" {
			t.Errorf("the clipboard holds %q", got)
		}
		desktoptest.Eventually(t, "one process to hold it", func() bool { return holders(t, home) == 1 })
		x.Copy(t, "UTF8_STRING", []byte("something else"))
		desktoptest.Eventually(t, "that process to end", func() bool { return holders(t, home) == 0 })
	})
	t.Run("Wayland", func(t *testing.T) {
		sway := desktoptest.StartSway(t)
		home := homeWithLink(t, url)
		copyFirst(t, home, "![]("+url+")\n")
		if got, err := sway.Paste(t, "text/plain;charset=utf-8"); err != nil || got != "![]("+url+")" {
			t.Errorf("the clipboard holds %q, %v", got, err)
		}
		sway.Copy(t, "text/plain", []byte("something else"))
		desktoptest.Eventually(t, "the process that held it to end", func() bool { return holders(t, home) == 0 })
	})
}

// copyFirst has the program copy the first link of a home's history, which
// prints it and ends at once, with all that it writes to.
func copyFirst(t *testing.T, home, want string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "bilipaste", append([]string{"history", "--copy", "1"}, args...)...)
	c.Env = append(os.Environ(), "BILIPASTE_HOME="+home, "BILIPASTE_GATEWAY=")
	out, err := c.CombinedOutput() // until nobody can write any more
	if err != nil || string(out) != want {
		t.Fatalf("%q, %v", out, err)
	}
}

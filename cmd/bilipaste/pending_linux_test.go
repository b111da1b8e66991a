package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/desktoptest"
	"bilipaste/internal/picture"
)

// pendingIn returns how many pictures wait, and how many are under way.
func pendingIn(t testing.TB, a *album.Album) (waiting, taken int) {
	t.Helper()
	entries, err := a.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waiting, failed := album.Count(entries)
	return waiting + failed, len(entries) - waiting - failed
}

// entries returns the album's links, the newest first.
func entries(t testing.TB, a *album.Album) []album.Entry {
	t.Helper()
	all, err := a.History(t.Context(), album.Query{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What is copied while the host is away goes up when it is back, in order, and
// the clipboard of meanwhile is left alone.
func TestOfflineAndBack(t *testing.T) {
	x := desktoptest.StartX(t)
	desktoptest.Bus(t)
	dunst := desktoptest.StartDunst(t, x)
	f := newFront(t)
	w := watchFrom(t, newHome(t), f.url())
	kept := albumIn(t, w.home)
	f.goAway()
	var sums []picture.Sum
	for n := range 3 {
		photo := noise(t, 2000*(n+1))
		sums = append(sums, picture.SumOf(photo))
		x.Copy(t, "image/png", photo)
		if line := w.line(t, n); !strings.Contains(line, "cannot be reached") || !strings.Contains(line, "goes up by itself") {
			t.Errorf("watch says %q", line)
		}
	}
	x.Copy(t, "UTF8_STRING", []byte("my own words"))
	w.line(t, 3)
	if waiting, _ := pendingIn(t, kept); waiting != 3 {
		t.Errorf("%d wait", waiting)
	}
	out, _ := program(w.home, f.url(), "status").CombinedOutput() // it cannot ask who is signed in
	if !strings.Contains(string(out), "waiting for upload: 3 (") {
		t.Errorf("status says %s", out)
	}
	if out, _ := program(w.home, f.url(), "status", "--json").CombinedOutput(); !strings.Contains(string(out), `"waiting":3,"failed":0`) {
		t.Errorf("status says %s", out)
	}

	back := time.Now()
	f.comeBack(t)
	for n := range 3 {
		if line := w.line(t, 4+n); !strings.Contains(line, "A picture copied earlier is uploaded → http") {
			t.Errorf("watch says %q", line)
		}
	}
	t.Logf("all went up %v after the host was back", time.Since(back))
	var shown []desktoptest.Shown
	desktoptest.Eventually(t, "the three links in notifications", func() bool {
		shown = dunst.History(t)
		links := 0
		for _, n := range shown {
			if strings.Contains(n.Summary, "copied earlier") { // one, unless the host was away between
				links += strings.Count(n.Body, "](http")
			}
		}
		return links == 3
	})
	told := slices.DeleteFunc(shown, func(n desktoptest.Shown) bool { return n.Summary != "Picture not uploaded" })
	if len(told) != 1 || !strings.Contains(told[0].Body, "It is kept, and goes up by itself.") {
		t.Errorf("told: %+v", told)
	}
	var order []picture.Sum
	for _, e := range slices.Backward(entries(t, kept)) {
		order = append(order, e.Sum)
	}
	if !slices.Equal(order, sums) {
		t.Errorf("they went up in another order: %v, want %v", order, sums)
	}
	if got, err := x.Paste(t, "UTF8_STRING"); err != nil || string(got) != "my own words" {
		t.Errorf("the clipboard holds %q, %v", got, err)
	}
}

// Killed at each step, the next start uploads once, or has nothing to upload.
func TestKilledOnTheWay(t *testing.T) {
	for name, test := range map[string]struct {
		kill    func(t *testing.T, x *desktoptest.XServer, f *front, w *watching, copies func())
		uploads int // that the host has seen in the end
		pending int // after the kill
	}{
		"before it is sent": {func(t *testing.T, _ *desktoptest.XServer, _ *front, w *watching, copies func()) {
			release := holdUploads(t, w.home)
			copies()
			desktoptest.Eventually(t, "the picture in the album", func() bool {
				_, taken := pendingIn(t, albumIn(t, w.home))
				return taken == 1
			})
			w.kill()
			release()
		}, 1, 1},
		"after it is sent": {func(_ *testing.T, _ *desktoptest.XServer, f *front, w *watching, copies func()) {
			f.set(nil, w.kill)
			copies()
			<-w.ended
			f.set(nil, nil)
		}, 2, 1},
		"before it is pasted": {func(t *testing.T, x *desktoptest.XServer, f *front, w *watching, copies func()) {
			f.set(nil, func() { x.Freeze(t) })
			copies()
			desktoptest.Eventually(t, "the link in the album", func() bool { return len(entries(t, albumIn(t, w.home))) == 1 })
			w.kill()
			x.Thaw(t)
			f.set(nil, nil)
		}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			x := desktoptest.StartX(t)
			f := newFront(t)
			w := watchFrom(t, newHome(t), f.url())
			photo := noise(t, 2000)
			test.kill(t, x, f, w, func() { x.Copy(t, "image/png", photo) })
			kept := albumIn(t, w.home)
			if waiting, taken := pendingIn(t, kept); waiting != test.pending || taken != 0 {
				t.Errorf("%d are pending, %d of a process that was killed", waiting, taken)
			}

			w = watchFrom(t, w.home, f.url())
			if test.pending > 0 {
				if line := w.line(t, 0); !strings.Contains(line, "A picture copied earlier is uploaded → http") {
					t.Errorf("watch says %q", line)
				}
			}
			if got, err := x.Paste(t, "image/png"); err != nil || !slices.Equal(got, photo) {
				t.Errorf("the clipboard was not left alone: %v", err)
			}
			// Copied again, it is known.
			x.Copy(t, "image/png", photo)
			pasted(t, x, "![](http")
			if got := f.uploads(); got != test.uploads {
				t.Errorf("%d uploads, want %d", got, test.uploads)
			}
			if all := entries(t, kept); len(all) != 1 || all[0].Sum != picture.SumOf(photo) {
				t.Errorf("links: %+v", all)
			}
			if waiting, taken := pendingIn(t, kept); waiting+taken != 0 {
				t.Errorf("%d are pending", waiting+taken)
			}
		})
	}
}

// holdUploads keeps every process from uploading to Bilibili until release.
func holdUploads(t *testing.T, home string) (release func()) {
	t.Helper()
	dir := filepath.Join(home, "gateway")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "bilibili-upload.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = file.Close() }
}

// A login in a terminal lets go up what a bilipaste that runs has kept.
func TestALoginElsewhereIsNoticed(t *testing.T) {
	x := desktoptest.StartX(t)
	r := newResident(t)
	cmd := r.program(t, "watch")
	cmd.Env = append(cmd.Env, "DISPLAY="+x.Display)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kept := albumIn(t, r.home)
	desktoptest.Eventually(t, "a picture that waits", func() bool {
		x.Copy(t, "image/png", noise(t, 2000))
		waiting, _ := pendingIn(t, kept)
		return waiting > 0
	})
	r.must(t, "logged in as", "login")
	desktoptest.Eventually(t, "it went up", func() bool {
		waiting, taken := pendingIn(t, kept)
		return waiting+taken == 0 && len(entries(t, kept)) > 0
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // interrupted
}

// What the disk has no room for is sent all the same, and the user hears of it.
func TestAFullDiskLosesNothing(t *testing.T) {
	x := desktoptest.StartX(t)
	f, home := newFront(t), newHome(t)
	disk := filepath.Join(home, "gateway", "album")
	if err := os.MkdirAll(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		if os.Getenv("BILIPASTE_DESKTOP") == "require" {
			t.Fatalf("cannot mount a file system: %v", err)
		}
		t.Skipf("cannot mount a file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	w := watchFrom(t, home, f.url())
	large := noise(t, 1_500_000)
	x.Copy(t, "image/png", large)
	if line := w.line(t, 0); !strings.Contains(line, "could not keep it: the disk is full") || !strings.Contains(line, "make room on the disk") {
		t.Errorf("watch says %q", line)
	}
	pasted(t, x, "![](http")
	if f.uploads() != 1 {
		t.Errorf("%d uploads", f.uploads())
	}
	x.Copy(t, "image/png", noise(t, 2000))
	pasted(t, x, "![](http")
	file := filepath.Join(t.TempDir(), "large.png")
	if err := os.WriteFile(file, noise(t, 1_500_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := program(home, f.url(), "upload", file, file).CombinedOutput(); err != nil || strings.Count(string(said), "the disk is full") != 1 || strings.Count(string(said), f.url()+"/i0") != 2 {
		t.Errorf("upload says %q, %v", said, err)
	}
	w.kill() // it has the disk open
}

package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/desktoptest"
	"bilipaste/internal/picture"
)

// marked returns a PNG in whose bytes its number can be read.
func marked(t testing.TB, number int) []byte {
	t.Helper()
	mark := fmt.Sprintf("picture-%06d.", number)
	m := image.NewPaletted(image.Rect(0, 0, 64, 64), color.Palette{})
	for c := range 256 {
		m.Palette = append(m.Palette, color.Gray{uint8(c)})
	}
	for i := range m.Pix {
		m.Pix[i] = byte(rand.Uint32())
	}
	copy(m.Pix, mark)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b.Bytes(), []byte(mark)) {
		t.Fatal("the number cannot be read")
	}
	return b.Bytes()
}

var mark = regexp.MustCompile(`picture-\d{6}\.`)

// moody is a host that fails at random, before and after it has stored a
// picture. It notes the mark of each picture of which it got a byte.
type moody struct {
	*front
	calm bool
	mu   sync.Mutex
	got  map[string]int
}

func (m *moody) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // also of an upload that breaks off
	m.mu.Lock()
	if number := mark.Find(body); number != nil {
		m.got[string(number)]++
	}
	calm := m.calm
	m.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	mood := rand.IntN(10)
	if calm {
		mood = -1
	}
	time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond) // as hosts do
	switch mood {
	case 0: // trouble of its own
		w.WriteHeader(http.StatusBadGateway)
	case 1: // the connection breaks off
		panic(http.ErrAbortHandler)
	case 2: // it is stored, and the answer is lost
		m.host.ServeHTTP(discard{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case 3: // what nobody can use, which is no passing trouble
		_, _ = io.WriteString(w, "<html>")
	default:
		m.host.ServeHTTP(w, r)
	}
}

// discard is an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// The program is killed at random moments, many times, under a stream of copies
// and with a host that fails at random. In the end every picture that was taken
// has its link, once. BILIPASTE_KILLS is how often it is killed.
func TestNothingIsLost(t *testing.T) {
	kills := 40
	if text := os.Getenv("BILIPASTE_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	x := desktoptest.StartX(t)
	m := &moody{front: newFront(t), got: map[string]int{}}
	m.set(m.answer, nil)
	home := newHome(t)

	// The stream of copies.
	copying, copied := make(chan struct{}), 0
	var user sync.WaitGroup
	user.Go(func() {
		for {
			select {
			case <-copying:
				return
			case <-time.After(time.Duration(20+rand.IntN(150)) * time.Millisecond):
				copied++
				copyOnce(t, x, marked(t, copied))
			}
		}
	})
	for killed := 0; killed < kills; killed++ {
		w := watchFrom(t, home, m.url())
		select {
		case <-time.After(time.Duration(rand.IntN(500)) * time.Millisecond):
		case <-w.ended:
			// A player that the one before was about to start still held its lock.
			if !strings.Contains(w.notes.String(), "running already") {
				t.Fatalf("it ended by itself: %v", w.err)
			}
			killed--
		}
		w.kill()
	}
	close(copying)
	user.Wait()

	// The host comes to its senses, and what is pending goes up.
	m.mu.Lock()
	m.calm = true
	m.mu.Unlock()
	kept := albumIn(t, home)
	before, _ := pendingIn(t, kept)
	w := watchFrom(t, home, m.url()) // both at once
	if out, err := program(home, m.url(), "queue", "run").CombinedOutput(); err != nil {
		t.Errorf("queue run: %v: %s", err, out)
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if waiting, taken := pendingIn(t, kept); waiting+taken == 0 {
			break
		}
	}
	w.kill()
	if waiting, taken := pendingIn(t, kept); waiting+taken > 0 {
		t.Errorf("%d are pending still, %d of them of nobody", waiting+taken, taken)
	}
	links := checkAlbum(t, m, kept)
	t.Logf("%d kills, %d copies, %d pictures taken, of which %d were pending in the end", kills, copied, links, before)
	if links < kills/4 {
		t.Errorf("only %d pictures were taken: that shows little", links)
	}
	for number, times := range m.got {
		if times > 20 {
			t.Errorf("%s was sent %d times", number, times)
		}
	}
}

// copyOnce copies a picture with a program that goes on until something else is copied.
func copyOnce(t testing.TB, x *desktoptest.XServer, data []byte) {
	cmd := exec.Command("xclip", "-quiet", "-display", x.Display, "-selection", "clipboard", "-t", "image/png", "-i")
	cmd.Stdin = bytes.NewReader(data)
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	go func() { _ = cmd.Wait() }() // it ends with the X server at the latest
}

// checkAlbum checks that every original is whole and has one link, which leads to
// it, and that every picture that the host got is there. It returns how many
// there are.
func checkAlbum(t *testing.T, m *moody, kept *album.Album) int {
	t.Helper()
	links := map[picture.Sum][]string{}
	for _, e := range entries(t, kept) {
		links[e.Sum] = append(links[e.Sum], e.Link.URL)
		if !e.Kept {
			t.Errorf("%s has no original", e.Link.URL)
		}
	}
	numbers := map[string]bool{}
	files := 0
	err := filepath.WalkDir(filepath.Join(kept.Dir(), "originals"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") { // a write that was killed
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := picture.SumOf(data)
		if d.Name() != sum.String()+".png" {
			t.Errorf("%s is not whole", d.Name())
		}
		files++
		numbers[string(mark.Find(data))] = true
		if len(links[sum]) != 1 {
			t.Errorf("%s has the links %q", d.Name(), links[sum])
			return nil
		}
		resp, err := m.page(t.Context(), links[sum][0])
		if err != nil {
			return err
		}
		there, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err == nil && !bytes.Equal(there, data) {
			t.Errorf("%s leads to something else", links[sum][0])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files != len(links) {
		t.Errorf("%d originals, %d pictures with links", files, len(links))
	}
	for number := range m.got {
		if !numbers[number] {
			t.Errorf("the host got %s, and the album has it not", number)
		}
	}
	out, err := exec.Command("sqlite3", filepath.Join(kept.Dir(), "album.db"), "PRAGMA integrity_check", "PRAGMA foreign_key_check").CombinedOutput()
	if err != nil || string(out) != "ok\n" {
		t.Errorf("sqlite3: %v: %s", err, out)
	}
	return len(links)
}

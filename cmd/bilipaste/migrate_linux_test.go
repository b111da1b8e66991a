package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A migration is killed at random moments, many times. Each time every post is
// whole; in the end each picture was sent once, but for those that were just being
// sent when it was killed, and taken back all is as it was, with nothing left
// over. BILIPASTE_KILLS is how often it is killed.
func TestAMigrationIsKilled(t *testing.T) {
	kills := 12
	if text := os.Getenv("BILIPASTE_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	f := newFront(t)
	f.host.Delay(10 * time.Millisecond)
	var mu sync.Mutex
	sent := map[string]int{}
	f.set(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if number := mark.Find(body); number != nil {
			mu.Lock()
			sent[string(number)]++
			mu.Unlock()
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		f.host.ServeHTTP(w, r)
	}, nil)
	home, blog := newHome(t), t.TempDir()
	links := []string{}
	pictures := 20 * kills
	for i := range pictures {
		data := marked(t, i)
		sum := sha1.Sum(data)
		name := fmt.Sprintf("img/%04d.png", i)
		links = append(links, "https://i0.hdslb.com/bfs/live/"+hex.EncodeToString(sum[:])+".png", name)
		write(t, filepath.Join(blog, name), data)
	}
	back := strings.NewReplacer(links...)
	posts := map[string]string{}
	for i := range pictures / 4 {
		text := fmt.Sprintf("---\r\ncover: img/%04d.png\r\n---\r\n", rand.IntN(pictures))
		for j := range 5 {
			text += fmt.Sprintf("text %d ![](img/%04d.png) and `![](img/0001.png)`\r\n", i, (i*4+j)%pictures)
		}
		name := filepath.Join(blog, fmt.Sprintf("%04d.md", i))
		posts[name] = text
		write(t, name, []byte(text))
	}
	whole := func() {
		for name, text := range posts {
			now, err := os.ReadFile(name)
			if err != nil || back.Replace(string(now)) != text {
				t.Fatalf("%s is not whole: %v\n%s", name, err, now)
			}
		}
	}

	ended := 0
	for range kills {
		cmd := program(home, f.url(), "migrate", "--yes", blog)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(100+rand.IntN(300))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		if cmd.Wait() == nil {
			ended++
		}
		kill.Stop()
		whole()
	}
	if ended > kills/3 {
		t.Errorf("%d of %d came to their end before they were killed", ended, kills)
	}
	if out, err := program(home, f.url(), "migrate", "--yes", blog).CombinedOutput(); err != nil {
		t.Fatalf("the last one: %v\n%s", err, out)
	}
	whole()
	for name := range posts {
		if now, _ := os.ReadFile(name); strings.Count(string(now), "https://i0.hdslb.com/bfs/live/") != 6 {
			t.Errorf("%s was not migrated:\n%s", name, now)
		}
	}
	mu.Lock()
	again := 0
	for _, n := range sent {
		again += n - 1
	}
	t.Logf("%d kills, %d pictures, %d of them sent again", kills, len(sent), again)
	if len(sent) != pictures || again > kills {
		t.Errorf("%d of %d pictures were sent, and %d again", len(sent), pictures, again)
	}
	mu.Unlock()

	if out, err := program(home, f.url(), "migrate", "--undo").CombinedOutput(); err != nil {
		t.Fatalf("taken back: %v\n%s", err, out)
	}
	for name, text := range posts {
		if now, err := os.ReadFile(name); err != nil || string(now) != text {
			t.Errorf("%s is not what it was: %v\n%s", name, err, now)
		}
	}
	_ = filepath.WalkDir(blog, func(name string, d fs.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(d.Name(), ".") {
			t.Errorf("left over: %s, %v", name, err)
		}
		return nil
	})
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

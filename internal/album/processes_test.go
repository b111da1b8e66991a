package album_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
)

// What this program does instead of testing, as another process of a test:
// BILIPASTE_ALBUM_CHILD=WHAT, with the album's folder and numbers as arguments.
func TestMain(m *testing.M) {
	switch what := os.Getenv("BILIPASTE_ALBUM_CHILD"); what {
	case "":
		os.Exit(m.Run())
	case "hold", "write":
		if err := child(what, os.Args[1], os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// child keeps pictures, and then holds on to the entries until its input ends
// ("hold"), or records an upload of each at once ("write").
func child(what, dir, from, count string) error {
	ctx := context.Background()
	a, err := album.Open(ctx, dir, album.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	var first, n int
	if _, err := fmt.Sscan(from+" "+count, &first, &n); err != nil {
		return err
	}
	for i := first; i < first+n; i++ {
		p := drawn(panics{}, i)
		if _, err := a.Keep(ctx, p, live); err != nil {
			return err
		}
		fmt.Println("kept", i)
		if what == "write" {
			if err := a.Record(ctx, upload(p)); err != nil {
				return err
			}
			fmt.Println("recorded", i)
		}
	}
	if what == "hold" {
		_, err = io.Copy(io.Discard, os.Stdin)
	}
	return err
}

// panics is the part of testing.TB that picture needs, outside of a test.
type panics struct{ testing.TB }

func (panics) Helper()          {}
func (panics) Fatal(why ...any) { panic(fmt.Sprint(why...)) }

// process starts a child.
func process(t *testing.T, what, dir string, first, n int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	c := exec.Command(os.Args[0], dir, fmt.Sprint(first), fmt.Sprint(n))
	c.Env = append(os.Environ(), "BILIPASTE_ALBUM_CHILD="+what, "GORACE=atexit_sleep_ms=0")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return c, bufio.NewScanner(out)
}

func TestAnUploadIsItsProcessesUntilThatIsKilled(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	c, said := process(t, "hold", dir, 1, 2)
	for said.Scan() && said.Text() != "kept 2" {
	}
	entries := pending(t, a)
	if len(entries) != 2 || !entries[0].Taken || !entries[1].Taken || entries[0].ID >= entries[1].ID {
		t.Fatalf("%+v", entries)
	}
	if _, err := a.Take(t.Context(), entries[0].ID); !errors.Is(err, album.ErrTaken) {
		t.Errorf("a living process's upload: %v", err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	for i, d := range pending(t, a) {
		if d.Taken {
			t.Errorf("a dead process is at %+v", d)
		}
		p, err := a.Take(t.Context(), d.ID)
		if want := drawn(t, i+1); err != nil || picture.SumOf(p.Data) != picture.SumOf(want.Data) || p.Width != want.Width || p.Format != want.Format {
			t.Errorf("%v, %v", p.Name, err)
		}
	}
	owners, err := os.ReadDir(dir + "/owners")
	if err != nil || len(owners) != 1 {
		t.Errorf("the owners' files: %v, %v", owners, err)
	}
}

func TestManyProcessesWriteAtOnce(t *testing.T) {
	const each, shared = 15, 10
	dir := t.TempDir()
	var children []*exec.Cmd
	for i := range 3 {
		c, _ := process(t, "write", dir, 1000*i, each)
		children = append(children, c)
	}
	a := open(t, dir)
	for i := range each { // the first ones are those of the first child
		p := drawn(t, i+each-shared)
		if _, err := a.Keep(t.Context(), p, live); err != nil {
			t.Fatal(err)
		}
		if err := a.Record(t.Context(), upload(p)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	const want = 4*each - shared
	if got := found(t, a, album.Query{}); len(got) != want {
		t.Errorf("%d links, not %d", len(got), want)
	}
	if entries := pending(t, a); len(entries) != 0 {
		t.Errorf("still pending: %+v", entries)
	}
	holdsFiles(t, a, want)
	shell(t, dir)
}

func TestAllMayBeTheFirst(t *testing.T) {
	for range 15 {
		dir := t.TempDir()
		var work sync.WaitGroup
		for n := range 8 {
			work.Go(func() {
				a, err := album.Open(t.Context(), dir, album.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				_, err = a.Keep(t.Context(), drawn(t, n), live)
				if err = errors.Join(err, a.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		if entries := pending(t, open(t, dir)); len(entries) != 8 {
			t.Errorf("%d are pending", len(entries))
		}
	}
}

func TestKilledAtAnyMomentNothingIsLost(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	dir := t.TempDir()
	var kept, recorded []int
	for round := range rounds {
		c, said := process(t, "write", dir, 1000*round, 1000)
		enough := rand.N(30)
		for n := 0; said.Scan(); n++ {
			var what string
			var i int
			if _, err := fmt.Sscan(said.Text(), &what, &i); err != nil {
				t.Fatal(err)
			}
			if what == "kept" {
				kept = append(kept, i)
			} else {
				recorded = append(recorded, i)
			}
			if n == enough {
				go func() { // somewhere within the next writes
					time.Sleep(rand.N(5 * time.Millisecond))
					_ = c.Process.Kill()
				}()
			}
		}
		_ = c.Wait()
	}
	a := open(t, dir)
	links := map[string]int{}
	entries, err := a.History(t.Context(), album.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		links[e.Sum.String()]++
	}
	for _, i := range recorded {
		if n := links[picture.SumOf(drawn(t, i).Data).String()]; n != 1 {
			t.Errorf("picture %d was recorded and has %d links", i, n)
		}
	}
	for _, d := range pending(t, a) {
		if d.Taken {
			t.Errorf("a dead process is at %+v", d)
		}
		links[d.Sum.String()]++
	}
	for _, i := range kept {
		if n := links[picture.SumOf(drawn(t, i).Data).String()]; n != 1 {
			t.Errorf("picture %d was kept, and has a link or is pending %d times", i, n)
		}
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	shell(t, dir)
	r, err := album.Verify(t.Context(), dir, album.Options{})
	if err != nil || len(r.Missing)+len(r.Changed)+len(r.Strange)+r.Adopted > 0 || r.Rescue.File != "" {
		t.Errorf("%+v, %v", r, err)
	}
	t.Logf("%d pictures kept, %d recorded, %d linked or pending", len(kept), len(recorded), len(links))
}

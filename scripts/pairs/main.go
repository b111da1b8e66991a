//go:build linux || windows

// Command pairs measures how long it takes from a copy until the link can be
// read, of bilipaste and of a reference program that does only what must be
// done, one after the other on the same machine, and prints how many times as
// long bilipaste takes. They run on the desktop that the environment names.
//
//	pairs BILIPASTE
package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pairs:", err)
		os.Exit(1)
	}
}

func run() error {
	if gateway := os.Getenv("PAIRS_GATEWAY"); gateway != "" {
		return reference(gateway, os.Getenv("PAIRS_DIR"))
	}
	pairs := flag.Int("pairs", 3, "how many pairs of runs")
	flag.Parse()
	if flag.NArg() != 1 {
		return errors.New("usage: pairs BILIPASTE")
	}
	host := httptest.NewServer(http.HandlerFunc(instant))
	defer host.Close()
	for _, c := range []struct {
		name  string
		size  int
		times int
	}{{"200 kB", 200_000, 40}, {"12 MB", 12_000_000, 12}} {
		var quietest float64 // the pair in which nothing else took time
		var least time.Duration
		var ratios []float64
		for pair := range *pairs {
			ours, err := measure(c.size, c.times, func(dir string) *exec.Cmd { return bilipaste(flag.Arg(0), dir, host.URL) })
			if err != nil {
				return fmt.Errorf("bilipaste: %w", err)
			}
			other, err := measure(c.size, c.times, func(dir string) *exec.Cmd { return ourselves(dir, host.URL) })
			if err != nil {
				return fmt.Errorf("reference: %w", err)
			}
			ratio := float64(ours) / float64(other)
			ratios = append(ratios, ratio)
			fmt.Printf("%-6s pair %d: bilipaste %6.2f ms, reference %6.2f ms, %.2f times\n", c.name, pair+1, ms(ours), ms(other), ratio)
			if least == 0 || ours+other < least {
				least, quietest = ours+other, ratio
			}
		}
		slices.Sort(ratios) // the quietest pair may be one in which luck helped the reference alone
		fmt.Printf("%-6s quietest pair: %.2f times the reference, median %.2f\n", c.name, quietest, ratios[len(ratios)/2])
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// bilipaste is the program in writing mode, signed in, with an album that is in
// use: after some hundred pictures it has all its folders.
func bilipaste(program, home, gateway string) *exec.Cmd {
	for i := range 256 {
		folder := filepath.Join(home, "gateway", "album", "originals", fmt.Sprintf("%02x", i)) // else it makes them
		_ = os.MkdirAll(folder, 0o700)
		_ = os.WriteFile(filepath.Join(folder, "earlier.png"), nil, 0o600)
	}
	cmd := exec.Command(program, "watch", "--format", "url")
	cmd.Env = append(os.Environ(), "BILIPASTE_HOME="+home, "BILIPASTE_GATEWAY="+gateway, "BILIPASTE_SESSDATA=bench", "BILIPASTE_BILI_JCT=bench")
	return cmd
}

// ourselves is this program as the reference.
func ourselves(dir, gateway string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PAIRS_GATEWAY="+gateway, "PAIRS_DIR="+dir)
	return cmd
}

// measure runs a program in a fresh folder, copies pictures of about that many
// bytes, and returns the median of the times until the link could be read.
func measure(size, times int, program func(dir string) *exec.Cmd) (time.Duration, error) {
	dir, err := os.MkdirTemp(".out", "pairs-") // on a disk; /tmp may be none
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"pace": "0s", "sound": false, "notify": false}`), 0o600); err != nil {
		return 0, err
	}
	d, err := open()
	if err != nil {
		return 0, err
	}
	defer d.close()
	cmd := program(dir)
	said, err := cmd.StderrPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	if _, err := said.Read(make([]byte, 1)); err != nil { // it says that it watches
		return 0, err
	}
	go func() { _, _ = bytes.NewBuffer(nil).ReadFrom(said) }()
	time.Sleep(200 * time.Millisecond)
	var took []time.Duration
	for i := range times + 2 {
		picture, err := noise(size)
		if err != nil {
			return 0, err
		}
		time.Sleep(50 * time.Millisecond) // what was left to do is done
		late := time.AfterFunc(time.Minute, func() {
			_ = cmd.Process.Kill()
			panic("no link within a minute")
		})
		lasted, link, err := d.copy(picture)
		late.Stop()
		if err != nil || !strings.HasPrefix(link, "http") {
			return 0, fmt.Errorf("pasted %q: %w", link, err)
		}
		if i >= 2 { // it is warm
			took = append(took, lasted)
		}
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// noise is a PNG of about that many bytes that no other one is like.
func noise(size int) ([]byte, error) {
	m := image.NewNRGBA(image.Rect(0, 0, 400, max(1, size/1600)))
	_, _ = rand.Read(m.Pix)
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, m)
	return b.Bytes(), err
}

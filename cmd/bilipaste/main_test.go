package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
	"bilipaste/internal/sandbox"
	"bilipaste/uploader"
)

func TestMain(m *testing.M) {
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // with the race detector each command would wait a second at its end
	testscript.Main(m, map[string]func(){"bilipaste": main, "picgo": main})
}

// The scripts are what the command line promises. Each runs in a folder and a
// home of its own, in English, and against a sandbox of its own.
func TestScripts(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no sh")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			server := sandbox.New()
			if err := server.Start("127.0.0.1:0"); err != nil {
				return err
			}
			env.Defer(func() { _ = server.Close() })
			env.Values["sandbox"] = server
			env.Setenv("BILIPASTE_HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("BILIPASTE_GATEWAY", server.URL())
			env.Setenv("BILIPASTE_SESSDATA", sandbox.SESSDATA)
			env.Setenv("BILIPASTE_BILI_JCT", sandbox.BiliJct)
			env.Setenv("LANG", "C")
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("DISPLAY", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"picture":    makePicture,
			"status":     wantStatus,
			"odd":        playOdd,
			"requests":   countRequests,
			"waitfor":    waitFor,
			"phone":      usePhone,
			"twist":      playTwist,
			"revoke":     func(ts *testscript.TestScript, _ bool, _ []string) { sandboxOf(ts).Revoke() },
			"sessions":   countSessions,
			"refreshdue": func(ts *testscript.TestScript, _ bool, _ []string) { sandboxOf(ts).RefreshDue(true) },
			"refreshkey": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), sandboxOf(ts).RefreshKey(), 0o600))
			},
			"rest":      letRest,
			"published": countDynamics,
			"legacy":    func(ts *testscript.TestScript, _ bool, _ []string) { sandboxOf(ts).Legacy(true) },
			"faildrafts": func(ts *testscript.TestScript, _ bool, _ []string) {
				sandboxOf(ts).FailDrafts(500104)
			},
			"endsin":  endsIn,
			"revive":  func(ts *testscript.TestScript, _ bool, _ []string) { sandboxOf(ts).Revive() },
			"moving":  makeAnimation,
			"enqueue": enqueueFiles,
			"lose": func(ts *testscript.TestScript, _ bool, args []string) {
				sandboxOf(ts).Lose(strings.TrimSpace(ts.ReadFile(args[0])))
			},
			"uploads": countUploads,
		},
	})
}

// picture WIDTH HEIGHT FILE... makes pictures that differ, in the format that
// their names end in.
func makePicture(ts *testscript.TestScript, _ bool, args []string) {
	var width, height int
	if _, err := fmt.Sscan(args[0]+" "+args[1], &width, &height); err != nil {
		ts.Fatalf("picture: %v", err)
	}
	for _, name := range args[2:] {
		m := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black, color.White})
		_, _ = rand.Read(m.Pix)
		for i := range m.Pix {
			m.Pix[i] &= 1
		}
		f, err := os.Create(ts.MkAbs(name))
		ts.Check(err)
		switch {
		case strings.HasSuffix(name, ".png"):
			err = png.Encode(f, m)
		case strings.HasSuffix(name, ".jpg"):
			err = jpeg.Encode(f, m, nil)
		case strings.HasSuffix(name, ".gif"):
			err = gif.Encode(f, m, nil)
		default:
			ts.Fatalf("picture: %s: no such format", name)
		}
		ts.Check(err)
		ts.Check(f.Close())
	}
}

// moving FILE makes a GIF of two frames.
func makeAnimation(ts *testscript.TestScript, _ bool, args []string) {
	g := gif.GIF{Delay: []int{9, 9}}
	for n := range 2 {
		m := image.NewPaletted(image.Rect(0, 0, 5, 4), color.Palette{color.Black, color.White})
		m.Pix[n] = 1
		g.Image = append(g.Image, m)
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(gif.EncodeAll(f, &g))
	ts.Check(f.Close())
}

// enqueue FILE... enters that files are to be uploaded to bucket "live", as if they
// had been copied and could not be.
func enqueueFiles(ts *testscript.TestScript, _ bool, files []string) {
	kept, err := album.Open(context.Background(), ts.MkAbs("home/gateway/album"), album.Options{})
	ts.Check(err)
	for _, file := range files {
		p, err := picture.Open(ts.MkAbs(file))
		ts.Check(err)
		entry, err := kept.Keep(context.Background(), p, uploader.Destination{Host: "bilibili", Bucket: "live"})
		ts.Check(err)
		ts.Check(kept.Postpone(context.Background(), entry.ID, album.Failure{}))
	}
	ts.Check(kept.Close())
}

// status N COMMAND ARG... runs a command that must end with that status.
func wantStatus(ts *testscript.TestScript, _ bool, args []string) {
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("status: %v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("status %d, want %s\n%s%s", got, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

func sandboxOf(ts *testscript.TestScript) *sandbox.Server {
	return ts.Value("sandbox").(*sandbox.Server)
}

// odd NAME [TIMES] makes the sandbox's next uploads odd; "odd none" ends that.
func playOdd(ts *testscript.TestScript, _ bool, args []string) {
	if args[0] == "none" {
		sandboxOf(ts).Play("", 0)
		return
	}
	odd, times, err := sandbox.ParseOdd(strings.Join(args, ":"))
	ts.Check(err)
	sandboxOf(ts).Play(odd, times)
}

// phone SCAN CONFIRM tells how long after a code was made the phone scans it,
// and confirms the login.
func usePhone(ts *testscript.TestScript, _ bool, args []string) {
	scan, err := time.ParseDuration(args[0])
	ts.Check(err)
	confirm, err := time.ParseDuration(args[1])
	ts.Check(err)
	sandboxOf(ts).Phone(scan, confirm)
}

// twist NAME makes signing in, staying so and signing out differ from the
// usual; "twist none" ends that.
func playTwist(ts *testscript.TestScript, _ bool, args []string) {
	twist := sandbox.Twist(args[0])
	switch {
	case twist == "none":
		twist = ""
	case !slices.Contains(sandbox.Twists(), twist):
		ts.Fatalf("there is no twist %s", twist)
	}
	sandboxOf(ts).Twist(twist)
}

// rest lets the gate forget when something was published last, as if more than
// 10 s had gone by.
func letRest(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(os.RemoveAll(ts.MkAbs("home/gateway/bilibili-state.json")))
}

// published N tells how many dynamics the sandbox has.
func countDynamics(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(len(sandboxOf(ts).Dynamics())); got != args[0] {
		ts.Fatalf("%s dynamics, want %s", got, args[0])
	}
}

// endsin DAYS puts a session into the environment that ends then.
func endsIn(ts *testscript.TestScript, _ bool, args []string) {
	days, err := strconv.Atoi(args[0])
	ts.Check(err)
	end := time.Now().AddDate(0, 0, days).Unix()
	ts.Setenv("BILIPASTE_SESSDATA", fmt.Sprintf("5a6b7c8d%%2C%d%%2C9e0f1%%2Ab2", end))
}

// sessions N tells how many sessions are signed in at the sandbox.
func countSessions(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(sandboxOf(ts).Sessions()); got != args[0] {
		ts.Fatalf("%s sessions, want %s", got, args[0])
	}
}

// requests N tells how many requests the sandbox has had.
func countRequests(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(len(sandboxOf(ts).Requests())); got != args[0] {
		ts.Fatalf("%s requests, want %s", got, args[0])
	}
}

// uploads N tells how many pictures were sent to the sandbox.
func countUploads(ts *testscript.TestScript, _ bool, args []string) {
	n := 0
	for _, r := range sandboxOf(ts).Requests() {
		if r.File != "" {
			n++
		}
	}
	if strconv.Itoa(n) != args[0] {
		ts.Fatalf("%d uploads, want %s", n, args[0])
	}
}

// waitfor FILE REGEXP waits until a line of the file matches.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile("(?m)" + args[1])
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(ts.MkAbs(args[0]))
		switch {
		case want.Match(text):
			return
		case time.Now().After(deadline):
			ts.Fatalf("%s holds no %s:\n%s", args[0], args[1], text)
		}
	}
}

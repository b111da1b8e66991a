package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/sandbox"
)

// A new user is told once where the program is and what to do next, and the page
// is opened.
func TestTheFirstStartIsGreetedOnce(t *testing.T) {
	x := desktoptest.StartX(t)
	desktoptest.Bus(t)
	desktoptest.StartPanel(t, x)
	dunst := desktoptest.StartDunst(t, x)
	p := &trayed{host: sandbox.New(), home: t.TempDir(), nobody: true}
	if err := p.host.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.host.Close() })
	greetings := func() (n int) {
		for _, s := range dunst.History(t) {
			if s.Summary == "bilipaste is running" && strings.Contains(s.Body, "Log in from its menu") {
				n++
			}
		}
		return n
	}
	bin := t.TempDir()
	opened := filepath.Join(bin, "opened")
	if err := os.WriteFile(filepath.Join(bin, "xdg-open"), []byte("#!/bin/sh\necho \"$1\" >>"+opened+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	pages := func() string {
		data, _ := os.ReadFile(opened) // there is none before
		return string(data)
	}
	for range 2 {
		p.run(t)
		desktoptest.Eventually(t, "it to run", func() bool { return isRunning(p.home) && greetings() > 0 && pages() != "" })
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil { // it waits for what is being shown
			t.Fatal(err)
		}
		<-p.ended
	}
	if n := greetings(); n != 1 {
		t.Errorf("%d greetings after two starts", n)
	}
	if all := pages(); strings.Count(all, "\n") != 1 || !strings.Contains(all, "/open?token=") {
		t.Errorf("opened after two starts: %s", all)
	}
}

package desktop

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"bilipaste/internal/lang"
)

// Open has the desktop show a file or a web page with the program that the
// user has chosen for it, and returns when it has been passed on: on some
// desktops, when that program ends. Once ctx is done it does not wait.
func Open(ctx context.Context, target string) error {
	command := []string{"xdg-open"}
	switch runtime.GOOS {
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler"}
	case "darwin":
		command = []string{"open"}
	}
	var said strings.Builder
	cmd := exec.CommandContext(ctx, command[0], append(command[1:], target)...)
	cmd.Stderr = &said
	cmd.WaitDelay = time.Second // the program that it started may hold on to stderr
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) || ctx.Err() != nil {
		return ctx.Err()
	}
	cause, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
	if cause == "" {
		cause = err.Error()
	}
	if page, _, ok := strings.Cut(target, "?"); ok && strings.Contains(page, "://") {
		target = page // what follows may be a secret
	}
	return lang.Errorf("desktop.open", lang.Data{"Target": target, "Cause": cause}, err)
}

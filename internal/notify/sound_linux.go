package notify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// play plays a WAV file: by the sound server, else by the first player program
// that manages to.
func play(ctx context.Context, file []byte) error {
	err := playByServer(ctx, file)
	if err != nil {
		err = fmt.Errorf("sound server: %w", err)
	}
	for _, player := range [][]string{{"paplay"}, {"pw-play"}, {"aplay", "-q"}} {
		if err == nil || ctx.Err() != nil {
			return err
		}
		e := playByProgram(ctx, player, file)
		if e == nil {
			return nil
		}
		if !errors.Is(e, exec.ErrNotFound) {
			err = fmt.Errorf("%w; %s: %w", err, player[0], e)
		}
	}
	return err
}

// playByProgram has a program play the file, and kills it when ctx is done.
func playByProgram(ctx context.Context, command []string, file []byte) error {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bilipaste")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	name := filepath.Join(dir, "sound.wav")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, append(command[1:], name)...)
	cmd.WaitDelay = 100 * time.Millisecond
	return cmd.Run()
}

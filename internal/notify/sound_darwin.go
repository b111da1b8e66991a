package notify

import (
	"context"
	"sync"
	"time"

	"github.com/gopxl/beep/v2"
	"github.com/gopxl/beep/v2/generators"
	"github.com/gopxl/beep/v2/speaker"
)

// speakerDelay is how far ahead of what is heard the speaker reads.
const speakerDelay = 100 * time.Millisecond

// openSpeaker opens the speaker, which can be done once in a process: after a
// sound it is suspended, and costs nothing.
var openSpeaker = sync.OnceValue(func() error {
	_, format, err := decode(sound("ding.wav"))
	if err != nil {
		return err
	}
	return speaker.Init(format.SampleRate, format.SampleRate.N(speakerDelay))
})

// play plays a WAV file by the system's default device.
func play(ctx context.Context, file []byte) error {
	stream, format, err := decode(file)
	if err != nil {
		return err
	}
	if err := openSpeaker(); err != nil {
		return err
	}
	if err := speaker.Resume(); err != nil {
		return err
	}
	defer func() { _ = speaker.Suspend() }()
	heard := make(chan struct{})
	rest := generators.Silence(format.SampleRate.N(speakerDelay))
	speaker.Play(beep.Seq(stream, rest, beep.Callback(func() { close(heard) })))
	select {
	case <-heard:
		return nil
	case <-ctx.Done():
		speaker.Clear()
		return ctx.Err()
	}
}

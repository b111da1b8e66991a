package notify

import (
	"context"

	"bilipaste/assets"
	"bilipaste/internal/lang"
)

// CheckSound plays silence the way that sounds are played. Its error is a
// lang.Teller that says why nothing would be heard, and what to do.
func CheckSound(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, soundLimit)
	defer cancel()
	quiet := sound("ding.wav")
	clear(quiet[headerSize:])
	t := make(turn, 1)
	t.tryTake()
	return silent(t.run(ctx, func() error { return play(ctx, quiet) }))
}

// silent is the error of a sound that was not heard, in words for the user.
func silent(err error) error {
	if err == nil {
		return nil
	}
	return lang.Errorf("notify.no_sound", lang.Data{"Cause": err}, err)
}

// headerSize is the length of the header of the sounds, in bytes.
const headerSize = 44

// sound returns an embedded WAV file.
func sound(name string) []byte {
	file, err := assets.Sounds.ReadFile("sounds/" + name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return file
}

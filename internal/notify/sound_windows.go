package notify

import (
	"context"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"

	"bilipaste/internal/lang"
)

var playSound = windows.NewLazySystemDLL("winmm.dll").NewProc("PlaySoundW")

// play plays a WAV file by the system's default device, and returns when it
// was heard to its end: asked to return at once, Windows would tell of no
// error and read the file for longer than we know. It cannot be cancelled;
// whoever waits gives it up.
func play(_ context.Context, file []byte) error {
	const (
		silentIfMissing = 0x2 // SND_NODEFAULT: no beep in its place
		fromMemory      = 0x4 // SND_MEMORY
	)
	played, _, _ := playSound.Call(uintptr(unsafe.Pointer(unsafe.SliceData(file))), 0, fromMemory|silentIfMissing)
	runtime.KeepAlive(file)
	if played == 0 {
		return lang.Errorf("notify.no_device", nil, nil) // why is not said
	}
	return nil
}

package desktop

import (
	"strconv"

	"golang.org/x/sys/windows"
)

// Session names the desktop session that the program is in; "" where that is not
// known. A user can have several at once, each with a clipboard of its own.
func Session() string {
	var session uint32
	if windows.ProcessIdToSessionId(windows.GetCurrentProcessId(), &session) != nil {
		return ""
	}
	return strconv.FormatUint(uint64(session), 10)
}

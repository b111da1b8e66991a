package memory

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseProgram takes out of this process the pages of the program's file. Those
// that are used again come back from the system's cache of files: they are far
// fewer than those that the start has used.
func releaseProgram() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer maps.Close()
	var start, size uintptr // of pages of the program that nobody may write
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasSuffix(line, program):
			start, size = readOnly(line)
		case strings.HasPrefix(line, "Anonymous:"):
			// What the loader has written would be lost.
			if size > 0 && strings.Fields(line)[1] == "0" {
				_, _, _ = unix.Syscall(unix.SYS_MADVISE, start, size, unix.MADV_DONTNEED)
			}
			size = 0
		}
	}
}

// readOnly returns the memory, in bytes, of a line of smaps; of size 0 if it can be
// written.
func readOnly(line string) (start, size uintptr) {
	place, rights, _ := strings.Cut(line, " ")
	from, to, _ := strings.Cut(place, "-")
	first, err := strconv.ParseUint(from, 16, 64)
	end, err2 := strconv.ParseUint(to, 16, 64)
	if err != nil || err2 != nil || strings.Contains(rights[:4], "w") {
		return 0, 0
	}
	return uintptr(first), uintptr(end - first)
}

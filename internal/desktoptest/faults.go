package desktoptest

import (
	"regexp"
	"strings"
)

// Faults finds panics and data races in what a program with a tray wrote to
// standard error; it must be run with GORACE=exitcode=0. Two races are of the
// tray's libraries alone, which read the menu's revision and an icon's bytes
// without their locks: those where no code of ours touched the memory do not count.
func Faults(stderr string) []string {
	var faults []string
	for report := range strings.SplitSeq(stderr, "==================") {
		if strings.Contains(report, "DATA RACE") && ours(report) || strings.Contains(report, "panic:") {
			faults = append(faults, report)
		}
	}
	return faults
}

var (
	raceAccess = regexp.MustCompile(`(?m)^(?:Read|Write|Previous read|Previous write) at .*\n((?:  .*\n)+)`)
	raceFrame  = regexp.MustCompile(`(?m)^  (\S.*)$`)
)

// ours tells whether either access of a race is by the project's code.
func ours(report string) bool {
	for _, stack := range raceAccess.FindAllStringSubmatch(report, -1) {
		for _, frame := range raceFrame.FindAllStringSubmatch(stack[1], -1) {
			if strings.HasPrefix(frame[1], "runtime.") || strings.HasPrefix(frame[1], "reflect.") {
				continue
			}
			if strings.HasPrefix(frame[1], "bilipaste/") {
				return true
			}
			break
		}
	}
	return false
}

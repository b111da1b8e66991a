package tray

import "time"

// The icon does not change in quick succession: an arrow that flashes up for a
// fast upload tells nobody anything.
const (
	slowUpload = 300 * time.Millisecond // an upload that takes longer is shown
	iconPause  = 600 * time.Millisecond // from one change to the next
)

// steady decides which icon is shown when.
type steady struct {
	shown   string
	changed time.Time // when it was last another one
	wanted  string
	since   time.Time // when wanted was first wanted
}

// want returns the icon to show at a moment at which icon is meant, and after
// what time to ask again; 0 for not before something changes.
func (s *steady) want(icon string, now time.Time) (show string, again time.Duration) {
	if icon != s.wanted {
		s.wanted, s.since = icon, now
	}
	if icon == s.shown {
		return icon, 0
	}
	due := s.changed.Add(iconPause)
	if slow := s.since.Add(slowUpload); icon == uploading && due.Before(slow) {
		due = slow
	}
	if wait := due.Sub(now); wait > 0 && s.shown != "" {
		return s.shown, wait
	}
	s.shown, s.changed = icon, now
	return icon, 0
}

package desktop

import "golang.org/x/sys/windows"

// language returns the first language of the user's interface.
func language() string {
	tags, err := windows.GetUserPreferredUILanguages(windows.MUI_LANGUAGE_NAME)
	if err != nil || len(tags) == 0 {
		return ""
	}
	return tags[0]
}

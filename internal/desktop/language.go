// Package desktop knows what the desktop around the program is like.
package desktop

// Language returns the language that the user has set for programs, as a tag
// such as "zh_CN.UTF-8" or "zh-CN"; "" if none is set.
func Language() string { return language() }

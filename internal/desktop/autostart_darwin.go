package desktop

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bilipaste/internal/durable"
)

// The entry is a LaunchAgent's property list.

func autostartFile() (string, error) {
	home, err := os.UserHomeDir()
	return filepath.Join(home, "Library", "LaunchAgents", autostartName+".plist"), err
}

// autostartProgram returns the program that the entry starts.
func autostartProgram() (string, error) {
	file, err := autostartFile()
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var list struct {
		Words []string `xml:"dict>array>string"`
	}
	if err := xml.Unmarshal(data, &list); err != nil || len(list.Words) == 0 {
		return "", err
	}
	return list.Words[0], nil
}

func enableAutostart(program string, args []string) error {
	file, err := autostartFile()
	if err != nil {
		return err
	}
	var words strings.Builder
	for _, word := range append([]string{program}, args...) {
		var text bytes.Buffer
		if err := xml.EscapeText(&text, []byte(word)); err != nil {
			return err
		}
		fmt.Fprintf(&words, "\t\t<string>%s</string>\n", text.String())
	}
	list := xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>` + autostartName + `</string>
	<key>ProgramArguments</key>
	<array>
` + words.String() + `	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>ProcessType</key>
	<string>Interactive</string>
</dict>
</plist>
`
	return durable.Write(file, []byte(list), 0o644)
}

//go:build unix && !darwin

package desktop

import (
	"os"
	"path/filepath"
	"strings"

	"bilipaste/internal/durable"
	"bilipaste/internal/lang"
)

// The entry is a file of the Desktop Application Autostart Specification, in
// the format of the Desktop Entry Specification.

func autostartFile() (string, error) {
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, "autostart", autostartName+".desktop"), err
}

// autostartProgram returns the program that the entry starts; "" if it is switched off.
func autostartProgram() (string, error) {
	file, err := autostartFile()
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	group, program := "", ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			group = line
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || group != "[Desktop Entry]" {
			continue
		}
		switch key, value = strings.TrimSpace(key), strings.TrimSpace(value); {
		case key == "Hidden" && value == "true", key == "X-GNOME-Autostart-enabled" && value == "false":
			return "", nil
		case key == "Exec":
			program = execProgram(value)
		}
	}
	return program, nil
}

func enableAutostart(program string, args []string) error {
	file, err := autostartFile()
	if err != nil {
		return err
	}
	words := make([]string, 0, 1+len(args))
	for _, word := range append([]string{program}, args...) {
		words = append(words, execWord(word))
	}
	entry := "[Desktop Entry]\nType=Application\nName=bilipaste\n" +
		"Comment=" + lang.New(lang.English).Text("desktop.comment") + "\n" +
		"Comment[zh_CN]=" + lang.New(lang.Chinese).Text("desktop.comment") + "\n" +
		"Exec=" + strings.Join(words, " ") + "\nTerminal=false\nStartupNotify=false\n"
	return durable.Write(file, []byte(entry), 0o644)
}

// Two layers of escapes lie over each other: of the words of Exec, and of any
// value in the file.
var (
	wordEscapes  = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`, `%`, `%%`)
	valueEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
	valueReads   = strings.NewReplacer(`\\`, `\`, `\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r")
)

// execWord writes one word of Exec.
func execWord(word string) string {
	return valueEscapes.Replace(`"` + wordEscapes.Replace(word) + `"`)
}

// execProgram reads the first word of Exec.
func execProgram(value string) string {
	var word strings.Builder
	quoted, escaped := false, false
	for _, r := range valueReads.Replace(value) {
		switch {
		case escaped:
			escaped = false
			word.WriteRune(r)
		case r == '\\' && quoted:
			escaped = true
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			return strings.ReplaceAll(word.String(), "%%", "%")
		default:
			word.WriteRune(r)
		}
	}
	return strings.ReplaceAll(word.String(), "%%", "%")
}

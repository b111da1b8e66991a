package config_test

import (
	"os"
	"strings"
	"testing"

	"bilipaste/internal/config"
)

func TestEverySettingIsInTheDocumentation(t *testing.T) {
	for _, page := range []string{"../../docs/settings.md", "../../docs/settings.zh-CN.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range config.Keys() {
			if !strings.Contains(string(text), "`"+key+"`") {
				t.Errorf("%s does not tell of %s", page, key)
			}
		}
	}
}

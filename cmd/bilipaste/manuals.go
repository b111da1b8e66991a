//go:build manuals

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"bilipaste/internal/desktop"
)

// buildCommands are for building packages:
//
//	go run -tags manuals ./cmd/bilipaste manuals DIR
//
// writes the manual page of every command into DIR, in the environment's language.
func (c *cli) buildCommands() []*cobra.Command {
	return []*cobra.Command{{
		Use: "manuals DIR", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.describe(cmd.Root())
			return writeManuals(cmd.Root(), args[0])
		},
	}}
}

func writeManuals(cmd *cobra.Command, dir string) error {
	if !cmd.IsAvailableCommand() && cmd.HasParent() {
		return nil
	}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	page, err := manual(cmd)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name+".1"), page, 0o644); err != nil {
		return err
	}
	for _, sub := range cmd.Commands() {
		if err := writeManuals(sub, dir); err != nil {
			return err
		}
	}
	return nil
}

// manual is a command's page, as troff.
func manual(cmd *cobra.Command) ([]byte, error) {
	cmd.DisableAutoGenTag = true
	cmd.Long = asMarkdown.Replace(cmd.Long)
	chinese := strings.HasPrefix(desktop.Language(), "zh")
	if chinese { // where lines join, there would be a space within a sentence
		cmd.Long = strings.ReplaceAll(cmd.Long, "\n", "  \n")
	}
	var page bytes.Buffer
	if err := doc.GenMan(cmd, &doc.GenManHeader{Source: "bilipaste", Manual: "bilipaste"}, &page); err != nil {
		return nil, err
	}
	text := withoutDefaults.Replace(page.String())
	if chinese {
		text = inChinese.Replace(text)
	}
	return []byte(text), nil
}

var (
	// asMarkdown escapes what is not meant as Markdown in a help text.
	asMarkdown = strings.NewReplacer("<", `\<`, "*", `\*`, "_", `\_`, "`", "\\`")
	// withoutDefaults drops the defaults that say nothing.
	withoutDefaults = strings.NewReplacer("[=false]", "", `[=""]`, "", `=""`, "", "=[]", "")
	// inChinese translates the headings that cobra writes.
	inChinese = strings.NewReplacer(
		".SH NAME\n", ".SH 名称\n", ".SH SYNOPSIS\n", ".SH 用法\n", ".SH DESCRIPTION\n", ".SH 说明\n",
		".SH OPTIONS INHERITED FROM PARENT COMMANDS\n", ".SH 全局选项\n", ".SH OPTIONS\n", ".SH 选项\n",
		".SH SEE ALSO\n", ".SH 另请参阅\n",
	)
)

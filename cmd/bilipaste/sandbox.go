package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"bilipaste/internal/lang"
	"bilipaste/internal/regex"
	"bilipaste/internal/sandbox"
)

func (c *cli) sandboxCommand() *cobra.Command {
	cmd := c.command("sandbox", "sandbox")
	port := cmd.Flags().Uint16("port", 0, "cli.flag.port")
	odds := cmd.Flags().StringArray("odd", nil, "cli.flag.odd")
	delay := cmd.Flags().Duration("delay", 0, "cli.flag.delay")
	twist := cmd.Flags().String("twist", "", "cli.flag.twist")
	for _, test := range []string{"odd", "delay", "twist"} { // for who works on this program
		_ = cmd.Flags().MarkHidden(test) // it is there
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		server := sandbox.New()
		for _, text := range *odds {
			odd, times, err := sandbox.ParseOdd(text)
			if err != nil {
				return usageError{err}
			}
			server.Play(odd, times)
		}
		if !slices.Contains(append(sandbox.Twists(), ""), sandbox.Twist(*twist)) {
			return usageError{lang.Errorf("sandbox.twist", lang.Data{"Text": *twist, "Names": fmt.Sprint(sandbox.Twists())}, nil)}
		}
		server.Twist(sandbox.Twist(*twist))
		server.Delay(*delay)
		dir, err := os.MkdirTemp("", "bilipaste-sandbox-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		key := filepath.Join(dir, "refresh-key.pem")
		if err := os.WriteFile(key, server.RefreshKey(), 0o600); err != nil {
			return err
		}
		if err := server.Start(net.JoinHostPort("127.0.0.1", strconv.Itoa(int(*port)))); err != nil {
			return err
		}
		defer func() { _ = server.Close() }()
		fmt.Fprintf(c.out, "export BILIPASTE_GATEWAY=%s BILIPASTE_SESSDATA=%s BILIPASTE_BILI_JCT=%s BILIPASTE_REFRESH_KEY=%s\n",
			server.URL(), sandbox.SESSDATA, sandbox.BiliJct, quote(key))
		fmt.Fprintln(c.err, c.say.Text("cli.sandbox_running", lang.Data{"URL": server.URL()}))
		<-cmd.Context().Done()
		return cmd.Context().Err()
	}
	return cmd
}

// quote writes a word as a shell reads it.
func quote(word string) string {
	if plainWord().MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

var plainWord = regex.Lazy(`^[A-Za-z0-9_./:@%+,=-]+$`)

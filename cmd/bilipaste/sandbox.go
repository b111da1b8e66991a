package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"bilipaste/internal/lang"
	"bilipaste/internal/sandbox"
)

func (c *cli) sandboxCommand() *cobra.Command {
	cmd := c.command("sandbox", "sandbox")
	for _, odd := range sandbox.Odds() {
		cmd.Long += " " + string(odd)
	}
	port := cmd.Flags().Uint16("port", 0, c.say.Text("cli.flag.port"))
	odds := cmd.Flags().StringArray("odd", nil, c.say.Text("cli.flag.odd"))
	delay := cmd.Flags().Duration("delay", 0, c.say.Text("cli.flag.delay"))
	cmd.Long += "\n\n" + c.say.Text("cli.sandbox.twists")
	for _, twist := range sandbox.Twists() {
		cmd.Long += " " + string(twist)
	}
	twist := cmd.Flags().String("twist", "", c.say.Text("cli.flag.twist"))
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
			return usage("cli.bad_value", lang.Data{"Command": cmd.CommandPath(), "Flag": "--twist", "Value": *twist})
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
			server.URL(), sandbox.SESSDATA, sandbox.BiliJct, key)
		fmt.Fprintln(c.err, c.say.Text("cli.sandbox_running", lang.Data{"URL": server.URL()}))
		<-cmd.Context().Done()
		return cmd.Context().Err()
	}
	return cmd
}

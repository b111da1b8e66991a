package main

import (
	"fmt"
	"net"
	"strconv"

	"github.com/spf13/cobra"

	"bilipaste/internal/lang"
	"bilipaste/uploader/sandbox"
)

func (a *app) sandboxCommand() *cobra.Command {
	cmd := a.command("sandbox", "sandbox")
	for _, odd := range sandbox.Odds() {
		cmd.Long += " " + string(odd)
	}
	port := cmd.Flags().Uint16("port", 0, a.say.Text("cli.flag.port"))
	odds := cmd.Flags().StringArray("odd", nil, a.say.Text("cli.flag.odd"))
	delay := cmd.Flags().Duration("delay", 0, a.say.Text("cli.flag.delay"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		server := sandbox.New()
		for _, text := range *odds {
			odd, times, err := sandbox.ParseOdd(text)
			if err != nil {
				return usageError{err}
			}
			server.Play(odd, times)
		}
		server.Delay(*delay)
		if err := server.Start(net.JoinHostPort("127.0.0.1", strconv.Itoa(int(*port)))); err != nil {
			return err
		}
		defer func() { _ = server.Close() }()
		fmt.Fprintf(a.out, "export BILIPASTE_GATEWAY=%s BILIPASTE_SESSDATA=%s BILIPASTE_BILI_JCT=%s\n",
			server.URL(), sandbox.SESSDATA, sandbox.BiliJct)
		fmt.Fprintln(a.err, a.say.Text("cli.sandbox_running", lang.Data{"URL": server.URL()}))
		<-cmd.Context().Done()
		return cmd.Context().Err()
	}
	return cmd
}

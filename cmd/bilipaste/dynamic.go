package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"bilipaste/internal/app"
	"bilipaste/internal/dynamic"
	"bilipaste/internal/lang"
	"bilipaste/internal/terminal"
)

func (c *cli) dynamicCommand() *cobra.Command {
	return c.group("dynamic", c.dynamicPostCommand(), c.dynamicVoteCommand(), c.dynamicListCommand(), c.dynamicDeleteCommand(),
		c.draftCommand(), c.dynamicTopicCommand(), c.dynamicUserCommand())
}

// dynamicFlags are what the commands that publish have in common.
type dynamicFlags struct {
	message     string
	pictures    []string
	options     map[string]*string // of a document, by their keys
	private     bool
	dryRun, yes bool
	again       bool
	legacy      bool
}

// documentFlags adds the flags that say what is in a document.
func (c *cli) documentFlags(cmd *cobra.Command, f *dynamicFlags, keys ...string) {
	flags := cmd.Flags()
	flags.StringVarP(&f.message, "message", "m", "", "cli.flag.message")
	flags.StringArrayVarP(&f.pictures, "picture", "p", nil, "cli.flag.picture")
	f.options = map[string]*string{}
	for _, key := range keys {
		f.options[key] = flags.String(key, "", "cli.flag.dynamic."+key)
	}
	c.yesFlag(cmd, f)
}

func (c *cli) yesFlag(cmd *cobra.Command, f *dynamicFlags) {
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "cli.flag.yes")
}

func (c *cli) dryRunFlags(cmd *cobra.Command, f *dynamicFlags) {
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "cli.flag.dry_run")
	cmd.Flags().BoolVar(&f.legacy, "legacy", false, "cli.flag.legacy")
}

func (c *cli) dynamicPostCommand() *cobra.Command {
	cmd := c.command("post [FILE | -] [-m TEXT] [-p PICTURE]...", "dynamic_post")
	cmd.Args = args(0, 1)
	var f dynamicFlags
	c.documentFlags(cmd, &f, "title", "topic", "at", "comments")
	cmd.Flags().BoolVar(&f.private, "private", false, "cli.flag.private")
	cmd.Flags().BoolVar(&f.again, "again", false, "cli.flag.dynamic_again")
	c.dryRunFlags(cmd, &f)
	cmd.RunE = func(cmd *cobra.Command, files []string) error { return c.dynamicPost(cmd.Context(), cmd, files, f) }
	return cmd
}

// document reads what a command is to publish: a file, standard input or the
// text of a flag, with what the other flags add. dir is where the paths of its
// pictures start.
func (c *cli) document(ctx context.Context, cmd *cobra.Command, files []string, f dynamicFlags) (d dynamic.Document, dir string, err error) {
	var text []byte
	dir = "."
	switch {
	case len(files) > 0 && f.message != "", len(files)+len(f.message)+len(f.pictures) == 0:
		return d, "", usage("cli.dynamic.what", lang.Data{"Command": cmd.CommandPath()})
	case len(files) == 0:
		text = []byte(f.message)
	case files[0] == "-":
		text, err = await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(c.in, 1<<20)) })
	default:
		dir = filepath.Dir(files[0])
		text, err = os.ReadFile(files[0])
	}
	if err != nil {
		return d, "", lang.Errorf("cli.dynamic.unreadable", lang.Data{"File": files[0], "Cause": errors.Unwrap(err)}, err)
	}
	d, notices, err := dynamic.Parse(text)
	for _, n := range notices {
		fmt.Fprintf(c.err, "bilipaste: %s\n", c.say.Say(n))
	}
	if err != nil {
		return d, "", err
	}
	for key, value := range f.options {
		if !cmd.Flags().Changed(key) {
			continue
		}
		if err := d.Set(key, *value); err != nil {
			return d, "", usageError{err}
		}
	}
	d.Private = d.Private || f.private
	for _, file := range f.pictures {
		if file, err = filepath.Abs(file); err != nil {
			return d, "", err
		}
		d.Pictures = append(d.Pictures, dynamic.Image{File: file})
	}
	return d, dir, nil
}

// publisher returns what publishes, after the user was told of the session.
func (c *cli) publisher(ctx context.Context) (*dynamic.Publisher, error) {
	p, err := c.app.Publisher(ctx, c.settings)
	if errors.Is(err, app.ErrUnusable) {
		return nil, usageError{err}
	}
	return p, err
}

// dynamicPost publishes a document once the user has seen what of it will be
// public.
func (c *cli) dynamicPost(ctx context.Context, cmd *cobra.Command, files []string, f dynamicFlags) error {
	d, dir, err := c.document(ctx, cmd, files, f)
	if err != nil {
		return err
	}
	p, err := c.publisher(ctx)
	if err != nil {
		return err
	}
	p.Legacy = f.legacy
	post, err := p.Open(ctx, d, dir)
	if err != nil {
		return err
	}
	if f.dryRun {
		c.notices(post)
		return c.printRequests(p.Requests(post))
	}
	if err := c.look(ctx, p, post); err != nil {
		return err
	}
	defer post.Close()
	c.preview(post)
	again := c.decide(post.Earlier, f)
	if err := c.confirm(ctx, f.yes || post.Earlier.State == dynamic.Done && !again, "cli.dynamic.confirm"); err != nil {
		return err
	}
	result, err := p.Publish(ctx, post, again)
	if post.Earlier.State == dynamic.Done && errors.Is(err, dynamic.ErrPublished) {
		c.complain(err) // it is what was asked for
		result, err = dynamic.Result{ID: post.Earlier.ID, URL: dynamic.Link(post.Earlier.ID)}, nil
	}
	if err != nil {
		return err
	}
	if !post.At.IsZero() {
		fmt.Fprintln(c.err, c.say.Text("cli.dynamic.later", lang.Data{"At": post.At.Local().Format("2006-01-02 15:04")}))
	}
	if c.json {
		c.print(result)
	} else {
		fmt.Fprintln(c.out, result.URL)
	}
	return nil
}

// look renews the session where it is time to, and looks at what Bilibili and
// the journal know of a post.
func (c *cli) look(ctx context.Context, p *dynamic.Publisher, post *dynamic.Post) error {
	if err := c.app.TendSession(ctx, p.Client); err != nil && !isNoLogin(err) {
		c.complain(err)
	}
	if err := p.Look(ctx, post); err != nil {
		post.Close()
		return err
	}
	return nil
}

// decide tells whether a document is to be published although it was before, or
// may have been. --yes alone does not say that.
func (c *cli) decide(e dynamic.Earlier, f dynamicFlags) (again bool) {
	at := lang.Data{"At": e.At.Local().Format("2006-01-02 15:04"), "Link": dynamic.Link(e.ID)}
	switch {
	case e.State == dynamic.Begun:
		fmt.Fprintln(c.err, c.say.Text("cli.dynamic.begun", at))
	case e.State < dynamic.Uncertain, f.again:
		return f.again
	case e.State == dynamic.Uncertain && c.asks(f.yes):
		fmt.Fprintln(c.err, c.say.Text("cli.dynamic.uncertain", at))
		return true // if the question is answered so
	}
	return false
}

// asks tells whether the user can be asked: on a terminal, where --yes has not
// answered already.
func (c *cli) asks(yes bool) bool {
	f, ok := c.in.(*os.File)
	return !yes && ok && term.IsTerminal(int(f.Fd()))
}

// confirm asks a question unless it is answered already. Where there is no
// terminal to ask on, that is an error.
func (c *cli) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	if !c.asks(yes) {
		return usage("cli.dynamic.need_yes", lang.Data{})
	}
	fmt.Fprint(c.err, c.say.Text(question)+" ")
	answer, err := await(ctx, func() (string, error) { return bufio.NewReader(c.in).ReadString('\n') })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "是":
		return nil
	}
	return lang.Errorf("cli.dynamic.not_done", nil, err)
}

func (c *cli) notices(post *dynamic.Post) {
	for _, n := range post.Notices {
		fmt.Fprintf(c.err, "bilipaste: %s\n", c.say.Say(n))
	}
}

// preview shows what will be public.
func (c *cli) preview(post *dynamic.Post) {
	c.notices(post)
	line := func(id string, data lang.Data) { fmt.Fprintln(c.err, c.say.Text(id, data)) }
	when := c.say.Text("cli.dynamic.now")
	if !post.At.IsZero() {
		when = post.At.Local().Format("2006-01-02 15:04 MST")
	}
	line("cli.dynamic.head", lang.Data{"Name": post.Author.Name, "ID": post.Author.ID, "When": when})
	if post.Title != "" {
		fmt.Fprintf(c.err, "  ┃ %s\n  ┃\n", lang.OneLine(post.Title))
	}
	if text := post.Text(); text != "" {
		for part := range strings.SplitSeq(text, "\n") {
			fmt.Fprintf(c.err, "  ┃ %s\n", lang.OneLine(part))
		}
	}
	for i, pic := range post.Files[:len(post.Pictures)] {
		fmt.Fprintf(c.err, "  %d. %s  %d×%d  %s\n", i+1, lang.OneLine(pic.Name), pic.Width, pic.Height, terminal.Size(pic.Size()))
	}
	if v := post.Vote; v != nil {
		var options []string
		for _, o := range v.Options {
			options = append(options, o.Text)
		}
		line("cli.dynamic.vote", lang.Data{"Title": v.Title, "ID": v.ID, "Options": strings.Join(options, " / "), "Max": v.Max, "For": spanOf(v.For)})
	}
	if t := post.Topic; t.ID != 0 {
		line("cli.dynamic.topic", lang.Data{"Name": t.Name, "ID": t.ID})
	}
	if post.Comments != dynamic.Open {
		line("cli.dynamic.comments."+string(post.Comments), nil)
	}
	if post.Private {
		line("cli.dynamic.private", nil)
	}
	line("cli.dynamic.counts", lang.Data{"Length": dynamic.Length(post.Text()), "Pictures": c.pictures(len(post.Pictures))})
}

// spanOf says a time as a document has it.
func spanOf(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}

// printRequests prints what would be sent.
func (c *cli) printRequests(all []dynamic.Request) error {
	for _, r := range all {
		if c.json {
			c.print(r)
			continue
		}
		fmt.Fprintf(c.out, "%s %s\n", r.Method, r.URL)
		what := any(r.Form)
		if r.Body != nil {
			what = r.Body
		}
		e := json.NewEncoder(c.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(what); err != nil {
			return err
		}
	}
	return nil
}

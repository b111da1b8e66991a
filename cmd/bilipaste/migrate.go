package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"bilipaste/internal/album"
	"bilipaste/internal/app"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/posts"
	"bilipaste/internal/terminal"
	"bilipaste/uploader"
)

// migrateFlags are what the user asks of "migrate".
type migrateFlags struct {
	from, roots                                        []string
	remote, yes, dryRun, noReferrer, dataURIs, private bool
	undo                                               string
}

func (c *cli) migrateCommand() *cobra.Command {
	cmd := c.command("migrate PATH... | --undo[=RUN]", "migrate")
	cmd.Args = args(0, -1)
	var f migrateFlags
	flags := cmd.Flags()
	flags.StringArrayVar(&f.from, "from", nil, "cli.flag.from")
	flags.BoolVar(&f.remote, "remote", false, "cli.flag.remote")
	flags.StringArrayVar(&f.roots, "root", nil, "cli.flag.root")
	flags.BoolVar(&f.yes, "yes", false, "cli.flag.yes")
	flags.BoolVar(&f.dryRun, "dry-run", false, "cli.flag.diff")
	flags.BoolVar(&f.noReferrer, "no-referrer", false, "cli.flag.no_referrer")
	flags.BoolVar(&f.dataURIs, "data-uris", false, "cli.flag.data_uris")
	flags.BoolVar(&f.private, "allow-private", false, "cli.flag.allow_private")
	flags.StringVar(&f.undo, "undo", "", "cli.flag.undo")
	flags.Lookup("undo").NoOptDefVal = "last"
	cmd.RunE = func(cmd *cobra.Command, paths []string) error {
		switch {
		case f.undo != "":
			return c.undo(cmd.Context(), f.undo, paths)
		case len(paths) == 0:
			return usage("cli.too_few", lang.Data{"Command": cmd.CommandPath()})
		case c.app.Sandboxed && !f.dryRun:
			return usage("cli.migrate.sandbox", lang.Data{})
		}
		return c.migrate(cmd.Context(), paths, f)
	}
	return cmd
}

// migrate shows what is to be moved, asks, and moves it. Of each picture that has
// moved it prints the link and where it was.
func (c *cli) migrate(ctx context.Context, paths []string, f migrateFlags) error {
	files, err := posts.Posts(paths)
	if err != nil {
		return err
	}
	kept, err := c.app.Album(ctx, c.settings)
	if err != nil {
		return err
	}
	sender, stop, err := c.sender(ctx, kept)
	if err != nil {
		return err
	}
	defer stop()
	site, err := posts.NewSite(paths, f.roots)
	if err != nil {
		return err
	}
	network, err := c.app.Network()
	if err != nil {
		return err
	}
	network.SetProxy(c.settings.Proxy)
	web := &posts.Web{Transport: network.Others(f.private), Pace: checkPace}
	m := &posts.Migration{
		Site: site, Album: kept, Sender: sender, Fetch: web.Fetch, Local: true,
		From: c.from(f), DataURIs: f.dataURIs, NoReferrer: f.noReferrer,
	}
	plan, err := m.Plan(ctx, files)
	if err != nil {
		return err
	}
	if f.dryRun {
		return c.dryRun(m, plan)
	}
	c.printPlan(ctx, plan)
	if len(plan.Pictures) > 0 {
		if err := c.confirm(ctx, f.yes || !hasWork(plan), "cli.migrate.confirm"); err != nil {
			return err
		}
	}
	known := map[error]bool{} // that the plan has told of
	for _, p := range plan.Pictures {
		known[p.Err] = true
	}
	for _, p := range plan.Posts {
		known[p.Err] = true
	}
	bar := terminal.NewProgress(c.err, c.say.Text("cli.migrate.moving"), len(plan.Pictures))
	result, err := m.Run(ctx, plan, func(p *posts.Picture) {
		bar.Clear()
		c.printMoved(p)
		bar.Next()
	})
	bar.Clear()
	if ctx.Err() != nil {
		fmt.Fprintln(c.err, c.say.Text("cli.migrate.stopped"))
		return ctx.Err()
	}
	c.printFailures(slices.DeleteFunc(slices.Clone(result.Failures), func(f posts.Failure) bool { return known[f.Err] }))
	fmt.Fprintln(c.err, c.say.Text("cli.migrate.done", lang.Data{"Posts": result.Posts, "Mentions": result.Mentions}))
	if result.Posts > 0 {
		fmt.Fprintln(c.err, c.say.Text("cli.migrate.run", lang.Data{"Run": result.Run}))
		if sender.To.Host == "bilibili" && !f.noReferrer {
			fmt.Fprintln(c.err, c.say.Text("cli.migrate.referrer"))
		}
	}
	switch {
	case err != nil:
		return err
	case len(result.Failures) > 0:
		return told{result.Failures[0].Err}
	}
	return nil
}

// from tells which pictures of other hosts are moved: those of the patterns, or
// all but those of the host that they go to.
func (c *cli) from(f migrateFlags) func(*url.URL) bool {
	if !f.remote && len(f.from) == 0 {
		return nil
	}
	to := c.settings.Host
	return func(u *url.URL) bool {
		for _, pattern := range f.from {
			if posts.HostMatches(pattern, u) {
				return true
			}
		}
		return f.remote && !posts.HostMatches(to, u)
	}
}

// sender returns the way of pictures to their links. stop ends it.
func (c *cli) sender(ctx context.Context, kept *album.Album) (s *posts.Sender, stop func(), err error) {
	q := c.queue(kept)
	up, err := c.uploader(ctx, kept)
	switch {
	case err == nil:
		q.Way = up.Way
	case isNoLogin(err):
		missing := err
		q.Way = func(uploader.Destination) (*uploader.Uploader, error) { return nil, missing }
	default:
		return nil, nil, err
	}
	q.OnlyOwn = true
	ctx, cancel := context.WithCancel(ctx)
	var sending sync.WaitGroup
	sending.Go(func() { _ = q.Run(ctx, nil) }) // it ends with ctx
	return &posts.Sender{Queue: q, To: app.Destination(c.settings)}, func() { cancel(); sending.Wait() }, nil
}

// hasWork tells whether a plan would change a post.
func hasWork(plan *posts.Plan) bool {
	for _, p := range plan.Pictures {
		if p.State != posts.Bad {
			return true
		}
	}
	return false
}

// printPlan shows the user what is about to be done.
func (c *cli) printPlan(ctx context.Context, plan *posts.Plan) {
	say := func(id string, data lang.Data) { fmt.Fprintln(c.err, c.say.Text(id, data)) }
	var files []string
	mentions := 0
	for _, post := range plan.Posts {
		files = append(files, post.File)
		mentions += len(post.Spots)
	}
	say("cli.migrate.plan", lang.Data{"Read": plan.Read, "Posts": len(plan.Posts), "Mentions": mentions})
	for _, state := range []posts.State{posts.New, posts.Known, posts.Fetch, posts.Bad} {
		n, bytes := plan.Count(state)
		if n == 0 {
			continue
		}
		data := lang.Data{"Count": n, "Size": terminal.Size(bytes)}
		if state == posts.New {
			data["Time"] = c.duration(time.Duration(max(0, n-burst)) * c.settings.Pace)
		}
		say("cli.migrate."+string(state), data)
	}
	if c.json {
		return
	}
	for _, post := range plan.Posts {
		if post.Err != nil {
			c.printFailures([]posts.Failure{{File: post.File, Err: post.Err}})
		}
		for _, s := range post.Spots {
			if s.Picture.State == posts.Bad {
				c.printFailures([]posts.Failure{{File: post.File, Line: s.Line, Address: s.Address, Err: s.Picture.Err}})
			}
		}
	}
	if changed := posts.Uncommitted(ctx, files); len(changed) > 0 {
		say("cli.migrate.uncommitted", lang.Data{"Count": len(changed), "File": lang.OneLine(changed[0])})
	}
}

// burst is how many uploads need not keep the pace.
const burst = 5

// duration says about how long something takes.
func (c *cli) duration(d time.Duration) string {
	return max(time.Second, d).Round(time.Second).String()
}

// dryRun prints what would change as a unified diff.
func (c *cli) dryRun(m *posts.Migration, plan *posts.Plan) error {
	for _, post := range plan.Posts {
		if c.json {
			break
		}
		if post.Err != nil {
			c.printFailures([]posts.Failure{{File: post.File, Err: post.Err}})
		}
		for _, s := range post.Spots {
			if s.Picture.State == posts.Bad {
				c.printFailures([]posts.Failure{{File: post.File, Line: s.Line, Address: s.Address, Err: s.Picture.Err}})
			}
		}
		text, err := m.Diff(post)
		if err != nil {
			continue // it was told of
		}
		fmt.Fprintf(c.out, "%s", text)
	}
	if c.json {
		for _, p := range plan.Pictures {
			c.printMoved(p)
		}
	}
	if plan.Failed() {
		return told{errors.New("not all of it can be moved")}
	}
	return nil
}

// movedPicture is a line of "migrate --json".
type movedPicture struct {
	Source string      `json:"source"`
	State  posts.State `json:"state"`
	URL    string      `json:"url,omitempty"`
	Bytes  int64       `json:"bytes,omitempty"`
	Error  *fault.Told `json:"error,omitempty"`
}

// printMoved prints what became of a picture.
func (c *cli) printMoved(p *posts.Picture) {
	switch {
	case c.json:
		c.print(movedPicture{p.Source, p.State, p.Link.URL, p.Bytes, fault.Tell(c.say, p.Err)})
	case p.State == posts.Moved:
		fmt.Fprintf(c.out, "%s  %s\n", p.Link.URL, lang.OneLine(p.Source))
	}
}

// printFailures tells the user what stays as it is, and where. What stands in the
// way of many is hinted at once.
func (c *cli) printFailures(all []posts.Failure) {
	if c.json {
		return
	}
	hints := map[string]bool{}
	for _, f := range all {
		what, hint := c.say.Error(f.Err)
		at := f.File
		if f.Line > 0 {
			at += ":" + strconv.Itoa(f.Line)
		}
		fmt.Fprintf(c.err, "%s: %s\n", lang.OneLine(at), lang.OneLine(what))
		if hint != "" && !hints[hint] {
			hints[hint] = true
			fmt.Fprintf(c.err, "%s: %s\n", c.say.Text("terminal.hint"), hint)
		}
	}
}

// undo takes back what a run has changed.
func (c *cli) undo(ctx context.Context, which string, rest []string) error {
	if which == "last" && len(rest) == 1 { // --undo 3
		which, rest = rest[0], nil
	}
	run, err := int64(0), error(nil)
	if which != "last" {
		run, err = strconv.ParseInt(which, 10, 64)
	}
	if err != nil || len(rest) > 0 || run < 0 {
		return usage("cli.migrate.which_run", lang.Data{})
	}
	kept, err := c.app.Album(ctx, c.settings)
	if err != nil {
		return err
	}
	u, err := posts.Undo(ctx, kept, run)
	if err != nil {
		return err
	}
	for _, f := range u.Left {
		what, _ := c.say.Error(f.Err)
		fmt.Fprintf(c.err, "%s:%d: %s: %s\n", lang.OneLine(f.File), f.Line, lang.OneLine(f.Address), what)
	}
	fmt.Fprintln(c.err, c.say.Text("cli.migrate.undone", lang.Data{"Run": u.Run, "Posts": u.Posts, "Mentions": u.Mentions}))
	if len(u.Left) > 0 {
		return told{u.Left[0].Err}
	}
	return nil
}

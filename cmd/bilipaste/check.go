package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bilipaste/internal/album"
	"bilipaste/internal/app"
	"bilipaste/internal/lang"
	"bilipaste/internal/posts"
	"bilipaste/internal/terminal"
	"bilipaste/uploader"
	"bilipaste/uploader/bilibili"
)

// checkPace is the least time from one question to a host to the next.
const checkPace = time.Second

// checkFlags are what the user asks of "check".
type checkFlags struct {
	referer                                             string
	pace                                                time.Duration
	again, album, repair, noReferrer, private, everyOne bool
}

func (c *cli) checkCommand() *cobra.Command {
	cmd := c.command("check PATH... | --album", "check")
	cmd.Args = args(0, -1)
	var f checkFlags
	flags := cmd.Flags()
	flags.StringVar(&f.referer, "referer", "", "cli.flag.referer")
	flags.DurationVar(&f.pace, "pace", checkPace, "cli.flag.pace")
	flags.BoolVar(&f.again, "again", false, "cli.flag.check_again")
	flags.BoolVar(&f.everyOne, "all", false, "cli.flag.check_all")
	flags.BoolVar(&f.album, "album", false, "cli.flag.check_album")
	flags.BoolVar(&f.repair, "repair", false, "cli.flag.repair")
	flags.BoolVar(&f.noReferrer, "no-referrer", false, "cli.flag.no_referrer")
	flags.BoolVar(&f.private, "allow-private", false, "cli.flag.allow_private")
	cmd.RunE = func(cmd *cobra.Command, paths []string) error {
		if f.album == (len(paths) > 0) || f.album && f.repair || c.app.Sandboxed && f.repair {
			return usage("cli.check.what", lang.Data{})
		}
		return c.check(cmd.Context(), paths, f)
	}
	return cmd
}

// check prints the pictures of posts that are not well, each with its line. It
// fails if one is dead, and was not mended.
func (c *cli) check(ctx context.Context, paths []string, f checkFlags) error {
	kept, err := c.app.Album(ctx, c.settings)
	if err != nil {
		return err
	}
	network, err := c.app.Network()
	if err != nil {
		return err
	}
	network.SetProxy(c.settings.Proxy)
	checker := &posts.Checker{
		Web: &posts.Web{Transport: network.Others(f.private), Pace: f.pace}, Album: kept, Referer: f.referer, Again: f.again,
	}
	files, err := posts.Posts(paths)
	if err != nil {
		return err
	}
	shown, failures := posts.Remotes(ctx, files)
	if f.album {
		shown, err = albumLinks(ctx, kept)
	}
	if err != nil {
		return err
	}
	c.printFailures(failures)
	var addresses []string
	seen := map[string]bool{}
	for _, s := range shown {
		if plain := posts.Plain(s.Address); !seen[plain] {
			seen[plain] = true
			addresses = append(addresses, plain)
		}
	}
	bar := terminal.NewProgress(c.err, c.say.Text("cli.check.checking"), len(addresses))
	found, err := checker.Check(ctx, addresses, bar.Next)
	bar.Clear()
	if err != nil {
		return err
	}
	counts := map[posts.Life]int{}
	var dead []string
	for _, a := range addresses {
		r := found[a]
		if counts[r.Life]++; !r.Life.IsDead() {
			continue
		}
		dead = append(dead, a)
		if f.album && r.IsDead() {
			if err := kept.Dead(ctx, a, r.At); err != nil {
				return err
			}
		}
	}
	for _, s := range shown {
		c.printChecked(s, found[posts.Plain(s.Address)], f.everyOne)
	}
	if !c.json {
		c.summary(counts)
	}
	if f.repair && len(dead) > 0 {
		return c.repair(ctx, kept, paths, files, dead, f)
	}
	switch {
	case len(dead) > 0:
		return told{errors.New("a picture is gone")}
	case len(failures) > 0:
		return told{failures[0].Err}
	}
	return nil
}

// albumLinks are the album's own, without those that are known to be dead.
func albumLinks(ctx context.Context, kept *album.Album) (all []posts.Shown, err error) {
	for e, err := range kept.Each(ctx, album.Query{Life: album.Alive}) {
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(e.Link.URL, "https://") {
			all = append(all, posts.Shown{Address: e.Link.URL})
		}
	}
	return all, nil
}

// checkedPicture is a line of "check --json".
type checkedPicture struct {
	File   string     `json:"file,omitempty"`
	Line   int        `json:"line,omitempty"`
	URL    string     `json:"url"`
	State  posts.Life `json:"state"`
	Detail string     `json:"detail,omitempty"`
	Since  time.Time  `json:"since,omitzero"`
}

func (c *cli) printChecked(s posts.Shown, r posts.Checked, everyOne bool) {
	if c.json {
		c.print(checkedPicture{s.File, s.Line, s.Address, r.Life, r.Detail, r.Since})
		return
	}
	if r.Life == posts.Alive && !everyOne {
		return
	}
	state := c.say.Text("cli.check.life." + string(r.Life))
	if detail := r.Detail; detail != "" && r.Life != posts.Alive {
		if detail == "same" || detail == "size" {
			detail = c.say.Text("cli.check.detail." + detail)
		}
		state += " (" + lang.OneLine(detail) + ")"
	}
	at := ""
	if s.File != "" {
		at = fmt.Sprintf("%s:%d: ", s.File, s.Line)
	}
	fmt.Fprintf(c.out, "%s%s: %s\n", lang.OneLine(at), state, lang.OneLine(s.Address))
}

// summary says how many pictures are how.
func (c *cli) summary(counts map[posts.Life]int) {
	var parts []string
	for _, life := range []posts.Life{posts.Alive, posts.Slow, posts.Gone, posts.Placeholder, posts.Refused, posts.Unreachable, posts.Private} {
		if n := counts[life]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.say.Text("cli.check.life."+string(life))))
		}
	}
	if len(parts) == 0 {
		fmt.Fprintln(c.err, c.say.Text("cli.check.nothing"))
		return
	}
	fmt.Fprintln(c.err, strings.Join(parts, ", "))
	if counts[posts.Refused] > 0 {
		fmt.Fprintf(c.err, "%s: %s\n", c.say.Text("terminal.hint"), c.say.Text("cli.check.refused.hint"))
	}
}

// repair gives the posts new links for what is dead, and tells of what has no
// original what could help.
func (c *cli) repair(ctx context.Context, kept *album.Album, paths, files, dead []string, f checkFlags) error {
	sender, stop, err := c.sender(ctx, kept)
	if err != nil {
		return err
	}
	defer stop()
	site, err := posts.NewSite(paths, nil)
	if err != nil {
		return err
	}
	m := &posts.Mending{Site: site, Album: kept, Sender: sender, NoReferrer: f.noReferrer}
	if sender.To.Host == bilibili.Name {
		for _, bucket := range app.Buckets(c.settings) {
			if bucket != sender.To.Bucket {
				m.Others = append(m.Others, uploader.Destination{Host: sender.To.Host, Bucket: bucket})
			}
		}
	}
	bar := terminal.NewProgress(c.err, c.say.Text("cli.check.mending"), len(dead))
	r, err := m.Mend(ctx, dead, files, bar.Next)
	bar.Clear()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.printFailures(r.Failures)
	if !c.json {
		told := map[string]bool{}
		for _, x := range r.Failures {
			if x.Address == "" || told[x.Address] {
				continue
			}
			told[x.Address] = true
			if near := site.Elsewhere(x.File, x.Address); len(near) > 0 {
				fmt.Fprintln(c.err, c.say.Text("cli.check.near", lang.Data{"Address": lang.OneLine(x.Address), "Files": lang.OneLine(strings.Join(near, ", "))}))
			}
			fmt.Fprintln(c.err, c.say.Text("cli.check.archived", lang.Data{"Address": lang.OneLine(posts.Archived(posts.Plain(x.Address)))}))
		}
	}
	fmt.Fprintln(c.err, c.say.Text("cli.check.mended", lang.Data{"Posts": r.Posts, "Mentions": r.Mentions}))
	if r.Posts > 0 {
		fmt.Fprintln(c.err, c.say.Text("cli.migrate.run", lang.Data{"Run": r.Run}))
	}
	switch {
	case err != nil:
		return err
	case len(r.Failures) > 0:
		return told{r.Failures[0].Err}
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"bilipaste/internal/account"
	"bilipaste/internal/dynamic"
	"bilipaste/internal/lang"
)

func (c *cli) dynamicVoteCommand() *cobra.Command {
	cmd := c.command("vote FILE | --title TITLE --option A --option B...", "dynamic_vote")
	cmd.Args = args(0, 1)
	var f dynamicFlags
	v := dynamic.Vote{}
	flags := cmd.Flags()
	flags.StringVar(&v.Title, "title", "", "cli.flag.vote_title")
	options := flags.StringArray("option", nil, "cli.flag.option")
	flags.IntVar(&v.Max, "max", 1, "cli.flag.max")
	span := flags.String("for", "7d", "cli.flag.for")
	c.yesFlag(cmd, &f)
	c.dryRunFlags(cmd, &f)
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		dir := "."
		switch {
		case (len(files) > 0) == (v.Title != "" || len(*options) > 0):
			return usage("cli.dynamic.which_vote", lang.Data{"Command": cmd.CommandPath()})
		case len(files) > 0:
			d, in, err := c.document(cmd.Context(), cmd, files, f)
			if err != nil {
				return err
			}
			if d.Vote == nil {
				return lang.Errorf("cli.dynamic.no_vote", lang.Data{"File": files[0]}, nil)
			}
			v, dir = *d.Vote, in
		default:
			var err error
			if v.For, err = dynamic.ParseVoting(*span); err != nil {
				return usageError{err}
			}
			for _, o := range *options {
				v.Options = append(v.Options, dynamic.Choice{Text: o})
			}
			if err := v.Check(); err != nil {
				return usageError{err}
			}
		}
		return c.dynamicVote(cmd.Context(), v, dir, f)
	}
	return cmd
}

// dynamicVote makes a vote, which nobody sees until a dynamic shows it.
func (c *cli) dynamicVote(ctx context.Context, v dynamic.Vote, dir string, f dynamicFlags) error {
	p, err := c.publisher(ctx)
	if err != nil {
		return err
	}
	p.Legacy = f.legacy
	post, err := p.OpenVote(ctx, v, dir)
	if err != nil {
		return err
	}
	if f.dryRun {
		return c.printRequests(p.VoteRequests(post))
	}
	if err := c.confirm(ctx, f.yes, "cli.dynamic.confirm_vote"); err != nil {
		return err
	}
	number, err := p.MakeVote(ctx, post)
	if err != nil {
		return err
	}
	if c.json {
		c.print(map[string]string{"vote": number})
		return nil
	}
	fmt.Fprintln(c.out, number)
	fmt.Fprintln(c.err, c.say.Text("cli.dynamic.vote_made", lang.Data{"ID": number, "Title": v.Title}))
	return nil
}

// client returns the user's account.
func (c *cli) client() (*account.Client, error) { return c.app.Account(c.settings) }

func (c *cli) dynamicListCommand() *cobra.Command {
	cmd := c.command("list", "dynamic_list")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		client, err := c.client()
		if err != nil {
			return err
		}
		user, err := client.User(ctx)
		if err != nil {
			return err
		}
		all, err := dynamic.Latest(ctx, client, user.ID)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		for _, d := range all {
			if c.json {
				c.print(d)
				continue
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", d.ID, d.At.Local().Format("2006-01-02 15:04"), c.pictures(d.Pictures), short(d.Text))
		}
		return table.Flush()
	}
	return cmd
}

// pictures says how many there are, "" for none.
func (c *cli) pictures(n int) string {
	if n == 0 {
		return ""
	}
	return c.say.Text("cli.dynamic.pictures", lang.Data{"Count": n})
}

// short is a text's beginning, in one line.
func short(text string) string {
	const longest = 40
	text = lang.OneLine(text)
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

func (c *cli) dynamicDeleteCommand() *cobra.Command {
	cmd := c.command("delete ID|URL...", "dynamic_delete")
	cmd.Args = args(1, -1)
	return c.each(cmd, "cli.dynamic.confirm_delete", dynamic.ParseID, dynamic.Delete)
}

// each makes cmd do something with every number that it is given, after it has
// asked. It prints each number that was done.
func (c *cli) each(cmd *cobra.Command, question string, parse func(string) (string, error), do func(context.Context, *account.Client, string) error) *cobra.Command {
	var f dynamicFlags
	c.yesFlag(cmd, &f)
	cmd.RunE = func(cmd *cobra.Command, texts []string) error {
		ctx := cmd.Context()
		var numbers []string
		for _, text := range texts {
			number, err := parse(text)
			if err != nil {
				return usageError{err}
			}
			numbers = append(numbers, number)
		}
		client, err := c.client()
		if err == nil {
			err = c.confirm(ctx, f.yes, question)
		}
		if err != nil {
			return err
		}
		for _, number := range numbers {
			if err := do(ctx, client, number); err != nil {
				return err
			}
			if c.json {
				c.print(map[string]string{"id": number})
			} else {
				fmt.Fprintln(c.out, number)
			}
		}
		return nil
	}
	return cmd
}

func (c *cli) draftCommand() *cobra.Command {
	list := c.command("list", "dynamic_draft_list")
	list.RunE = func(cmd *cobra.Command, _ []string) error { return c.draftList(cmd.Context()) }

	add := c.command("add [FILE | -] --at TIME", "dynamic_draft_add")
	add.Args = args(0, 1)
	var f dynamicFlags
	c.documentFlags(add, &f, "at")
	add.RunE = func(cmd *cobra.Command, files []string) error { return c.draftAdd(cmd.Context(), cmd, files, f) }

	publish := c.command("publish ID", "dynamic_draft_publish")
	publish.Args = args(1, 1)
	c.each(publish, "cli.dynamic.confirm", draftID, func(ctx context.Context, client *account.Client, number string) error {
		id, err := dynamic.PublishDraft(ctx, client, number)
		if err == nil && id != "" {
			fmt.Fprintln(c.err, dynamic.Link(id))
		}
		return err
	})
	remove := c.command("delete ID...", "dynamic_draft_delete")
	remove.Args = args(1, -1)
	c.each(remove, "cli.dynamic.confirm_delete", draftID, dynamic.DeleteDraft)

	group := c.group("draft", list, add, publish, remove)
	group.Short, group.Long = "cli.dynamic_draft.short", "cli.dynamic_draft.long"
	return group
}

func draftID(text string) (string, error) {
	if !dynamic.IsNumber(text) {
		return "", lang.Errorf("cli.dynamic.no_draft", lang.Data{"Text": text}, nil)
	}
	return text, nil
}

// draftAdd keeps a document as a draft.
func (c *cli) draftAdd(ctx context.Context, cmd *cobra.Command, files []string, f dynamicFlags) error {
	d, dir, err := c.document(ctx, cmd, files, f)
	if err != nil {
		return err
	}
	p, err := c.publisher(ctx)
	if err != nil {
		return err
	}
	post, err := p.Open(ctx, d, dir)
	if err != nil {
		return err
	}
	if err := c.look(ctx, p, post); err != nil {
		return err
	}
	defer post.Close()
	c.preview(post)
	if err := c.confirm(ctx, f.yes, "cli.dynamic.confirm"); err != nil {
		return err
	}
	number, err := p.AddDraft(ctx, post)
	if err != nil {
		return err
	}
	if c.json {
		c.print(map[string]string{"draft": number})
	} else {
		fmt.Fprintln(c.out, number)
	}
	return nil
}

func (c *cli) draftList(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	all, err := dynamic.Drafts(ctx, client)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, d := range all {
		if c.json {
			c.print(d)
			continue
		}
		text := short(d.Text)
		if failed := d.Failure(); failed != nil {
			what, _ := c.say.Error(failed)
			text += " (" + what + ")"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", d.ID, d.At.Local().Format("2006-01-02 15:04"), c.pictures(d.Pictures), text)
	}
	return table.Flush()
}

func (c *cli) dynamicTopicCommand() *cobra.Command {
	cmd := c.command("topic WORDS", "dynamic_topic")
	cmd.Args = args(1, 1)
	return found(c, cmd, dynamic.Topics, func(t dynamic.FoundTopic) string {
		return fmt.Sprintf("%d\t%s\t%s", t.ID, lang.OneLine(t.Name), c.say.Text("cli.dynamic.topic_use", lang.Data{"Views": t.Views, "Discuss": t.Discuss}))
	})
}

func (c *cli) dynamicUserCommand() *cobra.Command {
	cmd := c.command("user NAME", "dynamic_user")
	cmd.Args = args(1, 1)
	return found(c, cmd, dynamic.Users, func(u dynamic.FoundUser) string {
		return fmt.Sprintf("%s\t@%s(%s)\t%s", u.ID, lang.OneLine(u.Name), u.ID, c.say.Text("cli.dynamic.fans", lang.Data{"Fans": u.Fans}))
	})
}

// found makes cmd print what is found by words, a line each; nothing is a
// failure.
func found[T any](c *cli, cmd *cobra.Command, find func(context.Context, *account.Client, string) ([]T, error), line func(T) string) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		client, err := c.client()
		if err != nil {
			return err
		}
		all, err := find(cmd.Context(), client, words[0])
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return lang.Errorf("cli.dynamic.nothing", lang.Data{"Words": words[0]}, nil)
		}
		table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		for _, one := range all {
			if c.json {
				c.print(one)
				continue
			}
			fmt.Fprintln(table, line(one))
		}
		return table.Flush()
	}
	return cmd
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/markup"
	"bilipaste/internal/picture"
)

// entry is a link of the history in --json.
type entry struct {
	N        int64          `json:"n"`
	Used     time.Time      `json:"used"`
	Made     time.Time      `json:"made"`
	Name     string         `json:"name,omitempty"`
	URL      string         `json:"url"`
	Host     string         `json:"host"`
	Bucket   string         `json:"bucket,omitempty"`
	Format   picture.Format `json:"format"` // this and the next three: of what the host holds
	Width    int            `json:"width"`
	Height   int            `json:"height"`
	Bytes    int64          `json:"bytes"`
	SHA256   string         `json:"sha256"` // this and the next two: of the original
	Size     int64          `json:"original_bytes"`
	Original string         `json:"original,omitempty"` // its file, while it is kept
	Differs  bool           `json:"differs,omitempty"`
	Dead     time.Time      `json:"dead,omitzero"`
}

func (l links) entry(e album.Entry) entry {
	line := entry{
		N: e.ID, Used: e.Used.UTC(), Made: e.Link.Made.UTC(), Name: e.Picture.Name, URL: e.Link.URL, Host: e.Link.Host, Bucket: e.Link.Bucket,
		Format: e.Link.Format, Width: e.Link.Width, Height: e.Link.Height, Bytes: e.Link.Bytes,
		SHA256: e.Sum.String(), Size: e.Bytes, Differs: e.Link.Differs,
	}
	if e.Kept {
		line.Original = l.album.File(e.Sum, e.Picture.Format)
	}
	if !e.Dead.IsZero() {
		line.Dead = e.Dead.UTC()
	}
	return line
}

// export prints the whole history: in JSON as one array, or in Markdown with a
// heading for each day.
func (c *cli) export(ctx context.Context, q album.Query) error {
	all, err := c.links(ctx)
	if err != nil {
		return err
	}
	exported, err := markup.Parse("![{name}]({url})")
	if err != nil {
		return err
	}
	last, between := "", "[\n  "
	for e, err := range all.each(ctx, q) {
		if err != nil {
			return err
		}
		if c.json {
			var line bytes.Buffer
			encoder := json.NewEncoder(&line)
			encoder.SetEscapeHTML(false) // a link stays as it is
			if err := encoder.Encode(all.entry(e)); err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s%s", between, bytes.TrimSpace(line.Bytes()))
			between = ",\n  "
			continue
		}
		if day := e.Used.Local().Format(time.DateOnly); day != last {
			if last != "" {
				fmt.Fprintln(c.out)
			}
			fmt.Fprintf(c.out, "## %s\n", day)
			last = day
		}
		fmt.Fprintf(c.out, "\n%s\n", exported.Write(markup.Picture{URL: e.Link.URL, Name: e.Picture.Name}))
	}
	switch {
	case c.json && between[0] == '[':
		fmt.Fprintln(c.out, "[]")
	case c.json:
		fmt.Fprintln(c.out, "\n]")
	}
	return nil
}

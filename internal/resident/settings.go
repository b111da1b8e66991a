package resident

import (
	"cmp"
	"slices"

	"bilipaste/internal/app"
	"bilipaste/internal/config"
)

// uploading is how pictures are uploaded by now.
type uploading struct {
	by  *app.Uploader // nil: they cannot be
	err error         // why not
}

// apply takes settings over; bad is what is wrong with them, and then the last
// good ones go on. What is under way goes on with the old ones.
func (r *Resident) apply(c config.Config, bad error) {
	r.mu.Lock()
	before := r.state.Settings
	first := r.state.Language == nil
	if bad != nil && !first {
		c = before
	}
	r.mu.Unlock()
	up, err := r.app.Uploader(c, r.album)
	r.notifier.Set(c.Sound, c.Notify)
	r.mu.Lock()
	r.uploader = uploading{up, err}
	r.mu.Unlock()
	bad = cmp.Or(bad, err)
	r.change(func(s *State) { s.Settings, s.Language, s.Bad = c, app.Printer(c), bad })
	if up != nil && (first || c.Host != before.Host || c.GIF != before.GIF || !slices.Equal(c.Fallback, before.Fallback)) {
		r.about(up)
	}
	if bad != nil {
		r.Tell("resident.settings_broken", bad)
	}
}

// about tells the user what to know of hosts.
func (r *Resident) about(up *app.Uploader) {
	p := r.Language()
	for _, m := range up.About {
		r.Announce(p.Text("resident.about_host"), p.Say(m))
	}
}

// reload takes over what the settings say by now.
func (r *Resident) reload() {
	r.apply(r.app.Settings())
	r.pending.Wake()
}

// Set saves one setting and takes it over. A choice of the user counts more
// than the flag with which the program was started. The error is a lang.Teller.
func (r *Resident) Set(key, value string) error {
	c := r.State().Settings
	if err := c.Set(key, value); err != nil {
		return err
	}
	if err := app.CheckHosts(c); err != nil {
		return err
	}
	if err := config.Save(r.app.Source.File, key, value); err != nil {
		return err
	}
	r.app.Choose(key)
	r.reload()
	return nil
}

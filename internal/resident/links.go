package resident

import (
	"time"

	"bilipaste/internal/lang"
	"bilipaste/internal/posts"
)

const (
	firstLook = 10 * time.Minute // after the start, at the links that are due
	nextLook  = time.Hour
	lookPace  = 2 * time.Second // at one host
)

// tendLinks looks now and then whether the album's links still live, and tells of
// those that died, once.
func (r *Resident) tendLinks() {
	network, err := r.app.Network()
	if err != nil {
		r.ended("links", err)
		return
	}
	web := &posts.Web{Transport: network.Others(false), Pace: lookPace}
	timer := time.NewTimer(firstLook)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-r.life.Done():
			return
		}
		checker := posts.Checker{Web: web, Album: r.album, Again: true}
		switch dead, err := checker.Tend(r.life); {
		case err != nil:
			r.ended("links", err)
		case len(dead) > 0:
			r.Tell("resident.dead", lang.Errorf("resident.dead_links", lang.Data{"Count": len(dead), "URL": dead[0]}, nil))
			r.Refresh()
		}
		timer.Reset(nextLook)
	}
}

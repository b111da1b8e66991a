package posts_test

import (
	"fmt"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
	"bilipaste/internal/posts"
	"bilipaste/uploader"
)

// The album's links are looked at when they are an hour, a day, a week old, and
// then each month; one is dead when it was gone on two days.
func TestTend(t *testing.T) {
	r := newRig(t, nil)
	n := newInternet(t)
	const hour, day = time.Hour, 24 * time.Hour
	p, _ := picture.New("x", []byte(drawn("x")))
	for name, c := range map[string]struct {
		age, look time.Duration // since it was made, and since it was looked at; 0: never
		gone      bool
	}{
		"alive-young.png": {age: hour / 2}, "due-hour.png": {age: 2 * hour}, "alive-hour.png": {age: 20 * hour, look: 19 * hour},
		"due-day.png": {age: 25 * hour, look: 20 * hour}, "alive-day.png": {age: 6 * day, look: 4 * day}, "due-week.png": {age: 8 * day, look: 6 * day},
		"alive-month.png": {age: 90 * day, look: 29 * day}, "due-month.png": {age: 90 * day, look: 31 * day},
		"gone-once.png": {age: 2 * hour}, "gone-twice.png": {age: 2 * day, look: 25 * hour, gone: true}, "gone-wait.png": {age: 2 * day, look: 20 * hour, gone: true},
	} {
		url := "https://a.example/" + name
		u := uploader.Upload{
			Picture: p, Given: picture.SumOf(p.Data), Sent: picture.SumOf(p.Data), How: "x", At: uploader.Destination{Host: "stand-in"},
			Link: uploader.Link{URL: url, Made: time.Now().Add(-c.age)},
		}
		if err := r.album.Record(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		if c.look > 0 {
			check := album.Check{URL: url, State: string(posts.Alive), At: time.Now().Add(-c.look)}
			if c.gone {
				check.State, check.Gone = string(posts.Gone), check.At
			}
			if err := r.album.SaveCheck(t.Context(), check); err != nil {
				t.Fatal(err)
			}
		}
	}
	due, err := r.album.DueChecks(t.Context(), time.Now(), 100)
	if err != nil || len(due) != 6 {
		t.Errorf("due: %q, %v", due, err)
	}
	if none, err := r.album.DueChecks(t.Context(), time.Now(), 100, "stand-in"); err != nil || len(none) > 0 {
		t.Errorf("without the host: %q, %v", none, err)
	}
	checker := posts.Checker{Web: &posts.Web{Transport: n}, Album: r.album, Again: true}
	dead, err := checker.Tend(t.Context())
	if want := []string{"https://a.example/gone-twice.png"}; err != nil || fmt.Sprint(dead) != fmt.Sprint(want) {
		t.Errorf("dead: %q, %v", dead, err)
	}
	if entries, err := r.album.History(t.Context(), album.Query{Life: album.Dead}); err != nil || len(entries) != 1 {
		t.Errorf("the album's: %v, %v", entries, err)
	}
	if dead, err := checker.Tend(t.Context()); err != nil || len(dead) > 0 {
		t.Errorf("at once again: %q, %v", dead, err)
	}
}

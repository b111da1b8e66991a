package dynamic_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/dynamic"
	"bilipaste/internal/fault"
	"bilipaste/internal/sandbox"
)

const withAll = "文字\n![](a.png)\n![](bb.png)\n```vote 投票\n- 山\n- 湖\n```"

func (b *bench) documents(t *testing.T) {
	t.Helper()
	b.picture(t, "a.png", 9, 9)
	b.picture(t, "bb.png", 9, 9)
}

// An answer that does not say whether the post was published is no reason to
// send it again: it is looked for.
func TestALostAnswerIsLookedFor(t *testing.T) {
	for _, odd := range []sandbox.Odd{sandbox.DynamicLost, sandbox.DynamicTrouble, sandbox.DynamicNoID} {
		for _, text := range []string{"文字 @a(1)好", withAll, "---\ntitle: 题\n---\n文字", "![](a.png)"} {
			b := newBench(t)
			b.documents(t)
			b.host.Play(odd, 1)
			got, err := b.publish(t, text, false)
			if err != nil || len(b.host.Dynamics()) != 1 || got.ID != fmt.Sprint(b.host.Dynamics()[0].ID) {
				t.Errorf("%s, %q: %+v, %v", odd, text, got, err)
			}
			if n := len(b.to(publishing)); n != 1 {
				t.Errorf("%s, %q: asked %d times", odd, text, n)
			}
			// It is known now.
			if _, err := b.publish(t, text, false); !errors.Is(err, dynamic.ErrPublished) || message(err) != "dynamic.done" || len(b.to(publishing)) != 1 {
				t.Errorf("%s, %q, again: %v", odd, text, err)
			}
		}
	}
}

// One that appears late is found by the next attempt; one that does not, is
// never sent again without being asked to.
func TestWhatIsNotFoundIsNotSentAgain(t *testing.T) {
	b := newBench(t)
	b.documents(t)
	b.host.Play(sandbox.DynamicLost, 1)
	hide := true
	b.answer = func(path string) (int, string) {
		if hide && strings.HasSuffix(path, "/feed/space") {
			return 200, `{"code":0,"data":{"items":[]}}`
		}
		return 0, ""
	}
	if _, err := b.publish(t, withAll, false); message(err) != "dynamic.open" {
		t.Fatalf("%v", err)
	}
	if _, err := b.publish(t, withAll, false); message(err) != "dynamic.uncertain" || !errors.Is(err, dynamic.ErrPublished) {
		t.Errorf("%v", err)
	}
	hide = false
	if _, err := b.publish(t, withAll, false); message(err) != "dynamic.done" {
		t.Errorf("%v", err)
	}
	if len(b.host.Dynamics()) != 1 || len(b.to(publishing)) != 1 || len(b.to(uploading)) != 2 || len(b.to(voting)) != 1 {
		t.Errorf("%d are published, %d asked for", len(b.host.Dynamics()), len(b.to(publishing)))
	}
}

// What was asked for and never arrived can be sent again, with the pictures and
// the vote that were made.
func TestAgain(t *testing.T) {
	b := newBench(t)
	b.documents(t)
	b.host.Play(sandbox.DynamicNever, 1)
	if _, err := b.publish(t, withAll, false); message(err) != "dynamic.open" || fault.KindOf(err) != fault.Passing {
		t.Fatalf("%v", err)
	}
	b.rest(t)
	if _, err := b.publish(t, withAll, false); message(err) != "dynamic.uncertain" {
		t.Fatalf("%v", err)
	}
	if _, err := b.publish(t, withAll, true); err != nil || len(b.host.Dynamics()) != 1 {
		t.Fatalf("%v", err)
	}
	if len(b.to(uploading)) != 2 || len(b.to(voting)) != 1 {
		t.Errorf("%d uploads, %d votes", len(b.to(uploading)), len(b.to(voting)))
	}
	// Once more is another dynamic, with a vote of its own.
	b.rest(t)
	if _, err := b.publish(t, withAll, true); err != nil || len(b.host.Dynamics()) != 2 || len(b.to(voting)) != 2 {
		t.Errorf("%v", err)
	}
}

// A step that fails is made again alone.
func TestWhatWasDoneIsUsed(t *testing.T) {
	b := newBench(t)
	b.documents(t)
	failing := ""
	b.answer = func(path string) (int, string) {
		if failing != "" && strings.HasSuffix(path, failing) {
			return 200, `{"code":-400,"message":"no"}`
		}
		return 0, ""
	}
	for _, step := range []string{voting, publishing} {
		failing = step
		if _, err := b.publish(t, withAll, false); err == nil {
			t.Fatalf("%s does not fail", step)
		}
	}
	failing = ""
	b.rest(t)
	if _, err := b.publish(t, withAll, false); err != nil {
		t.Fatal(err)
	}
	if len(b.to(uploading)) != 2 || len(b.to(voting)) != 2 || len(b.to(publishing)) != 2 { // of which one each failed, but for the pictures
		t.Errorf("%d uploads, %d votes, %d posts", len(b.to(uploading)), len(b.to(voting)), len(b.to(publishing)))
	}
	// Another text is another document, and so are other pictures.
	for _, text := range []string{"!" + withAll, strings.Replace(withAll, "bb.png", "a.png", 1)} {
		b.rest(t)
		if _, err := b.publish(t, text, false); err != nil {
			t.Error(err)
		}
	}
	if n := len(b.host.Dynamics()); n != 3 {
		t.Errorf("%d are published", n)
	}
}

// Another document tells of what is uncertain.
func TestTheNextPostTellsOfTheLast(t *testing.T) {
	b := newBench(t)
	lost := true
	b.answer = func(path string) (int, string) {
		if lost && (strings.HasSuffix(path, publishing) || strings.HasSuffix(path, "/feed/space")) {
			return 502, "<html>"
		}
		return 0, ""
	}
	if _, err := b.publish(t, "first", false); message(err) != "dynamic.open" {
		t.Fatal(err)
	}
	lost = false
	p := b.publisher(t)
	post, err := b.open(t, p, "second")
	if err == nil {
		err = p.Look(t.Context(), post)
	}
	if err != nil || len(post.Notices) != 1 || post.Notices[0].ID != "dynamic.earlier_lost" || post.Earlier.State != dynamic.New {
		t.Errorf("%+v, %v", post, err)
	}
	post.Close()
}

// What is scheduled is not among the dynamics: it is not looked for, and not
// sent again.
func TestAScheduledPostIsNotSentAgain(t *testing.T) {
	b := newBench(t)
	b.host.Play(sandbox.DynamicLost, 1)
	text := "---\nat: " + time.Now().Add(time.Hour).Format("2006-01-02 15:04") + "\n---\na"
	if _, err := b.publish(t, text, false); message(err) != "dynamic.open" {
		t.Fatal(err)
	}
	if _, err := b.publish(t, text, false); message(err) != "dynamic.uncertain_due" || len(b.host.Dynamics()) != 1 {
		t.Error(err)
	}
}

// Whoever interrupts it does so before it is sent, or is told later.
func TestInterrupted(t *testing.T) {
	b := newBench(t)
	p := b.publisher(t)
	post, err := b.open(t, p, "a")
	if err == nil {
		err = p.Look(t.Context(), post)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.answer = func(path string) (int, string) {
		if strings.HasSuffix(path, publishing) {
			cancel()
		}
		return 0, ""
	}
	_, _ = p.Publish(ctx, post, false)
	post.Close()
	b.answer = nil
	b.rest(t)
	if _, err := b.publish(t, "a", false); message(err) != "dynamic.done" || len(b.host.Dynamics()) != 1 {
		t.Errorf("%d, %v", len(b.host.Dynamics()), err)
	}
	// Before its turn: nothing was sent, so nothing is uncertain.
	post, err = b.open(t, p, "b")
	if err == nil {
		err = p.Look(t.Context(), post)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := p.Publish(ctx, post, false); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	post.Close()
	if _, err := b.publish(t, "b", false); err != nil {
		t.Error(err)
	}
}

// Two processes that publish the same: the second has to wait, and then knows.
func TestOnlyOneIsAboutToPublish(t *testing.T) {
	b := newBench(t)
	p, q := b.publisher(t), b.publisher(t)
	post, err := b.open(t, p, "a")
	if err != nil {
		t.Fatal(err)
	}
	other, err := b.open(t, q, "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Look(t.Context(), post); err != nil {
		t.Fatal(err)
	}
	if err := q.Look(t.Context(), other); message(err) != "dynamic.busy" {
		t.Error(err)
	}
	if _, err := p.Publish(t.Context(), post, false); err != nil {
		t.Fatal(err)
	}
	post.Close()
	if err := q.Look(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Publish(t.Context(), other, false); message(err) != "dynamic.done" {
		t.Error(err)
	}
	other.Close()
}

// A post follows another one at least 10 s later.
func TestPostsAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		begun := time.Now()
		for i := range 3 {
			if _, err := b.publish(t, fmt.Sprint("post ", i), false); err != nil {
				t.Fatal(err)
			}
			if got, want := time.Since(begun), time.Duration(i)*10*time.Second; got.Round(time.Second) != want {
				t.Errorf("post %d after %v, want %v", i, got, want)
			}
		}
	})
}

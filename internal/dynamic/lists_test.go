package dynamic_test

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/dynamic"
	"bilipaste/internal/fault"
	"bilipaste/internal/sandbox"
	"bilipaste/uploader/bilibili"
)

func TestNumbersAndAddresses(t *testing.T) {
	const number = "1017368201543680003"
	for text, want := range map[string]string{
		number: number, "https://t.bilibili.com/" + number: number, "https://t.bilibili.com/" + number + "?spm_id_from=333": number,
		"https://www.bilibili.com/opus/" + number + "/": number, "https://m.bilibili.com/dynamic/" + number: number,
		"": "", "12a": "", "-1": "", "https://t.bilibili.com/": "", "https://example.com/" + number: "", "https://evilbilibili.com/" + number: "",
		"123456789012345678901": "", "https://space.bilibili.com/1/dynamic": "",
	} {
		if got, err := dynamic.ParseID(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// Every shape in which dynamics are listed is read.
func TestLatest(t *testing.T) {
	b := newBench(t)
	b.answer = func(path string) (int, string) {
		if !strings.HasSuffix(path, "/feed/space") {
			return 0, ""
		}
		return 200, `{"code":0,"data":{"items":[
			{"id_str":"1017368201543680003","modules":{"module_author":{"mid":1,"pub_ts":1795642136},"module_dynamic":{"desc":{"text":"文"},"major":null}}},
			{"id_str":"1017368201543680005","modules":{"module_author":{"mid":"1","pub_ts":"1795642137"},"module_dynamic":{"desc":{"text":"图"},"major":{"type":"MAJOR_TYPE_DRAW","draw":{"items":[{},{}]}}}}},
			{"id_str":"1017368201543680007","modules":{"module_author":{"mid":1,"pub_ts":0},"module_dynamic":{"desc":null,"major":{"type":"MAJOR_TYPE_OPUS","opus":{"summary":{"text":"题"},"pics":[{}]}}}}},
			{"id_str":"","modules":{}}]}}`
	}
	got, err := dynamic.Latest(t.Context(), b.publisher(t).Client, 1)
	var lines []string
	for _, d := range got {
		lines = append(lines, fmt.Sprint(d.ID, d.Text, d.Pictures, d.At.IsZero()))
	}
	want := []string{"1017368201543680003文0 false", "1017368201543680005图2 false", "1017368201543680007题1 true"}
	if err != nil || !reflect.DeepEqual(lines, want) || got[1].At.Unix() != 1795642137 {
		t.Errorf("%q, %v", lines, err)
	}
	if r := b.to("/feed/space")[0]; r.method != "GET" || r.query != "host_mid=1" {
		t.Errorf("%+v", r)
	}
}

func TestLookUps(t *testing.T) {
	b := newBench(t)
	client := b.publisher(t).Client
	topics, err := dynamic.Topics(t.Context(), client, "摄影")
	if err != nil || len(topics) != 2 || topics[1] != (dynamic.FoundTopic{ID: 4321, Name: "摄影", Views: 1234567, Discuss: 890}) {
		t.Errorf("%+v, %v", topics, err)
	}
	if r := b.to("/topic/pub/search")[0]; r.path != "app.bilibili.com/x/topic/pub/search" ||
		r.query != "content=&keywords="+url.QueryEscape("摄影")+"&page_num=1&page_size=20&web_location=333.1365" {
		t.Errorf("%+v", r)
	}
	users, err := dynamic.Users(t.Context(), client, "some")
	if err != nil || len(users) != 2 || users[0] != (dynamic.FoundUser{ID: "20020001", Name: "someone", Fans: 1000}) {
		t.Errorf("%+v, %v", users, err)
	}
}

func TestDelete(t *testing.T) {
	b := newBench(t)
	got, err := b.publish(t, "a", false)
	if err != nil {
		t.Fatal(err)
	}
	client := b.publisher(t).Client
	for id, want := range map[string]string{fmt.Sprint(sandbox.ForeignDynamic): "dynamic.code.not_yours", "7": "dynamic.code.gone", got.ID: ""} {
		if err := dynamic.Delete(t.Context(), client, id); message(err) != want {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, r := range b.to("/operate/remove") {
		if r.query != "csrf="+sandbox.BiliJct+"&platform=web" || r.mediaType != "application/json" || !strings.HasPrefix(r.body, `{"dyn_id_str":"`) {
			t.Errorf("%+v", r)
		}
	}
}

func (b *bench) addDraft(t *testing.T, text string) (string, error) {
	t.Helper()
	b.rest(t)
	p := b.publisher(t)
	post, err := b.open(t, p, text)
	if err != nil {
		t.Fatal(err)
	}
	defer post.Close()
	if err := p.Look(t.Context(), post); err != nil {
		t.Fatal(err)
	}
	return p.AddDraft(t.Context(), post)
}

func TestDrafts(t *testing.T) {
	b := newBench(t)
	b.documents(t)
	client := b.publisher(t).Client
	at := time.Now().Add(time.Hour).Truncate(time.Minute)
	head := "---\nat: " + at.Format("2006-01-02 15:04") + "\n---\n"
	first, err := b.addDraft(t, head+"@a(1) 文")
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.addDraft(t, head+"图\n![](a.png)\n![](bb.png)")
	if err != nil || second == first {
		t.Fatal(second, err)
	}
	if same, err := b.addDraft(t, head+"@a(1) 文"); err != nil || same != first || len(b.to("/add_draft")) != 2 {
		t.Errorf("once more: %s, %v", same, err)
	}
	for _, text := range []string{"a", head + "a\n```vote a\n- x\n- y\n```", strings.Replace(head, "at:", "title: x\nat:", 1) + "a"} {
		if _, err := b.addDraft(t, text); message(err) != "dynamic.draft_only" {
			t.Errorf("%q: %v", text, err)
		}
	}
	all, err := dynamic.Drafts(t.Context(), client)
	want := []dynamic.Draft{{ID: first, At: at, Text: "@a 文"}, {ID: second, At: at, Text: "图", Pictures: 2}} // of which one number is a text
	if err != nil || !reflect.DeepEqual(all, want) {
		t.Errorf("%+v, %v", all, err)
	}
	b.host.FailDrafts(500003)
	if all, err = dynamic.Drafts(t.Context(), client); err != nil || message(all[0].Failure()) != "dynamic.code.draft" || all[0].Said == "" {
		t.Errorf("%+v, %v", all, err)
	}

	b.rest(t)
	b.host.Play(sandbox.DynamicDraft, 1)
	if _, err := dynamic.PublishDraft(t.Context(), client, first); message(err) != "dynamic.code.draft_mention" {
		t.Errorf("a failure whose code is 0: %v", err)
	}
	b.rest(t)
	if id, err := dynamic.PublishDraft(t.Context(), client, first); err != nil || id != "" { // documents show no number
		t.Errorf("%s, %v", id, err)
	}
	b.rest(t)
	if id, err := dynamic.PublishDraft(t.Context(), client, second); err != nil || !strings.HasPrefix(id, "10173682015436800") {
		t.Errorf("%s, %v", id, err)
	}
	b.rest(t)
	if _, err := dynamic.PublishDraft(t.Context(), client, second); message(err) != "dynamic.code.draft" {
		t.Error(err)
	}
	third, err := b.addDraft(t, head+"last")
	if err != nil {
		t.Fatal(err)
	}
	if err := dynamic.DeleteDraft(t.Context(), client, third); err != nil {
		t.Error(err)
	}
	// Bilibili may ask for the token by either name.
	for _, name := range []string{"/publish_now", "/rm_draft", "/add_draft"} {
		form, err := url.ParseQuery(b.to(name)[0].body)
		if err != nil || form.Get("csrf") != sandbox.BiliJct || form.Get("csrf_token") != sandbox.BiliJct {
			t.Errorf("%s: %v", name, form)
		}
	}
	if len(b.host.Dynamics()) != 2 {
		t.Errorf("%+v", b.host.Dynamics())
	}
}

// A draft's lost answer is not tried again.
func TestALostDraftIsToldOf(t *testing.T) {
	b := newBench(t)
	id, err := b.addDraft(t, "---\nat: "+time.Now().Add(time.Hour).Format("2006-01-02 15:04")+"\n---\na")
	if err != nil {
		t.Fatal(err)
	}
	b.rest(t)
	b.host.Play(sandbox.DynamicLost, 1)
	_, err = dynamic.PublishDraft(t.Context(), b.publisher(t).Client, id)
	if message(err) != "dynamic.draft_open" || fault.KindOf(err) != fault.Passing || len(b.to("/publish_now")) != 1 {
		t.Error(err)
	}
}

// The older calls' own codes, and their end, are said in words.
func TestCodesOfOlderCalls(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		want   string
	}{
		{404, "老动态下线", "dynamic.shut_down"},
		{405, "<html>", "dynamic.shut_down"},
		{410, "gone", "dynamic.shut_down"},
		{200, `{"code":4120015,"message":"系统错误"}`, "dynamic.code.draft"},
		{200, `{"code":-111}`, "fault.not_logged_in.csrf"},
	} {
		b := newBench(t)
		b.answer = func(string) (int, string) { return test.status, test.body }
		if err := dynamic.DeleteDraft(t.Context(), b.publisher(t).Client, "1"); message(err) != test.want {
			t.Errorf("%d %s: %v", test.status, test.body, err)
		}
	}
	b := newBench(t) // of a current call it is somebody else's page
	b.answer = func(string) (int, string) { return 404, "<html>" }
	if err := dynamic.Delete(t.Context(), b.publisher(t).Client, "1"); message(err) != "fault.passing.page" {
		t.Error(err)
	}
}

func TestATopicMustMatchExactly(t *testing.T) {
	b := newBench(t)
	for topic, want := range map[string]string{"摄": "dynamic.no_topic", "nosuch": "dynamic.no_topic", "摄影": "", "#摄影日常#": "", "4321": ""} {
		b.rest(t)
		if _, err := b.publish(t, "---\ntopic: \""+topic+"\"\n---\n"+topic, false); message(err) != want {
			t.Errorf("%s: %v", topic, err)
		}
	}
}

// Pictures that only other categories take are refused before anything is sent,
// and so is what is none.
func TestPicturesAreCheckedFirst(t *testing.T) {
	b := newBench(t)
	b.documents(t)
	b.picture(t, "large.png", 421, 421)
	b.picture(t, "narrow.png", 420, 900)
	p := b.publisher(t)
	for _, category := range []string{"daily", "draw", "cos"} {
		var err error
		if p.Draw, err = bilibili.NewDraw(p.Client, category, "new_dyn"); err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]fault.Kind{
			"![](large.png)":                   0,
			"![](large.png)\n![](narrow.png)":  map[bool]fault.Kind{false: fault.NotTaken}[category == "daily"],
			"![](large.png)\n![](missing.png)": fault.Unusable,
			"![](a.md)":                        fault.Unusable,
		} {
			if _, err := b.open(t, p, text); fault.KindOf(err) != want {
				t.Errorf("%s, %q: %v", category, text, err)
			}
		}
	}
	if len(b.requests) > 0 {
		t.Errorf("%d requests", len(b.requests))
	}
}

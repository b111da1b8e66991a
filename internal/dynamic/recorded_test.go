package dynamic_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/dynamic"
	"bilipaste/internal/sandbox"
)

// differences lists the fields in which two JSON values differ.
func differences(path string, got, want any) []string {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return []string{path}
		}
		var all []string
		for _, values := range []map[string]any{got, want} {
			for key := range values {
				in := strings.TrimPrefix(path+"."+key, ".")
				a, is := got[key]
				b, was := want[key]
				if is != was {
					all = append(all, in)
					continue
				}
				all = append(all, differences(in, a, b)...)
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return []string{path}
		}
		var all []string
		for i := range want {
			all = append(all, differences(fmt.Sprintf("%s[%d]", path, i), got[i], want[i])...)
		}
		return all
	}
	if !reflect.DeepEqual(got, want) {
		return []string{path}
	}
	return nil
}

// What a much-used client sent, and what documents show, is what is sent here,
// field by field; each difference is named, and there is no other. The number of
// the attempt is sent by Bilibili's page, and not by that client.
func TestRequestsAreThoseOfOtherClients(t *testing.T) {
	data, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Name, Document string
		DynReq         any `json:"dyn_req"`
		Differs        []string
	}
	if err := json.Unmarshal(data, &all); err != nil || len(all) != 6 {
		t.Fatal(len(all), err)
	}
	for _, test := range all {
		b := newBench(t)
		b.picture(t, "a.png", 640, 480)
		text := strings.Replace(test.Document, "{{at}}", time.Now().Add(time.Hour).Format("2006-01-02 15:04"), 1)
		if _, err := b.publish(t, text, false); err != nil {
			t.Errorf("%s: %v", test.Name, err)
			continue
		}
		r := b.to(publishing)[0]
		if r.method != "POST" || r.path != "api.bilibili.com/x/dynamic/feed/create/dyn" || r.mediaType != "application/json" ||
			r.query != "csrf="+sandbox.BiliJct+"&platform=web" {
			t.Errorf("%s: %+v", test.Name, r)
		}
		var body map[string]any
		if err := json.Unmarshal([]byte(r.body), &body); err != nil || len(body) != 1 {
			t.Fatal(r.body, err)
		}
		named := []string{"upload_id"}
		for _, d := range test.Differs {
			field, _, _ := strings.Cut(d, ": ")
			named = append(named, field)
		}
		slices.Sort(named)
		if got := differences("", body["dyn_req"], test.DynReq); !slices.Equal(got, slices.Compact(named)) {
			t.Errorf("%s: differs in %q, named are %q\n%s", test.Name, got, named, r.body)
		}
		id := body["dyn_req"].(map[string]any)["upload_id"].(string)
		if !regexp.MustCompile(`^10010086_\d{10}_\d{4}$`).MatchString(id) {
			t.Errorf("%s: upload_id %s", test.Name, id)
		}
	}
}

// Types that JSON does not tell apart from others: sizes are in kB with their
// fractions, pixels and flags are whole.
func TestNumbersOfARequest(t *testing.T) {
	b := newBench(t)
	b.picture(t, "a.png", 33, 21)
	if _, err := b.publish(t, "---\ncomments: curated\n---\n![](a.png)", false); err != nil {
		t.Fatal(err)
	}
	body := b.to(publishing)[0].body
	for _, want := range []string{`"img_width":33,"img_height":21,"img_size":0.`, `"option":{"up_choose_comment":1}`, `"contents":[]`, `"attach_card":null`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s: %s", want, body)
		}
	}
	upload := b.to(uploading)[0].body
	for _, field := range []string{"category\"\r\n\r\ndaily", "biz\"\r\n\r\nnew_dyn", "csrf\"\r\n\r\n" + sandbox.BiliJct, `name="file_up"; filename="image.png"`} {
		if !strings.Contains(upload, field) {
			t.Errorf("no %q", field)
		}
	}
}

// The recorded client's upload and vote, and drafts: differences are the order
// of fields, and that csrf_token is sent with a form but not with a picture.
func TestVotesAreThoseOfOtherClients(t *testing.T) {
	b := newBench(t)
	p := b.publisher(t)
	v := dynamic.Vote{Title: "午饭?", Max: 1, For: 7 * 24 * time.Hour, Options: []dynamic.Choice{{Text: "米饭"}, {Text: "面条"}}}
	for _, legacy := range []bool{false, true} {
		p.Legacy = legacy
		post, err := p.OpenVote(t.Context(), v, b.dir)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := p.MakeVote(t.Context(), post); err != nil || !dynamic.IsNumber(id) {
			t.Fatal(id, err)
		}
	}
	current := b.to(voting)[0]
	const want = `{"vote_info":{"title":"午饭?","desc":"","type":0,"choice_cnt":1,"duration":604800,"options":[{"opt_desc":"米饭","img_url":""},{"opt_desc":"面条","img_url":""}],"only_fans_level":0,"vote_publisher":10010086}}`
	if current.body != want || current.query != "csrf="+sandbox.BiliJct {
		t.Errorf("%+v", current)
	}
	old := b.to("/create_vote")[0]
	got, err := url.ParseQuery(old.body)
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := url.ParseQuery("info[title]=午饭?&info[desc]=&info[type]=0&info[choice_cnt]=1&info[duration]=604800&info[options][0][desc]=米饭&info[options][0][img_url]=&info[options][1][desc]=面条&info[options][1][img_url]=&csrf=" + sandbox.BiliJct + "&csrf_token=" + sandbox.BiliJct)
	if err != nil || !reflect.DeepEqual(got, recorded) {
		t.Errorf("%v, %v", got, err)
	}
	if old.path != "api.vc.bilibili.com/vote_svr/v1/vote_svr/create_vote" || old.mediaType != "application/x-www-form-urlencoded" {
		t.Errorf("%+v", old)
	}
}

func TestAVoteWithPictures(t *testing.T) {
	b := newBench(t)
	b.picture(t, "x.png", 9, 9)
	b.picture(t, "yy.png", 9, 9)
	got, err := b.publish(t, "```vote a (1h, max 2)\nwhy\n- x ![](x.png)\n- y ![](yy.png)\n```", false)
	if err != nil || b.host.Votes()[4000001] != "a" || got.Vote != "4000001" {
		t.Fatalf("%+v, %v", got, err)
	}
	body := b.to(voting)[0].body
	if !strings.Contains(body, `"desc":"why","type":1,"choice_cnt":2,"duration":3600`) || strings.Count(body, "http://i0.hdslb.com/bfs/vote/") != 2 {
		t.Error(body)
	}
	if up := b.to(uploading); len(up) != 2 || !strings.Contains(up[0].body, "biz\"\r\n\r\nvote") {
		t.Errorf("%d uploads", len(up))
	}
	// One that exists is shown again, and no other is made.
	b.rest(t)
	if got, err := b.publish(t, "again\n```vote a (id 4000001)\n```", false); err != nil || got.Vote != "4000001" || len(b.to(voting)) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// The old text call has its mentions beside the text, counted in UTF-16 units
// with the blank after them.
func TestTheOldTextCall(t *testing.T) {
	b := newBench(t)
	publish := func() (dynamic.Result, error) {
		p := b.publisher(t)
		p.Legacy = true
		post, err := b.open(t, p, "---\ncomments: curated\n---\n😀 @someone(20020001) 好@b(2)")
		if err != nil {
			t.Fatal(err)
		}
		defer post.Close()
		if err := p.Look(t.Context(), post); err != nil {
			t.Fatal(err)
		}
		return p.Publish(t.Context(), post, false)
	}
	if _, err := publish(); message(err) != "dynamic.shut_down" || !strings.Contains(err.Error(), "老动态下线") {
		t.Fatalf("shut down: %v", err)
	}
	b.host.Legacy(true)
	b.rest(t)
	got, err := publish()
	if err != nil || len(b.host.Dynamics()) != 1 || !strings.HasPrefix(got.ID, "10173682015436800") {
		t.Fatalf("%+v, %v", got, err)
	}
	if d := b.host.Dynamics()[0]; d.Comments != "curated" || d.Text != "😀 @someone 好@b " {
		t.Errorf("%+v", d)
	}
	form, err := url.ParseQuery(b.to("/dynamic_svr/create")[1].body)
	want := url.Values{
		"dynamic_id": {"0"}, "type": {"4"}, "rid": {"0"}, "content": {"😀 @someone 好@b "}, "at_uids": {"20020001,2"},
		"ctrl":              {`[{"location":3,"length":9,"type":1,"data":"20020001"},{"location":13,"length":3,"type":1,"data":"2"}]`},
		"up_choose_comment": {"1"}, "up_close_comment": {"0"}, "extension": {`{"emoji_type":1,"from":{"emoji_type":1},"flag_cfg":{}}`},
		"csrf": {sandbox.BiliJct}, "csrf_token": {sandbox.BiliJct},
	}
	if err != nil || !reflect.DeepEqual(form, want) {
		t.Errorf("%v", form)
	}
	p := b.publisher(t)
	p.Legacy = true
	for _, text := range []string{"![](a.png)", "---\ntopic: 1\n---\na", "---\ntitle: a\n---\na", "---\nprivate: true\n---\na", "a\n```vote a\n- x\n- y\n```"} {
		if _, err := b.open(t, p, text); message(err) != "dynamic.legacy" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

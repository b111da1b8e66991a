package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/picture"
	"bilipaste/internal/sandbox"
	"bilipaste/uploader/hosttest"
)

const (
	createDyn = "/api.bilibili.com/x/dynamic/feed/create/dyn"
	token     = "csrf=" + sandbox.BiliJct
)

// ask makes a call by hand. A body in braces is JSON, any other a form, and none
// a GET. It returns the HTTP status and the code, and the data.
func ask(t *testing.T, h http.Handler, address, body string, header ...string) (string, json.RawMessage) {
	t.Helper()
	method, mediaType := http.MethodPost, "application/x-www-form-urlencoded"
	switch {
	case body == "":
		method = http.MethodGet
	case body[0] == '{':
		mediaType = "application/json"
	}
	r := httptest.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	r.Header.Set("Content-Type", mediaType)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
	r.Header.Set("Cookie", "SESSDATA="+sandbox.SESSDATA+"; bili_jct="+sandbox.BiliJct)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var envelope struct {
		Code *int
		Data json.RawMessage
	}
	if json.Unmarshal(w.Body.Bytes(), &envelope) != nil || envelope.Code == nil {
		return fmt.Sprint(w.Code), w.Body.Bytes()
	}
	return fmt.Sprint(w.Code, " ", *envelope.Code), envelope.Data
}

// drawn uploads a picture for a post, and returns what the host says of it.
func drawn(t *testing.T, h http.Handler) (link string, width, height int, kB float64) {
	t.Helper()
	p := hosttest.Picture(t, picture.PNG, 1)
	var form strings.Builder
	for _, f := range [][2]string{{"csrf", sandbox.BiliJct}, {"biz", "new_dyn"}} {
		fmt.Fprintf(&form, "--x\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", f[0], f[1])
	}
	fmt.Fprintf(&form, "--x\r\nContent-Disposition: form-data; name=\"file_up\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n%s\r\n--x--\r\n", p.Data)
	status, data := ask(t, h, "/api.bilibili.com/x/dynamic/feed/draw/upload_bfs", form.String(), "Content-Type", "multipart/form-data; boundary=x")
	var stored struct {
		URL string  `json:"image_url"`
		W   int     `json:"image_width"`
		H   int     `json:"image_height"`
		KB  float64 `json:"img_size"`
	}
	if err := json.Unmarshal(data, &stored); err != nil || stored.URL == "" {
		t.Fatal(status, string(data), err)
	}
	return stored.URL, stored.W, stored.H, stored.KB
}

// The stand-in takes no post that is not known to be taken.
func TestPostsAreCheckedStrictly(t *testing.T) {
	host := sandbox.New()
	link, width, height, kB := drawn(t, host)
	if status, _ := ask(t, host, "/api.bilibili.com/x/vote/create?"+token, `{"vote_info":{"title":"V","desc":"","type":0,"choice_cnt":1,"duration":604800,"options":[{"opt_desc":"a","img_url":""},{"opt_desc":"b","img_url":""}]}}`); status != "200 0" {
		t.Fatal(status)
	}
	pic := fmt.Sprintf(`{"img_src":%q,"img_width":%d,"img_height":%d,"img_size":%v}`, link, width, height, kB)
	part := func(text string, kind int, biz string) string {
		return fmt.Sprintf(`{"raw_text":%q,"type":%d,"biz_id":%s}`, text, kind, biz)
	}
	post := func(parts, scene, rest string) string {
		return `{"dyn_req":{"content":{"contents":[` + parts + `]},"scene":` + scene + rest + `}}`
	}
	a := part("a", 1, `""`)
	in := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
	for name, test := range map[string]struct{ query, body, want string }{
		"text":                   {token, post(a, "1", ""), "200 0"},
		"of the page":            {token, post(a, "1", `,"option":{"up_choose_comment":false,"close_comment":false},"attach_card":null,"upload_id":"10010086_1795219200_4711","meta":{"app_meta":{"from":"create.dynamic.web","mobi_app":"web"}}`), "200 0"},
		"more in the query":      {token + "&platform=web&w_rid=x&wts=1", post(a, "1", ""), "200 0"},
		"a picture":              {token, post("", "2", `,"pics":[`+pic+`]`), "200 0"},
		"without a size":         {token, post(a, "2", `,"pics":[{"img_src":"`+link+`","img_width":`+fmt.Sprint(width)+`,"img_height":`+fmt.Sprint(height)+`}]`), "200 0"},
		"a mention with blank":   {token, post(part("@b ", 2, `"1"`), "1", ""), "200 0"},
		"a topic by number":      {token, post(a, "1", `,"topic":{"id":4321}`), "200 0"},
		"a vote":                 {token, post(part("V", 4, `"4000001"`), "1", ""), "200 0"},
		"an emoji":               {token, post(part("[doge]", 9, `""`), "1", ""), "200 0"},
		"scheduled":              {token, post(a, "1", `,"option":{"timer_pub_time":`+in(time.Hour)+`}`), "200 0"},
		"token in the body":      {"x=1", `{"csrf":"` + sandbox.BiliJct + `","dyn_req":{}}`, "200 -111"},
		"other token":            {"csrf=x", post(a, "1", ""), "200 -111"},
		"a form":                 {token, "dyn_req=1", "200 -400"},
		"unknown field":          {token, post(a, "1", `,"sceen":1`), "200 4100001"},
		"number as biz_id":       {token, post(part("@b", 2, `1`), "1", ""), "200 4100001"},
		"no biz_id":              {token, post(`{"raw_text":"a","type":1}`, "1", ""), "200 4100001"},
		"mention of nobody":      {token, post(part("@b", 2, `""`), "1", ""), "200 4100001"},
		"mention by name":        {token, post(part("@b", 2, `"b"`), "1", ""), "200 4100001"},
		"mention without @":      {token, post(part("b", 2, `"1"`), "1", ""), "200 4100001"},
		"text with biz_id":       {token, post(part("a", 1, `"1"`), "1", ""), "200 4100001"},
		"invisible":              {token, post(part("a\u200b", 1, `""`), "1", ""), "200 4100001"},
		"unknown emoji":          {token, post(part("[no]", 9, `""`), "1", ""), "200 4100001"},
		"unknown vote":           {token, post(part("V", 4, `"4999999"`), "1", ""), "200 4100001"},
		"vote of another title":  {token, post(part("W", 4, `"4000001"`), "1", ""), "200 4100001"},
		"two votes":              {token, post(part("V", 4, `"4000001"`)+","+part("V", 4, `"4000001"`), "1", ""), "200 4100001"},
		"unknown type":           {token, post(part("a", 5, `""`), "1", ""), "200 4100001"},
		"nothing":                {token, post("", "1", ""), "200 4100001"},
		"blanks":                 {token, post(part("  ", 1, `""`), "1", ""), "200 4100001"},
		"text as scene 2":        {token, post(a, "2", ""), "200 4100001"},
		"pictures as scene 1":    {token, post(a, "1", `,"pics":[`+pic+`]`), "200 4100001"},
		"19 pictures":            {token, post(a, "2", `,"pics":[`+strings.Repeat(pic+",", 18)+pic+`]`), "200 4100001"},
		"an https link":          {token, post(a, "2", `,"pics":[`+strings.Replace(pic, "http:", "https:", 1)+`]`), "200 4100001"},
		"a bucket's link":        {token, post(a, "2", `,"pics":[`+strings.Replace(pic, "/new_dyn/", "/live/", 1)+`]`), "200 4100001"},
		"width 0":                {token, post(a, "2", `,"pics":[{"img_src":"`+link+`","img_width":0,"img_height":0}]`), "200 4100001"},
		"size in bytes":          {token, post(a, "2", `,"pics":[`+strings.Replace(pic, `"img_size":`, `"img_size":1000`, 1)+`]`), "200 4100001"},
		"unknown topic":          {token, post(a, "1", `,"topic":{"id":1}`), "200 4100001"},
		"topic of another name":  {token, post(a, "1", `,"topic":{"id":4321,"name":"x"}`), "200 4100001"},
		"topic as text":          {token, post(a, "1", `,"topic":{"id":"4321"}`), "200 4100001"},
		"curated and closed":     {token, post(a, "1", `,"option":{"up_choose_comment":1,"close_comment":1}`), "200 4100001"},
		"a flag of 2":            {token, post(a, "1", `,"option":{"close_comment":2}`), "200 4100001"},
		"a flag as text":         {token, post(a, "1", `,"option":{"close_comment":"1"}`), "200 4100001"},
		"too soon":               {token, post(a, "1", `,"option":{"timer_pub_time":`+in(time.Minute)+`}`), "200 4100001"},
		"too late":               {token, post(a, "1", `,"option":{"timer_pub_time":`+in(8*24*time.Hour)+`}`), "200 4100001"},
		"private and scheduled":  {token, post(a, "1", `,"option":{"private_pub":1,"timer_pub_time":`+in(time.Hour)+`}`), "200 4100001"},
		"somebody's upload_id":   {token, post(a, "1", `,"upload_id":"1_1795219200_4711"`), "200 4100001"},
		"another program's meta": {token, post(a, "1", `,"meta":{"app_meta":{"from":"x","mobi_app":"web"}}`), "200 4100001"},
		"a card":                 {token, post(a, "1", `,"attach_card":{}`), "200 4100001"},
		"a long title":           {token, `{"dyn_req":{"content":{"title":"` + strings.Repeat("长", 21) + `","contents":[` + a + `]},"scene":1}}`, "200 4100001"},
	} {
		before := len(host.Dynamics())
		got, data := ask(t, host, createDyn+"?"+test.query, test.body)
		if got != test.want {
			t.Errorf("%s: %s, want %s: %s", name, got, test.want, data)
		}
		if grown := len(host.Dynamics()) - before; (grown == 1) != (test.want == "200 0") {
			t.Errorf("%s: %d more are published", name, grown)
		}
	}
	if got, _ := ask(t, host, createDyn+"?"+token, post(a, "1", ""), "Cookie", ""); got != "200 -101" {
		t.Errorf("signed out: %s", got)
	}
	if got, _ := ask(t, host, createDyn+"?"+token, ""); got != "405" {
		t.Errorf("GET: %s", got)
	}
}

// Numbers do not fit into a float, and whoever sends no buvid3 gets more than he asked for.
func TestAPostsAnswer(t *testing.T) {
	host := sandbox.New()
	const body = `{"dyn_req":{"content":{"contents":[{"raw_text":"a","type":1,"biz_id":""}]},"scene":1}}`
	for cookie, card := range map[string]bool{"": true, "; buvid3=01234567-89AB-CDEF-0123-456789ABCDEF12345infoc": false} {
		_, data := ask(t, host, createDyn+"?"+token, body, "Cookie", "SESSDATA="+sandbox.SESSDATA+"; bili_jct="+sandbox.BiliJct+cookie)
		var answer struct {
			Number float64         `json:"dyn_id"`
			Text   string          `json:"dyn_id_str"`
			Card   json.RawMessage `json:"fake_card"`
		}
		if err := json.Unmarshal(data, &answer); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%.0f", answer.Number) == answer.Text || len(answer.Text) != 19 || strings.Contains(string(answer.Card), "ModuleItem") != card {
			t.Errorf("%q: %s", cookie, data)
		}
	}
}

// A picture that a post shows does not expire.
func TestAPostKeepsItsPictures(t *testing.T) {
	host := sandbox.New()
	link, width, height, _ := drawn(t, host)
	body := fmt.Sprintf(`{"dyn_req":{"content":{"contents":[]},"scene":2,"pics":[{"img_src":%q,"img_width":%d,"img_height":%d}]}}`, link, width, height)
	if got, data := ask(t, host, createDyn+"?"+token, body); got != "200 0" {
		t.Fatal(got, string(data))
	}
	host.Advance(time.Hour)
	if got, _ := ask(t, host, strings.TrimPrefix(link, "http:/"), "", "Cookie", ""); got != "200" {
		t.Error(got)
	}
}

// What a much-used client was recorded to send is understood: posts, a vote in
// the older call, and drafts, for which it sends no token.
func TestARecordedClientIsUnderstood(t *testing.T) {
	host := sandbox.New()
	signed := createDyn + "?" + token + `&dm_img_list=[]&dm_img_str=AH&dm_cover_img_str=GH&wts=1795642136&web_location=1550101&w_rid=d3c535818c68b821a06653ff41e053b7`
	dyn := func(inner string) string {
		return `{"dyn_req":{` + inner + `,"meta":{"app_meta":{"from":"create.dynamic.web","mobi_app":"web"}},"attach_card":null},"csrf":"` + sandbox.BiliJct + `","csrf_token":"` + sandbox.BiliJct + `"}`
	}
	contents := func(parts string) string { return `"content":{"contents":[` + parts + `]},"scene":` }
	link, width, height, _ := drawn(t, host)
	pic := fmt.Sprintf(`{"img_src":%q,"img_width":%d,"img_height":%d}`, link, width, height)
	vote := url.Values{"info[title]": {"午饭?"}, "info[desc]": {""}, "info[type]": {"0"}, "info[choice_cnt]": {"1"}, "info[duration]": {"604800"},
		"info[options][0][desc]": {"米饭"}, "info[options][0][img_url]": {""}, "info[options][1][desc]": {"面条"}, "info[options][1][img_url]": {""},
		"csrf": {sandbox.BiliJct}, "csrf_token": {sandbox.BiliJct}}
	const old = "/api.vc.bilibili.com/"
	for _, step := range []struct{ address, body, want string }{
		{signed, dyn(contents(`{"biz_id":"","type":1,"raw_text":"你好"}`) + "1"), "200 0"},
		{signed, dyn(contents(`{"biz_id":"","type":1,"raw_text":"看 "},{"biz_id":"","type":9,"raw_text":"[doge]"},{"biz_id":"","type":1,"raw_text":" "},{"biz_id":"20020001","type":2,"raw_text":"@someone"},{"biz_id":"","type":1,"raw_text":" 好"}`) + "1"), "200 0"},
		{old + "vote_svr/v1/vote_svr/create_vote", vote.Encode(), "200 0"},
		{signed, dyn(contents(`{"biz_id":"","type":1,"raw_text":"投 "},{"biz_id":"4000001","type":4,"raw_text":"午饭?"}`) + "1"), "200 0"},
		{signed, dyn(contents(`{"biz_id":"","type":1,"raw_text":"图"}`) + `2,"pics":[` + pic + "," + pic + `],"topic":{"id":4321},"option":{"close_comment":1}`), "200 0"},
		{signed, dyn(contents(`{"biz_id":"","type":1,"raw_text":"明天"}`) + `1,"option":{"timer_pub_time":` + fmt.Sprint(time.Now().Add(3*time.Hour).Unix()) + `}`), "200 0"},
		{old + "dynamic_draft/v1/dynamic_draft/get_drafts", "", "200 0"},
		{old + "dynamic_draft/v1/dynamic_draft/publish_now", "draft_id=755409289278914611", "200 -111"},
		{old + "dynamic_draft/v1/dynamic_draft/rm_draft", "draft_id=755409289278914612", "200 -111"},
		{old + "dynamic_svr/v1/dynamic_svr/rm_dynamic", "dynamic_id=900000000000000001&csrf=" + sandbox.BiliJct + "&csrf_token=" + sandbox.BiliJct, "404"},
	} {
		if got, data := ask(t, host, step.address, step.body); got != step.want {
			t.Errorf("%s: %s, want %s: %s", step.address, got, step.want, data)
		}
	}
	host.LenientDrafts(true) // it may be that Bilibili asks for no token here
	request := url.QueryEscape(`{"type":4,"content":"a","at_uids":"","ctrl":"[]","extension":""}`)
	_, data := ask(t, host, old+"dynamic_draft/v1/dynamic_draft/add_draft", "type=2&publish_time="+fmt.Sprint(time.Now().Add(time.Hour).Unix())+"&request="+request)
	var added struct {
		ID string `json:"draft_id"`
	}
	if err := json.Unmarshal(data, &added); err != nil || added.ID == "" {
		t.Fatal(string(data), err)
	}
	if got, data := ask(t, host, old+"dynamic_draft/v1/dynamic_draft/publish_now", "draft_id="+added.ID); got != "200 0" {
		t.Errorf("%s: %s", got, data)
	}
}

func TestOldCallsAreCheckedStrictly(t *testing.T) {
	const old = "/api.vc.bilibili.com/dynamic_svr/v1/dynamic_svr/"
	host := sandbox.New()
	host.Legacy(true)
	form := func(change ...string) string {
		f := url.Values{"dynamic_id": {"0"}, "type": {"4"}, "rid": {"0"}, "content": {"a @bc d"}, "at_uids": {"7"},
			"ctrl": {`[{"location":2,"type":1,"length":4,"data":"7"}]`}, "csrf": {sandbox.BiliJct}, "csrf_token": {sandbox.BiliJct},
			"extension": {`{"emoji_type":1,"from":{"emoji_type":1},"flag_cfg":{},"lbs_cfg":{"title":"t","poi":"p","show_title":"s","type":1,"address":"a","location":{"lng":1.5,"lat":2.5},"distance":0},"from_cfg":{"location":{"lat":2.5,"lng":1.5}}}`}}
		for i := 0; i < len(change); i += 2 {
			f.Set(change[i], change[i+1])
		}
		return f.Encode()
	}
	for name, test := range map[string]struct{ body, want string }{
		"good":                 {form(), "200 0"},
		"no mention":           {form("at_uids", "", "ctrl", "[]"), "200 0"},
		"without the blank":    {form("ctrl", `[{"location":2,"type":1,"length":3,"data":"7"}]`), "200 2001"},
		"somewhere else":       {form("ctrl", `[{"location":1,"type":1,"length":4,"data":"7"}]`), "200 2001"},
		"beyond the end":       {form("ctrl", `[{"location":2,"type":1,"length":40,"data":"7"}]`), "200 2001"},
		"other users":          {form("at_uids", "8"), "200 2001"},
		"a number as user":     {form("ctrl", `[{"location":2,"type":1,"length":4,"data":7}]`), "200 2001"},
		"curated and closed":   {form("up_choose_comment", "1", "up_close_comment", "1"), "200 2001"},
		"no text":              {form("content", " ", "ctrl", "[]", "at_uids", ""), "200 2001"},
		"another type":         {form("type", "2"), "200 2001"},
		"unknown field":        {form("x", "1"), "200 2001"},
		"a broken extension":   {form("extension", "{"), "200 2001"},
		"other token":          {form("csrf", "x"), "200 -111"},
		"one token of the two": {form("csrf_token", "x"), "200 2001"},
	} {
		if got, data := ask(t, host, old+"create", test.body); got != test.want {
			t.Errorf("%s: %s, want %s: %s", name, got, test.want, data)
		}
	}
	_, data := ask(t, host, old+"create", form())
	var answer struct {
		Said   string `json:"errmsg"`
		Number string `json:"dynamic_id_str"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || !strings.Contains(answer.Said, answer.Number) {
		t.Errorf("%s, %v", data, err)
	}
	for number, want := range map[string]string{"1": "200 500404", fmt.Sprint(sandbox.ForeignDynamic): "200 500406", answer.Number: "200 0"} {
		if got, _ := ask(t, host, old+"rm_dynamic", "dynamic_id="+number+"&"+token+"&csrf_token="+sandbox.BiliJct); got != want {
			t.Errorf("delete %s: %s, want %s", number, got, want)
		}
	}
	votes := "/api.vc.bilibili.com/vote_svr/v1/vote_svr/create_vote"
	vote := "info[title]=a&info[desc]=&info[type]=0&info[choice_cnt]=1&info[duration]=259200&info[options][0][desc]=x&info[options][1][desc]=y"
	for name, test := range map[string]struct{ body, want string }{
		"names as they are": {vote, "200 0"}, // documents call the token optional
		"names escaped":     {strings.NewReplacer("[", "%5B", "]", "%5D").Replace(vote) + "&" + token, "200 0"},
		"other token":       {vote + "&csrf=x", "200 -111"},
		"a gap":             {strings.Replace(vote, "[1]", "[2]", 1), "200 5100001"},
		"one option":        {strings.Replace(vote, "&info[options][1][desc]=y", "", 1), "200 5100001"},
		"three of two":      {strings.Replace(vote, "choice_cnt]=1", "choice_cnt]=3", 1), "200 5100001"},
		"no title":          {strings.Replace(vote, "title]=a", "title]=", 1), "200 5100001"},
		"a minute":          {strings.Replace(vote, "259200", "60", 1), "200 5100001"},
	} {
		if got, _ := ask(t, host, votes, test.body); got != test.want {
			t.Errorf("vote, %s: %s, want %s", name, got, test.want)
		}
	}
}

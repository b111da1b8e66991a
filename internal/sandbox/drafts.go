package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

func marshal(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // it is our own
	}
	return string(data)
}

// onlyKnown tells whether a form has no field but those, and none twice.
func onlyKnown(form url.Values, known []string) bool {
	for name, values := range form {
		if len(values) != 1 || !slices.Contains(known, name) {
			return false
		}
	}
	return true
}

// old leads to a call of dynamic_svr, which is shut down unless Legacy says
// otherwise.
func (s *Server) old(do func(http.ResponseWriter, *http.Request) any) func(http.ResponseWriter, *http.Request) any {
	return func(w http.ResponseWriter, r *http.Request) any {
		s.mu.Lock()
		alive := s.legacy
		s.mu.Unlock()
		if alive {
			return do(w, r)
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		send(w, r, http.StatusNotFound, []byte("老动态下线"))
		return nil
	}
}

// control says where a mention stands in an old text, in UTF-16 units.
type control struct {
	Location, Length, Type int
	Data                   string
}

// oldText checks a text with its mentions: each begins with @ where it is said
// to, and ends with a blank, before another one begins.
func oldText(content, users, controls string) bool {
	units := utf16.Encode([]rune(content))
	var all []control
	decoder := json.NewDecoder(strings.NewReader(controls))
	decoder.DisallowUnknownFields()
	if controls != "" && decoder.Decode(&all) != nil {
		return false
	}
	end := 0
	var ids []string
	for _, c := range all {
		if c.Type != 1 || c.Location < end || c.Length < 3 || c.Location+c.Length > len(units) {
			return false
		}
		end = c.Location + c.Length
		if blank := units[end-1]; units[c.Location] != '@' || blank != ' ' && blank != '\n' {
			return false
		}
		if n, err := strconv.ParseInt(c.Data, 10, 64); err != nil || n <= 0 {
			return false
		}
		ids = append(ids, c.Data)
	}
	return users == strings.Join(ids, ",")
}

// oldExtension checks the location and the flags that an old text may carry.
func oldExtension(text string) bool {
	if text == "" {
		return true
	}
	type point struct{ Lng, Lat float64 }
	var extension struct {
		EmojiType int `json:"emoji_type"`
		From      struct {
			EmojiType int `json:"emoji_type"`
		}
		Flags    struct{} `json:"flag_cfg"`
		Location *struct {
			Title, Poi, Address string
			ShowTitle           string `json:"show_title"`
			Type                int
			Location            point
			Distance            int
		} `json:"lbs_cfg"`
		FromLocation *struct{ Location point } `json:"from_cfg"`
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(&extension) == nil
}

func (s *Server) createOldDynamic(w http.ResponseWriter, r *http.Request) any {
	form, ok := oldForm(w, r)
	if no := s.refuse(r, form.Get("csrf")); no != nil {
		return oldFailure(no.Code, no.Message)
	}
	known := []string{
		"dynamic_id", "type", "rid", "content", "up_choose_comment", "up_close_comment", "extension", "at_uids", "ctrl", "csrf", "csrf_token",
	}
	flags := form.Get("up_choose_comment") + form.Get("up_close_comment")
	switch {
	case !ok, !onlyKnown(form, known), form.Get("csrf_token") != form.Get("csrf"),
		form.Get("dynamic_id") != "0", form.Get("type") != "4", form.Get("rid") != "0",
		strings.TrimSpace(form.Get("content")) == "", flags == "11", strings.Trim(flags, "01") != "",
		!oldExtension(form.Get("extension")), !oldText(form.Get("content"), form.Get("at_uids"), form.Get("ctrl")):
		return oldFailure(2001, "参数错误")
	}
	p := &Dynamic{Text: form.Get("content"), Comments: "open"}
	if form.Get("up_choose_comment") == "1" {
		p.Comments = "curated"
	} else if form.Get("up_close_comment") == "1" {
		p.Comments = "closed"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.At = s.now()
	s.publish(p)
	number := digitsOf(p.ID)
	return oldReply(map[string]any{
		"result": 0, "errmsg": "; Create dynamic:" + number + ", res:0, result:1", // also of a success
		"dynamic_id": p.ID, "create_result": 1, "dynamic_id_str": number,
	})
}

func (s *Server) removeOldDynamic(w http.ResponseWriter, r *http.Request) any {
	form, ok := oldForm(w, r)
	if no := s.refuse(r, form.Get("csrf")); no != nil {
		return oldFailure(no.Code, no.Message)
	}
	switch number := form.Get("dynamic_id"); {
	case !ok, !onlyKnown(form, []string{"dynamic_id", "csrf", "csrf_token"}):
		return oldFailure(2001, "参数错误")
	case number == strconv.Itoa(ForeignDynamic):
		return oldFailure(500406, "不是你的动态")
	case !s.remove(number):
		return oldFailure(500404, "动态已删除")
	}
	return oldReply(map[string]any{})
}

// draft is a post that is kept until its time.
type draft struct {
	id      int64
	kind    string
	at      time.Time
	request string
	post    Dynamic
	code    int // why it could not be published, 0: it still waits
}

// FailDrafts makes the drafts that wait fail at their time, with a code.
func (s *Server) FailDrafts(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.drafts {
		d.code = code
	}
}

// draftForm reads a request about drafts. Documents do not agree on the token's
// name: either is taken.
func (s *Server) draftForm(w http.ResponseWriter, r *http.Request, known ...string) (url.Values, *reply) {
	form, ok := oldForm(w, r)
	token := form.Get("csrf")
	if token == "" {
		token = form.Get("csrf_token")
	}
	s.mu.Lock()
	lenient := s.lenient
	s.mu.Unlock()
	if token == "" && lenient {
		token = cookies(r)["bili_jct"]
	}
	if no := s.refuse(r, token); no != nil {
		return form, no
	}
	if !ok || !onlyKnown(form, append(known, "csrf", "csrf_token")) {
		return form, failure(-400, "请求错误")
	}
	return form, nil
}

func (s *Server) listDrafts(_ http.ResponseWriter, r *http.Request) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of(r) == nil {
		return failure(-101, "账号未登录")
	}
	all := []any{}
	for i, d := range s.drafts {
		var number any = digitsOf(d.id)
		if i%2 == 1 { // as an older client saw it
			number = d.id
		}
		line := map[string]any{
			"draft_id": number, "publish_time": d.at.Unix(), "type": d.kind, "uid": Mid, "user_profile": map[string]any{},
			"request": d.request, "update_time": d.at.Unix(), "publish_status": 0, "error_code": 0, "error_msg": "",
		}
		if d.code != 0 {
			line["publish_status"], line["error_code"], line["error_msg"] = 3, d.code, "系统错误"
		}
		all = append(all, line)
	}
	return &reply{Message: "0", TTL: 1, Data: map[string]any{"drafts": all}}
}

// draftRequest is what a draft holds, of either kind.
type draftRequest struct {
	Biz, Category, Type int
	Pictures            []struct {
		Source string  `json:"img_src"`
		Width  int     `json:"img_width"`
		Height int     `json:"img_height"`
		Size   float64 `json:"img_size"`
	}
	Description, Content, From string
	AtUsers                    string `json:"at_uids"`
	AtControl                  string `json:"at_control"`
	Control                    string `json:"ctrl"`
	Extension                  string
}

func (s *Server) addDraft(w http.ResponseWriter, r *http.Request) any {
	form, no := s.draftForm(w, r, "type", "publish_time", "request")
	if no != nil {
		return no
	}
	var body draftRequest
	decoder := json.NewDecoder(strings.NewReader(form.Get("request")))
	decoder.DisallowUnknownFields()
	at, err := strconv.ParseInt(form.Get("publish_time"), 10, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := form.Get("type")
	if err != nil || decoder.Decode(&body) != nil || !time.Unix(at, 0).After(s.now()) {
		return failure(4120015, "系统错误")
	}
	controls := body.Control
	if kind == "4" {
		controls = body.AtControl
	}
	d := &draft{kind: kind, at: time.Unix(at, 0), request: form.Get("request"), post: Dynamic{Text: body.Content, Comments: "open"}}
	for _, p := range body.Pictures {
		if s.pictureOf(p.Source) == nil {
			return failure(4120015, "系统错误")
		}
		d.post.Pictures = append(d.post.Pictures, p.Source)
	}
	switch {
	case kind != "2" && kind != "4", (kind == "4") != (len(d.post.Pictures) > 0), !oldText(body.Content, body.AtUsers, controls),
		kind == "4" && (body.Biz != 3 || body.Category != 3 || body.Description != body.Content), kind == "2" && body.Type != 4, !oldExtension(body.Extension):
		return failure(4120015, "系统错误")
	}
	s.numbers++
	d.id = 755409289278914610 + s.numbers
	s.drafts = append(s.drafts, d)
	return &reply{Message: "0", TTL: 1, Data: map[string]any{"draft_id": digitsOf(d.id)}}
}

// take takes a draft away. The caller holds the lock.
func (s *Server) take(number string) *draft {
	i := slices.IndexFunc(s.drafts, func(d *draft) bool { return digitsOf(d.id) == number })
	if i < 0 {
		return nil
	}
	d := s.drafts[i]
	s.drafts = slices.Delete(s.drafts, i, i+1)
	return d
}

func (s *Server) publishDraft(w http.ResponseWriter, r *http.Request) any {
	odd, _ := s.oddity(ofDynamics)
	form, no := s.draftForm(w, r, "draft_id")
	if no != nil {
		return no
	}
	if odd == DynamicDraft {
		return &reply{Message: "0", TTL: 1, Data: map[string]any{"create_ec": 500104, "dynamic_id": 0}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.take(form.Get("draft_id"))
	if d == nil {
		return failure(4120015, "系统错误")
	}
	d.post.At = s.now()
	s.publish(&d.post)
	if odd == DynamicLost {
		panic(http.ErrAbortHandler)
	}
	if d.kind == "4" { // the older answer
		return &reply{Message: "0", TTL: 1, Data: map[string]any{"create_ec": 0, "dynamic_id": d.post.ID}}
	}
	return &reply{Message: "0", TTL: 1, Data: map[string]any{}}
}

func (s *Server) removeDraft(w http.ResponseWriter, r *http.Request) any {
	form, no := s.draftForm(w, r, "draft_id")
	if no != nil {
		return no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.take(form.Get("draft_id")) == nil {
		return failure(4120015, "系统错误")
	}
	return &reply{Message: "0", TTL: 1, Data: struct{}{}}
}

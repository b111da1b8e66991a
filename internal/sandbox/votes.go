package sandbox

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// What can be found by name.
var (
	topicNames = map[int64]string{4321: "摄影", 4322: "摄影日常", 20020: "周末去哪儿"}
	userNames  = map[int64]string{20020001: "someone", 20020002: "someone_else", Mid: Uname}
	emojiWords = []string{"[doge]", "[笑哭]", "[妙啊]", "[tv_doge]"}
)

func (s *Server) topics(_ http.ResponseWriter, r *http.Request) any {
	q := r.URL.Query()
	if q.Get("keywords") == "" || q.Get("page_size") == "" || q.Get("page_num") == "" {
		return failure(-400, "请求错误")
	}
	items := []any{}
	for _, id := range []int64{4322, 4321, 20020} {
		if strings.Contains(topicNames[id], q.Get("keywords")) {
			items = append(items, map[string]any{"id": id, "name": topicNames[id], "view": 1234567, "discuss": 890})
		}
	}
	return &reply{Message: "0", TTL: 1, Data: map[string]any{"new_topic": nil, "has_create_jurisdiction": true, "topic_items": items}}
}

func (s *Server) users(_ http.ResponseWriter, r *http.Request) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	word := r.URL.Query().Get("keyword")
	switch {
	case s.of(r) == nil:
		return failure(-101, "账号未登录")
	case word == "":
		return failure(-400, "请求错误")
	}
	groups := []any{}
	for i, id := range []int64{20020001, 20020002} { // whom one follows, and others
		if strings.Contains(userNames[id], word) {
			groups = append(groups, map[string]any{"group_type": 2 + 2*i, "items": []any{
				map[string]any{"uid": digitsOf(id), "name": userNames[id], "fans": 1000 + i, "face": "", "official_verify_type": -1},
			}})
		}
	}
	return &reply{Message: "0", TTL: 1, Data: map[string]any{"groups": groups}}
}

func (s *Server) emojis(_ http.ResponseWriter, r *http.Request) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.of(r) == nil:
		return failure(-101, "账号未登录")
	case r.URL.Query().Get("business") != "dynamic":
		return failure(-400, "请求错误")
	}
	emote := []any{}
	for i, word := range emojiWords {
		emote = append(emote, map[string]any{"id": i + 1, "text": word, "url": "", "type": 1})
	}
	return &reply{Message: "0", TTL: 1, Data: map[string]any{"packages": []any{map[string]any{"id": 1, "text": "小黄脸", "emote": emote}}}}
}

// voteRequest is a vote to make, of either call.
type voteRequest struct {
	Title   string
	Desc    string
	Type    int
	Max     int   `json:"choice_cnt"`
	Seconds int64 `json:"duration"`
	Options []struct {
		Text    string `json:"opt_desc"`
		Picture string `json:"img_url"`
	}
	FansLevel *int   `json:"only_fans_level"`
	Author    *int64 `json:"vote_publisher"`
}

// makeVote makes a vote, and returns its number, or 0 if it is not understood.
func (s *Server) makeVote(v voteRequest) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	units := func(text string) int { return len(utf16.Encode([]rune(text))) }
	n := len(v.Options)
	if v.Title == "" || units(v.Title) > 32 || units(v.Desc) > 100 || n < 2 || n > 20 || v.Max < 1 || v.Max > n ||
		v.Seconds < 300 || v.Seconds > 90*86400 || v.Type != 0 && v.Type != 1 || v.Author != nil && *v.Author != Mid {
		return 0
	}
	for _, o := range v.Options {
		if o.Text == "" || units(o.Text) > 20 || (o.Picture != "") != (v.Type == 1) || v.Type == 1 && s.pictureOf(o.Picture) == nil {
			return 0
		}
	}
	for _, o := range v.Options {
		if v.Type == 1 {
			s.pictureOf(o.Picture).expires = time.Time{}
		}
	}
	id := firstVote + int64(len(s.votes))
	s.votes[id] = v.Title
	return id
}

func (s *Server) createVote(w http.ResponseWriter, r *http.Request) any {
	if no := s.refuse(r, r.URL.Query().Get("csrf")); no != nil {
		return no
	}
	var body struct {
		Info *voteRequest `json:"vote_info"`
	}
	if no := strictly(w, r, &body); no != nil || body.Info == nil {
		return failure(5100001, "参数错误")
	}
	id := s.makeVote(*body.Info)
	if id == 0 {
		return failure(5100001, "参数错误")
	}
	return &reply{Message: "0", TTL: 1, Data: map[string]any{"vote_id": id}}
}

// oldForm reads a form, whether multipart or not. The older calls answer in an
// envelope of their own.
func oldForm(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return nil, false
	case mediaType == "application/x-www-form-urlencoded":
		err = r.ParseForm()
	case mediaType == "multipart/form-data":
		err = r.ParseMultipartForm(1 << 20)
	default:
		return nil, false
	}
	return r.PostForm, err == nil
}

// oldReply is the envelope of the older calls.
func oldReply(data map[string]any) text {
	data["_gt_"] = 0
	return text{jsonType, marshal(map[string]any{"code": 0, "msg": "", "message": "", "data": data})}
}

func oldFailure(code int, why string) text {
	return text{jsonType, marshal(map[string]any{"code": code, "msg": why, "message": why, "data": map[string]any{}})}
}

func (s *Server) createOldVote(w http.ResponseWriter, r *http.Request) any {
	form, ok := oldForm(w, r)
	token := form.Get("csrf")
	if token == "" { // documents call it optional
		token = cookies(r)["bili_jct"]
	}
	if no := s.refuse(r, token); no != nil {
		return oldFailure(no.Code, no.Message)
	}
	number := func(name string) int {
		n, err := strconv.Atoi(form.Get(name))
		if err != nil {
			ok = false
		}
		return n
	}
	v := voteRequest{
		Title: form.Get("info[title]"), Desc: form.Get("info[desc]"), Type: number("info[type]"),
		Max: number("info[choice_cnt]"), Seconds: int64(number("info[duration]")),
	}
	known := []string{"info[title]", "info[desc]", "info[type]", "info[choice_cnt]", "info[duration]", "csrf", "csrf_token"}
	for i := 0; form.Has(fmt.Sprintf("info[options][%d][desc]", i)); i++ {
		name := fmt.Sprintf("info[options][%d]", i)
		v.Options = append(v.Options, struct {
			Text    string `json:"opt_desc"`
			Picture string `json:"img_url"`
		}{form.Get(name + "[desc]"), form.Get(name + "[img_url]")})
		known = append(known, name+"[desc]", name+"[img_url]")
	}
	id := int64(0)
	if ok && onlyKnown(form, known) {
		id = s.makeVote(v)
	}
	if id == 0 {
		return oldFailure(5100001, "参数错误")
	}
	return oldReply(map[string]any{"vote_id": id})
}

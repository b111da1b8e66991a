package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"bilipaste/internal/regex"
)

// Dynamic is a post that was published here.
type Dynamic struct {
	ID       int64 // above 2^53, so that a float would lose digits
	At       time.Time
	Title    string
	Text     string
	Pictures []string // their links
	Vote     int64
	Topic    int64
	Comments string // "open", "curated" or "closed"
	Private  bool
}

// What can be referred to. Nobody else posts here but the author of Foreign.
const (
	ForeignDynamic = 1017000000000000007 // the number of somebody else's dynamic
	firstPost      = 1017368201543680001
	firstVote      = 4000001
)

// dynamics is what was published, and what belongs to it.
type dynamics struct {
	posts   []*Dynamic // the oldest first
	votes   map[int64]string
	drafts  []*draft
	numbers int64 // of posts and drafts that were given out
	legacy  bool
	lenient bool
}

// Legacy brings the calls of dynamic_svr back to life, or ends them again.
func (s *Server) Legacy(alive bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.legacy = alive
}

// LenientDrafts lets drafts be published and removed without a token, as a
// client that is much used does.
func (s *Server) LenientDrafts(lenient bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lenient = lenient
}

// Dynamics returns what was published and not deleted, the oldest first.
func (s *Server) Dynamics() []Dynamic {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Dynamic
	for _, p := range s.posts {
		all = append(all, *p)
	}
	return all
}

// Votes returns the votes' titles by their numbers.
func (s *Server) Votes() map[int64]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.votes)
}

func (s *Server) routeDynamics(mux *http.ServeMux) {
	const get, post = http.MethodGet, http.MethodPost
	const dynamic, old = "/api.bilibili.com/x/dynamic/feed/", "/api.vc.bilibili.com/"
	mux.HandleFunc(dynamic+"create/dyn", s.bilibili(post, s.createDynamic))
	mux.HandleFunc(dynamic+"operate/remove", s.bilibili(post, s.removeDynamic))
	mux.HandleFunc("/api.bilibili.com/x/polymer/web-dynamic/v1/feed/space", s.bilibili(get, s.space))
	mux.HandleFunc("/api.bilibili.com/x/polymer/web-dynamic/v1/mention/search", s.bilibili(get, s.users))
	mux.HandleFunc("/api.bilibili.com/x/emote/user/panel/web", s.bilibili(get, s.emojis))
	mux.HandleFunc("/app.bilibili.com/x/topic/pub/search", s.bilibili(get, s.topics))
	mux.HandleFunc("/api.bilibili.com/x/vote/create", s.bilibili(post, s.createVote))
	mux.HandleFunc(old+"vote_svr/v1/vote_svr/create_vote", s.bilibili(post, s.createOldVote))
	mux.HandleFunc(old+"dynamic_svr/v1/dynamic_svr/create", s.bilibili(post, s.old(s.createOldDynamic)))
	mux.HandleFunc(old+"dynamic_svr/v1/dynamic_svr/rm_dynamic", s.bilibili(post, s.old(s.removeOldDynamic)))
	const draft = old + "dynamic_draft/v1/dynamic_draft/"
	mux.HandleFunc(draft+"get_drafts", s.bilibili(get, s.listDrafts))
	mux.HandleFunc(draft+"add_draft", s.bilibili(post, s.addDraft))
	mux.HandleFunc(draft+"publish_now", s.bilibili(post, s.publishDraft))
	mux.HandleFunc(draft+"rm_draft", s.bilibili(post, s.removeDraft))
}

// parameters is the answer to a request that is not understood.
func parameters(why string) *reply { return failure(4100001, "参数错误: "+why) }

// refuse returns the answer to whoever is not signed in, or whose token is not
// the session's; nil for others. The caller does not hold the lock.
func (s *Server) refuse(r *http.Request, token string) *reply {
	s.mu.Lock()
	session := s.of(r)
	s.mu.Unlock()
	switch {
	case session == nil:
		return failure(-101, "账号未登录")
	case token != session.jct, cookies(r)["bili_jct"] != token:
		return failure(-111, "csrf 校验失败")
	}
	return nil
}

// strictly reads JSON of a request, where every field must be known and of its
// type.
func strictly(w http.ResponseWriter, r *http.Request, into any) *reply {
	if r.Header.Get("Content-Type") != "application/json" {
		return failure(-400, "请求错误")
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return parameters(err.Error())
	}
	return nil
}

// flag is 0 or 1, or a boolean, as different pages send it.
type flag bool

// UnmarshalJSON reads either.
func (f *flag) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "0", "false":
	case "1", "true":
		*f = true
	default:
		return errors.New("a flag is 0 or 1")
	}
	return nil
}

// dynRequest is the body of a request to publish.
type dynRequest struct {
	Token  string `json:"csrf"`       // these two are in the query, and one client
	Token2 string `json:"csrf_token"` // repeats them here
	Dyn    *struct {
		Content *struct {
			Title    string
			Contents []struct {
				Text  *string `json:"raw_text"`
				Type  int
				BizID *string `json:"biz_id"`
			}
		}
		Scene int
		Pics  []struct {
			Source string   `json:"img_src"`
			Width  int      `json:"img_width"`
			Height int      `json:"img_height"`
			Size   *float64 `json:"img_size"`
		}
		Topic *struct {
			ID     int64
			Name   *string
			From   string `json:"from_source"`
			FromID int64  `json:"from_topic_id"`
		}
		Option *struct {
			Curated flag  `json:"up_choose_comment"`
			Closed  flag  `json:"close_comment"`
			At      int64 `json:"timer_pub_time"`
			Private flag  `json:"private_pub"`
		}
		Meta *struct {
			App struct {
				From    string
				MobiApp string `json:"mobi_app"`
			} `json:"app_meta"`
		}
		UploadID string          `json:"upload_id"`
		Card     json.RawMessage `json:"attach_card"`
	} `json:"dyn_req"`
}

var uploadID = regex.Lazy(`^(\d+)_\d{9,13}_\d{4}$`)

func (s *Server) createDynamic(w http.ResponseWriter, r *http.Request) any {
	odd, _ := s.oddity(ofDynamics)
	if no := s.refuse(r, r.URL.Query().Get("csrf")); no != nil {
		return no
	}
	var body dynRequest
	if no := strictly(w, r, &body); no != nil {
		return no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, no := s.check(body)
	switch {
	case no != nil:
		return no
	case odd == DynamicNever:
		panic(http.ErrAbortHandler)
	case odd == DynamicNoPhone:
		return failure(4126021, "4126021")
	case odd == DynamicRisk:
		no := failure(-352, "风控校验失败")
		no.Data = map[string]string{"v_voucher": "voucher_01234567-89ab-cdef-0123-456789abcdef"}
		return no
	}
	s.publish(p)
	switch odd {
	case DynamicLost:
		panic(http.ErrAbortHandler)
	case DynamicTrouble:
		return page{http.StatusBadGateway, "502 Bad Gateway"}
	case DynamicNoID:
		return &reply{Message: "0", TTL: 1, Data: struct{}{}}
	}
	data := map[string]any{"dyn_id": p.ID, "dyn_id_str": digitsOf(p.ID), "dyn_type": 4, "dyn_rid": 300000001}
	if len(p.Pictures) > 0 {
		data["dyn_type"] = 2
	}
	if cookies(r)["buvid3"] == "" { // for a browser that is not known
		data["fake_card"] = map[string]any{
			"card_type": 2, "dyn_id": strconv.FormatFloat(float64(p.ID), 'f', -1, 64),
			"modules": []any{map[string]any{"module_type": 1, "ModuleItem": map[string]any{"Type": "ModuleAuthor", "Mid": Mid}}},
		}
	}
	return &reply{Message: "0", TTL: 1, Data: data}
}

func digitsOf(n int64) string { return strconv.FormatInt(n, 10) }

// publish keeps a post and its pictures. The caller holds the lock.
func (s *Server) publish(p *Dynamic) {
	s.numbers++
	p.ID = firstPost + 2*s.numbers
	for _, link := range p.Pictures {
		s.pictureOf(link).expires = time.Time{}
	}
	s.posts = append(s.posts, p)
}

// pictureOf returns the picture of a link that was given out, nil if it is none
// or has expired. The caller holds the lock.
func (s *Server) pictureOf(link string) *picture {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "http" || u.Host != "i0.hdslb.com" {
		return nil
	}
	p := s.pictures[u.Path]
	if p != nil && !p.expires.IsZero() && s.now().After(p.expires) {
		return nil
	}
	return p
}

// check reads a request to publish, and returns the answer to one that is not
// understood. The caller holds the lock.
func (s *Server) check(body dynRequest) (*Dynamic, *reply) {
	d := body.Dyn
	if d == nil || d.Content == nil && len(d.Pics) == 0 {
		return nil, parameters("no content")
	}
	p := &Dynamic{At: s.now(), Comments: "open"}
	if d.Content != nil {
		p.Title = d.Content.Title
		for _, c := range d.Content.Contents {
			if c.Text == nil || c.BizID == nil {
				return nil, parameters("a part without text or biz_id")
			}
			if why := s.checkPart(c.Type, *c.Text, *c.BizID, p); why != "" {
				return nil, parameters(why)
			}
			p.Text += *c.Text
		}
	}
	if why := s.checkPictures(body, p); why != "" {
		return nil, parameters(why)
	}
	switch up := uploadID().FindStringSubmatch(d.UploadID); {
	case len(utf16.Encode([]rune(p.Title))) > 20:
		return nil, parameters("title")
	case strings.TrimSpace(p.Text) == "" && len(p.Pictures) == 0:
		return nil, parameters("nothing to publish")
	case d.UploadID != "" && (up == nil || up[1] != strconv.Itoa(Mid)):
		return nil, parameters("upload_id")
	case d.Meta != nil && (d.Meta.App.From != "create.dynamic.web" || d.Meta.App.MobiApp != "web"):
		return nil, parameters("meta")
	case len(d.Card) > 0 && string(d.Card) != "null":
		return nil, parameters("attach_card")
	}
	if t := d.Topic; t != nil {
		if name, ok := topicNames[t.ID]; !ok || t.Name != nil && *t.Name != name || t.From != "" && t.From != "dyn.web.list" {
			return nil, parameters("topic")
		}
		p.Topic = t.ID
	}
	if o := d.Option; o != nil {
		p.Private = bool(o.Private)
		if o.At != 0 {
			p.At = time.Unix(o.At, 0)
		}
		switch after := p.At.Sub(s.now()); {
		case bool(o.Curated && o.Closed):
			return nil, parameters("comments")
		case o.At != 0 && (after < 5*time.Minute || after > 7*24*time.Hour || bool(o.Private)):
			return nil, parameters("timer_pub_time")
		case bool(o.Curated):
			p.Comments = "curated"
		case bool(o.Closed):
			p.Comments = "closed"
		}
	}
	return p, nil
}

// checkPart checks a part of a text, and says what is wrong.
func (s *Server) checkPart(kind int, text, biz string, p *Dynamic) string {
	number, err := strconv.ParseInt(biz, 10, 64)
	isNumber := err == nil && number > 0
	switch {
	case strings.ContainsAny(text, "\x00\u200b"):
		return "invisible characters"
	case kind == 1 && biz == "":
	case kind == 2 && isNumber && strings.HasPrefix(text, "@") && len(text) > 1:
	case kind == 4 && isNumber && p.Vote == 0 && s.votes[number] != "" && s.votes[number] == text:
		p.Vote = number
	case kind == 9 && biz == "" && slices.Contains(emojiWords, text):
	default:
		return "a part of type " + strconv.Itoa(kind)
	}
	return ""
}

func (s *Server) checkPictures(body dynRequest, p *Dynamic) string {
	pics := body.Dyn.Pics
	if scene := body.Dyn.Scene; scene != 1 && scene != 2 || (scene == 2) != (len(pics) > 0) || len(pics) > 18 {
		return "scene"
	}
	for _, pic := range pics {
		there := s.pictureOf(pic.Source)
		if there == nil || !strings.HasPrefix(there.path, "/bfs/new_dyn/") {
			return "img_src"
		}
		config, _, err := image.DecodeConfig(bytes.NewReader(there.data))
		if err != nil || config.Width != pic.Width || config.Height != pic.Height {
			return "img_width, img_height"
		}
		if pic.Size != nil && math.Abs(*pic.Size-float64(len(there.data))/1024) > 0.01 {
			return "img_size"
		}
		p.Pictures = append(p.Pictures, pic.Source)
	}
	return ""
}

package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// space lists what a user has published, in the shapes that are in use: posts
// with a title or pictures as an opus or a draw, times as numbers and as texts.
func (s *Server) space(_ http.ResponseWriter, r *http.Request) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	items := []any{}
	for _, p := range slices.Backward(s.posts) {
		if p.At.After(s.now()) || r.URL.Query().Get("host_mid") != strconv.Itoa(Mid) || p.Private && s.of(r) == nil {
			continue
		}
		pics := []any{}
		for _, link := range p.Pictures {
			pics = append(pics, map[string]any{"url": link, "src": link})
		}
		words := map[string]any{"text": p.Text, "rich_text_nodes": []any{}}
		dynamic := map[string]any{"desc": words, "major": nil, "additional": nil, "topic": nil}
		var at any = p.At.Unix()
		switch {
		case p.Title != "", len(pics)%2 == 1:
			dynamic["desc"] = nil
			dynamic["major"] = map[string]any{"type": "MAJOR_TYPE_OPUS", "opus": map[string]any{"title": p.Title, "summary": words, "pics": pics}}
		case len(pics) > 0:
			dynamic["major"] = map[string]any{"type": "MAJOR_TYPE_DRAW", "draw": map[string]any{"items": pics}}
			at = digitsOf(p.At.Unix())
		}
		items = append(items, map[string]any{"id_str": digitsOf(p.ID), "type": "DYNAMIC_TYPE_DRAW", "visible": true, "modules": map[string]any{
			"module_author": map[string]any{"mid": Mid, "name": Uname, "pub_ts": at}, "module_dynamic": dynamic,
		}})
	}
	return &reply{Message: "0", TTL: 1, Data: map[string]any{"has_more": false, "items": items, "offset": ""}}
}

func (s *Server) removeDynamic(w http.ResponseWriter, r *http.Request) any {
	if no := s.refuse(r, r.URL.Query().Get("csrf")); no != nil {
		return no
	}
	var body struct {
		ID   string `json:"dyn_id_str"`
		Type int    `json:"dyn_type"`
		RID  string `json:"rid_str"`
	}
	if no := strictly(w, r, &body); no != nil {
		return failure(4101001, "参数错误")
	}
	if body.ID == strconv.Itoa(ForeignDynamic) {
		return failure(4101144, "只能删除自己的动态")
	}
	if !s.remove(body.ID) {
		return failure(4101132, "数据不存在")
	}
	return &reply{Message: "0", TTL: 1, Data: struct{}{}}
}

// remove removes a post, and tells whether it was there.
func (s *Server) remove(number string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.posts)
	s.posts = slices.DeleteFunc(s.posts, func(p *Dynamic) bool { return digitsOf(p.ID) == number })
	return len(s.posts) < n
}

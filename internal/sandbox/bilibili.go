package sandbox

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image"
	_ "image/jpeg" // the formats that Bilibili takes
	_ "image/png"  //
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	_ "golang.org/x/image/webp" //
)

const largest = 15_000_000 // bytes of a picture

var buckets = []string{
	"openplatform", "static", "live", "seed", "banner", "mall", "album", "vip",
	"face", "svg-next", "archive", "garb", "polaris_web_conf",
}

// reply is the envelope of an answer.
type reply struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	TTL     int    `json:"ttl"`
	Data    any    `json:"data,omitempty"`
}

// failure is an answer with an error code.
func failure(code int, message string) *reply { return &reply{Code: code, Message: message, TTL: 1} }

// page is an HTML answer, as gateways in front of the host give.
type page struct {
	status int
	title  string
}

// text is an answer that is neither.
type text struct {
	mediaType, body string
}

const (
	htmlType = "text/html; charset=utf-8"
	jsonType = "application/json; charset=utf-8"
)

// bilibili checks what Bilibili checks of every request, and then calls do,
// which returns a *reply, a page, a text, or nil if it answered by itself.
func (s *Server) bilibili(method string, do func(http.ResponseWriter, *http.Request) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Bili-Trace-Id", strconv.FormatInt(time.Now().UnixNano(), 16))
		agent := r.UserAgent()
		isProgram := func(name string) bool { return strings.HasPrefix(agent, name) }
		switch {
		case r.Method != method:
			s.answer(w, r, page{http.StatusMethodNotAllowed, "405 Not Allowed"})
		case agent == "" || slices.ContainsFunc([]string{"Go-http-client", "curl", "python"}, isProgram):
			s.answer(w, r, page{http.StatusPreconditionFailed, "出错啦! - bilibili.com"})
		case foreign(r.Header.Get("Origin")), foreign(r.Referer()):
			s.answer(w, r, page{http.StatusForbidden, "403 Forbidden"})
		default:
			s.answer(w, r, do(w, r))
		}
	}
}

// foreign tells whether a Referer or Origin is another site's.
func foreign(from string) bool {
	if from == "" {
		return false
	}
	u, err := url.Parse(from)
	return err != nil || !strings.HasSuffix("."+u.Hostname(), ".bilibili.com")
}

// cookies reads the Cookie header as strictly as possible: no quotes, no
// decoding, one blank after each semicolon.
func cookies(r *http.Request) map[string]string {
	found := map[string]string{}
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, "; ") {
			name, value, _ := strings.Cut(pair, "=")
			found[name] = value
		}
	}
	return found
}

func (s *Server) nav(_ http.ResponseWriter, r *http.Request) any {
	wbi := map[string]string{
		"img_url": "https://i0.hdslb.com/bfs/wbi/00000000000000000000000000000001.png",
		"sub_url": "https://i0.hdslb.com/bfs/wbi/00000000000000000000000000000002.png",
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of(r) == nil {
		no := failure(-101, "账号未登录")
		no.Data = map[string]any{"isLogin": false, "wbi_img": wbi}
		return no
	}
	return &reply{Message: "0", TTL: 1, Data: map[string]any{
		"isLogin": true, "mid": Mid, "uname": Uname, "money": 123.4, "mobile_verified": 1, "wbi_img": wbi,
		"face":       "https://i0.hdslb.com/bfs/face/ac3478d69a3c81fa62e60f5c3696165a4e5e6ac4.jpg",
		"level_info": map[string]any{"current_level": 6, "current_min": 28800, "current_exp": 52689, "next_exp": "--"},
	}}
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request) any {
	odd, delay := s.oddity(ofUploads)
	if odd.early() {
		return s.play(odd, w, r, nil)
	}
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	cookie := cookies(r)
	switch {
	case r.ContentLength < 0:
		return page{http.StatusLengthRequired, "411 Length Required"}
	case err != nil || mediaType != "multipart/form-data":
		return failure(-400, "请求错误")
	}
	f, bad := readForm(multipart.NewReader(http.MaxBytesReader(w, r.Body, largest+1<<20), params["boundary"]), r.ContentLength)
	s.describe(r, f)
	s.mu.Lock()
	session := s.of(r)
	s.mu.Unlock()
	switch {
	case session == nil:
		return failure(-101, "账号未登录")
	case f.csrf != session.jct, cookie["bili_jct"] != f.csrf:
		return failure(-111, "csrf 校验失败")
	case bad != nil:
		return bad
	}
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return nil
		}
	}
	sum := sha1.Sum(f.data)
	p := &picture{host: "i0.hdslb.com", data: f.data, mediaType: f.mediaType, sum: hex.EncodeToString(sum[:])}
	p.path = "/bfs/" + f.bucket + "/"
	if f.dir != "" {
		p.path += f.dir + "/"
	}
	p.path += p.sum + "." + strings.ReplaceAll(strings.TrimPrefix(f.mediaType, "image/"), "jpeg", "jpg")
	s.store(p)
	if odd != "" {
		return s.play(odd, w, r, p)
	}
	return stored("http://i0.hdslb.com"+p.path, p.sum)
}

// stored is the answer to a successful upload.
func stored(location, etag string) *reply {
	return &reply{Message: "0", TTL: 1, Data: map[string]any{"location": location, "etag": etag, "object_metas": struct{}{}}}
}

// form is what an upload's form holds.
type form struct {
	fields            []string
	values            map[string]string
	bucket, csrf, dir string
	file, mediaType   string
	data              []byte
}

// readForm reads the form of length bytes to its end, and returns the answer
// to a bad one, or nil.
func readForm(parts *multipart.Reader, length int64) (f form, bad *reply) {
	f.values = map[string]string{}
	refuse := func(why string) {
		if bad == nil {
			bad = failure(-400, why)
		}
	}
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f, unreadable(err)
		}
		name := part.FormName()
		f.fields = append(f.fields, name)
		limit := int64(1 << 10)
		var value bytes.Buffer
		if name == "file" {
			limit = largest
			value.Grow(int(min(length, largest)) + bytes.MinRead)
		}
		_, err = value.ReadFrom(io.LimitReader(part, limit+1))
		if err != nil {
			return f, unreadable(err)
		}
		if int64(value.Len()) > limit {
			return f, failure(-617, "上传文件太大")
		}
		if name != "file" {
			f.values[name] = value.String()
		}
		switch name {
		case "bucket":
			f.bucket = value.String()
		case "csrf":
			f.csrf = value.String()
		case "dir":
			f.dir = value.String()
		case "file":
			if f.data != nil {
				refuse("只能上传一个文件")
			}
			if f.bucket == "" || f.csrf == "" {
				refuse("bucket 和 csrf 必须在文件之前")
			}
			f.file, f.mediaType, f.data = part.FileName(), part.Header.Get("Content-Type"), value.Bytes()
		}
	}
	switch {
	case f.file == "":
		refuse("请选择文件")
	case !slices.Contains(buckets, f.bucket):
		refuse("bucket 不存在")
	case !isASCII(f.file):
		refuse("文件名无效")
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(f.data))
	if err != nil || config.Width <= 0 || config.Height <= 0 || "image/"+format != f.mediaType ||
		!slices.Contains([]string{"png", "jpeg", "webp"}, format) {
		refuse("图片格式不支持")
	}
	return f, bad
}

// unreadable is the answer to a form that breaks off or is too long.
func unreadable(err error) *reply {
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return failure(-617, "上传文件太大")
	}
	return failure(-400, "请求错误")
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// describe adds what an upload's form held to the record of its request.
func (s *Server) describe(r *http.Request, f form) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if record, ok := r.Context().Value(recordKey{}).(*Request); ok {
		record.Fields, record.Values, record.File, record.Bucket = f.fields, f.values, f.file, f.bucket
	}
}

// answer writes a reply or a page, compressed as the request allows.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, what any) {
	switch what := what.(type) {
	case nil:
	case page:
		w.Header().Set("Content-Type", htmlType)
		send(w, r, what.status, []byte("<!DOCTYPE html>\n<html><head><title>"+what.title+"</title></head><body><h1>"+
			what.title+"</h1><p>错误号: "+strconv.Itoa(what.status)+"</p></body></html>\n"))
	case text:
		w.Header().Set("Content-Type", what.mediaType)
		send(w, r, http.StatusOK, []byte(what.body))
	case *reply:
		body, err := json.Marshal(what)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Bili-Status-Code", strconv.Itoa(what.Code))
		send(w, r, http.StatusOK, body)
	}
}

func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	accepted := r.Header.Get("Accept-Encoding")
	switch {
	case strings.Contains(accepted, "br") && len(body) <= 1<<16:
		w.Header().Set("Content-Encoding", "br")
		body = brotli(body)
	case strings.Contains(accepted, "gzip"):
		w.Header().Set("Content-Encoding", "gzip")
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err := z.Write(body)
		if err = errors.Join(err, z.Close()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		body = packed.Bytes()
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away needs no answer
}

// brotli wraps up to 64 KiB in an uncompressed meta-block (RFC 7932, 9.2).
func brotli(body []byte) []byte {
	if len(body) == 0 {
		return []byte{0x06}
	}
	head := uint32(len(body)-1)<<4 | 1<<20 // 64 KiB window, not last, four nibbles of length, uncompressed
	return slices.Concat([]byte{byte(head), byte(head >> 8), byte(head >> 16)}, body, []byte{0x03})
}

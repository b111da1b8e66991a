package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the formats that the host takes
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	_ "golang.org/x/image/bmp"  //
	_ "golang.org/x/image/tiff" //

	"bilipaste/internal/regex"
)

const scdnLargest = 20_000_000 // bytes; the real limit is the operator's secret

var scdnDomains = []string{
	"img.scdn.io", "cloudflareimg.cdn.sn", "edgeoneimg.cdn.sn", "esaimg.cdn1.vip", "cloudflarecnimg.scdn.io", "anycastimg.scdn.io",
}

var scdnOutputs = []string{"auto", "jpg", "jpeg", "png", "webp", "gif", "webp_animated"}

// scdn is what img.scdn.io remembers. The server's lock guards it.
type scdn struct {
	requests    map[string][]time.Time // by method, what was let in
	short, long int                    // how many are let in within 5 s and 60 s
	byName      map[string]*scdnPicture
	byContent   map[string]*scdnPicture // public ones, by hash and output format
}

type scdnPicture struct {
	ID        int64   `json:"id"`
	Filename  string  `json:"filename"`
	Original  string  `json:"original_filename"`
	Size      int     `json:"original_size_bytes"`
	Stored    int     `json:"compressed_size_bytes"`
	Sizes     string  `json:"size_display"`
	Hash      string  `json:"current_hash"`
	Date      string  `json:"upload_date"`
	Accessed  *string `json:"last_accessed"`
	Uploader  string  `json:"uploader_masked"`
	Location  string  `json:"location"`
	Tags      string  `json:"tags"`
	TagList   []any   `json:"tags_array"`
	URL       string  `json:"image_url"`
	Domain    string  `json:"cdn_domain"`
	Protected bool    `json:"password_protected"`
}

// SetWindows changes how many requests img.scdn.io lets in: 5 in 5 s and 120
// in 60 s, for each method.
func (s *Server) SetWindows(short, long int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scdn.short, s.scdn.long = short, long
}

// scdnError is an answer that is none of the successes.
type scdnError struct {
	status int
	text   string
}

// scdnAPI answers for img.scdn.io/api/v1.php.
func (s *Server) scdnAPI(w http.ResponseWriter, r *http.Request) {
	var answer any
	var bad *scdnError
	switch {
	case r.Header.Get("Cookie") != "":
		bad = &scdnError{http.StatusBadRequest, "a cookie has no business here"}
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		bad = &scdnError{http.StatusMethodNotAllowed, "仅支持 GET 和 POST 请求。"}
	default:
		if wait := s.scdnWait(r.Method); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
			bad = &scdnError{http.StatusTooManyRequests, "请求过于频繁，请稍后再试。"}
		} else if r.Method == http.MethodGet {
			answer, bad = s.scdnInfo(r)
		} else {
			var played bool
			if answer, bad, played = s.scdnUpload(w, r); played {
				return
			}
		}
	}
	if bad != nil {
		scdnAnswer(w, bad.status, map[string]any{"success": false, "error": bad.text, "message": bad.text})
		return
	}
	scdnAnswer(w, http.StatusOK, answer)
}

func scdnAnswer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // a client that went away needs no answer
}

// scdnWait counts a request, and returns how long it would have to wait.
func (s *Server) scdnWait(method string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	let := s.scdn.requests[method]
	for _, w := range []struct {
		length time.Duration
		most   int
	}{{5 * time.Second, s.scdn.short}, {time.Minute, s.scdn.long}} {
		if i := len(let) - w.most; i >= 0 {
			if wait := let[i].Add(w.length).Sub(now); wait > 0 {
				return wait
			}
		}
	}
	if len(let) > 1000 {
		let = let[500:]
	}
	s.scdn.requests[method] = append(let, now)
	return 0
}

// scdnForm is what an upload's form holds.
type scdnForm struct {
	names  []string
	values map[string]string
	file   string
	data   []byte
}

func readSCDNForm(w http.ResponseWriter, r *http.Request) (f scdnForm, bad *scdnError) {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" {
		return f, &scdnError{http.StatusBadRequest, "未选择文件。"}
	}
	f.values = map[string]string{}
	parts := multipart.NewReader(http.MaxBytesReader(w, r.Body, scdnLargest+1<<20), params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		limit := int64(4 << 10)
		var value bytes.Buffer
		if err == nil {
			if part.FormName() == "image" {
				limit = scdnLargest
			}
			_, err = value.ReadFrom(io.LimitReader(part, limit+1))
		}
		_, long := errors.AsType[*http.MaxBytesError](err)
		switch {
		case long || err == nil && int64(value.Len()) > limit:
			return f, &scdnError{http.StatusRequestEntityTooLarge, "文件超过该输出格式的大小限制。"}
		case err != nil:
			return f, &scdnError{http.StatusBadRequest, "上传失败。"}
		case part.FormName() == "image":
			f.file, f.data = part.FileName(), value.Bytes()
		default:
			f.values[part.FormName()] = value.String()
		}
		f.names = append(f.names, part.FormName())
	}
}

// scdnUpload stores a picture. It does not re-encode it, but names it as if.
func (s *Server) scdnUpload(w http.ResponseWriter, r *http.Request) (answer any, bad *scdnError, played bool) {
	odd, delay := s.oddity(ofSCDN)
	if odd != "" && s.playSCDN(odd, w, r) {
		return nil, nil, true
	}
	f, bad := readSCDNForm(w, r)
	s.describe(r, form{fields: f.names, values: f.values, file: f.file})
	if bad != nil {
		return nil, bad, false
	}
	output := f.values["outputFormat"]
	if output == "" {
		output = "auto"
	}
	domain := f.values["cdn_domain"]
	if domain == "" || domain == "default" {
		domain = scdnDomains[0]
	}
	hidden := f.values["password_enabled"] == "true"
	_, format, err := image.DecodeConfig(bytes.NewReader(f.data))
	refuse := func(status int, text string) (any, *scdnError, bool) { return nil, &scdnError{status, text}, false }
	switch {
	case f.file == "":
		return refuse(http.StatusBadRequest, "未选择文件。")
	case err != nil:
		return refuse(http.StatusUnsupportedMediaType, "不支持的图片格式。")
	case !slices.Contains(scdnOutputs, output):
		return refuse(http.StatusBadRequest, "输出格式无效。")
	case !slices.Contains(scdnDomains, domain):
		return refuse(http.StatusBadRequest, "CDN 域名无效。")
	case hidden && f.values["image_password"] == "":
		return refuse(http.StatusBadRequest, "请填写密码。")
	case hidden && f.values["password_type"] == "qa" && (f.values["password_question"] == "" || utf8.RuneCountInString(f.values["password_question"]) > 150):
		return refuse(http.StatusBadRequest, "问题不能为空，且不超过 150 字。")
	}
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return nil, nil, true
	}
	return s.scdnStore(f, "image/"+format, output, domain, hidden, odd), nil, false
}

func (s *Server) scdnStore(f scdnForm, mediaType, output, domain string, hidden bool, odd Odd) any {
	sum := sha256.Sum256(f.data)
	key := hex.EncodeToString(sum[:]) + " " + output
	s.mu.Lock()
	known := s.scdn.byContent[key]
	if known == nil || hidden {
		s.scdn.byName, s.scdn.byContent = orEmpty(s.scdn.byName), orEmpty(s.scdn.byContent)
		n := int64(len(s.scdn.byName) + 1)
		ext := map[string]string{"auto": "webp", "webp_animated": "webp", "jpeg": "jpg"}[output]
		if ext == "" {
			ext = output
		}
		now := s.now()
		stored := len(f.data) * 4 / 5 // as it says
		p := &scdnPicture{
			ID: n, Filename: fmt.Sprintf("%013x_%d.%s", now.UnixMicro()+n, now.Unix(), ext), Original: f.file,
			Size: len(f.data), Stored: stored, Sizes: fmt.Sprintf("%d B → %d B", len(f.data), stored),
			Hash: hex.EncodeToString(sum[:]), Date: now.Format(time.DateTime), Uploader: "127.*.*.1", Location: "沙盒",
			Tags: "文本、截图", TagList: []any{"文本", "截图"}, Domain: domain, Protected: hidden,
		}
		folder := "/i/"
		if hidden {
			folder = "/p/"
		}
		p.URL = "https://" + domain + folder + p.Filename
		s.scdn.byName[p.Filename] = p
		if !hidden {
			s.scdn.byContent[key] = p
		}
		s.mu.Unlock()
		s.store(&picture{host: domain, path: folder + p.Filename, mediaType: mediaType, sum: p.Hash, data: f.data})
		answer := map[string]any{"success": true, "url": p.URL, "data": map[string]any{
			"url": p.URL, "filename": p.Filename, "original_size": p.Size, "compressed_size": p.Stored, "compression_ratio": 20,
		}}
		if odd == SCDNBare {
			delete(answer, "data")
		}
		return answer
	}
	s.mu.Unlock()
	const text = "图片已存在，秒传成功！"
	return map[string]any{"success": true, "url": known.URL, "message": text, "data": map[string]any{"url": known.URL, "message": text}}
}

func orEmpty(m map[string]*scdnPicture) map[string]*scdnPicture {
	if m == nil {
		m = map[string]*scdnPicture{}
	}
	return m
}

var scdnQuery = regex.Lazy(`^[A-Za-z0-9_.-]+$`)

func (s *Server) scdnInfo(r *http.Request) (any, *scdnError) {
	q := r.URL.Query().Get("q")
	if !scdnQuery().MatchString(q) {
		return nil, &scdnError{http.StatusBadRequest, "参数 q 缺失或无效。"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.scdn.byName {
		if p.Filename == q || strconv.FormatInt(p.ID, 10) == q {
			return map[string]any{"success": true, "data": p}, nil
		}
	}
	return nil, &scdnError{http.StatusNotFound, "未找到与所给条件匹配的图片。"}
}

// scdnImage serves a picture, or asks for the password.
func (s *Server) scdnImage(w http.ResponseWriter, r *http.Request) {
	_, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	p := s.find("/" + file)
	switch {
	case r.Header.Get("Cookie") != "":
		http.Error(w, "a cookie has no business here", http.StatusBadRequest)
	case p == nil:
		http.Error(w, "no such picture", http.StatusNotFound)
	case path.Dir("/"+file) == "/p":
		s.answer(w, r, page{http.StatusOK, "请输入密码"})
	default:
		w.Header().Set("Content-Type", p.mediaType)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.data))
	}
}

// playSCDN answers an upload oddly, unless it has to be looked at first.
func (s *Server) playSCDN(odd Odd, w http.ResponseWriter, r *http.Request) bool {
	const busy = "请求过于频繁，请稍后再试。"
	refusal := map[string]any{"success": false, "error": busy, "message": busy}
	if odd == SCDNBare {
		return false
	}
	_, _ = io.Copy(io.Discard, r.Body)
	switch odd {
	case SCDNBusy:
		scdnAnswer(w, http.StatusTooManyRequests, refusal)
	case SCDNBusyDate:
		w.Header().Set("Retry-After", s.Now().Add(3*time.Second).UTC().Format(http.TimeFormat))
		scdnAnswer(w, http.StatusTooManyRequests, refusal)
	case SCDNOld:
		scdnAnswer(w, http.StatusInternalServerError, map[string]any{"success": false, "message": "压缩服务暂时不可用。"})
	case SCDNLarge:
		s.answer(w, r, page{http.StatusRequestEntityTooLarge, "413 Request Entity Too Large"})
	case SCDNDown:
		s.answer(w, r, page{http.StatusBadGateway, "502 Bad Gateway"})
	}
	return true
}

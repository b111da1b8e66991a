package sandbox

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"image"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"
)

// drawExpiry is how long a post's picture is kept without a post.
const drawExpiry = 45 * time.Minute

// draw stores a picture for a post. It answers as the newer generation does,
// or, as an oddity, as the older one.
func (s *Server) draw(w http.ResponseWriter, r *http.Request) any {
	odd, _ := s.oddity(ofUploads)
	old := odd == DrawOld
	if odd.early() {
		return s.play(odd, w, r, nil)
	}
	code := func(older, newer int, text string) *reply {
		if old {
			return failure(older, text)
		}
		return failure(newer, text)
	}
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.ContentLength < 0:
		return page{http.StatusLengthRequired, "411 Length Required"}
	case err != nil || mediaType != "multipart/form-data":
		return code(-2, 4100001, "参数错误")
	}
	values := map[string]string{"csrf": r.URL.Query().Get("csrf"), "category": "daily", "biz": "new_dyn"}
	var f form
	parts := multipart.NewReader(http.MaxBytesReader(w, r.Body, largest+1<<20), params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		var value bytes.Buffer
		if err == nil {
			_, err = value.ReadFrom(part)
		}
		if err != nil {
			return unreadable(err)
		}
		f.fields = append(f.fields, part.FormName())
		if part.FormName() == "file_up" {
			f.file, f.mediaType, f.data = part.FileName(), part.Header.Get("Content-Type"), value.Bytes()
		} else {
			values[part.FormName()] = value.String()
		}
	}
	f.bucket, f.values = values["category"], values
	s.describe(r, f)
	config, format, err := image.DecodeConfig(bytes.NewReader(f.data))
	cookie := cookies(r)
	s.mu.Lock()
	session := s.of(r)
	s.mu.Unlock()
	switch {
	case session == nil:
		return code(-4, -101, "账号未登录")
	case values["csrf"] != session.jct, cookie["bili_jct"] != values["csrf"]:
		return failure(-111, "csrf 校验失败")
	case f.file == "":
		return code(-1, 4100001, "没有图片")
	case !isASCII(f.file), !slices.Contains([]string{"daily", "draw", "cos"}, f.bucket), values["biz"] == "":
		return code(-2, 4100001, "参数错误")
	case err != nil || !slices.Contains([]string{"png", "jpeg", "gif"}, format) || "image/"+format != f.mediaType:
		return code(-7, 4100001, "图片信息错误")
	case f.bucket != "daily" && (config.Width <= 420 || config.Height <= 420):
		return code(-3, 4100001, "图片太小")
	}
	sum := md5.Sum(f.data)
	p := &picture{host: "i0.hdslb.com", data: f.data, mediaType: f.mediaType, sum: fmt.Sprintf("%x", sum), expires: s.Now().Add(drawExpiry)}
	p.path = fmt.Sprintf("/bfs/%s/%s%d.%s", values["biz"], p.sum, Mid, strings.ReplaceAll(format, "jpeg", "jpg"))
	s.store(p)
	switch odd {
	case "", DrawOld, Slashes, Relative, HTTPS, Reencoded:
	default:
		return s.play(odd, w, r, p)
	}
	data := map[string]any{"image_url": "http://" + p.host + p.path, "image_width": config.Width, "image_height": config.Height}
	if old {
		return &reply{Message: "success", Data: data}
	}
	data["img_size"] = float64(len(f.data)) / 1024
	return &reply{Message: "0", TTL: 1, Data: data}
}

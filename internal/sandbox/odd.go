package sandbox

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"bilipaste/internal/lang"
)

// Odd is a way in which an upload's answer differs from the usual. Each was
// seen on the real host, or is what its documents warn of.
type Odd string

// The oddities. Those up to HTTPS are successes, said in another way.
const (
	Slashes  Odd = "slashes"  // the link's slashes are escaped
	Relative Odd = "relative" // the link has no scheme
	HTTPS    Odd = "https"    // the link is an https one already

	Reencoded  Odd = "reencoded"   // the etag is not the picture's SHA-1
	Foreign    Odd = "foreign"     // the link leads to another host
	NoLink     Odd = "no-link"     // the link is empty
	NullData   Odd = "null-data"   // a success with data null
	NoData     Odd = "no-data"     // a success without data
	Cut        Odd = "cut"         // JSON that breaks off
	HTML       Odd = "html"        // a web page with status 200
	Empty      Odd = "empty"       // nothing with status 200
	Huge       Odd = "huge"        // 10 MiB with status 200
	Reset      Odd = "reset"       // the connection is cut after the picture was stored
	Hang       Odd = "hang"        // no answer at all
	Moved      Odd = "moved"       // a redirect
	LoggedOut  Odd = "logged-out"  // -101
	CSRF       Odd = "csrf"        // -111
	Risk       Odd = "risk"        // -352 with a voucher
	RiskBare   Odd = "risk-bare"   // -352 without data
	Voucher    Odd = "voucher"     // a success that holds a voucher alone
	Blocked    Odd = "blocked"     // -412
	Blocked412 Odd = "blocked-412" // HTTP 412 with a web page
	TooLarge   Odd = "too-large"   // -617
	TooLarge13 Odd = "too-large-413"
	Frequent   Odd = "frequent"     // -799
	Busy       Odd = "busy"         // HTTP 429 with Retry-After: 2
	ServerErr  Odd = "server-error" // -500
	BadGateway Odd = "bad-gateway"  // HTTP 502 with a web page
	Unknown    Odd = "unknown"      // a code that nobody has heard of
	DrawOld    Odd = "draw-old"     // upload_bfs as it was before 2025: other codes, no size

	// Those of img.scdn.io.
	SCDNBare     Odd = "scdn-bare"      // a success without data
	SCDNBusy     Odd = "scdn-busy"      // 429 without Retry-After
	SCDNBusyDate Odd = "scdn-busy-date" // 429 with Retry-After as a date
	SCDNOld      Odd = "scdn-old"       // 500 with a message alone, as it used to be
	SCDNLarge    Odd = "scdn-413"       // a web page
	SCDNDown     Odd = "scdn-502"       // a web page

	// Those of publishing.
	DynamicLost    Odd = "dynamic-lost"     // it is published, and the connection is cut
	DynamicTrouble Odd = "dynamic-502"      // it is published, and the answer is a web page
	DynamicNoID    Odd = "dynamic-no-id"    // it is published, and the answer has no number
	DynamicNever   Odd = "dynamic-never"    // the connection is cut, and nothing is published
	DynamicNoPhone Odd = "dynamic-no-phone" // 4126021
	DynamicRisk    Odd = "dynamic-risk"     // -352 with a voucher
	DynamicDraft   Odd = "dynamic-draft"    // a draft is not published, although the answer is a success
)

// kind says which calls an oddity is of.
type kind int

const (
	ofUploads  kind = iota // to Bilibili
	ofSCDN                 // to img.scdn.io
	ofDynamics             // publishing
)

// Odds returns all oddities.
func Odds() []Odd {
	return []Odd{
		Slashes, Relative, HTTPS, Reencoded, Foreign, NoLink, NullData, NoData, Cut, HTML, Empty, Huge, Reset, Hang,
		Moved, LoggedOut, CSRF, Risk, RiskBare, Voucher, Blocked, Blocked412, TooLarge, TooLarge13, Frequent, Busy,
		ServerErr, BadGateway, Unknown, DrawOld, SCDNBare, SCDNBusy, SCDNBusyDate, SCDNOld, SCDNLarge, SCDNDown,
		DynamicLost, DynamicTrouble, DynamicNoID, DynamicNever, DynamicNoPhone, DynamicRisk, DynamicDraft,
	}
}

// ParseOdd reads "NAME" or "NAME:TIMES", as a command line has it, into what
// Play takes.
func ParseOdd(text string) (odd Odd, times int, err error) {
	name, count, counted := strings.Cut(text, ":")
	if counted {
		times, err = strconv.Atoi(count)
		if err == nil && times < 1 {
			err = errors.New("less than 1")
		}
	}
	names := make([]string, 0, len(Odds()))
	for _, o := range Odds() {
		if string(o) == name && err == nil {
			return o, times, nil
		}
		names = append(names, string(o))
	}
	return "", 0, lang.Errorf("sandbox.odd", lang.Data{"Text": text, "Names": strings.Join(names, ", ")}, err)
}

// kind returns which calls an oddity is of.
func (o Odd) kind() kind {
	switch first, _, _ := strings.Cut(string(o), "-"); first {
	case "scdn":
		return ofSCDN
	case "dynamic":
		return ofDynamics
	}
	return ofUploads
}

// early tells an oddity that comes before anything is looked at.
func (o Odd) early() bool {
	switch o {
	case Busy, BadGateway, Blocked412, TooLarge13, Moved:
		return true
	}
	return false
}

// play answers an upload oddly. p is what was stored, nil for an early oddity.
func (s *Server) play(odd Odd, w http.ResponseWriter, r *http.Request, p *picture) any {
	text := func(body string) any {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		send(w, r, http.StatusOK, []byte(body))
		return nil
	}
	const voucher = "voucher_01234567-89ab-cdef-0123-456789abcdef"
	switch odd {
	case Slashes:
		return text(`{"code":0,"message":"0","ttl":1,"data":{"location":"http:\/\/i0.hdslb.com` +
			strings.ReplaceAll(p.path, "/", `\/`) + `","etag":"` + p.sum + `","object_metas":{}}}`)
	case Relative:
		return stored("//i0.hdslb.com"+p.path, p.sum)
	case HTTPS:
		return stored("https://i0.hdslb.com"+p.path, p.sum)
	case Reencoded:
		return stored("http://i0.hdslb.com"+p.path, strings.Repeat("0", 40))
	case Foreign:
		return stored("http://i0.hdslb.com.example"+p.path, p.sum)
	case NoLink:
		return stored("", p.sum)
	case NullData:
		return text(`{"code":0,"message":"0","ttl":1,"data":null}`)
	case NoData:
		return text(`{"code":0,"message":"0","ttl":1}`)
	case Cut:
		return text(`{"code":0,"message":"0","ttl":1,"data":{"location":"http://i0.hds`)
	case HTML:
		return page{http.StatusOK, "登录 - bilibili.com"}
	case Empty:
		return text("")
	case Huge:
		return text(strings.Repeat(" ", 10<<20))
	case Reset:
		panic(http.ErrAbortHandler)
	case Hang:
		<-r.Context().Done()
		return nil
	case Moved:
		w.Header().Set("Location", "https://elsewhere.example/x/upload/web/image")
		return page{http.StatusTemporaryRedirect, "307 Temporary Redirect"}
	case LoggedOut:
		return failure(-101, "账号未登录")
	case CSRF:
		return failure(-111, "csrf 校验失败")
	case Risk:
		no := failure(-352, "风控校验失败")
		no.Data = map[string]string{"v_voucher": voucher}
		return no
	case RiskBare:
		return failure(-352, "-352")
	case Voucher:
		return &reply{Message: "0", TTL: 1, Data: map[string]string{"v_voucher": voucher}}
	case Blocked:
		return failure(-412, "请求被拦截")
	case Blocked412:
		return page{http.StatusPreconditionFailed, "出错啦! - bilibili.com"}
	case TooLarge:
		return failure(-617, "上传文件太大")
	case TooLarge13:
		return page{http.StatusRequestEntityTooLarge, "413 Request Entity Too Large"}
	case Frequent:
		return failure(-799, "请求过于频繁，请稍后再试")
	case Busy:
		w.Header().Set("Retry-After", "2")
		return page{http.StatusTooManyRequests, "429 Too Many Requests"}
	case ServerErr:
		return failure(-500, "服务器错误")
	case BadGateway:
		return page{http.StatusBadGateway, "502 Bad Gateway"}
	}
	return failure(69800, "未知错误")
}

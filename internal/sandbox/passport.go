package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"iter"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"bilipaste/internal/regex"
)

// RefreshToken belongs to the session of SESSDATA.
const RefreshToken = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

// Twist is a way in which signing in, staying so and signing out differ from
// the usual.
type Twist string

// The twists.
const (
	LegacyLogin     Twist = "legacy-login"     // cookies, and an address that holds them too
	LegacyAddress   Twist = "legacy-address"   // no cookies, but an address that holds them
	TicketOnly      Twist = "ticket-only"      // no cookies, but an address with a ticket
	TicketForeign   Twist = "ticket-foreign"   // the same, on another host
	TicketLookalike Twist = "ticket-lookalike" // on a host that begins like the right one
	TicketPort      Twist = "ticket-port"      // on another port
	TicketUser      Twist = "ticket-user"      // with the right host as a user's name
	TicketHTTP      Twist = "ticket-http"      // in the clear
	TicketSpent     Twist = "ticket-spent"     // a ticket that gives nothing
	Deleted         Twist = "deleted"          // a SESSDATA that says "deleted", and no ticket
	NoCSRF          Twist = "no-csrf"          // a SESSDATA without bili_jct, and no ticket
	Denied          Twist = "denied"           // cookies that are not signed in
	NoToken         Twist = "no-token"         // no refresh token
	LoginBroken     Twist = "login-broken"     // the confirmed code's answer is no JSON

	CSRFPageOdd     Twist = "csrf-page-odd"    // the refresh token's page, written in another way
	CSRFPageEmpty   Twist = "csrf-page-empty"  // without what is looked for
	RefreshMismatch Twist = "refresh-mismatch" // 86095
	RefreshBare     Twist = "refresh-bare"     // renewed, but no cookies
	RefreshDeleted  Twist = "refresh-deleted"  // renewed, but cookies that say "deleted"
	RefreshDenied   Twist = "refresh-denied"   // renewed to cookies that are not signed in
	RefreshLost     Twist = "refresh-lost"     // renewed, but the connection is cut
	ConfirmLost     Twist = "confirm-lost"     // confirmed, but the connection is cut
	ConfirmFails    Twist = "confirm-fails"    // HTTP 502

	LogoutWrong Twist = "logout-wrong" // 2202
)

const (
	codeLife    = 180 * time.Second
	sessionLife = 180 * 24 * time.Hour
	clockSlack  = 5 * time.Minute
)

// generation is one session of the account.
type generation struct {
	sessdata, jct, token string
	previous             *generation // which it replaces
	dead, denied         bool
}

// code is a QR code.
type code struct {
	made, scanned, confirmed time.Time
	used                     bool
}

// accounts is the passport's side of the sandbox.
type accounts struct {
	generations   []*generation
	codes         map[string]*code
	tickets       map[string]*generation
	csrfs         map[string]*generation // refresh_csrf values that were given out
	scan, confirm time.Duration          // after a code was made
	twist         Twist
	due           bool // a session is to be renewed
}

func newAccounts() accounts {
	return accounts{
		generations: []*generation{{sessdata: SESSDATA, jct: BiliJct, token: RefreshToken}},
		codes:       map[string]*code{}, tickets: map[string]*generation{}, csrfs: map[string]*generation{},
		scan: 3 * time.Second, confirm: 6 * time.Second,
	}
}

// Phone says how long after a QR code was made the user's phone scans it, and
// confirms the login: 3 s and 6 s, unless told otherwise. Less than 0 is never.
func (s *Server) Phone(scan, confirm time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scan, s.confirm = scan, confirm
}

// Twist makes the passport's answers differ in one way from now on, or in
// none: "".
func (s *Server) Twist(t Twist) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.twist = t
}

// RefreshDue makes the host ask for the session to be renewed, or stop to.
func (s *Server) RefreshDue(due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = due
}

// Revoke ends all sessions.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.generations {
		g.dead = true
	}
}

// Revive signs all sessions in again.
func (s *Server) Revive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.generations {
		g.dead = false
	}
}

// Sessions counts the sessions that are signed in.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, g := range s.generations {
		if !g.dead && !g.denied {
			n++
		}
	}
	return n
}

// RefreshKey returns the public key, in PEM, that takes the place of the
// host's own, whose private half only the host has.
func (s *Server) RefreshKey() []byte {
	der, err := x509.MarshalPKIXPublicKey(&privateKey().PublicKey)
	if err != nil {
		panic(err) // an RSA key can be written
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// privateKey is that of all stand-ins of a process: to make one takes long.
var privateKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 1024) // as long as the host's
	if err != nil {
		panic(err) // the system has no randomness
	}
	return key
})

func (s *Server) routePassport(mux *http.ServeMux) {
	const get, post = http.MethodGet, http.MethodPost
	mux.HandleFunc("/api.bilibili.com/x/frontend/finger/spi", s.bilibili(get, s.visitor))
	mux.HandleFunc("/passport.bilibili.com/x/passport-login/web/qrcode/generate", s.bilibili(get, s.generateCode))
	mux.HandleFunc("/passport.bilibili.com/x/passport-login/web/qrcode/poll", s.bilibili(get, s.pollCode))
	mux.HandleFunc("/passport.biligame.com/x/passport-login/web/crossDomain", s.bilibili(get, s.crossDomain))
	mux.HandleFunc("/passport.bilibili.com/x/passport-login/web/cookie/info", s.bilibili(get, s.cookieInfo))
	mux.HandleFunc("/www.bilibili.com/correspond/1/{path}", s.bilibili(get, s.correspond))
	mux.HandleFunc("/passport.bilibili.com/x/passport-login/web/cookie/refresh", s.bilibili(post, s.refresh))
	mux.HandleFunc("/passport.bilibili.com/x/passport-login/web/confirm/refresh", s.bilibili(post, s.confirmRefresh))
	mux.HandleFunc("/passport.bilibili.com/login/exit/v2", s.bilibili(post, s.exit))
}

// of returns the session of a request's cookies, nil if it is signed in nowhere.
// The caller holds the lock.
func (s *Server) of(r *http.Request) *generation {
	sessdata := cookies(r)["SESSDATA"]
	for _, g := range s.generations {
		if g.sessdata == sessdata && !g.dead && !g.denied {
			return g
		}
	}
	return nil
}

// issue makes a new session. The caller holds the lock.
func (s *Server) issue(previous *generation) *generation {
	expires := strconv.FormatInt(time.Now().Add(sessionLife).Unix(), 10)
	g := &generation{
		sessdata: digits(8) + "%2C" + expires + "%2C" + digits(5) + "%2A" + digits(2) + "CjB" + digits(30),
		jct:      digits(32), token: digits(32), previous: previous,
	}
	s.generations = append(s.generations, g)
	return g
}

// digits returns n random hexadecimal digits.
func digits(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b) // it does not fail
	return hex.EncodeToString(b)[:n]
}

// setCookies gives a session out, or takes it away where g says "deleted".
func setCookies(w http.ResponseWriter, g *generation) {
	expires := "; Expires=" + time.Now().Add(sessionLife).UTC().Format(http.TimeFormat)
	const domain = "; Path=/; Domain=bilibili.com"
	add := func(name, value, attributes string) {
		if value != "" {
			w.Header().Add("Set-Cookie", name+"="+value+domain+expires+attributes)
		}
	}
	add("SESSDATA", g.sessdata, "; HttpOnly; Secure")
	add("bili_jct", g.jct, "")
	add("DedeUserID", strconv.Itoa(Mid), "")
	add("DedeUserID__ckMd5", "00aa11bb22cc33dd", "")
	add("sid", "abcd1234", "")
}

func (s *Server) visitor(http.ResponseWriter, *http.Request) any {
	return &reply{Message: "ok", Data: map[string]string{
		"b_3": "01234567-89AB-CDEF-0123-456789ABCDEF12345infoc",
		"b_4": "01234567-89AB-CDEF-0123-456789ABCDEF12345-026112100-AbCdEf%3D%3D",
	}}
}

func (s *Server) generateCode(http.ResponseWriter, *http.Request) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := digits(32)
	now := time.Now()
	c := &code{made: now}
	if s.scan >= 0 {
		c.scanned = now.Add(s.scan)
	}
	if s.confirm >= 0 {
		c.confirmed = now.Add(s.confirm)
	}
	s.codes[key] = c
	return &reply{Message: "0", TTL: 1, Data: map[string]string{
		"url":        "https://account.bilibili.com/h5/account-h5/auth/scan-web?navhide=1&callback=close&qrcode_key=" + key + "&from=",
		"qrcode_key": key,
	}}
}

func (s *Server) pollCode(w http.ResponseWriter, r *http.Request) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := func(code int, message string) any {
		return &reply{Message: "0", TTL: 1, Data: map[string]any{
			"url": "", "refresh_token": "", "timestamp": 0, "code": code, "message": message,
		}}
	}
	now := time.Now()
	reached := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	switch c := s.codes[r.URL.Query().Get("qrcode_key")]; {
	case c == nil, c.used, now.Sub(c.made) >= codeLife:
		return state(86038, "二维码已失效")
	case reached(c.confirmed):
		c.used = true
		return s.login(w)
	case reached(c.scanned):
		return state(86090, "二维码已扫码未确认")
	}
	return state(86101, "未扫码")
}

// login answers to a confirmed code. The caller holds the lock.
func (s *Server) login(w http.ResponseWriter) any {
	g := s.issue(nil)
	legacy := "https://passport.biligame.com/crossDomain?" + "DedeUserID=" + strconv.Itoa(Mid) +
		"&DedeUserID__ckMd5=00aa11bb22cc33dd&Expires=1810771200&SESSDATA=" + g.sessdata + "&bili_jct=" + g.jct +
		"&gourl=https%3A%2F%2Fpassport.bilibili.com"
	ticket := digits(20)
	s.tickets[ticket] = g
	query := "/x/passport-login/web/crossDomain?ticket=" + ticket + "&gourl=https%3A%2F%2Fwww.bilibili.com&first_domain=.bilibili.com"
	address, bare := "https://passport.biligame.com"+query, false
	switch s.twist {
	case LegacyLogin:
		address = legacy
	case LegacyAddress:
		address, bare = legacy, true
	case TicketOnly:
		bare = true
	case TicketForeign:
		address, bare = "https://passport.example"+query, true
	case TicketLookalike:
		address, bare = "https://passport.biligame.com.evil.test"+query, true
	case TicketPort:
		address, bare = "https://passport.biligame.com:8443"+query, true
	case TicketUser:
		address, bare = "https://passport.biligame.com@evil.test"+query, true
	case TicketHTTP:
		address, bare = "http://passport.biligame.com"+query, true
	case TicketSpent:
		delete(s.tickets, ticket)
		bare = true
	case Deleted:
		setCookies(w, &generation{sessdata: "deleted", jct: g.jct})
		address, bare = "https://www.bilibili.com", true
	case NoCSRF:
		setCookies(w, &generation{sessdata: g.sessdata})
		address, bare = "https://www.bilibili.com", true
	case Denied:
		g.denied = true
	case NoToken:
		g.token = ""
	}
	if !bare {
		setCookies(w, g)
	}
	if s.twist == LoginBroken {
		return text{jsonType, `{"code":0,"data":{"refresh_token":"` + g.token + `"}}}}`}
	}
	return &reply{Message: "0", TTL: 1, Data: map[string]any{
		"url": address, "refresh_token": g.token, "timestamp": time.Now().UnixMilli(), "code": 0, "message": "",
	}}
}

// crossDomain gives a ticket's session out, once.
func (s *Server) crossDomain(w http.ResponseWriter, r *http.Request) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Cookie") != "" {
		return page{http.StatusBadRequest, "another site's cookie has no business here"}
	}
	ticket := r.URL.Query().Get("ticket")
	if g := s.tickets[ticket]; g != nil {
		setCookies(w, g)
	}
	delete(s.tickets, ticket)
	w.Header().Set("Location", "https://www.bilibili.com")
	return page{http.StatusFound, "302 Found"}
}

func (s *Server) cookieInfo(_ http.ResponseWriter, r *http.Request) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of(r) == nil {
		return failure(-101, "账号未登录")
	}
	return &reply{Message: "0", TTL: 1, Data: map[string]any{"refresh": s.due, "timestamp": time.Now().UnixMilli()}}
}

var (
	correspondPath = regex.Lazy(`^[0-9a-f]{256}$`)
	correspondText = regex.Lazy(`^refresh_([0-9]{13})$`)
)

func (s *Server) correspond(_ http.ResponseWriter, r *http.Request) any {
	notFound := page{http.StatusNotFound, "404 Not Found"}
	key := privateKey()
	path := r.PathValue("path")
	if !correspondPath().MatchString(path) {
		return notFound
	}
	sealed, _ := hex.DecodeString(path)
	opened, err := rsa.DecryptOAEP(sha256.New(), nil, key, sealed, nil)
	found := correspondText().FindSubmatch(opened)
	if err != nil || found == nil {
		return notFound
	}
	at, _ := strconv.ParseInt(string(found[1]), 10, 64)
	if age := time.Since(time.UnixMilli(at)); age < 0 || age > clockSlack {
		return notFound
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.of(r)
	if g == nil || s.twist == CSRFPageEmpty {
		return text{htmlType, `<!DOCTYPE html><html><body><div id="app"></div></body></html>`}
	}
	csrf := digits(32)
	s.csrfs[csrf] = g
	if s.twist == CSRFPageOdd {
		return text{htmlType, "<html><!-- <div id=\"1-name\">no</div> --><script>'<div id=\"1-name\">no</div>'</script>\n<DIV class=x ID = '1-name' >\n  <b>" + csrf + "</b>\n</DIV></html>"}
	}
	return text{htmlType, fmt.Sprintf(`<!DOCTYPE html>
<html lang="zh-Hans">
<head><meta name="spm_prefix" content="333.1193"></head>
<title>Correspond</title>
<body>
  <div id="1-name">%s</div>
  <div id="token-iframe-app"></div>
</body>
</html>
`, csrf)}
}

// readPost reads a posted form; ok tells that it was one.
func readPost(r *http.Request) (form url.Values, ok bool) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		return nil, false
	}
	return r.PostForm, true
}

func (s *Server) refresh(w http.ResponseWriter, r *http.Request) any {
	form, ok := readPost(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.of(r)
	switch {
	case g == nil:
		return failure(-101, "账号未登录")
	case !ok, form.Get("source") != "main_web":
		return failure(-400, "请求错误")
	case form.Get("csrf") != g.jct, cookies(r)["bili_jct"] != g.jct:
		return failure(-111, "csrf 校验失败")
	case s.csrfs[form.Get("refresh_csrf")] != g, form.Get("refresh_token") != g.token, s.twist == RefreshMismatch:
		return failure(86095, "refresh_csrf 错误或 refresh_token 与 cookie 不匹配")
	}
	delete(s.csrfs, form.Get("refresh_csrf"))
	fresh := s.issue(g)
	switch s.twist {
	case RefreshLost:
		panic(http.ErrAbortHandler)
	case RefreshDeleted:
		setCookies(w, &generation{sessdata: "deleted", jct: "deleted"})
	case RefreshBare:
	case RefreshDenied:
		fresh.denied = true
		fallthrough
	default:
		setCookies(w, fresh)
	}
	return &reply{Message: "0", TTL: 1, Data: map[string]any{"status": 0, "message": "", "refresh_token": fresh.token}}
}

func (s *Server) confirmRefresh(_ http.ResponseWriter, r *http.Request) any {
	form, ok := readPost(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.of(r)
	switch {
	case s.twist == ConfirmFails:
		return page{http.StatusBadGateway, "502 Bad Gateway"}
	case g == nil:
		return failure(-101, "账号未登录")
	case !ok:
		return failure(-400, "请求错误")
	case form.Get("csrf") != g.jct, cookies(r)["bili_jct"] != g.jct:
		return failure(-111, "csrf 校验失败")
	case g.previous == nil || g.previous.dead || form.Get("refresh_token") != g.previous.token:
		return failure(-400, "请求错误")
	}
	g.previous.dead = true
	if s.twist == ConfirmLost {
		panic(http.ErrAbortHandler)
	}
	return &reply{Message: "0", TTL: 1}
}

func (s *Server) exit(w http.ResponseWriter, r *http.Request) any {
	form, ok := readPost(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.of(r)
	cookie := cookies(r)
	switch {
	case !ok:
		return failure(-400, "请求错误")
	case s.twist == LogoutWrong:
		return failure(2202, "csrf 请求非法")
	case g == nil, cookie["DedeUserID"] != strconv.Itoa(Mid), cookie["bili_jct"] == "":
		return page{http.StatusOK, "登录 - bilibili.com"}
	case form.Get("biliCSRF") != g.jct, cookie["bili_jct"] != g.jct:
		return failure(2202, "csrf 请求非法")
	}
	g.dead = true
	for _, name := range []string{"DedeUserID", "DedeUserID__ckMd5", "SESSDATA", "bili_jct"} {
		w.Header().Add("Set-Cookie", name+"=deleted; Path=/; Domain=bilibili.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
	}
	return text{jsonType, `{"code":0,"status":true,"ts":` + strconv.FormatInt(time.Now().Unix(), 10) +
		`,"data":{"redirectUrl":"https://passport.biligame.com/crossDomain?DedeUserID=&DedeUserID__ckMd5=&SESSDATA=&bili_jct=&gourl=javascript%3Ahistory.go%28-1%29"}}`}
}

// Twists returns all twists.
func Twists() []Twist {
	return []Twist{
		LegacyLogin, LegacyAddress, TicketOnly, TicketForeign, TicketLookalike, TicketPort, TicketUser, TicketHTTP,
		TicketSpent, Deleted, NoCSRF, Denied, NoToken, LoginBroken,
		CSRFPageOdd, CSRFPageEmpty, RefreshMismatch, RefreshBare, RefreshDeleted, RefreshDenied, RefreshLost,
		ConfirmLost, ConfirmFails, LogoutWrong,
	}
}

// Secrets returns all that was ever given out and must not be shown, for tests
// that look for it where it has no place to be.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, g := range s.generations {
		all = append(all, g.sessdata, g.jct)
		if g.token != "" {
			all = append(all, g.token)
		}
	}
	for _, given := range []iter.Seq[string]{maps.Keys(s.codes), maps.Keys(s.tickets), maps.Keys(s.csrfs)} {
		all = slices.AppendSeq(all, given)
	}
	return all
}

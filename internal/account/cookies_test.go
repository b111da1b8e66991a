package account_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/sandbox"
)

// Cookies that an answer takes away are not taken.
func TestExpiredCookiesAreNone(t *testing.T) {
	for name, attribute := range map[string]string{"max-age": "Max-Age=-1", "expires": "Expires=Thu, 01 Jan 1970 00:00:00 GMT"} {
		synctest.Test(t, func(t *testing.T) {
			g, f := newFailing(t)
			f.broken["/qrcode/poll"] = func(w http.ResponseWriter, _ *http.Request) {
				for _, cookie := range []string{"SESSDATA=" + sandbox.SESSDATA, "bili_jct=" + sandbox.BiliJct} {
					w.Header().Add("Set-Cookie", cookie+"; Path=/; Domain=bilibili.com; "+attribute)
				}
				_, _ = io.WriteString(w, `{"code":0,"data":{"code":0,"url":"","refresh_token":"x"}}`)
			}
			if _, err := g.client.Login(t.Context(), g.tell); fault.KindOf(err) != fault.BrokenAnswer || len(g.store.secret) > 0 {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// Of a whole Cookie header all that the account has is kept, and sent.
func TestAWholeCookieHeaderIsKept(t *testing.T) {
	const others = "DedeUserID=10010086; DedeUserID__ckMd5=00aa11bb22cc33dd; sid=abcd1234; buvid3=OWN-infoc; buvid4=OWN4%3D%3D; b_nut=1700000000"
	header := "i-wanna-go-back=-1; " + strings.ReplaceAll(others, "; ", "; x=y; ") + "; SESSDATA=" + sandbox.SESSDATA + "; bili_jct=" + sandbox.BiliJct
	s, err := account.NewSession("Cookie: "+header, "")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		if _, err := g.client.Adopt(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if count(g.asked(), "api.bilibili.com/x/frontend/finger/spi") != 0 {
			t.Error("another buvid3 was fetched")
		}
		again := g.program(t, t.TempDir(), inside{Handler: g.server})
		if err := upload(t.Context(), t, again, 1); err != nil {
			t.Fatal(err)
		}
		requests := g.server.Requests()
		want := "SESSDATA=" + sandbox.SESSDATA + "; bili_jct=" + sandbox.BiliJct + "; " + others
		if got := requests[len(requests)-1].Header.Get("Cookie"); got != want {
			t.Errorf("sent: %s", strings.ReplaceAll(got, sandbox.SESSDATA, "…"))
		}
	})
}

// Half a session in the cookies is none: the whole one is in the address.
func TestHalfASessionIsNotTaken(t *testing.T) {
	for _, half := range []string{"SESSDATA=0a1b%2C1810771200%2C4e5f6", "bili_jct=ffeeddccbbaa99887766554433221100"} {
		synctest.Test(t, func(t *testing.T) {
			g, f := newFailing(t)
			f.broken["/qrcode/poll"] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Add("Set-Cookie", half+"; Path=/; Domain=bilibili.com")
				address := "https://passport.biligame.com/crossDomain?SESSDATA=" + sandbox.SESSDATA + "&bili_jct=" + sandbox.BiliJct
				_ = json.NewEncoder(w).Encode(map[string]any{"code": 0, "data": map[string]any{"code": 0, "url": address, "refresh_token": "x"}})
			}
			if _, err := g.client.Login(t.Context(), g.tell); err != nil || !g.client.Session().Equal(session(t)) {
				t.Errorf("%s: %v", half[:8], err)
			}
		})
	}
}

// A SESSDATA that an answer does not encode is the same one.
func TestACookieWithCommasIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newFailing(t)
		f.broken["/qrcode/poll"] = func(w http.ResponseWriter, _ *http.Request) {
			plain, _ := url.PathUnescape(sandbox.SESSDATA)
			w.Header().Add("Set-Cookie", "SESSDATA="+plain+"; Path=/; Domain=bilibili.com")
			w.Header().Add("Set-Cookie", "bili_jct="+sandbox.BiliJct+"; Path=/; Domain=bilibili.com")
			_, _ = io.WriteString(w, `{"code":0,"data":{"code":0,"url":"","refresh_token":"x"}}`)
		}
		if user, err := g.client.Login(t.Context(), g.tell); err != nil || user.ID != sandbox.Mid || !g.client.Session().Equal(session(t)) {
			t.Errorf("%+v, %v", user, err)
		}
	})
}

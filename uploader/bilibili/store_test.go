package bilibili_test

import (
	"bytes"
	"testing"

	"bilipaste/internal/fault"
	"bilipaste/uploader/bilibili"
)

func TestASessionThatIsKeptComesBackAsItWas(t *testing.T) {
	for _, data := range []string{"{", "null", "{}", `{"SESSDATA":"a"}`, `{"SESSDATA":"a\nb","bili_jct":"c;d"}`, "[]"} {
		if s, err := bilibili.DecodeSession([]byte(data)); err == nil || !s.IsZero() || fault.KindOf(err) != fault.NotLoggedIn {
			t.Errorf("%s: %v", data, err)
		}
	}
	s := session(t)
	if back, err := bilibili.DecodeSession(s.Encode()); err != nil || !back.Equal(s) {
		t.Error(err)
	}
	if nobody, err := bilibili.DecodeSession(nil); err != nil || !nobody.IsZero() || len((bilibili.Session{}).Encode()) != 0 {
		t.Error(err)
	}
}

func FuzzDecodeSession(f *testing.F) {
	f.Add([]byte(`{"SESSDATA":"a","bili_jct":"b","cookies":"sid=c","refresh_token":"d","replaced":{"SESSDATA":"e","bili_jct":"f"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := bilibili.DecodeSession(data)
		if err != nil {
			return
		}
		back, err := bilibili.DecodeSession(s.Encode())
		if err != nil || !back.Equal(s) || !bytes.Equal(back.Encode(), s.Encode()) {
			t.Errorf("%v: %q became %q", err, data, back.Encode())
		}
	})
}

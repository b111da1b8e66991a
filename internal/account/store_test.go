package account_test

import (
	"bytes"
	"testing"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
)

func TestASessionThatIsKeptComesBackAsItWas(t *testing.T) {
	for _, data := range []string{"{", "null", "{}", `{"SESSDATA":"a"}`, `{"SESSDATA":"a\nb","bili_jct":"c;d"}`, "[]"} {
		if s, err := account.DecodeSession([]byte(data)); err == nil || !s.IsZero() || fault.KindOf(err) != fault.NotLoggedIn {
			t.Errorf("%s: %v", data, err)
		}
	}
	s := session(t)
	if back, err := account.DecodeSession(s.Encode()); err != nil || !back.Equal(s) {
		t.Error(err)
	}
	if nobody, err := account.DecodeSession(nil); err != nil || !nobody.IsZero() || len((account.Session{}).Encode()) != 0 {
		t.Error(err)
	}
}

func FuzzDecodeSession(f *testing.F) {
	f.Add([]byte(`{"SESSDATA":"a","bili_jct":"b","cookies":"sid=c","refresh_token":"d","replaced":{"SESSDATA":"e","bili_jct":"f"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := account.DecodeSession(data)
		if err != nil {
			return
		}
		back, err := account.DecodeSession(s.Encode())
		if err != nil || !back.Equal(s) || !bytes.Equal(back.Encode(), s.Encode()) {
			t.Errorf("%v: %q became %q", err, data, back.Encode())
		}
	})
}

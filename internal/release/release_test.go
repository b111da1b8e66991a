package release_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"bilipaste/internal/lang"
	"bilipaste/internal/release"
)

// project answers as a project's page does: its newest release is elsewhere.
func project(t *testing.T, status int, location string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/owner/bilipaste/releases/latest" || r.URL.RawQuery != "" || len(r.Cookies()) > 0 {
			t.Errorf("asked for %s", r.URL)
		}
		if location != "" {
			w.Header().Set("Location", location)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/owner/bilipaste"
}

func TestTheNewestReleaseIsWhereThePageLeads(t *testing.T) {
	home := project(t, http.StatusFound, "/owner/bilipaste/releases/tag/v1.10.0")
	r, err := release.Newest(t.Context(), http.DefaultTransport, home)
	if err != nil || r.Version != "1.10.0" || r.Page != home+"/releases/tag/v1.10.0" {
		t.Fatalf("%+v, %v", r, err)
	}
	for version, newer := range map[string]bool{
		"1.9.9": true, "1.10.0-rc.1": true, "1.10.0": false, "1.10.0+dirty": false, "2.0.0": false, "(devel)": false,
	} {
		if r.Newer(version) != newer {
			t.Errorf("%s is newer than %s: %v", r.Version, version, !newer)
		}
	}
}

func TestAPageWithoutAReleaseIsToldOf(t *testing.T) {
	for name, home := range map[string]string{
		"release.none":        project(t, http.StatusNotFound, ""),
		"release.unreached":   "http://127.0.0.1:1/bilipaste",
		"release.unpublished": "",
	} {
		_, err := release.Newest(t.Context(), http.DefaultTransport, home)
		if told, ok := errors.AsType[lang.Teller](err); !ok || told.Tell().ID != name {
			t.Errorf("%q: %v, want %s", home, err, name)
		}
	}
	for _, location := range []string{
		"/owner/bilipaste/releases",            // as of a project without a release
		"/owner/bilipaste/releases/tag/newest", // no version
		"https://elsewhere.example/releases/tag/v9.9.9",
	} {
		if r, err := release.Newest(t.Context(), http.DefaultTransport, project(t, http.StatusFound, location)); err == nil {
			t.Errorf("%s is taken for %+v", location, r)
		}
	}
}

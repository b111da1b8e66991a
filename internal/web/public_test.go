package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"bilipaste/internal/web"
)

// Addresses of this machine and of its networks are not reached, however they
// are written, and whatever name or redirect leads to them.
func TestPublic(t *testing.T) {
	reached := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reached = true }))
	defer server.Close()
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	client := &http.Client{Transport: web.NewPublic(nil)}
	for _, host := range []string{
		"127.0.0.1", "localhost", "LOCALHOST.", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "10.0.0.1", "192.168.1.1",
		"172.16.0.1", "169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1",
		"255.255.255.255", "192.0.0.8", "198.18.0.1", "240.0.0.1", "[fd00::808:808]", "[fd08:808:808:808::1]", "[fe80::808:808]", "[64:ff9b:1::808:808]", "[100::808:808]",
		"[fec0::808:808]", "[64:ff9b::a00:1]", "[2002:a00:1::808:808]", "[ff02::808:808]", "printer.local", "metadata.google.internal", "a.localhost",
	} {
		resp, err := client.Get("http://" + host + port + "/a.png")
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, web.ErrPrivate) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if reached {
		t.Error("this machine was reached")
	}
}

// A proxy may be on this machine. It is not asked for what is on this machine.
func TestPublicByProxy(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.String()) }))
	defer proxy.Close()
	at, _ := url.Parse(proxy.URL)
	client := &http.Client{Transport: web.NewPublic(http.ProxyURL(at))}
	want := []string{
		"http://pictures.example/a.png", "http://8.8.8.8/a.png", "http://[2606:4700:4700::1111]/a.png", "http://[64:ff9b::808:808]/a.png",
		"http://[2002:808:808::a00:1]/a.png", "http://[::ffff:8.8.8.8]/a.png",
	}
	for _, address := range want {
		resp, err := client.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if resp, err := client.Get("http://10.0.0.1/a.png"); !errors.Is(err, web.ErrPrivate) {
		if err == nil {
			_ = resp.Body.Close()
		}
		t.Errorf("10.0.0.1: %v", err)
	}
	if !slices.Equal(asked, want) {
		t.Errorf("asked for %v", asked)
	}

	// There may be none, or nobody may know which.
	unknown := errors.New("no such proxy")
	for _, says := range []error{nil, unknown} {
		client := &http.Client{Transport: web.NewPublic(func(*http.Request) (*url.URL, error) { return nil, says })}
		resp, err := client.Get("http://pictures.invalid/a.png")
		if err == nil {
			_ = resp.Body.Close()
		}
		if err == nil || says != nil && !errors.Is(err, says) {
			t.Errorf("%v, want %v", err, says)
		}
	}
}

package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

var page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the page") })

// ask sends a request to a guarded page.
func ask(method, host string, headers map[string]string) *http.Response {
	r := httptest.NewRequest(method, "/", nil)
	r.Host = host
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	Guard(page).ServeHTTP(w, r)
	return w.Result()
}

func TestGuard(t *testing.T) {
	for _, c := range []struct {
		method, host, header, value string
		code                        int
	}{
		{"GET", "localhost:6060", "", "", 200},
		{"HEAD", "localhost", "", "", 200},
		{"GET", "127.0.0.1:1", "", "", 200},
		{"GET", "127.8.9.10", "", "", 200},
		{"GET", "[::1]:6060", "", "", 200},
		{"GET", "[::1]", "", "", 200},
		{"GET", "LocalHost:1", "Sec-Fetch-Site", "none", 200},
		{"GET", "localhost:1", "Sec-Fetch-Site", "same-origin", 200},
		{"GET", "localhost:1", "Origin", "http://localhost:1", 200},
		{"GET", "localhost:1", "Sec-Fetch-Site", "cross-site", 403},
		{"GET", "localhost:1", "Sec-Fetch-Site", "same-site", 403},
		{"GET", "localhost:1", "Sec-Fetch-Site", "anything", 403},
		{"GET", "localhost:1", "Origin", "http://localhost:2", 403},
		{"GET", "localhost:1", "Origin", "https://localhost:1", 403},
		{"GET", "localhost:1", "Origin", "null", 403},
		{"GET", "localhost:1", "Origin", "http://evil.example", 403},
		{"GET", "evil.example", "", "", 403},
		{"GET", "localhost.evil.example", "", "", 403},
		{"GET", "127.0.0.1.evil.example:80", "", "", 403},
		{"GET", "192.168.0.1:6060", "", "", 403},
		{"GET", "0.0.0.0:6060", "", "", 403},
		{"GET", "localhost:x", "", "", 403},
		{"GET", "", "", "", 403},
		{"POST", "localhost:1", "", "", 405},
		{"DELETE", "localhost:1", "", "", 405},
		{"PUT", "localhost:1", "Sec-Fetch-Site", "same-origin", 405},
		{"OPTIONS", "localhost:1", "", "", 405},
	} {
		r := ask(c.method, c.host, map[string]string{c.header: c.value})
		body, _ := io.ReadAll(r.Body)
		if r.StatusCode != c.code || (c.code == 200) != (string(body) == "the page") {
			t.Errorf("%+v: %d %q", c, r.StatusCode, body)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%+v: headers %v", c, r.Header)
		}
	}
}

// What passes was sent to this machine by a name that no site can take, and by no page of
// another one.
func FuzzGuard(f *testing.F) {
	f.Add("GET", "localhost:6060", "same-origin", "http://localhost:6060")
	f.Add("GET", "evil.example", "cross-site", "")
	f.Add("DELETE", "[::1]:1", "", "null")
	f.Add("GET", "[::ffff:8.8.8.8]:1", "", "")
	f.Add("GET", "[localhost]:1", "none", "http://[localhost]:1")
	f.Fuzz(func(t *testing.T, method, host, site, origin string) {
		r := &http.Request{Method: method, Host: host, URL: &url.URL{Path: "/"}, Header: http.Header{}, Body: http.NoBody}
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		Guard(page).ServeHTTP(w, r)
		if w.Code != 200 {
			return
		}
		if method != "GET" && method != "HEAD" || site != "" && site != "none" && site != "same-origin" ||
			origin != "" && origin != "http://"+host {
			t.Errorf("%q %q from %q, %q passes", method, host, site, origin)
		}
		name := strings.ToLower(host)
		if i := strings.LastIndex(name, ":"); i >= 0 && !strings.HasSuffix(name, "]") && strings.Count(name, ":") == 1 ||
			strings.Contains(name, "]:") {
			name = name[:strings.LastIndex(name, ":")]
		}
		name = strings.Trim(name, "[]")
		if ip := net.ParseIP(name); name != "localhost" && (ip == nil || !ip.IsLoopback()) {
			t.Errorf("host %q passes", host)
		}
	})
}

// serve serves pages, and returns the address.
func serve(t *testing.T, pages http.Handler) string {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, pages) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func TestListen(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "8.8.8.8:1", ":::", "localhost", "[::]:0", "example.com:80"} {
		if l, err := Listen(address); err == nil {
			l.Close()
			t.Errorf("%s: no error", address)
		} else if _, ok := err.(*AddressError); !ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	l, err := Listen(":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if host, _, _ := net.SplitHostPort(l.Addr().String()); !net.ParseIP(host).IsLoopback() {
		t.Errorf("listens at %s", l.Addr())
	}
}

// Requests that are never sent to their end do not stay, and those beyond the limit are turned
// away at once.
func TestHalfSentRequests(t *testing.T) {
	const beyond = 50
	address := serve(t, page)
	began, ends := time.Now(), make(chan time.Duration)
	for range maxClients + beyond {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		c.SetReadDeadline(began.Add(3 * headerTime))
		go func() {
			io.Copy(io.Discard, c)
			ends <- time.Since(began)
		}()
	}
	atOnce := 0
	for range maxClients + beyond {
		switch took := <-ends; {
		case took < headerTime/2:
			atOnce++
		case took > 2*headerTime:
			t.Errorf("a half-sent request was ended after %v", took)
		}
	}
	if atOnce != beyond {
		t.Errorf("%d requests were turned away at once, want %d", atOnce, beyond)
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if r, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || r.StatusCode != 200 {
		t.Errorf("after them: %v, %v", r, err)
	}
}

func TestProfiles(t *testing.T) {
	address := serve(t, Profiles())
	for path, code := range map[string]int{
		"/debug/pprof/": 200, "/debug/pprof/cmdline": 200, "/debug/pprof/goroutine?debug=1": 200,
		"/debug/pprof/trace?seconds=0.01": 200, "/": 404, "/debug/pprof/profile?seconds=99999999": 400,
		"/debug/pprof/trace?seconds=121": 400, "/debug/pprof/heap?seconds=1e9": 400, "/debug/pprof/profile?seconds=-1": 400,
		"/debug/pprof/profile?seconds=NaN": 400, "/debug/pprof/profile?seconds=1&seconds=9999": 400,
	} {
		r, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != code {
			t.Errorf("%s: %d; want %d", path, r.StatusCode, code)
		}
	}
}

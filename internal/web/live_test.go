package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tandem/internal/runs"
)

// aRun makes a run with some lines of metrics, and returns its folder.
func aRun(t *testing.T, lines int) (string, *runs.Run) {
	t.Helper()
	c, err := runs.Preset("quick")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "a run")
	r, err := runs.Create(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	for u := range lines {
		grow(t, r, uint64(u+1))
	}
	return dir, r
}

func grow(t *testing.T, r *runs.Run, update uint64) {
	t.Helper()
	if err := r.Append(&runs.Metrics{Update: update, PerSecond: 10 * float64(update), NormMean: []float64{0.5,
		1}}); err != nil {
		t.Fatal(err)
	}
}

// serveBoard serves a board, which watches its folders.
func serveBoard(t *testing.T, b *Board) string {
	t.Helper()
	s := httptest.NewServer(Guard(b.Handler()))
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(func() {
		stop()
		s.CloseClientConnections()
		s.Close()
	})
	go b.Watch(ctx)
	return s.URL
}

// stream is a client's events.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
}

func follow(t *testing.T, url string) *stream {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("status %d, %s", answer.StatusCode, kind)
	}
	s := &stream{t, bufio.NewScanner(answer.Body)}
	s.lines.Buffer(nil, 1<<24)
	return s
}

// next returns the data of the next event of a kind.
func (s *stream) next(kind string, v any) {
	s.t.Helper()
	for s.lines.Scan() {
		if s.lines.Text() != "event: "+kind {
			continue
		}
		s.lines.Scan()
		data, ok := strings.CutPrefix(s.lines.Text(), "data: ")
		if !ok {
			s.t.Fatalf("after an event: %q", s.lines.Text())
		}
		if err := json.Unmarshal([]byte(data), v); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	s.t.Fatalf("no event %s: %v", kind, s.lines.Err())
}

// metrics is an event with lines of metrics.
type metrics struct {
	Run, From int
	Lines     []runs.Metrics
}

// The events say what the folder says, then what is new, and again what was taken away.
func TestEvents(t *testing.T) {
	dir, r := aRun(t, 3)
	b := NewBoard(dir)
	s := follow(t, serveBoard(t, b))
	var run struct {
		Name     string
		Updates  uint64
		Settings runs.Settings
	}
	s.next("run", &run)
	if run.Name != "a run" || run.Updates != 28_000 || run.Settings.Layers[1] != 500 {
		t.Errorf("%+v", run)
	}
	var m metrics
	s.next("metrics", &m)
	if m.From != 0 || len(m.Lines) != 3 || m.Lines[2].PerSecond != 30 || m.Lines[0].NormMean[1] != 1 {
		t.Errorf("%+v", m)
	}
	grow(t, r, 4)
	s.next("metrics", &m)
	if m.From != 3 || len(m.Lines) != 1 || m.Lines[0].Update != 4 {
		t.Errorf("one line more: %+v", m)
	}
	if err := r.WriteMoment(4, []byte("a picture")); err != nil {
		t.Fatal(err)
	}
	var moments struct{ Updates []uint64 }
	s.next("moments", &moments)
	if len(moments.Updates) != 1 || moments.Updates[0] != 4 {
		t.Errorf("%+v", moments)
	}
	if err := r.CutAfter(2); err != nil {
		t.Fatal(err)
	}
	s.next("metrics", &m)
	if m.From != 0 || len(m.Lines) != 2 {
		t.Errorf("after a cut: %+v", m)
	}
	b.Report(Status{Update: 7, Rate: 2.5, State: "training"})
	var status struct {
		Update uint64
		Rate   float64
		State  string
	}
	s.next("status", &status)
	if status.Update != 7 || status.Rate != 2.5 || status.State != "training" {
		t.Errorf("%+v", status)
	}
	if !b.Wants() {
		t.Error("nobody wants a picture, and somebody looks")
	}
}

// A folder that is no run is shown with what is wrong with it, beside one that is.
func TestFolderThatIsNoRun(t *testing.T) {
	dir, _ := aRun(t, 1)
	s := follow(t, serveBoard(t, NewBoard(filepath.Join(t.TempDir(), "gone"), dir)))
	var run struct {
		Run   int
		Error string
	}
	if s.next("run", &run); run.Run != 0 || !strings.Contains(run.Error, "gone") {
		t.Errorf("%+v", run)
	}
	if s.next("run", &run); run.Run != 1 {
		t.Errorf("%+v", run)
	}
}

// Reports never wait: not for two hundred clients, nor for those that never read.
func TestManyClients(t *testing.T) {
	dir, _ := aRun(t, 3)
	b := NewBoard(dir)
	url := serveBoard(t, b)
	var readers []*stream
	for range 100 {
		readers = append(readers, follow(t, url))
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")) // never reads
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		fmt.Fprintf(c, "GET /events HTTP/1.1\r\nHost: %s\r\n\r\n", c.RemoteAddr())
	}
	slowest := time.Duration(0)
	for u := range 300 {
		began := time.Now()
		b.Report(Status{Update: uint64(u + 1), State: strings.Repeat("training ", 500)}) // 4 KB each
		slowest = max(slowest, time.Since(began))
	}
	if slowest > time.Second {
		t.Errorf("a report waited for %v", slowest)
	}
	for _, s := range readers { // the last report reaches all who read
		for last := uint64(0); last < 300; {
			var status Status
			s.next("status", &status)
			if status.Update <= last {
				t.Fatalf("report %d after %d", status.Update, last)
			}
			last = status.Update
		}
	}
}

// A client that has gone is forgotten.
func TestClientThatGoes(t *testing.T) {
	dir, _ := aRun(t, 1)
	b := NewBoard(dir)
	url := serveBoard(t, b)
	ctx, leave := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events", nil)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if !b.anyone() {
		t.Error("nobody is there")
	}
	leave()
	answer.Body.Close()
	for end := time.Now().Add(5 * time.Second); b.anyone(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a client that has gone is still there")
		}
	}
}

// Pictures are those of the run, and no other files.
func TestPictures(t *testing.T) {
	dir, r := aRun(t, 1)
	if err := r.WriteMoment(1234, []byte("a picture")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "moments", "secret.png"), []byte("no"), 0o666); err != nil {
		t.Fatal(err)
	}
	b := NewBoard(dir)
	url := serveBoard(t, b)
	get := func(path string) (int, string) {
		t.Helper()
		answer, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		data, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(data)
	}
	if code, body := get("/moment?run=0&update=1234"); code != 200 || body != "a picture" {
		t.Errorf("%d %q", code, body)
	}
	for _, path := range []string{"/moment", "/moment?run=1&update=1234", "/moment?run=-1&update=1234",
		"/moment?run=0&update=1",
		"/moment?run=0&update=secret", "/moment?run=0&update=../config", "/moment?run=0&update=%2e%2e%2fconfig.json",
		"/now?run=0",
		"/now", "/live.html", "/page/live.html", "/../live.go", "/config.json", "/debug/pprof/"} {
		if code, body := get(path); code != 404 {
			t.Errorf("%s: %d %.40q", path, code, body)
		}
	}
	b.Show([]byte("the present"))
	if code, body := get("/now?run=0"); code != 200 || body != "the present" {
		t.Errorf("%d %q", code, body)
	}
}

// Every path is guarded, and none leads outside: foreign names, other sites, methods that change.
func TestPageIsGuarded(t *testing.T) {
	dir, _ := aRun(t, 1)
	url := serveBoard(t, NewBoard(dir))
	host := strings.TrimPrefix(url, "http://")
	for _, path := range []string{"/", "/live.css", "/live.js", "/events", "/moment?run=0&update=1", "/now?run=0"} {
		for _, c := range []struct {
			method, host, header, value string
			want                        int
		}{
			{"GET", "evil.example", "", "", 403}, {"GET", "127.0.0.1.evil.example:80", "", "", 403},
			{"GET", host, "Sec-Fetch-Site", "cross-site", 403}, {"GET", host, "Origin", "http://evil.example", 403},
			{"DELETE", host, "", "", 405}, {"POST", host, "", "", 405}, {"OPTIONS", host, "", "", 405},
		} {
			r, _ := http.NewRequestWithContext(t.Context(), c.method, url+path, nil)
			r.Host = c.host
			if c.header != "" {
				r.Header.Set(c.header, c.value)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != c.want {
				t.Errorf("%s %s of %s, %s %s: %d, want %d", c.method, path, c.host, c.header, c.value, answer.StatusCode, c.want)
			}
		}
	}
	answer, err := http.Get(url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if p := answer.Header.Get("Content-Security-Policy"); strings.Contains(p, "unsafe") || !strings.HasPrefix(p,
		"default-src 'none'") {
		t.Errorf("policy %q", p)
	}
	outside := regexp.MustCompile(`https?://|//[a-z]+\.|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(`)
	for _, name := range []string{"live.html", "live.css", "live.js"} {
		data, err := assets.ReadFile("page/" + name)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.ReplaceAll(data, []byte("http://www.w3.org/2000/svg"), nil) // a name, not an address
		if found := outside.Find(data); found != nil {
			t.Errorf("%s has %q", name, found)
		}
	}
}

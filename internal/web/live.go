package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tandem/internal/runs"
)

// assets are what a browser loads: nothing of it is from elsewhere.
//
//go:embed page
var assets embed.FS

// policy lets the page use its own files alone.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler returns the pages of the board.
func (b *Board) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, file := range map[string]struct{ name, kind string }{
		"/{$}": {"live.html", "text/html; charset=utf-8"}, "/live.css": {"live.css", "text/css; charset=utf-8"},
		"/live.js": {"live.js", "text/javascript; charset=utf-8"},
	} {
		data, err := assets.ReadFile("page/" + file.name)
		if err != nil {
			panic(err) // it is in the binary
		}
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			w.Header().Set("Content-Type", file.kind)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
		})
	}
	mux.HandleFunc("/events", b.events)
	mux.HandleFunc("/moment", b.moment)
	mux.HandleFunc("/now", b.now)
	return mux
}

// run returns the run that a request names by its number.
func (b *Board) run(w http.ResponseWriter, r *http.Request) *shown {
	n, err := strconv.Atoi(r.URL.Query().Get("run"))
	if err != nil || n < 0 || n >= len(b.runs) {
		http.Error(w, "no such run", http.StatusNotFound)
		return nil
	}
	return b.runs[n]
}

// moment answers with the picture of a moment.
func (b *Board) moment(w http.ResponseWriter, r *http.Request) {
	run := b.run(w, r)
	if run == nil {
		return
	}
	update, err := strconv.ParseUint(r.URL.Query().Get("update"), 10, 64)
	if err == nil {
		var picture []byte
		if picture, err = runs.ReadMoment(run.dir, update); err == nil {
			answer(w, picture)
			return
		}
	}
	http.Error(w, "no such moment", http.StatusNotFound)
}

// now answers with the present picture of a run that is trained here.
func (b *Board) now(w http.ResponseWriter, r *http.Request) {
	run := b.run(w, r)
	if run == nil {
		return
	}
	b.mutex.Lock()
	picture := run.picture
	b.mutex.Unlock()
	if picture == nil {
		http.Error(w, "no picture yet", http.StatusNotFound)
		return
	}
	answer(w, picture)
}

// answer answers with a picture.
func answer(w http.ResponseWriter, picture []byte) {
	w.Header().Set("Content-Type", "image/png")
	w.Write(picture) // who no longer reads is gone
}

// Times of a stream of events.
const (
	beatEvery = 15 * time.Second // a line that says nothing, by which a client that is gone is found
	writeTime = 10 * time.Second // for one write: a client that does not read so long is gone
)

// events sends what is shown, and from then on what is new, until the client goes.
func (b *Board) events(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		return
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Time{}); err != nil { // a stream has no end
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	b.enter()
	defer b.leave()
	c := &client{board: b, had: make([]had, len(b.runs))}
	for {
		data, changed := c.fresh()
		if err := control.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
			return
		}
		if _, err := w.Write(data); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		b.wanted.Store(true)
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		case <-time.After(beatEvery):
		}
	}
}

func (b *Board) enter() {
	b.mutex.Lock()
	b.clients++
	b.mutex.Unlock()
	select {
	case b.woken <- struct{}{}:
	default:
	}
}

func (b *Board) leave() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.clients--
}

// client is somebody who looks, and what they have.
type client struct {
	board *Board
	had   []had
}

// had is what a client has of a run.
type had struct {
	settings *runs.Settings
	failed   string
	lines    int
	cut      int
	moments  []uint64
	reports  int
}

// fresh returns the events that a client does not have, and what is closed when there are more.
func (c *client) fresh() (data []byte, changed <-chan struct{}) {
	b := c.board
	b.mutex.Lock()
	defer b.mutex.Unlock()
	var out bytes.Buffer
	for i, r := range b.runs {
		c.had[i].catchUp(&out, i, r)
	}
	if out.Len() == 0 {
		out.WriteString(": still here\n\n")
	}
	return out.Bytes(), b.changed
}

// catchUp writes what is new of a run.
func (h *had) catchUp(out io.Writer, number int, r *shown) {
	if h.settings != r.settings || h.failed != r.failed {
		total := uint64(0)
		if r.settings != nil {
			total = r.settings.Updates
		}
		event(out, "run", struct {
			Run      int            `json:"run"`
			Name     string         `json:"name"`
			Updates  uint64         `json:"updates"`
			Settings *runs.Settings `json:"settings"`
			Error    string         `json:"error,omitempty"`
		}{number, r.name, total, r.settings, r.failed})
		h.settings, h.failed = r.settings, r.failed
	}
	if h.cut != r.cut {
		h.cut, h.lines = r.cut, -1
	}
	if h.lines != len(r.lines) {
		h.lines = max(h.lines, 0)
		event(out, "metrics", struct {
			Run   int               `json:"run"`
			From  int               `json:"from"`
			Lines []json.RawMessage `json:"lines"`
		}{number, h.lines, append([]json.RawMessage{}, r.lines[h.lines:]...)})
		h.lines = len(r.lines)
	}
	if !slices.Equal(h.moments, r.moments) {
		event(out, "moments", struct {
			Run     int      `json:"run"`
			Updates []uint64 `json:"updates"`
		}{number, r.moments})
		h.moments = r.moments
	}
	if h.reports != r.reports {
		fmt.Fprintf(out, "event: status\ndata: %s\n\n", r.status)
		h.reports = r.reports
	}
}

// event writes an event.
func event(out io.Writer, name string, v any) {
	data, err := json.Marshal(v)
	if err != nil { // numbers and text alone
		panic(err)
	}
	fmt.Fprintf(out, "event: %s\ndata: %s\n\n", name, data)
}

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/runs"
)

// Board is what the live page shows: runs, by what their folders say, and of one that is trained
// here what training reports. Clients wait for what is new, and each is written to at its own
// pace; training waits at most for what is new to be put into JSON.
type Board struct {
	mutex   sync.Mutex
	runs    []*shown
	changed chan struct{} // closed when there is something new
	clients int
	woken   chan struct{} // wakes the watcher for a first client

	wanted atomic.Bool // the present picture, by somebody who looks
}

// shown is a run that is shown.
type shown struct {
	dir, name string
	settings  *runs.Settings
	failed    string            // what keeps the folder from being read
	lines     []json.RawMessage // of metrics.jsonl
	cut       int               // how often lines were taken away
	moments   []uint64
	looked    stamp

	status  []byte // what training reported last, in JSON
	reports int    // how many of these there were
	picture []byte // of the present, in PNG
	turns   int    // how many of these there were
}

// stamp tells whether files have changed.
type stamp struct {
	settings, metrics, moments time.Time
	size                       int64
}

// Status is what training reports.
type Status struct {
	Update uint64  `json:"update"`
	Rate   float64 `json:"rate"`  // updates a second
	State  string  `json:"state"` // in a word or two
}

// NewBoard returns a board of the runs in some folders, which are read when somebody looks.
func NewBoard(folders ...string) *Board {
	b := &Board{changed: make(chan struct{}), woken: make(chan struct{}, 1)}
	for _, dir := range folders {
		b.runs = append(b.runs, &shown{dir: dir, name: nameOf(dir, folders)})
	}
	return b
}

// nameOf returns the last part of a folder's path, or all of it where others end alike.
func nameOf(dir string, all []string) string {
	name := filepath.Base(filepath.Clean(dir))
	same := func(other string) bool { return filepath.Base(filepath.Clean(other)) == name }
	if i := slices.IndexFunc(all, same); i >= 0 && slices.ContainsFunc(all[i+1:], same) {
		return dir
	}
	return name
}

// Report shows what training reports of the first run. It does not wait for clients to read.
func (b *Board) Report(s Status) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	r := b.runs[0]
	r.status = b.statusOf(s)
	r.reports++
	b.notify()
}

// statusOf returns a status in JSON.
func (b *Board) statusOf(s Status) []byte {
	data, err := json.Marshal(struct {
		Run int `json:"run"`
		Status
		Picture int `json:"picture,omitempty"`
	}{0, s, b.runs[0].turns})
	if err != nil { // a rate that is no number
		return []byte("{}")
	}
	return data
}

// Wants reports whether somebody looks at the present picture of the first run.
func (b *Board) Wants() bool { return b.wanted.Load() }

// Show shows the present picture of the first run, in PNG.
func (b *Board) Show(picture []byte) {
	b.wanted.Store(false)
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.runs[0].picture = picture
	b.runs[0].turns++
}

// notify wakes all who wait. The mutex is held.
func (b *Board) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// How often folders are looked at while somebody looks at the page.
const lookEvery = 500 * time.Millisecond

// Watch looks at the folders until the context ends, while somebody looks at the page.
func (b *Board) Watch(ctx context.Context) {
	for {
		if b.anyone() {
			b.look()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		case <-b.woken:
		}
	}
}

func (b *Board) anyone() bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.clients > 0
}

// look reads what has changed in the folders.
func (b *Board) look() {
	for _, r := range b.runs { // the list never changes
		now := stampOf(r.dir)
		b.mutex.Lock()
		same := now == r.looked
		b.mutex.Unlock()
		if same {
			continue
		}
		found := read(r.dir)
		found.looked = now
		b.mutex.Lock()
		r.take(found)
		b.notify()
		b.mutex.Unlock()
	}
}

// stampOf returns the stamp of a run.
func stampOf(dir string) (s stamp) {
	at := func(name string) (time.Time, int64) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return time.Time{}, -1
		}
		return info.ModTime(), info.Size()
	}
	s.settings, _ = at(runs.SettingsFile)
	s.metrics, s.size = at(runs.MetricsFile)
	s.moments, _ = at(runs.MomentsFolder)
	return s
}

// read reads what is shown of a run.
func read(dir string) (r shown) {
	settings, err := runs.ReadSettings(dir)
	if err != nil {
		r.failed = err.Error()
		return r
	}
	r.settings = &settings
	metrics, err := runs.ReadMetrics(dir)
	if err != nil {
		r.failed = err.Error()
	}
	for i := range metrics {
		line, err := json.Marshal(&metrics[i])
		if err != nil {
			r.failed = fmt.Sprintf("metrics: %v", err)
			break
		}
		r.lines = append(r.lines, line)
	}
	if r.moments, err = runs.Moments(dir); err != nil {
		r.failed = err.Error()
	}
	return r
}

// take takes over what was read.
func (r *shown) take(found shown) {
	begins := len(found.lines) >= len(r.lines)
	for i := 0; begins && i < len(r.lines); i++ {
		begins = string(found.lines[i]) == string(r.lines[i])
	}
	if !begins { // as after a resume from an older checkpoint
		r.cut++
	}
	if !reflect.DeepEqual(r.settings, found.settings) { // clients compare the pointer
		r.settings = found.settings
	}
	r.failed, r.lines, r.moments, r.looked = found.failed, found.lines, found.moments, found.looked
}

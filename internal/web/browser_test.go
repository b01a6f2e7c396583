package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tandem/internal/runs"
)

// probe is a script that tells the test what the page shows: the rows of each chart's numbers, and
// what stands in the cards of runs.
const probe = `'use strict';
setInterval(() => {
  document.querySelectorAll('.chart details').forEach(d => { d.open = true; });
  const charts = {};
  document.querySelectorAll('.chart').forEach(c => {
    charts[c.id] = [...c.querySelectorAll('tr')].slice(1).map(r => [...r.children].map(x => x.textContent));
  });
  const runs = [...document.querySelectorAll('#runs .card')].map(c => c.textContent);
  const picture = document.getElementById('moment-picture');
  fetch('probe?' + new URLSearchParams({shown: JSON.stringify({charts, runs, width: picture.naturalWidth,
    alt: picture.alt})}));
}, 300);
`

// shownThere is what a browser shows.
type shownThere struct {
	Charts map[string][][]string
	Runs   []string
	Width  int
	Alt    string
}

// In a browser the page shows what metrics.jsonl says, and what is added to it.
func TestPageInBrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
		}
	}
	if browser == "" {
		t.Skip("no Chromium here")
	}
	dir, r := aRun(t, 0)
	add := func(u uint64) {
		t.Helper()
		bound, base := -80.25-float64(u), -206.5
		m := &runs.Metrics{Update: u, PerSecond: 123.5 + float64(u), NormMean: []float64{0.125, 2.5},
			NormSD:       []float64{0.5, 0.25},
			VaryingUnits: []float64{0.25, 0.01}, StuckOnUnits: []float64{0.25, 0}, StuckOffUnits: []float64{0.5, 0},
			BoundHeldOut: &bound, IndependentHeldOut: &base}
		if err := r.Append(m); err != nil {
			t.Fatal(err)
		}
	}
	add(1)
	add(1000)
	png := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01" +
		"\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDAT" +
		"\x08\xd7c`\x00\x00\x00\x02\x00\x01\xe2!\xbc3\x00\x00\x00\x00IEND\xaeB`\x82")
	if err := r.WriteMoment(1000, png); err != nil {
		t.Fatal(err)
	}
	b := NewBoard(dir)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go b.Watch(ctx)
	found := make(chan shownThere, 100)
	inner := b.Handler()
	s := httptest.NewServer(Guard(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/probe.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, probe)
		case "/probe":
			var shown shownThere
			if err := json.Unmarshal([]byte(q.URL.Query().Get("shown")), &shown); err != nil {
				t.Error(err)
			}
			select {
			case found <- shown:
			default:
			}
		case "/":
			a := httptest.NewRecorder()
			inner.ServeHTTP(a, q)
			for name, values := range a.Header() {
				if name != "Content-Length" {
					w.Header()[name] = values
				}
			}
			w.Write(bytes.Replace(a.Body.Bytes(), []byte("</head>"), []byte(`<script src="probe.js" defer></script></head>`), 1))
		default:
			inner.ServeHTTP(w, q)
		}
	})))
	defer s.Close()
	defer s.CloseClientConnections()
	c := exec.CommandContext(ctx, browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), s.URL+"/")
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); c.Wait() }()
	until := func(what string, holds func(s shownThere) bool) shownThere {
		t.Helper()
		var last shownThere
		for end := time.After(40 * time.Second); ; {
			select {
			case last = <-found:
				if holds(last) {
					return last
				}
			case <-end:
				t.Fatalf("%s is not shown: %+v", what, last)
			}
		}
	}
	shown := until("the second line", func(s shownThere) bool { return len(s.Charts["chart-norm"]) == 2 && s.Width > 0 })
	for chart, want := range map[string]string{"chart-norm": "[[1 0.125 2.5] [1,000 0.125 2.5]]",
		"chart-varying": "[[1 25 1] [1,000 25 1]]", "chart-stuck": "[[1 75 0] [1,000 75 0]]",
		"chart-speed": "[[1 124.5] [1,000 1123.5]]", "chart-bound": "[[1 -81.25 -206.5] [1,000 -1080.25 -206.5]]"} {
		if got := fmt.Sprint(shown.Charts[chart]); got != want {
			t.Errorf("%s shows %s, want %s", chart, got, want)
		}
	}
	if card := shown.Runs[0]; !strings.Contains(card, "a run") || !strings.Contains(card, "update 1,000 of 28,000") ||
		!strings.Contains(card, "about -1080.25 nats") || !strings.Contains(card, "hardly a unit of layer 2 varies (1%)") {
		t.Errorf("the card says %q", card)
	}
	if !strings.Contains(shown.Alt, "update 1,000") {
		t.Errorf("the picture is described as %q", shown.Alt)
	}
	add(2000)
	until("a third line", func(s shownThere) bool { return len(s.Charts["chart-norm"]) == 3 })
	if err := r.CutAfter(1); err != nil {
		t.Fatal(err)
	}
	until("what is left after a cut", func(s shownThere) bool { return len(s.Charts["chart-norm"]) == 1 })
	b.Report(Status{Update: 1500, Rate: 50, State: "training"})
	until("a report", func(s shownThere) bool {
		return strings.Contains(s.Runs[0], "update 1,500 of 28,000, training, 50 a second; 9 min to finish")
	})
}

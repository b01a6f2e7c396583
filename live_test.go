package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tandem/internal/runs"
)

// pageOf starts tandem, waits until it says where its page is, and returns that and the process.
func pageOf(t *testing.T, dir string, args ...string) (string, *exec.Cmd) {
	t.Helper()
	c := command(t, dir, args...)
	says, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	address := regexp.MustCompile(`the live page is at (http://\S+)`)
	for lines := bufio.NewScanner(says); lines.Scan(); {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			go func() {
				for lines.Scan() { // so that nothing waits for a reader
				}
			}()
			return m[1], c
		}
	}
	t.Fatalf("tandem %q did not say where its page is", args)
	return "", nil
}

// The page of a training is there while it trains; a run with a page has the bits of one without,
// and a finished run has a page, too.
func TestLive(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "plain")...)
	args := small("--updates", "1000000", "--checkpoint-every", "1000000", "--live", "--out", "run")
	page, c := pageOf(t, dir, args...)
	if !strings.HasPrefix(page, "http://127.0.0.1:") {
		t.Errorf("the page is at %s", page)
	}
	ctx, leave := context.WithTimeout(t.Context(), 20*time.Second)
	defer leave()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, page+"events", nil)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	seen := map[string]bool{}
	for lines := bufio.NewScanner(answer.Body); lines.Scan() && len(seen) < 4; {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			seen[name] = true
		}
	}
	if len(seen) < 4 {
		t.Errorf("events %v, want run, metrics, moments and status", seen)
	}
	for range 100 { // somebody looks, so a picture of the present is drawn
		picture, err := http.Get(page + "now?run=0")
		if err != nil {
			t.Fatal(err)
		}
		picture.Body.Close()
		if picture.StatusCode == 200 {
			seen["picture"] = true
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if !seen["picture"] {
		t.Error("no picture of the present")
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); c.ProcessState.ExitCode() != 130 {
		t.Errorf("ended with %v", err)
	}
	// With a page the same bits.
	must(t, dir, small("--live", "--out", "watched")...)
	if sha(t, dir, "watched") != sha(t, dir, "plain") {
		t.Error("the page changes the model")
	}
	page, _ = pageOf(t, dir, "live", "plain", dir)
	if home, err := http.Get(page); err != nil || home.StatusCode != 200 {
		t.Errorf("the page of runs that have ended: %v", err)
	} else {
		home.Body.Close()
	}
}

// An address that others reach, or that is taken, is refused before anything is done.
func TestLiveAddresses(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, form := range [][]string{{"--live=0.0.0.0:8080"}, {"--live", "0.0.0.0:8080"}} {
		refuse(t, 2, dir, small(append(form, "--out", "run")...), "loopback", "ssh -L 8080:localhost:8080")
	}
	for _, form := range [][]string{{"--live=" + taken.Addr().String()}, {"--live", taken.Addr().String()}} {
		refuse(t, 1, dir, small(append(form, "--out", "run")...), "live: ", "in use")
	}
	refuse(t, 2, dir, small("--live=localhost:0", "more", "--out", "run"), `unexpected argument "more"`)
	refuse(t, 2, dir, small("more", "--out", "run"), `unexpected argument "more"`)
	if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
		t.Error("a run was begun")
	}
	refuse(t, 1, dir, []string{"live", "."}, "neither a run nor a folder of runs")
	refuse(t, 1, dir, []string{"live", "nowhere"}, "nowhere")
	refuse(t, 2, dir, []string{"live"}, "RUN|FOLDER… is missing")
}

// What happens goes out as lines of JSON and as events for TensorBoard, and changes no bit.
func TestEventsForOthers(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "plain")...)
	said := must(t, dir, small("--progress", "json", "--tensorboard", "board", "--out", "run")...)
	if sha(t, dir, "run") != sha(t, dir, "plain") {
		t.Error("who is told changes the model")
	}
	seen, updates := map[string]int{}, []uint64{}
	for line := range strings.Lines(said) {
		var e struct {
			Event   string
			Updates uint64
			Metrics *runs.Metrics
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if seen[e.Event]++; e.Event == "metrics" {
			updates = append(updates, e.Metrics.Update)
		} else if e.Updates != 30 {
			t.Errorf("%s has %d updates", e.Event, e.Updates)
		}
	}
	if seen["begin"] != 1 || seen["end"] != 1 || !slices.Equal(updates, []uint64{1, 10, 20, 30}) {
		t.Errorf("events %v, metrics of %v", seen, updates)
	}
	must(t, dir, "resume", "run", "--updates", "40", "--tensorboard", "board", "--quiet")
	entries, err := os.ReadDir(filepath.Join(dir, "board"))
	if err != nil || len(entries) != 2 || !strings.Contains(entries[0].Name(), "tfevents") {
		t.Errorf("%v, %v", entries, err)
	}
	lay(t, dir, "file", []byte("no folder"))
	refuse(t, 1, dir, small("--tensorboard", "file", "--out", "none"), "tensorboard: ", "file")
	refuse(t, 2, dir, small("--progress", "xml", "--out", "none"), "progress", "text or json")
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An experiment that is stopped and begun again ends as its run does alone, and its
// report says so.
func TestReproduce(t *testing.T) {
	long(t)
	if runtime.GOOS == "windows" {
		t.Skip("no program can be interrupted from outside here")
	}
	dir := t.TempDir()
	args := []string{"reproduce", "two-layer", "--scale", "0.0005"}
	name := filepath.Join("reproduction", "runs", "direct-784-500-500-rate-0.001-500")
	c := command(t, dir, args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for look := 0; look < 2000; look++ {
		if info, err := os.Stat(filepath.Join(dir, name, "metrics.jsonl")); err == nil && info.Size() > 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != 130 {
		t.Fatalf("exit code %d after an interrupt, want 130", code)
	}
	stopped := about(t, dir, name)["updates"].(float64)
	if stopped >= 500 {
		t.Fatalf("stopped at update %v: the test saw nothing", stopped)
	}
	out := must(t, dir, args...)
	if !strings.Contains(out, "report.html") {
		t.Errorf("the report is not named: %s", out)
	}
	must(t, dir, "train", "--quiet", "--config", filepath.Join(name, "config.json"), "--out", "alone")
	want := sha(t, dir, "alone")
	if got := sha(t, dir, name); got != want {
		t.Errorf("the stop shows: %s, want %s", got, want)
	}
	var results struct {
		Scale       float64
		Experiments []struct {
			Name string
			Runs []struct {
				Updates uint64
				SHA256  string `json:"params_sha256"`
			}
		}
	}
	read := func() {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, "reproduction", "results.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &results); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if e := results.Experiments; len(e) != 1 || len(e[0].Runs) != 1 || e[0].Runs[0].SHA256 != want ||
		e[0].Runs[0].Updates != 500 || results.Scale != 0.0005 {
		t.Errorf("results.json: %+v", results)
	}
	must(t, dir, append(slices.Clone(args), "--out", "at-once")...)
	for _, file := range []string{"results.json", "report.html", "report.md"} {
		one, err := os.ReadFile(filepath.Join(dir, "reproduction", file))
		if err != nil {
			t.Fatal(err)
		}
		if other, err := os.ReadFile(filepath.Join(dir, "at-once", file)); err != nil || !bytes.Equal(one, other) {
			t.Errorf("the stop shows in %s (%v)", file, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "at-once", "timings.json")); err != nil {
		t.Error(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "reproduction", "report.html"))
	if err != nil || !strings.Contains(string(page), "too short to say") || strings.Count(string(page), "<figure ") != 8 {
		t.Errorf("report.html has %d pictures, want 8 (%v)", strings.Count(string(page), "<figure "), err)
	}

	// What has ended is not trained again, and a folder has one scale.
	before, err := os.Stat(filepath.Join(dir, name, "checkpoint.tandem"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, dir, "reproduce")
	read()
	if after, err := os.Stat(filepath.Join(dir, name, "checkpoint.tandem")); err != nil ||
		!after.ModTime().Equal(before.ModTime()) || len(results.Experiments) != 1 {
		t.Errorf("it was trained again (%v), or something else was: %+v", err, results.Experiments)
	}
	// What was measured is enough, where a run's checkpoint was not kept.
	if err := os.Remove(filepath.Join(dir, name, "checkpoint.tandem")); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "reproduce")
	if _, err := os.Stat(filepath.Join(dir, name, "checkpoint.tandem")); err == nil {
		t.Error("a run that was measured was trained again")
	}
	// More is to be measured of it by another experiment: it is not trained again unasked.
	measures := get(t, filepath.Join(dir, name, "measures.json"))
	put(t, filepath.Join(dir, name, "measures.json"), bytes.Replace(measures, []byte(`"whole": true`),
		[]byte(`"whole": false`), 1))
	lines := get(t, filepath.Join(dir, name, "metrics.jsonl"))
	refuse(t, 1, dir, []string{"reproduce"}, name, "its checkpoint is gone", "--out")
	if !bytes.Equal(lines, get(t, filepath.Join(dir, name, "metrics.jsonl"))) {
		t.Error("a refused command cut metrics.jsonl")
	}
	put(t, filepath.Join(dir, name, "measures.json"), measures)
	config := get(t, filepath.Join(dir, name, "config.json"))
	put(t, filepath.Join(dir, name, "config.json"), bytes.Replace(config, []byte(`"gibbs": 1`), []byte(`"gibbs": 2`), 1))
	refuse(t, 1, dir, []string{"reproduce"}, name, "gibbs", "--out")
	put(t, filepath.Join(dir, name, "config.json"), config)
	refuse(t, 2, dir, []string{"reproduce", "two-layer", "--scale", "0.5"}, "0.5", "0.0005", "--out")
	refuse(t, 2, dir, []string{"reproduce", "figure4", "--out", "other"}, "figure4", "figure2")
	refuse(t, 2, dir, []string{"reproduce", "figure2", "--out", "other", "--scale", "-1"}, "scale")
	if _, err := os.Stat(filepath.Join(dir, "other")); err == nil {
		t.Error("a refused command left a folder")
	}
}

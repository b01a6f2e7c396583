package runs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// The test binary is also the other process of the tests that need one.
const helperVariable = "TANDEM_RUNS_HELPER"

func TestMain(m *testing.M) {
	switch dir := os.Getenv("TANDEM_RUNS_DIR"); os.Getenv(helperVariable) {
	case "":
		os.Exit(m.Run())
	case "hold":
		holdRun(dir)
	case "write":
		writeCheckpoints(dir)
	}
}

// holdRun opens a run, says so and waits for its end.
func holdRun(dir string) {
	if _, _, err := Open(dir); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("open")
	time.Sleep(time.Minute)
}

// helper starts this binary as another process with a folder and returns it and
// its output.
func helper(t *testing.T, task, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+task, "TANDEM_RUNS_DIR="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); errors.Is(err, syscall.ENOEXEC) {
		t.Skip("under an emulator that the system does not know:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

func testConfig() Settings {
	return Settings{
		Preset: "quick",
		Config: dbm.Config{
			Layers: []int{6, 4, 3}, Batch: 5, Chains: 2, Gibbs: 1, MeanFieldTolerance: 1e-4, MeanFieldMax: 10,
			LearningRate: 0.01, Alpha: []float64{0.1, 0.2}, Gamma: 1, MuDamping: 0.001, InitScale: 0.003,
			Seed: math.MaxUint64,
		},
		Pixels: "grey", Reading: Reading{Data: "a & b/<c>"}, Updates: 100, CheckpointEvery: 10,
	}
}

// testState is a state in which no two parameters are the same.
func testState(c *Settings, updates uint64) *dbm.State {
	s := dbm.NewState(&c.Config)
	s.Updates = updates
	x := float32(updates) + 0.25
	for _, group := range [][][]float32{s.Weights, s.Biases} {
		for _, a := range group {
			for i := range a {
				a[i] = x
				x = -x * 1.01
			}
		}
	}
	for i := range s.Mu {
		s.Mu[i] = float64(x) + 1e-9
		x++
	}
	for l, a := range s.Chains {
		for i := range a {
			a[i] = float32((i + l) % 3 % 2)
		}
	}
	return s
}

// testRun begins a run in a new folder, with a checkpoint if updates is not 0.
func testRun(t *testing.T, updates uint64) *Run {
	t.Helper()
	r, err := Create(filepath.Join(t.TempDir(), "run"), testConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if updates > 0 {
		if err := r.WriteCheckpoint(testState(&r.settings, updates), 1.5, "v1"); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// wantError checks that an error has all the words.
func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error; want one with %q", words)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q; want one with %q", err, w)
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestCreateAndOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "parents", "run")
	want := testConfig()
	given := testConfig()
	r, err := Create(dir, given)
	if err != nil {
		t.Fatal(err)
	}
	given.Layers[0], r.Settings().Alpha[0] = 99, 99 // the run keeps its own lists
	if r.Dir() != dir || !reflect.DeepEqual(r.Settings(), want) {
		t.Errorf("dir %s, config %+v", r.Dir(), r.Settings())
	}
	if got, err := ReadSettings(dir); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("config %+v, %v; want %+v", got, err, want)
	}
	r.Close()

	// Stopped before the first checkpoint.
	r, c, err := Open(dir)
	if err != nil || c != nil {
		t.Fatalf("open gave checkpoint %v, %v", c, err)
	}
	if !reflect.DeepEqual(r.Settings(), want) {
		t.Errorf("config %+v; want %+v", r.Settings(), want)
	}
	_, err = ReadCheckpoint(dir)
	wantError(t, err, dir, "no checkpoint yet", "tandem resume")
	if !errors.Is(err, ErrNoCheckpoint) {
		t.Errorf("%v is no ErrNoCheckpoint", err)
	}
	s := testState(&want, 7)
	if err := r.WriteCheckpoint(s, 2.5, "v1"); err != nil {
		t.Fatal(err)
	}
	r.Close()

	r, c, err = Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !reflect.DeepEqual(c, &Checkpoint{Header: Header{"v1", kernel.Version, 7, 2.5, want}, State: s}) {
		t.Errorf("checkpoint %+v", c)
	}
}

func TestCreateRefuses(t *testing.T) {
	for _, name := range contents {
		dir := t.TempDir()
		write(t, filepath.Join(dir, name), nil)
		_, err := Create(dir, testConfig())
		wantError(t, err, dir, "already holds a run", name, "tandem resume "+dir)
		if data := read(t, filepath.Join(dir, name)); len(data) > 0 {
			t.Errorf("%s was written", name)
		}
	}

	dir := filepath.Join(t.TempDir(), "run")
	bad := testConfig()
	bad.Updates = 0
	_, err := Create(dir, bad)
	wantError(t, err, "updates: 0")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a refused configuration left a folder")
	}

	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	_, err = Create(file, testConfig())
	wantError(t, err, file)
	_, err = CreateIn(file, time.Now(), testConfig())
	wantError(t, err, file)
}

func TestCreateKeepsOtherFiles(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "notes.1.tmp")
	write(t, other, []byte("x"))
	r, err := Create(dir, testConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if string(read(t, other)) != "x" {
		t.Error("another file was changed")
	}
}

func TestCreateRace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	var won []*Run
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			r, err := Create(dir, testConfig())
			if err != nil {
				if s := err.Error(); !strings.Contains(s, "in use by") && !strings.Contains(s, "already holds a run") {
					t.Error(err)
				}
				return
			}
			if i%2 == 0 { // so that some find the lock free again
				r.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			won = append(won, r)
		})
	}
	group.Wait()
	for _, r := range won {
		r.Close()
	}
	if len(won) != 1 {
		t.Errorf("%d won; want 1", len(won))
	}
}

func TestCreateIn(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "runs")
	day := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			r, err := CreateIn(parent, day, testConfig())
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			if _, err := ReadSettings(r.Dir()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	c := testConfig()
	c.Preset = ""
	r, err := CreateIn(parent, day, c)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	want := []string{"2026-11-23", "2026-11-23-quick", "2026-11-23-quick-2", "2026-11-23-quick-3", "2026-11-23-quick-4",
		"2026-11-23-quick-5"}
	if got := names(t, parent); !slices.Equal(got, want) {
		t.Errorf("folders %q; want %q", got, want)
	}

	c.Preset = "../x"
	_, err = CreateIn(parent, day, c)
	wantError(t, err, "preset")
}

func TestNoRun(t *testing.T) {
	empty := t.TempDir()
	file := filepath.Join(empty, "file")
	write(t, file, nil)
	for _, f := range []struct {
		name string
		call func(dir string) error
	}{
		{"Open", func(dir string) error { _, _, err := Open(dir); return err }},
		{"ReadSettings", func(dir string) error { _, err := ReadSettings(dir); return err }},
		{"ReadManifest", func(dir string) error { _, err := ReadManifest(dir); return err }},
		{"ReadMetrics", func(dir string) error { _, err := ReadMetrics(dir); return err }},
		{"ReadHeader", func(dir string) error { _, err := ReadHeader(dir); return err }},
		{"ReadCheckpoint", func(dir string) error { _, err := ReadCheckpoint(dir); return err }},
	} {
		t.Run(f.name, func(t *testing.T) {
			missing := filepath.Join(empty, "missing")
			err := f.call(missing)
			wantError(t, err, "there is no run", missing)
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v is no fs.ErrNotExist", err)
			}
			wantError(t, f.call(file), file, "not a run folder")
			wantError(t, f.call(empty), empty, "holds no run", "config.json, manifest.json, metrics.jsonl, checkpoint.tandem")
		})
	}
	if got := names(t, empty); !slices.Equal(got, []string{"file"}) {
		t.Errorf("a folder that is no run now has %q", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Run("config", func(t *testing.T) {
		r := testRun(t, 3)
		r.Close()
		path := filepath.Join(r.dir, SettingsFile)
		data := read(t, path)
		write(t, path, bytes.Replace(data, []byte(`"learning_rate": 0.01`), []byte(`"learning_rate": 0.02`), 1))
		_, _, err := Open(r.dir)
		wantError(t, err, path, CheckpointFile, "do not agree on learning_rate")
		// Open must have given the lock back; more updates are no disagreement.
		write(t, path, bytes.Replace(data, []byte(`"updates": 100`), []byte(`"updates": 200`), 1))
		o, c, err := Open(r.dir)
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		if o.Settings().Updates != 200 || c.Settings.Updates != 100 {
			t.Errorf("updates %d and %d", o.Settings().Updates, c.Settings.Updates)
		}
	})
	t.Run("numerics", func(t *testing.T) {
		r := testRun(t, 3)
		r.Close()
		c, err := ReadCheckpoint(r.dir)
		if err != nil {
			t.Fatal(err)
		}
		c.Numerics++
		c.Version = "v9"
		write(t, filepath.Join(r.dir, CheckpointFile), encoded(t, c))
		_, _, err = Open(r.dir)
		wantError(t, err, CheckpointFile, "numerics version 2, this build has 1", "same bits", "tandem v9")
		// For reading it is as good as any.
		if _, err := ReadCheckpoint(r.dir); err != nil {
			t.Error(err)
		}
	})
	t.Run("checkpoint", func(t *testing.T) {
		r := testRun(t, 3)
		r.Close()
		path := filepath.Join(r.dir, CheckpointFile)
		data := read(t, path)
		data[len(data)-40] ^= 1
		write(t, path, data)
		_, _, err := Open(r.dir)
		wantError(t, err, path, "damaged")
	})
}

func TestOpenRemovesTemps(t *testing.T) {
	r := testRun(t, 3)
	r.Close()
	before := names(t, r.dir)
	for _, name := range []string{"checkpoint.tandem.123.tmp", "config.json.9.tmp", "metrics.jsonl.7.tmp",
		"manifest.json.1.tmp", "filters.png.12.tmp", "samples.png.1.tmp"} {
		write(t, filepath.Join(r.dir, name), []byte("x"))
	}
	other := filepath.Join(r.dir, "notes.txt.1.tmp") // which is nobody's here
	write(t, other, []byte("x"))
	o, _, err := Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	read(t, other)
	os.Remove(other)
	if got := names(t, r.dir); !slices.Equal(got, before) {
		t.Errorf("folder has %q; want %q", got, before)
	}
}

func TestSetSettings(t *testing.T) {
	r := testRun(t, 3)
	c := r.Settings()
	c.Updates, c.CheckpointEvery, c.Data = 500, 50, "elsewhere"
	if err := r.SetSettings(c); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadSettings(r.dir); err != nil || !reflect.DeepEqual(got, c) || !reflect.DeepEqual(r.Settings(), c) {
		t.Errorf("config %+v, %v; want %+v", got, err, c)
	}
	for _, f := range []struct {
		name   string
		change func(*Settings)
	}{
		{"seed", func(c *Settings) { c.Seed-- }},
		{"pixels", func(c *Settings) { c.Pixels = "sampled" }},
		{"alpha", func(c *Settings) { c.Alpha[1] = 7 }},
		{"updates", func(c *Settings) { c.Updates = 0 }},
	} {
		changed := r.Settings()
		f.change(&changed)
		wantError(t, r.SetSettings(changed), f.name)
	}
	if got, _ := ReadSettings(r.dir); !reflect.DeepEqual(got, c) || !reflect.DeepEqual(r.Settings(), c) {
		t.Errorf("a refused change was made: %+v", got)
	}
}

func TestClosed(t *testing.T) {
	r := testRun(t, 0)
	if err := r.Append(&Metrics{Update: 1}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	for name, err := range map[string]error{
		"SetSettings":     r.SetSettings(testConfig()),
		"WriteManifest":   r.WriteManifest(NewManifest("v1", time.Now())),
		"Append":          r.Append(&Metrics{}),
		"CutAfter":        r.CutAfter(0),
		"WriteCheckpoint": r.WriteCheckpoint(testState(&r.settings, 1), 0, "v1"),
	} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s on a closed run: %v", name, err)
		}
	}
}

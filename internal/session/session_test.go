package session

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel/kerneltest"
	"tandem/internal/runs"
	"tandem/mnist"
)

// settings returns a run that takes no time.
func settings(updates uint64) runs.Settings {
	return runs.Settings{Config: dbm.Config{Layers: []int{784, 9, 7}, Batch: 3, Chains: 2, Gibbs: 1,
		MeanFieldTolerance: 1e-3, MeanFieldMax: 5, LearningRate: 0.01, Alpha: []float64{0.1, 0.1}, Gamma: 1,
		MuDamping: 0.01, InitScale: 0.01, Seed: 1},
		Pixels: "grey", Updates: updates, CheckpointEvery: 4}
}

// options returns the options of a new run in a folder.
func options(t *testing.T, dir string, updates uint64) Options {
	t.Helper()
	set, err := mnist.Open("", mnist.Train)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Machine: Machine{CPU: "a processor", Version: "1.2.3", Kernels: kerneltest.Reference, Threads: 1},
		Data:      set,
		Arguments: []string{"train"}}
	if o.Run, err = runs.Create(dir, settings(updates)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Run.Close() })
	return o
}

// reopen returns the options that continue a run.
func reopen(t *testing.T, dir string, o Options, updates uint64) Options {
	t.Helper()
	o.Run.Close()
	var err error
	if o.Run, o.Checkpoint, err = runs.Open(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Run.Close() })
	c := o.Run.Settings()
	c.Updates = updates
	o.Settings = &c
	return o
}

// metrics returns the metrics of a run without their times.
func metrics(t *testing.T, dir string) []runs.Metrics {
	t.Helper()
	all, err := runs.ReadMetrics(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i].Seconds, all[i].PerSecond = 0, 0
	}
	return all
}

// A run has its metrics at the updates of the schedule, and events for each update.
func TestRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := options(t, dir, 11)
	var seen []uint64
	found, err := Run(t.Context(), o, func(e *Event) {
		seen = append(seen, e.Update)
		if e.Begins() != (e.Update == 0) || e.Ends() != (e.Update == 11) || e.Updates != 11 {
			t.Errorf("event %+v", e)
		}
		if a := e.Filters(); e.Begins() != (a == nil) || a != nil && len(a.Live) != 2 {
			t.Errorf("update %d: measures %+v", e.Update, a)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}; !slices.Equal(seen, want) {
		t.Errorf("events at %v", seen)
	}
	var at []uint64
	all := metrics(t, dir)
	for _, m := range all {
		at = append(at, m.Update)
	}
	if !slices.Equal(at, []uint64{1, 4, 8, 10, 11}) {
		t.Errorf("metrics at %v", at)
	}
	c, err := runs.ReadCheckpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	if sum := c.State.SHA256(); c.Updates != 11 || sum != found.State.SHA256() || sum != all[4].ParamsSHA256 ||
		found.Updates != 11 {
		t.Errorf("a checkpoint at update %d that is not the end of the run", c.Updates)
	}
	m, err := runs.ReadManifest(dir)
	if err != nil || m.CPU != "a processor" || m.Data.SHA256 != o.Data.SHA256 || len(m.Parts) != 1 ||
		m.Parts[0].Version != "1.2.3" {
		t.Errorf("manifest %+v (%v)", m, err)
	}
}

// A context that ends stops a run after the update in progress, with its checkpoint; what
// is resumed ends as a run that was left alone.
func TestStop(t *testing.T) {
	whole, cut := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
	want, err := Run(t.Context(), options(t, whole, 11), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	o := options(t, cut, 11)
	_, err = Run(ctx, o, func(e *Event) {
		if e.Update == 6 {
			stop(cause)
		}
	})
	var stopped *Stopped
	if !errors.As(err, &stopped) || stopped.Update != 7 || !errors.Is(err, cause) {
		t.Fatalf("stopped with %v", err)
	}
	if h, err := runs.ReadHeader(cut); err != nil || h.Updates != 7 {
		t.Fatalf("the checkpoint is at %+v (%v)", h, err)
	}
	o = reopen(t, cut, o, 11)
	got, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.State.SHA256() != want.State.SHA256() || got.Updates != 4 {
		t.Error("the stop shows")
	}
	// The line of the stop aside, the metrics are the same but for iterations after it.
	all := slices.DeleteFunc(metrics(t, cut), func(m runs.Metrics) bool { return m.Update == 7 })
	plain := metrics(t, whole)
	for _, m := range [][]runs.Metrics{all, plain} {
		for i := range m {
			m[i].MeanFieldIterations = 0
		}
	}
	if !reflect.DeepEqual(all, plain) {
		t.Errorf("the metrics are\n%+v, want\n%+v", all, plain)
	}
	if m, err := runs.ReadManifest(cut); err != nil || len(m.Parts) != 2 || m.Parts[1].FirstUpdate != 7 {
		t.Errorf("manifest %+v (%v)", m, err)
	}
}

// A run is not continued on other images.
func TestOtherImages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := options(t, dir, 4)
	if _, err := Run(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	o = reopen(t, dir, o, 8)
	other := *o.Data
	other.SHA256 = "0"
	o.Data = &other
	if _, err := Run(t.Context(), o, nil); err == nil {
		t.Error("no error")
	}
	if c := o.Run.Settings(); c.Updates != 4 {
		t.Errorf("a rejected session changes the settings: %d updates", c.Updates)
	}
}

// A run that diverges keeps its last checkpoint.
func TestDivergence(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := options(t, dir, 4)
	if _, err := Run(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	o = reopen(t, dir, o, 8)
	o.Checkpoint.State.Weights[0][0] = float32(3e38)
	o.Checkpoint.State.Weights[0][1] = float32(3e38)
	var failed *UpdateError
	if _, err := Run(t.Context(), o, nil); !errors.As(err, &failed) {
		t.Fatalf("weights of 3e38 do not diverge: %v", err)
	}
	if h, err := runs.ReadHeader(dir); err != nil || h.Updates != 4 {
		t.Errorf("the checkpoint is at %+v (%v)", h, err)
	}
}

// Estimates are recorded where they are promised, however the session ends.
func TestEstimates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := options(t, dir, 8)
	o.Estimates = Estimates{Every: 4, Temperatures: 5}
	if err := o.Estimates.Open(new(runs.Reading), 784); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	for _, m := range metrics(t, dir) {
		if due := m.Update%4 == 0; due != (m.BoundTest != 0) || due != (m.LogZ != 0) {
			t.Errorf("update %d: log Z %v, bound %v", m.Update, m.LogZ, m.BoundTest)
		}
	}
	if err := (&Estimates{Every: 1}).Open(new(runs.Reading), 783); err == nil {
		t.Error("images of another size are no error")
	}
}

// A session that is stopped finishes an estimate that is due.
func TestEstimatesOfAStoppedSession(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := options(t, dir, 8)
	o.Estimates = Estimates{Every: 4, Temperatures: 5}
	if err := o.Estimates.Open(new(runs.Reading), 784); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var stopped *Stopped
	_, err := Run(ctx, o, func(e *Event) {
		if e.Update == 3 {
			stop()
		}
	})
	if !errors.As(err, &stopped) || stopped.Update != 4 {
		t.Fatalf("stopped by %v", err)
	}
	all := metrics(t, dir)
	if last := all[len(all)-1]; last.Update != 4 || last.BoundTest == 0 || last.LogZ == 0 || last.IndependentTest >= 0 {
		t.Errorf("update %d has log Z %v, bound %v, independent units %v", last.Update, last.LogZ, last.BoundTest,
			last.IndependentTest)
	}
}

// Before the first update nothing is known of the rate, nor of the time that is left.
func TestEventBeforeTheFirstUpdate(t *testing.T) {
	e := &Event{Updates: 100}
	if !e.Begins() || e.Ends() || e.Left() != 0 {
		t.Errorf("begins %v, ends %v, %v seconds left", e.Begins(), e.Ends(), e.Left())
	}
}

// The clocks of some systems stand still for 16 ms.
func TestRateOfAClockThatStands(t *testing.T) {
	for _, c := range []struct {
		updates uint64
		passed  time.Duration
		want    float64
	}{{0, 0, 0}, {5, 0, 0}, {5, -time.Second, 0}, {0, time.Second, 0}, {5, 2 * time.Second, 2.5}} {
		if got := rate(c.updates, c.passed); got != c.want {
			t.Errorf("%d updates in %v: rate %v, want %v", c.updates, c.passed, got, c.want)
		}
	}
}

// A replay finds the hashes of a run again, and one that is another.
func TestReplay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := options(t, dir, 11)
	if _, err := Run(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	files, err := runs.ReadSnapshot(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := &Replay{Kernels: kerneltest.Reference, Threads: 2}
	if found, err := r.Verify(t.Context(), files, 9); err != nil || found.Updates != 8 || found.Compared != 4 {
		t.Errorf("%+v, %v", found, err)
	}
	var few *TooFewError
	if _, err := r.Verify(t.Context(), files, 0); !errors.As(err, &few) || few.First != 1 {
		t.Errorf("no update: %v", err)
	}
	manifest := files["manifest.json"]
	files["manifest.json"] = bytes.ReplaceAll(manifest, []byte(o.Data.SHA256), bytes.Repeat([]byte("0"), 64))
	if _, err := r.Verify(t.Context(), files, 9); !errors.Is(err, ErrNoImages) {
		t.Errorf("no images: %v", err)
	}
	files["manifest.json"] = manifest
	ctx, stop := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	stop(cause)
	if _, err := r.Verify(ctx, files, 9); err != cause {
		t.Errorf("stopped with %v", err)
	}
	settings := slices.Clone(files["config.json"])
	files["config.json"] = []byte(string(settings[:len(settings)-2]))
	if _, err := r.Verify(t.Context(), files, 9); err == nil {
		t.Error("damaged settings are no error")
	}
}

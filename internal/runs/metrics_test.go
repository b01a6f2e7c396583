package runs

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func testMetrics(update uint64) *Metrics {
	x := float64(update)
	return &Metrics{
		Update: update, Seconds: x / 3, PerSecond: 3, MeanFieldIterations: 7.5, ReconstructionError: 0.1, LearningRate: 0.01,
		Mu: []float64{x, 2}, NormMean: []float64{3, 4}, NormSD: []float64{5, 6}, LiveFilters: []float64{7, 8},
		NoiseFilters: []float64{9, 10}, DuplicateFilters: []float64{11, 12}, ParamsSHA256: fmt.Sprint(update),
	}
}

func TestMetrics(t *testing.T) {
	r := testRun(t, 0)
	if got, err := ReadMetrics(r.dir); err != nil || got != nil {
		t.Errorf("no metrics: %v, %v", got, err)
	}
	if err := r.CutAfter(0); err != nil {
		t.Errorf("cutting no metrics: %v", err)
	}
	var want []Metrics
	for u := range uint64(3) {
		m := testMetrics(u)
		if err := r.Append(m); err != nil {
			t.Fatal(err)
		}
		want = append(want, *m)
	}
	if got, err := ReadMetrics(r.dir); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}

	m := testMetrics(4)
	m.NoiseFilters, m.ParamsSHA256 = nil, ""
	if err := r.Append(m); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(read(t, filepath.Join(r.dir, MetricsFile))), "\n")
	if len(lines) != 5 || lines[4] != "" {
		t.Fatalf("file %q", lines)
	}
	for _, name := range []string{"noise_filters", "params_sha256"} {
		if !strings.Contains(lines[0], name) || strings.Contains(lines[3], name) {
			t.Errorf("%s is not where it should be: %s%s", name, lines[0], lines[3])
		}
	}

	m.Mu[0] = math.NaN()
	wantError(t, r.Append(m), MetricsFile, "update 4", "NaN")
	if got, err := ReadMetrics(r.dir); err != nil || len(got) != 4 {
		t.Errorf("after a refused line: %d lines, %v", len(got), err)
	}
}

// A checkpoint that is written again, as after a failure, has its lines once.
func TestLinesOfACheckpointTwice(t *testing.T) {
	r := testRun(t, 0)
	lines := []*Metrics{testMetrics(1), testMetrics(2)}
	for range 2 {
		if err := r.WriteCheckpoint(testState(&r.settings, 2), 1, "v1", lines...); err != nil {
			t.Fatal(err)
		}
	}
	lines = append(lines, testMetrics(3)) // some are new
	if err := r.WriteCheckpoint(testState(&r.settings, 3), 1, "v1", lines...); err != nil {
		t.Fatal(err)
	}
	if err := r.AppendNew(lines...); err != nil {
		t.Fatal(err)
	}
	want := []Metrics{*lines[0], *lines[1], *lines[2]}
	if got, err := ReadMetrics(r.dir); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want each line once", got, err)
	}
}

func TestMetricsCut(t *testing.T) {
	line := func(u uint64) string { return fmt.Sprintf("{\"update\":%d, \"new\":[1,2]}\n", u) }
	l1, l2, l3 := line(1), line(2), line(3)
	for _, f := range []struct {
		name, file, want, err string
	}{
		{"nothing", l1 + l2, l1 + l2, ""},
		{"empty", "", "", ""},
		{"beyond", l1 + l2 + l3, l1 + l2, ""},
		{"all", l3, "", ""},
		{"torn", l1 + l2[:9], l1, ""},
		{"torn at the newline", l1 + strings.TrimSuffix(l2, "\n"), l1, ""},
		{"torn first", l1[:3], "", ""},
		{"torn beyond", l1 + l2 + l3 + l3[:5], l1 + l2, ""},
		{"zeros", l1 + "\x00\x00\x00", l1, ""},
		{"lost tail", l1 + l2 + "\x00\x00\n" + l3, l1 + l2, ""},
		{"damage between", l1 + "{\"upd\n" + l2, "", "line 2"},
		{"no update", l1 + "{}\n" + l2, "", "line 2: no update"},
		{"twice", l1 + l3 + l2, l1 + l2, ""},
	} {
		t.Run(f.name, func(t *testing.T) {
			r := testRun(t, 0)
			path := filepath.Join(r.dir, MetricsFile)
			write(t, path, []byte(f.file))
			before := identity(t, path)
			err := r.CutAfter(2)
			if f.err != "" {
				wantError(t, err, path, f.err)
				f.want = f.file
			} else if err != nil {
				t.Fatal(err)
			}
			if got := string(read(t, path)); got != f.want {
				t.Errorf("left %q; want %q", got, f.want)
			}
			if same := os.SameFile(before, identity(t, path)); same && f.err == "" {
				t.Error("the file was written to, with all that may be linked to it")
			}
		})
	}
}

// identity is for os.SameFile. On Windows os.Stat would look at the name only
// when it is compared.
func identity(t *testing.T, path string) os.FileInfo {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestMetricsTorn(t *testing.T) {
	r := testRun(t, 0)
	path := filepath.Join(r.dir, MetricsFile)
	updates := func() (all []uint64) {
		t.Helper()
		ms, err := ReadMetrics(r.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms {
			all = append(all, m.Update)
		}
		return all
	}
	for u := range uint64(3) {
		if err := r.Append(testMetrics(u)); err != nil {
			t.Fatal(err)
		}
	}
	whole := read(t, path)
	r.Close()
	for cut := len(whole) - 1; cut > len(whole)-100; cut -= 7 {
		write(t, path, whole[:cut])
		if got := updates(); !slices.Equal(got, []uint64{0, 1}) {
			t.Errorf("cut to %d bytes: updates %d", cut, got)
		}
	}

	// Append goes on with a line of its own, after a cut too.
	r, _, err := Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, u := range []uint64{7, 8} {
		if err := r.Append(testMetrics(u)); err != nil {
			t.Fatal(err)
		}
	}
	if got := updates(); !slices.Equal(got, []uint64{0, 1, 7, 8}) {
		t.Errorf("after a torn line: updates %d", got)
	}
	if err := r.CutAfter(7); err != nil {
		t.Fatal(err)
	}
	if err := r.Append(testMetrics(9)); err != nil {
		t.Fatal(err)
	}
	if got := updates(); !slices.Equal(got, []uint64{0, 1, 7, 9}) {
		t.Errorf("after a cut: updates %d", got)
	}

	write(t, path, append([]byte("{\"update\":x}\n"), whole...))
	_, err = ReadMetrics(r.dir)
	wantError(t, err, path, "line 1")
}

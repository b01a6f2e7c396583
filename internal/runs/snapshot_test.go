package runs

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestSnapshot(t *testing.T) {
	r := testRun(t, 0)
	dir := r.Dir()
	_, err := ReadSnapshot(dir)
	if !errors.Is(err, ErrNoCheckpoint) {
		t.Errorf("a run without a checkpoint: %v", err)
	}
	_, err = ReadSnapshot(t.TempDir())
	wantError(t, err, "holds no run")

	m := NewManifest("v1", time.Time{})
	if err := r.WriteManifest(m); err != nil {
		t.Fatal(err)
	}
	for u := range uint64(3) {
		if err := r.Append(testMetrics(u)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.WriteCheckpoint(testState(&r.settings, 2), 1.5, "v1"); err != nil {
		t.Fatal(err)
	}
	// The run is locked, and has half a line at the end of its metrics.
	metrics := read(t, filepath.Join(dir, MetricsFile))
	write(t, filepath.Join(dir, MetricsFile), append(bytes.Clone(metrics), `{"upd`...))
	files, err := ReadSnapshot(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(files)), slices.Sorted(slices.Values(contents[:])); !slices.Equal(got, want) {
		t.Errorf("files %q; want %q", got, want)
	}
	for name, data := range files {
		want := read(t, filepath.Join(dir, name))
		if name == MetricsFile {
			want = metrics
		}
		if !Owns(name) || !bytes.Equal(data, want) {
			t.Errorf("%s is\n%q; want\n%q", name, data, want)
		}
	}
	if !Owns(lockName) || Owns("filters.png") {
		t.Error("the lock is a run's own file, and a picture is not")
	}
	s, err := DecodeSnapshot(files)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.Settings, r.Settings()) || s.Manifest.Version != "v1" || len(s.Metrics) != 3 ||
		s.Checkpoint.State.SHA256() != testState(&r.settings, 2).SHA256() {
		t.Errorf("decoded %+v", s)
	}

	other := testConfig()
	other.Seed--
	otherSeed, err := encodeJSON(&other)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(files[CheckpointFile])
	damaged[len(damaged)/2] ^= 1
	for _, c := range []struct {
		name  string
		data  []byte
		words []string
	}{
		{SettingsFile, []byte("{}"), []string{SettingsFile, "layers"}},
		{SettingsFile, otherSeed, []string{SettingsFile, CheckpointFile, "seed"}},
		{manifestName, []byte(`{"kernels": 1}`), []string{manifestName, "kernels"}},
		{MetricsFile, []byte("{}\n"), []string{MetricsFile, "line 1"}},
		{CheckpointFile, damaged, []string{CheckpointFile}},
		{CheckpointFile, nil, []string{"no " + CheckpointFile}},
		{manifestName, nil, []string{"no " + manifestName}},
	} {
		bad := maps.Clone(files)
		bad[c.name] = c.data
		_, err := DecodeSnapshot(bad)
		wantError(t, err, c.words...)
		if c.data != nil {
			write(t, filepath.Join(dir, c.name), c.data)
		} else if err := os.Remove(filepath.Join(dir, c.name)); err != nil {
			t.Fatal(err)
		}
		_, err = ReadSnapshot(dir)
		if c.data != nil {
			wantError(t, err, append(c.words, dir)...)
		} else if err == nil {
			t.Errorf("a snapshot without %s", c.name)
		}
		write(t, filepath.Join(dir, c.name), files[c.name])
	}
}

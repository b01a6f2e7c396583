package session

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tandem/internal/runs"
)

// blocked puts a folder where a checkpoint must be written, which fails then as on a full
// disk, and returns what removes it.
func blocked(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, runs.CheckpointFile)
	if err := os.Rename(path, path+".kept"); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o777); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.RemoveAll(path); err != nil {
			t.Error(err)
		}
		_ = os.Rename(path+".kept", path)
	}
}

// A checkpoint that cannot be written is tried again at the next one's time: the run goes
// on, and misses nothing.
func TestSaveThatFailsOnce(t *testing.T) {
	undisturbed := filepath.Join(t.TempDir(), "run")
	if _, err := Run(t.Context(), options(t, undisturbed, 11), nil); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	o := options(t, dir, 11)
	free, warned := func() {}, []uint64(nil)
	_, err := Run(t.Context(), o, func(e *Event) {
		switch e.Update {
		case 3:
			free = blocked(t, dir)
		case 7:
			free()
		}
		if e.Warning != nil {
			warned = append(warned, e.Update)
			var save *SaveError
			if !errors.As(e.Warning, &save) || save.Update != 4 || save.Saved != 0 {
				t.Errorf("warning %v", e.Warning)
			}
		}
	})
	if err != nil || len(warned) != 1 || warned[0] != 4 {
		t.Errorf("warned at %v, error %v", warned, err)
	}
	want, got := metrics(t, undisturbed), metrics(t, dir)
	if len(got) != len(want) || got[len(got)-1].ParamsSHA256 != want[len(want)-1].ParamsSHA256 {
		t.Errorf("%d lines of metrics, want %d", len(got), len(want))
	}
	if c, err := runs.ReadCheckpoint(dir); err != nil || c.Updates != 11 {
		t.Errorf("checkpoint %v, %v", c, err)
	}
}

// With nothing to follow, a save is tried once more, and then the error says what stays:
// here nothing, for what stands in the way has replaced the checkpoint.
func TestSaveThatFailsForEver(t *testing.T) {
	for what, f := range map[string]struct {
		block        uint64 // after this update
		stop         bool   // StopOnSaveError
		ended, lines uint64 // lines of metrics up to this update
	}{
		"at the end":       {8, false, 11, 10},
		"all the way":      {1, false, 11, 1},
		"the first to end": {5, true, 8, 4},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		o := options(t, dir, 11)
		o.StopOnSaveError = f.stop
		_, err := Run(t.Context(), o, func(e *Event) {
			if e.Update == f.block {
				blocked(t, dir)
			}
		})
		var save *SaveError
		if !errors.As(err, &save) || save.Update != f.ended || save.Saved != 0 ||
			!strings.Contains(err.Error(), "there is no checkpoint") {
			t.Errorf("%s: error %v", what, err)
		}
		if all := metrics(t, dir); all[len(all)-1].Update > f.lines {
			t.Errorf("%s: the metrics are at update %d, want %d", what, all[len(all)-1].Update, f.lines)
		}
	}
	// The second try is in time where the disk has room again.
	dir := filepath.Join(t.TempDir(), "run")
	o := options(t, dir, 11)
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := Run(ctx, o, func(e *Event) {
		if e.Update == 5 {
			free := blocked(t, dir)
			time.AfterFunc(secondTry/2, free)
			cancel(errors.New("signal"))
		}
	})
	var stopped *Stopped
	if !errors.As(err, &stopped) {
		t.Errorf("error %v", err)
	}
}

// A folder that moves ends the session, with all that was learnt in the moved folder; one
// that is deleted ends it too.
func TestFolderThatMoves(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open folder cannot be renamed")
	}
	for _, replaced := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "run")
		o := options(t, dir, 11)
		at, next := uint64(5), uint64(8) // with a checkpoint, which is written before it is found out
		if replaced {
			at, next = 9, 10 // with a line of metrics, which no checkpoint goes with
		}
		_, err := Run(t.Context(), o, func(e *Event) {
			if e.Update != at {
				return
			}
			if err := os.Rename(dir, dir+"-there"); err != nil {
				t.Error(err)
			}
			if replaced {
				os.Mkdir(dir, 0o777)
			}
		})
		var moved *MovedError
		if !errors.As(err, &moved) || moved.Update != next || !moved.Saved {
			t.Errorf("error %v", err)
		}
		if c, err := runs.ReadCheckpoint(dir + "-there"); err != nil || c.Updates != next {
			t.Errorf("checkpoint %v, %v", c, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("the folder that took its place has %v", left)
		}
	}
	dir := filepath.Join(t.TempDir(), "run")
	_, err := Run(t.Context(), options(t, dir, 11), func(e *Event) {
		if e.Update == 5 {
			os.RemoveAll(dir)
		}
	})
	var moved *MovedError
	if !errors.As(err, &moved) || moved.Saved || !strings.Contains(err.Error(), "deleted") {
		t.Errorf("error %v", err)
	}
}

// Nothing is computed from a manifest: a damaged one does not keep a run from going on.
func TestDamagedManifest(t *testing.T) {
	for _, damage := range []string{"", "{", "{}{}", `{"version": 3}`, "\x00\x00\x00"} {
		dir := filepath.Join(t.TempDir(), "run")
		o := options(t, dir, 4)
		if _, err := Run(t.Context(), o, nil); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "manifest.json")
		if err := os.WriteFile(path, []byte(damage), 0o666); err != nil {
			t.Fatal(err)
		}
		warned := error(nil)
		_, err := Run(t.Context(), reopen(t, dir, o, 8), func(e *Event) {
			if e.Begins() {
				warned = e.Warning
			}
		})
		if err != nil || warned == nil || !strings.Contains(warned.Error(), path) {
			t.Errorf("%q: error %v, warning %v", damage, err, warned)
		}
		if m, err := runs.ReadManifest(dir); err != nil || m.Data.SHA256 != o.Data.SHA256 {
			t.Errorf("%q: manifest %+v, %v", damage, m, err)
		}
	}
}

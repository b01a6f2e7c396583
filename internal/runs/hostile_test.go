package runs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"tandem/internal/files"
)

// victim is a file that nothing in a run folder may change.
func victim(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "victim")
	write(t, path, []byte("dear"))
	return path
}

// use opens a run and does all that training does.
func use(dir string) error {
	r, c, err := Open(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	settings := r.Settings()
	return errors.Join(r.SetSettings(settings), r.WriteManifest(new(Manifest)), r.CutAfter(c.Updates),
		r.Append(&Metrics{Update: c.Updates}), r.WriteCheckpoint(c.State, 1, "v1"))
}

// readings returns the errors of all that reads a file of a run.
func readings(dir, name string) []error {
	_, snapshot := ReadSnapshot(dir)
	_, settings := ReadSettings(dir)
	_, manifest := ReadManifest(dir)
	_, metrics := ReadMetrics(dir)
	_, checkpoint := ReadCheckpoint(dir)
	_, header := ReadHeader(dir)
	return map[string][]error{
		SettingsFile: {snapshot, settings}, manifestName: {snapshot, manifest}, MetricsFile: {snapshot, metrics},
		CheckpointFile: {snapshot, checkpoint, header},
	}[name] // nothing but Open reads the lock
}

// Links that somebody has put into a run folder in place of its files, or of the temporary
// files that become them, make tandem write nowhere else.
func TestLinksInARunFolder(t *testing.T) {
	for _, name := range append([]string{lockName}, contents[:]...) {
		for _, link := range []func(string, string) error{os.Symlink, os.Link} {
			r := testRun(t, 3)
			r.Append(&Metrics{Update: 3})
			r.WriteManifest(new(Manifest))
			r.Close()
			path, out := filepath.Join(r.dir, name), victim(t)
			content := read(t, path)
			if name == lockName {
				content = []byte("dear")
			}
			write(t, out, content) // so that only what it is can be wrong with it
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := link(out, path); err != nil {
				t.Skip(err)
			}
			if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
				for _, err := range readings(r.dir, name) {
					wantError(t, err, path, "is a link")
				}
			}
			_ = use(r.dir)
			if got := read(t, out); string(got) != string(content) {
				t.Errorf("%s as a link: what it leads to was changed from %q to %q", name, content, got)
			}
			if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
				wantError(t, use(r.dir), path, "is a link")
			}
		}
	}
}

// Pipes, devices and folders in place of a run's files are rejected at once.
func TestSpecialFilesInARunFolder(t *testing.T) {
	for _, name := range append([]string{lockName}, contents[:]...) {
		for what, place := range map[string]func(path string) error{
			"a folder": func(path string) error { return os.Mkdir(path, 0o777) },
			"a pipe":   func(path string) error { return exec.Command("mkfifo", path).Run() },
			"a device": func(path string) error { return exec.Command("mknod", path, "c", "1", "5").Run() },
		} {
			r := testRun(t, 3)
			r.Append(&Metrics{Update: 3})
			r.WriteManifest(new(Manifest))
			r.Close()
			path := filepath.Join(r.dir, name)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := place(path); err != nil {
				continue // as without the right to make devices
			}
			failed := make(chan []error)
			go func() {
				_, checkpoint := ReadCheckpoint(r.dir)
				_, settings := ReadSettings(r.dir)
				_, metrics := ReadMetrics(r.dir)
				_, manifest := ReadManifest(r.dir)
				_, snapshot := ReadSnapshot(r.dir)
				failed <- []error{use(r.dir), checkpoint, settings, metrics, manifest, snapshot}
			}()
			select {
			case errs := <-failed:
				if !slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, files.ErrNotRegular) }) {
					t.Errorf("%s as %s: %v", name, what, errs)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s as %s: hangs", name, what)
			}
		}
	}
}

// A lock that tandem cannot have written is somebody's file.
func TestLockThatIsNoLock(t *testing.T) {
	for _, content := range []string{"dear diary", "12 13", "-", "123456789012345678901234567890123456789"} {
		r := testRun(t, 3)
		r.Close()
		path := filepath.Join(r.dir, lockName)
		write(t, path, []byte(content))
		_, _, err := Open(r.dir)
		wantError(t, err, path, "not a lock of tandem")
		if got := string(read(t, path)); got != content {
			t.Errorf("%q became %q", content, got)
		}
	}
	r := testRun(t, 3)
	r.Close()
	write(t, filepath.Join(r.dir, lockName), []byte("1234\n")) // of a killed process
	if err := use(r.dir); err != nil {
		t.Error(err)
	}
}

// Metrics that never end, and a configuration too large, are not read to their end.
func TestEndlessFiles(t *testing.T) {
	for _, name := range []string{SettingsFile, manifestName, MetricsFile} {
		r := testRun(t, 3)
		r.WriteManifest(new(Manifest))
		r.Append(&Metrics{Update: 3})
		path := filepath.Join(r.dir, name)
		if err := os.Truncate(path, 1<<40); err != nil {
			t.Skip(err)
		}
		_, err := ReadSnapshot(r.dir)
		wantError(t, err, path, "more than")
	}
}

// A run whose lock file was deleted is taken again, unless another process has it or has
// changed it.
func TestLockDeletedWhileTraining(t *testing.T) {
	begin := func() *Run {
		r := testRun(t, 3)
		if err := os.Remove(filepath.Join(r.dir, lockName)); err != nil {
			t.Skip(err)
		}
		return r
	}
	r := begin()
	if err := r.WriteCheckpoint(testState(&r.settings, 4), 1, "v1"); err != nil {
		t.Errorf("nobody else has the run: %v", err)
	}
	if _, _, err := Open(r.dir); err == nil {
		t.Error("the lock was not taken again")
	}

	r = begin()
	other, _, err := Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"checkpoint": r.WriteCheckpoint(testState(&r.settings, 5), 1, "v1"),
		"metrics":    r.Append(&Metrics{Update: 5}),
		"manifest":   r.WriteManifest(new(Manifest)),
		"settings":   r.SetSettings(r.Settings()),
	} {
		wantError(t, err, "lock file was deleted", "in use by process")
		if !errors.Is(err, ErrLost) {
			t.Errorf("%s: %v is no ErrLost", what, err)
		}
	}
	if err := other.WriteCheckpoint(testState(&r.settings, 6), 1, "v1"); err != nil {
		t.Fatal(err)
	}
	other.Close()
	err = r.WriteCheckpoint(testState(&r.settings, 5), 1, "v1")
	wantError(t, err, "another process has changed its checkpoint")
	if c, err := ReadCheckpoint(r.dir); err != nil || c.Updates != 6 {
		t.Errorf("the other's checkpoint: %v, %v", c, err)
	}
}

// A run whose folder moves is written to where it has gone, and knows.
func TestFolderMovedWhileTraining(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open folder cannot be renamed")
	}
	r := testRun(t, 3)
	if err := r.Moved(); err != nil {
		t.Error(err)
	}
	there := r.dir + "-there"
	if err := os.Rename(r.dir, there); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(r.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteCheckpoint(testState(&r.settings, 4), 1, "v1"); err != nil {
		t.Error(err)
	}
	if err := r.Append(&Metrics{Update: 5}); err != nil {
		t.Error(err)
	}
	if got := names(t, r.dir); len(got) != 0 {
		t.Errorf("the folder that took its place has %q", got)
	}
	if c, err := ReadCheckpoint(there); err != nil || c.Updates != 4 {
		t.Errorf("checkpoint %v, %v", c, err)
	}
	if err := r.Moved(); !errors.Is(err, files.ErrMoved) {
		t.Errorf("error %v", err)
	}
}

// Package runs keeps training runs on disk, each in a folder of its own: what
// decides the run, who made it, how it fared, and a checkpoint to resume from.
//
// One process at a time may change a run: Create and Open lock it. Reading needs
// no lock, for every file but metrics.jsonl is replaced whole.
package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tandem/dbm/kernel"
)

// What a run folder holds, beside pictures that others put there.
const (
	SettingsFile   = "config.json"
	manifestName   = "manifest.json"
	metricsName    = "metrics.jsonl"
	CheckpointFile = "checkpoint.tandem"
	lockName       = "lock"
)

// contents are the files that only the holder of the lock writes, the one that
// makes a folder a run first.
var contents = [...]string{SettingsFile, manifestName, metricsName, CheckpointFile}

// Run is a run folder that this process has locked. It is for one goroutine at a time.
type Run struct {
	dir      string
	settings Settings
	lock     *os.File // nil once closed
	metrics  *os.File // nil until the first Append
}

// Dir is the folder of the run, as it was given.
func (r *Run) Dir() string { return r.dir }

// Settings returns the settings of the run.
func (r *Run) Settings() Settings { return r.settings.clone() }

// Create begins a run in a folder, which it makes, with its parents, where there
// is none. It rejects invalid settings, a folder that already holds a run
// and one that another process begins a run in. Other files in the folder stay.
func Create(dir string, c Settings) (*Run, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	return create(dir, c)
}

// CreateIn begins a run in a new folder of parent, named after the day and the
// preset: 2026-11-23-quick, or 2026-11-23-quick-2 where there is one already, and so
// on. Processes that do so at once get different folders. It rejects invalid
// settings.
func CreateIn(parent string, day time.Time, c Settings) (*Run, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return nil, err
	}
	name := day.Format(time.DateOnly)
	if c.Preset != "" {
		name += "-" + c.Preset
	}
	dir := filepath.Join(parent, name)
	for n := 2; ; n++ {
		err := os.Mkdir(dir, 0o777) // claims the name
		if err == nil {
			return create(dir, c)
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		dir = filepath.Join(parent, fmt.Sprintf("%s-%d", name, n))
	}
}

// create begins a run in a folder that exists.
func create(dir string, c Settings) (_ *Run, err error) {
	r := &Run{dir: dir, settings: c.clone()}
	if r.lock, err = takeLock(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	for _, name := range contents {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return nil, fmt.Errorf("%s already holds a run (%s): `tandem resume %s` continues it", dir, name, dir)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if err := removeTemps(dir); err != nil {
		return nil, err
	}
	// The folder's own name, for what the disk can do about it.
	_ = syncFolder(filepath.Dir(dir))
	if err := writeJSON(filepath.Join(dir, SettingsFile), &r.settings); err != nil {
		return nil, err
	}
	return r, nil
}

// Open locks a run folder to resume it, and returns its checkpoint too: nil
// where the run was stopped before its first, to begin it anew. It removes what a
// killed process left half-written. It rejects a folder without a run, a run that
// another process has, one whose checkpoint is gone, a damaged checkpoint, one of another numerics
// version, and one that config.json no longer agrees with.
func Open(dir string) (_ *Run, _ *Checkpoint, err error) {
	if err := holdsRun(dir); err != nil { // before a lock is left in any folder
		return nil, nil, err
	}
	r := &Run{dir: dir}
	if r.lock, err = takeLock(dir); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if err := removeTemps(dir); err != nil {
		return nil, nil, err
	}
	if r.settings, err = ReadSettings(dir); err != nil {
		return nil, nil, err
	}
	h, err := ReadHeader(dir)
	if errors.Is(err, ErrNoCheckpoint) {
		return r, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, CheckpointFile)
	if h.Numerics != kernel.Version {
		return nil, nil, fmt.Errorf("%s: numerics version %d, this build has %d: it cannot continue the run to the same "+
			"bits; use tandem %s, which wrote it", path, h.Numerics, kernel.Version, h.Version)
	}
	if name := r.settings.Differs(&h.Settings); name != "" {
		return nil, nil, fmt.Errorf("%s and %s do not agree on %s: these settings cannot change; restore %s",
			filepath.Join(dir, SettingsFile), path, name, SettingsFile)
	}
	c, err := ReadCheckpoint(dir)
	if err != nil {
		return nil, nil, err
	}
	return r, c, nil
}

// SetSettings replaces the settings of a run: its number of updates, those
// between checkpoints, where its data is. It rejects invalid settings
// and one that changes what decides the numbers.
func (r *Run) SetSettings(c Settings) error {
	if err := r.check(); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	if name := r.settings.Differs(&c); name != "" {
		return fmt.Errorf("%s cannot be changed in run %s, which has begun: begin another", name, r.dir)
	}
	if err := writeJSON(filepath.Join(r.dir, SettingsFile), &c); err != nil {
		return err
	}
	r.settings = c.clone()
	return nil
}

// Close gives the run free for others. It may be called again.
func (r *Run) Close() error {
	if r.lock == nil {
		return nil
	}
	err := r.closeMetrics()
	// A finished run names nobody; what fails here harms nobody.
	_ = r.lock.Truncate(0)
	if e := r.lock.Close(); err == nil {
		err = e
	}
	r.lock = nil
	return err
}

// check returns an error without the lock.
func (r *Run) check() error {
	if r.lock == nil {
		return fmt.Errorf("run %s: %w", r.dir, os.ErrClosed)
	}
	return nil
}

// holdsRun returns an error that says what keeps a folder from being a run.
func holdsRun(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("no run folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a run folder but a file", dir)
	}
	if _, err := os.Stat(filepath.Join(dir, SettingsFile)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds no run: there is no %s in it (a run has %s)", dir, SettingsFile, strings.Join(contents[:],
			", "))
	} else if err != nil {
		return err
	}
	return nil
}

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
	"tandem/internal/files"
	"tandem/internal/format"
)

// What a run folder holds, beside pictures that others put there.
const (
	SettingsFile   = "config.json"
	manifestName   = "manifest.json"
	MetricsFile    = "metrics.jsonl"
	CheckpointFile = "checkpoint.tandem"
	lockName       = "lock"
)

// contents are the files that only the holder of the lock writes, the one that
// makes a folder a run first.
var contents = [...]string{SettingsFile, manifestName, MetricsFile, CheckpointFile}

// Run is a run folder that this process has locked. It is for one goroutine at a time.
type Run struct {
	dir        string
	folder     *files.Folder
	settings   Settings
	lock       *os.File    // nil once closed
	metrics    *os.File    // nil until the first Append
	appended   uint64      // update of the last line that was appended; 0: none was
	checkpoint os.FileInfo // of the last one that this process has written or read; nil: there is none
	manifest   *Manifest   // the last one that this process has written; nil: none
	notice     error       // what somebody has done to the folder meanwhile
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
	if r.folder, err = files.OpenFolder(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if r.lock, err = takeLock(r.folder); err != nil {
		return nil, err
	}
	for _, name := range contents {
		if _, err := r.folder.Lstat(name); err == nil {
			return nil, fmt.Errorf("%s already holds a run (%s): `tandem resume %s` continues it", dir, name,
				format.Argument(dir))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if err := r.folder.RemoveTemps(ownTemp); err != nil {
		return nil, err
	}
	syncParent(dir)
	if err := r.writeJSON(SettingsFile, &r.settings); err != nil {
		return nil, err
	}
	return r, nil
}

// syncParent puts the folder's own name on the disk, for what the disk can do about it.
func syncParent(dir string) {
	if parent, err := files.OpenFolder(filepath.Dir(dir)); err == nil {
		_ = parent.Sync()
		parent.Close()
	}
}

// Open locks a run folder to resume it, and returns its checkpoint too: nil
// where the run was stopped before its first, to begin it anew. It removes what a
// killed process left half-written. It rejects a folder without a run, a run that
// another process has, one whose checkpoint is gone, a damaged checkpoint, one of another numerics
// version, and one that config.json no longer agrees with.
func Open(dir string) (_ *Run, _ *Checkpoint, err error) {
	r := &Run{dir: dir}
	if r.folder, err = openRun(dir); err != nil { // before a lock is left in any folder
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if r.lock, err = takeLock(r.folder); err != nil {
		return nil, nil, err
	}
	if err := r.folder.RemoveTemps(ownTemp); err != nil {
		return nil, nil, err
	}
	if r.settings, err = readSettings(r.folder); err != nil {
		return nil, nil, err
	}
	h, err := readHeader(r.folder)
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
	c, err := readCheckpoint(r.folder)
	if err != nil {
		return nil, nil, err
	}
	if r.checkpoint, err = r.folder.Lstat(CheckpointFile); err != nil {
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
	if err := r.writeJSON(SettingsFile, &c); err != nil {
		return err
	}
	r.settings = c.clone()
	return nil
}

// Close gives the run free for others. It may be called again.
func (r *Run) Close() error {
	if r.folder == nil {
		return nil
	}
	err := r.closeMetrics()
	if r.lock != nil {
		// A finished run names nobody; what fails here harms nobody.
		_ = r.lock.Truncate(0)
		err = errors.Join(err, r.lock.Close())
	}
	err = errors.Join(err, r.folder.Close())
	r.lock, r.folder = nil, nil
	return err
}

// ErrLost is the error of a run that this process must no longer write to.
var ErrLost = errors.New("the run is no longer this process's own")

// check returns an error unless this process still has the run to itself.
func (r *Run) check() error {
	if r.lock == nil {
		return fmt.Errorf("run %s: %w", r.dir, os.ErrClosed)
	}
	held, err := r.lock.Stat()
	if err != nil {
		return err
	}
	now, err := r.folder.Lstat(lockName)
	switch {
	case err == nil && os.SameFile(held, now):
		return nil
	case err == nil || errors.Is(err, fs.ErrNotExist):
		return r.lockAgain()
	}
	return err
}

// lockAgain takes the lock of a run whose lock file was deleted or replaced. Another
// process may have locked the new file, or changed the run and gone.
func (r *Run) lockAgain() error {
	lock, err := takeLock(r.folder)
	if err != nil {
		return fmt.Errorf("%w: its lock file was deleted or replaced: %w", ErrLost, err)
	}
	now, err := r.folder.Lstat(CheckpointFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		lock.Close()
		return err
	}
	if !sameFile(r.checkpoint, now) {
		lock.Close()
		return fmt.Errorf("%w: its lock file was deleted or replaced, and another process has changed its checkpoint",
			ErrLost)
	}
	r.lock.Close()
	r.lock = lock
	r.noticeMetrics()
	return nil
}

// Notice returns what somebody has done to the run's files while it was open and what could
// be repaired, once; nil if nothing.
func (r *Run) Notice() error {
	notice := r.notice
	r.notice = nil
	return notice
}

// restore writes settings and manifest again where somebody has deleted them: without them a
// checkpoint is no run.
func (r *Run) restore() error {
	for name, write := range map[string]func() error{
		SettingsFile: func() error { return r.writeJSON(SettingsFile, &r.settings) },
		manifestName: func() error { return r.WriteManifest(r.manifest) },
	} {
		if _, err := r.folder.Lstat(name); !errors.Is(err, fs.ErrNotExist) || name == manifestName && r.manifest == nil {
			continue
		}
		if err := write(); err != nil {
			return err
		}
		r.notice = fmt.Errorf("%s was deleted while the run was trained; it is written again", filepath.Join(r.dir, name))
	}
	return nil
}

// sameFile reports whether two descriptions are of one file that has not changed. They may
// both be nil.
func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// HasCheckpoint reports whether a checkpoint is in the folder.
func (r *Run) HasCheckpoint() bool {
	info, err := r.folder.Lstat(CheckpointFile)
	return err == nil && info.Mode().IsRegular()
}

// Moved returns files.ErrMoved if the folder is no longer where it was opened. What is
// written then still goes into the same folder.
func (r *Run) Moved() error {
	if r.folder == nil {
		return fmt.Errorf("run %s: %w", r.dir, os.ErrClosed)
	}
	return r.folder.Here()
}

// openRun opens a run folder. Its errors say what keeps a folder from being a run.
func openRun(dir string) (*files.Folder, error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no run %s: %w", dir, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a run folder but a file", dir)
	}
	d, err := files.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	if _, err = d.Lstat(SettingsFile); errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s holds no run: there is no %s in it (a run has %s)", dir, SettingsFile, strings.Join(contents[:],
			", "))
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// inRun calls read with a run folder.
func inRun[T any](dir string, read func(d *files.Folder) (T, error)) (T, error) {
	d, err := openRun(dir)
	if err != nil {
		var none T
		return none, err
	}
	defer d.Close()
	return read(d)
}

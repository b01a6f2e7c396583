package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Write writes a file whole or not at all: write fills a temporary file beside it, which
// is put on the disk and then takes the file's name. Whatever fails, and whenever the
// process or the machine stops, the name stands for the old content or the new, never for
// a part. A link of that name is replaced, not followed. Of two processes that write one
// file the last wins. A killed process can leave its temporary file behind.
func Write(name string, write func(io.Writer) error) error {
	d, err := OpenFolder(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Write(filepath.Base(name), write)
}

// Write writes a file of the folder as the function Write does.
func (d *Folder) Write(name string, write func(io.Writer) error) error {
	return d.WriteAfter(name, write, func() error { return nil })
}

// WriteAfter is Write with something to do when all of the file is on the disk, but has not
// yet its name. Where that fails, the name keeps its old content.
func (d *Folder) WriteAfter(name string, write func(io.Writer) error, ready func() error) error {
	temp := tempName(name)
	f, err := d.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return d.named(name, err)
	}
	renamed := false
	defer func() {
		if !renamed {
			f.Close()
			d.root.Remove(temp)
		}
	}()
	if old, err := d.root.Lstat(name); err == nil && old.Mode().IsRegular() && runtime.GOOS != "windows" {
		_ = f.Chmod(old.Mode().Perm()) // what was private stays so, where the system can
	}
	if err := write(&namedWriter{f, d.full(name)}); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return d.named(name, err)
	}
	if err := f.Close(); err != nil {
		return d.named(name, err)
	}
	if err := ready(); err != nil {
		return err
	}
	if err := d.rename(temp, name); err != nil {
		return d.named(name, err)
	}
	renamed = true
	return d.Sync()
}

// namedWriter writes to a temporary file and names the file that it becomes in errors.
type namedWriter struct {
	to   *os.File
	name string
}

func (w *namedWriter) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	if err != nil {
		err = fmt.Errorf("%s: %w", w.name, cause(err))
	}
	return n, err
}

// rename renames a file over another. Windows fails while that one is open, so there it is
// tried again for two seconds.
func (d *Folder) rename(from, to string) error {
	err := d.root.Rename(from, to)
	for wait := time.Millisecond; err != nil && runtime.GOOS == "windows" && wait < 2*time.Second; wait *= 2 {
		time.Sleep(wait)
		err = d.root.Rename(from, to)
	}
	return err
}

// Sync puts the names in the folder on the disk, where the system can: Windows cannot, and
// some network file systems neither.
func (d *Folder) Sync() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := d.root.Open(".")
	if err != nil {
		return d.named(".", err)
	}
	defer f.Close()
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return d.named(".", err)
}

// tempName returns a name for a temporary file that nobody can guess, and so nobody can
// take before.
func tempName(name string) string {
	return strings.ToValidUTF8(name[:min(len(name), 200)], "") + "." + rand.Text() + ".tmp"
}

// tempNames are those of temporary files, and oldTempNames those of the first versions,
// with the number of the process.
var (
	tempNames    = regexp.MustCompile(`^(.+)\.[A-Z2-7]{26}\.tmp$`)
	oldTempNames = regexp.MustCompile(`^(.+)\.[0-9]+\.tmp$`)
)

// abandoned is the age at which a temporary file is nobody's: none takes long to write.
const abandoned = 24 * time.Hour

// RemoveTemps removes what killed processes have left half-written: temporary files of the
// names that mine accepts, and those of others that are a day old.
func (d *Folder) RemoveTemps(mine func(name string) bool) error {
	entries, err := d.Entries()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || !isAbandoned(e, mine) {
			continue
		}
		if err := d.Remove(e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// isAbandoned reports whether a file is a temporary file that nobody writes any more.
func isAbandoned(e fs.DirEntry, mine func(name string) bool) bool {
	if m := oldTempNames.FindStringSubmatch(e.Name()); m != nil {
		return mine(m[1])
	}
	m := tempNames.FindStringSubmatch(e.Name())
	if m == nil || mine(m[1]) {
		return m != nil
	}
	info, err := e.Info()
	return err == nil && time.Since(info.ModTime()) > abandoned
}

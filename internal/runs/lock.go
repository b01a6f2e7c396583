package runs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"tandem/internal/files"
)

// maxLock is more than the size of a lock file, which holds a process number.
const maxLock = 32

// takeLock locks a run folder for this process until the file returned is
// closed or the process ends, however it ends. The system holds the lock, not
// the file: that stays, and holds the pid of the last to have the lock. It must
// not be deleted, or two processes could lock two files of that name. A file that
// tandem cannot have written is rejected, and left as it is.
func takeLock(d *files.Folder) (*os.File, error) {
	f, err := d.OpenFile(lockName, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, notLocked(d.Path(), err)
	}
	free, err := lockFile(f)
	switch {
	case err != nil:
		err = notLocked(d.Path(), err)
	case !free:
		err = fmt.Errorf("run %s is in use by %s", d.Path(), holder(f))
	default:
		if err = claim(f); err != nil {
			err = notLocked(d.Path(), err)
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// notLocked is the error of a run that no other process has, and that cannot be locked. Where
// the folder may not be written to, it says so.
func notLocked(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("run %s cannot be locked, its folder must be writable: %w", dir, err)
	}
	return fmt.Errorf("run %s cannot be locked: %w", dir, err)
}

// claim writes the number of this process into a lock file.
func claim(f *os.File) error {
	old, err := readLock(f)
	if err != nil {
		return err
	}
	if _, err := strconv.Atoi(string(old)); err != nil && len(old) > 0 {
		return fmt.Errorf("%s is not a lock of tandem; delete it if it is not yours", f.Name())
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}

// readLock returns the beginning of a lock file, without the space around it.
func readLock(f *os.File) ([]byte, error) {
	b := make([]byte, maxLock)
	n, err := f.ReadAt(b, 0)
	if err == io.EOF {
		err = nil
	}
	return bytes.TrimSpace(b[:n]), err
}

// holder names the process that has the lock. For the moment between its taking
// the lock and writing its pid, that may be the one before it, if that was killed.
func holder(f *os.File) string {
	b, _ := readLock(f)
	pid, err := strconv.Atoi(string(b))
	if err != nil {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}

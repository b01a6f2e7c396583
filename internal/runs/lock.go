package runs

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// takeLock locks a run folder for this process until the file returned is
// closed or the process ends, however it ends. The system holds the lock, not
// the file: that stays, and holds the pid of the last to have the lock. It must
// not be deleted, or two processes could lock two files of that name.
func takeLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("run %s cannot be locked, its folder must be writable: %w", dir, err)
	}
	free, err := lockFile(f)
	if err == nil && !free {
		err = fmt.Errorf("run %s is in use by %s", dir, holder(f))
	} else if err != nil {
		err = fmt.Errorf("run %s cannot be locked: %w", dir, err)
	} else if err = f.Truncate(0); err == nil {
		_, err = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// holder names the process that has the lock. For the moment between its taking
// the lock and writing its pid, that may be the one before it, if that was killed.
func holder(f *os.File) string {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}

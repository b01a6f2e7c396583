package runs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// WriteFile writes a file whole or not at all: write fills a temporary file
// beside it, which is put on the disk and then takes the file's name. Whatever
// fails, and whenever the process or the machine stops, the name stands for the
// old content or the new, never for a part. Of two processes that write one
// file the last wins. A killed process can leave its temporary file,
// NAME.PID.tmp, behind.
func WriteFile(name string, write func(io.Writer) error) error {
	temp := fmt.Sprintf("%s.%d.tmp", name, os.Getpid())
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	renamed := false
	defer func() {
		if !renamed {
			f.Close()
			os.Remove(temp)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := rename(temp, name); err != nil {
		return err
	}
	renamed = true
	return syncFolder(filepath.Dir(name))
}

// rename renames a file over another. Windows fails while that one is open, so there it is
// tried again for two seconds.
func rename(from, to string) error {
	err := os.Rename(from, to)
	for wait := time.Millisecond; err != nil && runtime.GOOS == "windows" && wait < 2*time.Second; wait *= 2 {
		time.Sleep(wait)
		err = os.Rename(from, to)
	}
	return err
}

// syncFolder puts a folder's names on the disk, where the system can: Windows
// cannot, and some network file systems neither.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// removeTemps removes what killed processes left of the files that only the
// holder of the lock writes. Other temporary files may be in use.
func removeTemps(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		for _, name := range contents {
			if strings.HasPrefix(e.Name(), name+".") && strings.HasSuffix(e.Name(), ".tmp") {
				if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

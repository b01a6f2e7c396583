package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tandem/internal/files"
)

func TestLockInOneProcess(t *testing.T) {
	r := testRun(t, 0)
	me := fmt.Sprintf("run %s is in use by process %d", r.dir, os.Getpid())
	_, _, err := Open(r.dir)
	wantError(t, err, me)
	_, err = Create(r.dir, testConfig())
	wantError(t, err, me)
	r.Close()
	o, _, err := Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	o.Close()
}

func TestLockAgainstOtherProcess(t *testing.T) {
	r := testRun(t, 0)
	_, out := helper(t, "hold", r.dir)
	out.Scan()
	if want := fmt.Sprintf("run %s is in use by process %d", r.dir, os.Getpid()); out.Text() != want {
		t.Errorf("the other process got %q; want %q", out.Text(), want)
	}
	r.Close()

	cmd, out := helper(t, "hold", r.dir)
	if out.Scan(); out.Text() != "open" {
		t.Fatal(out.Text())
	}
	_, _, err := Open(r.dir)
	wantError(t, err, fmt.Sprintf("run %s is in use by process %d", r.dir, cmd.Process.Pid))
	if _, err := ReadSettings(r.dir); err != nil {
		t.Errorf("reading a run that is in use: %v", err)
	}

	// The lock ends with its process, even one that cannot clean up.
	cmd.Process.Kill()
	cmd.Wait()
	var o *Run
	for range 100 { // Windows takes a moment
		if o, _, err = Open(r.dir); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	o.Close()
}

func TestLockUnnamed(t *testing.T) {
	r := testRun(t, 0)
	write(t, filepath.Join(r.dir, lockName), nil)
	_, _, err := Open(r.dir)
	wantError(t, err, "in use by another process")
	// A reader must not clear what the holder wrote.
	write(t, filepath.Join(r.dir, lockName), []byte("1234\n"))
	for range 2 {
		_, _, err = Open(r.dir)
		wantError(t, err, "in use by process 1234")
	}
}

func TestLockNotPossible(t *testing.T) {
	r := testRun(t, 0)
	r.Close()
	path := filepath.Join(r.dir, lockName)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	_, _, err := Open(r.dir)
	wantError(t, err, "run "+r.dir+" cannot be locked: "+path, "not a regular file")
}

// Only where it may be the reason is it said that the folder must be writable.
func TestReasonsOfNoLock(t *testing.T) {
	for err, writable := range map[error]bool{
		fs.ErrPermission: true, syscall.EACCES: true, syscall.EROFS: true,
		syscall.ENOSPC: false, syscall.EMFILE: false, syscall.EIO: false, errors.ErrUnsupported: false,
		files.ErrNotRegular: false,
	} {
		got := notLocked("dir", &fs.PathError{Op: "open", Path: "dir/lock", Err: err})
		wantError(t, got, "run dir cannot be locked", err.Error())
		if !errors.Is(got, err) || strings.Contains(got.Error(), "must be writable") != writable {
			t.Errorf("%v is told as %v", err, got)
		}
	}
}

func TestReadOnlyFolder(t *testing.T) {
	r := testRun(t, 3)
	r.Close()
	if err := os.Remove(filepath.Join(r.dir, lockName)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(r.dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(r.dir, 0o777)
	if f, err := os.Create(filepath.Join(r.dir, "probe")); err == nil {
		f.Close()
		os.Remove(f.Name())
		t.Skip("this user may write to every folder")
	}
	_, _, err := Open(r.dir)
	wantError(t, err, r.dir, "cannot be locked", "must be writable")
	if _, err := ReadCheckpoint(r.dir); err != nil {
		t.Errorf("reading: %v", err)
	}
	_, err = Create(filepath.Join(r.dir, "run"), testConfig())
	if err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("Create in a read-only folder: %v", err)
	}
}

package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func open(t *testing.T, dir string) *Folder {
	t.Helper()
	d, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// within fails a test that takes long, as one does that waits for a pipe.
func within(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("hangs")
	}
}

func content(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := Write(path, content("old")); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(path) // a reader keeps what it opened
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	err = Write(path, func(w io.Writer) error {
		io.WriteString(w, "ne")
		return full
	})
	if err != full {
		t.Errorf("error %v; want %v", err, full)
	}
	if got := get(t, path); got != "old" {
		t.Errorf("a failed write left %q", got)
	}
	if got, err := io.ReadAll(old); string(got) != "old" || err != nil {
		t.Errorf("a reader got %q, %v", got, err)
	}
	old.Close()
	if err := Write(path, content("new")); err != nil || get(t, path) != "new" {
		t.Errorf("file has %q, %v", get(t, path), err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"file"}) {
		t.Errorf("folder has %q", got)
	}
	if err := Write(filepath.Join(dir, "missing", "file"), content("x")); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), filepath.Join(dir, "missing")) {
		t.Errorf("into a missing folder: %v", err)
	}
	if err := Write(dir, content("x")); err == nil || strings.Contains(err.Error(), ".tmp") {
		t.Errorf("a folder was replaced by a file, or the error names a temporary file: %v", err)
	}
	if got := names(t, filepath.Dir(dir)); !slices.Equal(got, []string{filepath.Base(dir)}) {
		t.Errorf("a failed rename left %q", got)
	}
	long := strings.Repeat("ä", 127)
	if err := Write(filepath.Join(dir, long), content("x")); err != nil {
		t.Errorf("a long name: %v", err)
	}
}

// What was private stays private.
func TestWriteKeepsPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permissions")
	}
	path := filepath.Join(t.TempDir(), "file")
	put(t, path, "old")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, content("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Links are neither followed nor reached by a guessed name.
func TestWriteDoesNotFollowLinks(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	put(t, victim, "dear")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(victim, link); err != nil {
		t.Skip(err)
	}
	if err := Write(link, content("new")); err != nil || get(t, victim) != "dear" || get(t, link) != "new" {
		t.Errorf("victim %q, link %q, %v", get(t, victim), get(t, link), err)
	}
	hard := filepath.Join(dir, "hard")
	if err := os.Link(victim, hard); err != nil {
		t.Skip(err)
	}
	if err := Write(hard, content("new")); err != nil || get(t, victim) != "dear" || get(t, hard) != "new" {
		t.Errorf("victim %q behind a hard link, %v", get(t, victim), err)
	}
	seen := map[string]bool{}
	for range 1000 {
		seen[tempName("x")] = true
	}
	if len(seen) < 1000 {
		t.Errorf("%d temporary names in 1000", len(seen))
	}
}

func TestReadOnlyRegularFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	put(t, path, "12345")
	d := open(t, dir)
	for limit, ok := range map[int64]bool{4: false, 5: true, 6: true} {
		a, err := Read(path, limit)
		b, errB := d.Read("file", limit)
		if ok != (err == nil) || ok != (errB == nil) || ok && (string(a) != "12345" || string(b) != "12345") {
			t.Errorf("limit %d: %q, %v and %q, %v", limit, a, err, b, errB)
		}
	}
	within(t, func() {
		for _, name := range []string{dir, "/dev/zero", filepath.Join(dir, "pipe")} {
			if name == filepath.Join(dir, "pipe") && exec.Command("mkfifo", name).Run() != nil {
				continue
			}
			if _, err := os.Stat(name); err != nil {
				continue
			}
			if _, err := Read(name, 1000); !errors.Is(err, ErrNotRegular) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := d.Open("pipe"); err == nil {
			t.Error("a pipe was opened")
		}
	})
	if err := os.Symlink(path, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	if got, err := Read(filepath.Join(dir, "link"), 10); string(got) != "12345" || err != nil {
		t.Errorf("behind a link: %q, %v", got, err)
	}
	for _, flag := range []int{os.O_RDONLY, os.O_RDWR | os.O_CREATE, os.O_WRONLY | os.O_APPEND} {
		if _, err := d.OpenFile("link", flag); !errors.Is(err, ErrNotRegular) || !strings.Contains(err.Error(), "link") {
			t.Errorf("a link in the folder: %v", err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "nothing"), filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.OpenFile("dangling", os.O_RDWR|os.O_CREATE); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a link to nothing: %v", err)
	}
	if slices.Contains(names(t, dir), "nothing") {
		t.Error("a file was made behind a link")
	}
	if _, err := d.OpenFile("../file", os.O_RDONLY); err == nil {
		t.Error("a file above the folder was opened")
	}
}

// A folder stays the same one, and knows when its name leads elsewhere.
func TestFolderThatMoves(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open folder cannot be renamed")
	}
	parent := t.TempDir()
	path, other := filepath.Join(parent, "run"), filepath.Join(parent, "other")
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	d := open(t, path)
	if err := d.Here(); err != nil {
		t.Error(err)
	}
	if err := os.Rename(path, other); err != nil {
		t.Fatal(err)
	}
	if err := d.Here(); !errors.Is(err, ErrMoved) {
		t.Errorf("moved: %v", err)
	}
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := d.Here(); !errors.Is(err, ErrMoved) {
		t.Errorf("replaced: %v", err)
	}
	if err := d.Write("file", content("x")); err != nil {
		t.Error(err)
	}
	if got := names(t, other); !slices.Equal(got, []string{"file"}) || len(names(t, path)) != 0 {
		t.Errorf("the folder has %q, the other one %q", got, names(t, path))
	}
	if err := os.RemoveAll(other); err != nil {
		t.Fatal(err)
	}
	if err := d.Write("file", content("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into a deleted folder: %v", err)
	}
}

// Of many who make a file at the same time each opens the same one.
func TestFileMadeAtOnce(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	for i := range 50 {
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				f, err := d.OpenFile(fmt.Sprint("lock", i), os.O_RDWR|os.O_CREATE)
				if err != nil {
					t.Error(err)
					return
				}
				f.Close()
			})
		}
		group.Wait()
	}
}

// A file that is replaced again and again, as the checkpoint of a run in training, is read all
// the same.
func TestFileReplacedWhileItIsRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be replaced")
	}
	dir := t.TempDir()
	d := open(t, dir)
	path, done := filepath.Join(dir, "x"), make(chan struct{})
	put(t, path, "whole")
	var replacing sync.WaitGroup
	replacing.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			next := path + ".next"
			if err := errors.Join(os.WriteFile(next, []byte("whole"), 0o666), os.Rename(next, path)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 20_000 {
		if data, err := d.Read("x", 100); err != nil || string(data) != "whole" {
			t.Errorf("%q, %v", data, err)
			break
		}
	}
	close(done)
	replacing.Wait()
}

func TestRemoveTemps(t *testing.T) {
	dir := t.TempDir()
	mine := func(name string) bool { return name == "mine" }
	old := time.Now().Add(-48 * time.Hour)
	kept := []string{"data.123.tmp", "mine", "mine.tmp", "mine.x.tmp", tempName("new")}
	for _, name := range append([]string{tempName("mine"), "mine.123.tmp", tempName("old")}, kept...) {
		put(t, filepath.Join(dir, name), "x")
		if strings.HasPrefix(name, "old.") || strings.HasPrefix(name, "data.") {
			if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := open(t, dir).RemoveTemps(mine); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, kept) {
		t.Errorf("left %q; want %q", got, kept)
	}
}

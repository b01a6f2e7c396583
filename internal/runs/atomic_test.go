package runs

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	put := func(s string, fail error) error {
		return WriteFile(path, func(w io.Writer) error {
			io.WriteString(w, s)
			return fail
		})
	}
	if err := put("old", nil); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(path) // a reader keeps what it opened
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	if err := put("ne", full); err != full {
		t.Errorf("error %v; want %v", err, full)
	}
	if got := string(read(t, path)); got != "old" {
		t.Errorf("a failed write left %q", got)
	}
	if got, err := io.ReadAll(old); string(got) != "old" || err != nil {
		t.Errorf("a reader got %q, %v", got, err)
	}
	old.Close()
	if err := put("new", nil); err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, path)); got != "new" {
		t.Errorf("file has %q", got)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"file"}) {
		t.Errorf("folder has %q", got)
	}

	path = filepath.Join(dir, "missing", "file")
	wantError(t, put("x", nil), path)
	path = dir // what cannot be replaced
	if err := put("x", nil); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if got := names(t, filepath.Dir(dir)); !slices.Equal(got, []string{filepath.Base(dir)}) {
		t.Errorf("a failed rename left %q", got)
	}
}

package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What takes the name of an output after the verb has looked at it is as safe as what had it
// before.
func TestOutputThatChangesMeanwhile(t *testing.T) {
	dir := t.TempDir()
	victim, input := filepath.Join(dir, "victim"), filepath.Join(dir, "model.npz")
	for _, name := range []string{victim, input} {
		if err := os.WriteFile(name, []byte("dear"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for words, place := range map[string]func(path string) error{
		"is a link":    func(path string) error { return os.Symlink(victim, path) },
		"is a folder":  func(path string) error { return os.Mkdir(path, 0o777) },
		"is read here": func(path string) error { return os.Link(input, path) },
		"no folder":    func(path string) error { return os.Remove(filepath.Dir(path)) },
	} {
		in, err := os.MkdirTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(in, "out.npz")
		var g guard
		if err := g.writes([]output{{"npz", path}}, input); err != nil {
			t.Fatalf("%s: before anything changed: %v", words, err)
		}
		if err := place(path); err != nil {
			t.Skip(err)
		}
		wantRefusal(t, &g, path, words)
	}
	for _, name := range []string{"checkpoint.tandem", "Config.JSON", "lock"} { // whoever has forgotten to look
		path := filepath.Join(dir, name)
		wantRefusal(t, new(guard), path, "own file")
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s was made", name)
		}
	}
	for _, name := range []string{victim, input} {
		if data, err := os.ReadFile(name); err != nil || string(data) != "dear" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}

// wantRefusal wants write to fail with some words, and to write nothing.
func wantRefusal(t *testing.T, g *guard, path, words string) {
	t.Helper()
	err := g.write(t.Context(), path, func(w io.Writer) error {
		_, err := io.WriteString(w, "lost")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), words) {
		t.Errorf("error %v, want one that names %s and says %q", err, path, words)
	}
}

package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors are the packages of this module from the top down. A package imports only
// packages of lower floors; it may skip floors. The kernel files of package main are
// a room of their own.
var floors = [][]string{
	{"main"},
	{"internal/cli"},
	{"internal/sweep", "internal/reproduce", "internal/web", "internal/curves", "internal/archive",
		"internal/tensorboard", "bench"},
	{"internal/session"},
	{"internal/team", "internal/runs", "internal/dataset", "internal/figure",
		"dbm/likelihood", "dbm/classifier", "dbm/dbmtest"},
	{"dbm", "mnist", "internal/npz", "internal/format", "internal/files", "internal/memory", "dbm/kernel/kerneltest",
		"main's kernels"},
	{"dbm/kernel"},
}

// only lists all that some packages import of this module.
var only = map[string][]string{
	"main":           {"internal/cli", "dbm/kernel"},
	"main's kernels": {"dbm/kernel"},
	"mnist":          {"dbm/kernel"},
	"dbm/dbmtest":    {"dbm", "dbm/kernel"},
}

// standard are the packages that import Go's standard library alone.
var standard = []string{"dbm/kernel", "internal/npz", "internal/figure", "internal/archive", "internal/files"}

// forTests are the packages that only tests import.
var forTests = []string{"dbm/dbmtest", "dbm/kernel/kerneltest"}

func floor(name string) int {
	return slices.IndexFunc(floors, func(names []string) bool { return slices.Contains(names, name) })
}

// checkImport reports why a package must not import another. Paths are those of
// import declarations; packages of this module have no module path before them.
func checkImport(from, to string, ours bool) error {
	if floor(from) < 0 {
		return fmt.Errorf("%s has no floor: give it one here and in docs/architecture.md", from)
	}
	if !ours {
		first, _, _ := strings.Cut(to, "/")
		if slices.Contains(standard, from) && (strings.Contains(first, ".") || to == "C") {
			return fmt.Errorf("%s imports %s, and must import the standard library alone", from, to)
		}
		return nil
	}
	allowed, limited := only[from]
	switch {
	case slices.Contains(standard, from):
		return fmt.Errorf("%s imports %s, and must import the standard library alone", from, to)
	case slices.Contains(forTests, to):
		return fmt.Errorf("%s imports %s, which is for tests", from, to)
	case floor(to) < 0:
		return fmt.Errorf("%s has no floor: give it one here and in docs/architecture.md", to)
	case floor(to) <= floor(from):
		return fmt.Errorf("%s imports %s, which is not below it", from, to)
	case limited && !slices.Contains(allowed, to):
		return fmt.Errorf("%s imports %s, and must import no more of this module than %q", from, to, allowed)
	}
	return nil
}

func TestImportsPointDown(t *testing.T) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "module ")
	module := strings.Fields(rest)[0]
	checked := 0
	// All files count, whatever system they are for.
	err = filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." {
			_, nested := os.Stat(filepath.Join(name, "go.mod"))
			if nested == nil || d.Name() == "testdata" || strings.ContainsAny(d.Name()[:1], "._") {
				return filepath.SkipDir
			}
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := path.Dir(filepath.ToSlash(name))
		if from == "." {
			from = "main"
			if strings.HasPrefix(name, "kernels") {
				from = "main's kernels"
			}
		}
		for _, spec := range file.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(to, module+"/")
			checked++
			if err := checkImport(from, to, ours); err != nil {
				t.Errorf("%s: %v", filepath.ToSlash(name), err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 100 {
		t.Errorf("only %d imports were found", checked)
	}
}

func TestCheckImport(t *testing.T) {
	for _, test := range []struct {
		from, to string
		ours, ok bool
	}{
		{"main", "internal/cli", true, true},
		{"main", "dbm/kernel", true, true},
		{"main", "dbm", true, false},
		{"main", "github.com/klauspost/cpuid/v2", false, true},
		{"main's kernels", "dbm/kernel", true, true},
		{"main's kernels", "internal/cli", true, false},
		{"internal/cli", "internal/session", true, true},
		{"internal/cli", "dbm/kernel", true, true},
		{"internal/cli", "bench", true, true},
		{"internal/cli", "mnist", true, true},
		{"internal/sweep", "internal/session", true, true},
		{"internal/sweep", "internal/reproduce", true, false},
		{"internal/reproduce", "internal/figure", true, true},
		{"internal/web", "internal/cli", true, false},
		{"internal/session", "internal/reproduce", true, false},
		{"internal/session", "internal/runs", true, true},
		{"internal/session", "mnist", true, true},
		{"internal/runs", "internal/session", true, false},
		{"internal/runs", "internal/figure", true, false},
		{"internal/runs", "dbm", true, true},
		{"internal/dataset", "mnist", true, true},
		{"internal/dataset", "internal/npz", true, true},
		{"internal/dataset", "golang.org/x/sys/unix", false, true},
		{"dbm/likelihood", "dbm/classifier", true, false},
		{"dbm/likelihood", "dbm/kernel", true, true},
		{"dbm", "dbm/kernel", true, true},
		{"dbm", "mnist", true, false},
		{"dbm", "dbm/likelihood", true, false},
		{"mnist", "dbm/kernel", true, true},
		{"mnist", "dbm", true, false},
		{"mnist", "internal/npz", true, false},
		{"dbm/kernel", "math", false, true},
		{"dbm/kernel", "encoding/binary", false, true},
		{"dbm/kernel", "dbm", true, false},
		{"dbm/kernel", "C", false, false},
		{"dbm/kernel", "golang.org/x/sys/cpu", false, false},
		{"dbm/kernel/kerneltest", "dbm/kernel", true, true},
		{"dbm/kernel/kerneltest", "testing", false, true},
		{"internal/cli", "dbm/kernel/kerneltest", true, false},
		{"internal/npz", "dbm/kernel", true, false},
		{"internal/runs", "internal/format", true, true},
		{"internal/format", "github.com/dustin/go-humanize", false, true},
		{"internal/format", "internal/figure", true, false},
		{"internal/session", "dbm/dbmtest", true, false},
		{"internal/figure", "golang.org/x/image/font", false, false},
		{"internal/archive", "internal/runs", true, false},
		{"internal/cli", "internal/unheard", true, false},
		{"internal/unheard", "dbm", true, false},
		{"internal/unheard", "fmt", false, false},
	} {
		if err := checkImport(test.from, test.to, test.ours); (err == nil) != test.ok {
			t.Errorf("%s imports %s: error %v", test.from, test.to, err)
		}
	}
}

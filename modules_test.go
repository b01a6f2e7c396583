package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// modules are all that tandem may need beside Go's own packages.
var modules = []string{
	"github.com/dustin/go-humanize",
	"github.com/klauspost/cpuid/v2",
	"golang.org/x/sys",
	"golang.org/x/term",
}

// required returns the modules that a go.mod names: those that it requires, directly
// or not, replaces, excludes or needs for a tool.
func required(goMod string) []string {
	var all []string
	directive, inBlock := "", false
	for line := range strings.Lines(goMod) {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[0] == ")" {
			inBlock = false
			continue
		}
		if !inBlock {
			directive, words = words[0], words[1:]
			if inBlock = words[0] == "("; inBlock {
				continue
			}
		}
		if !slices.Contains([]string{"module", "go", "toolchain", "godebug"}, directive) {
			all = append(all, words[0])
		}
	}
	return all
}

func TestModulesAreFound(t *testing.T) {
	goMod := "module m\n\ngo 1.26.0\n\nrequire a.org/a v1.0.0 // indirect\n\nrequire (\n" +
		"\tb.org/b v1.2.3\n\n\t// c.org/c v1.0.0\n" +
		"\tc.org/d v0.1.0 // indirect\n)\n\ntool e.org/e/cmd/e\n\nreplace f.org/f => ../f\n"
	want := []string{"a.org/a", "b.org/b", "c.org/d", "e.org/e/cmd/e", "f.org/f"}
	if got := required(goMod); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoOtherModules(t *testing.T) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range required(string(data)) {
		if !slices.Contains(modules, m) {
			t.Errorf("go.mod has %s, which is none of %q", m, modules)
		}
	}
}

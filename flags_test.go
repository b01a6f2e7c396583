package main

import (
	"os"
	"path/filepath"
	"testing"
)

// docs/flags.md is what the program prints about its flags.
func TestFlagsAreDocumented(t *testing.T) {
	want := must(t, t.TempDir(), "help", "--markdown")
	got, err := os.ReadFile(filepath.Join("docs", "flags.md"))
	if err != nil || string(got) != want {
		t.Errorf("docs/flags.md is out of date (%v): go run . help --markdown >docs/flags.md", err)
	}
}

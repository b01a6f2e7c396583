package main

import (
	"os"
	"path/filepath"
	"testing"
)

// complete draws, keeps to what it was asked, and refuses what it cannot do.
func TestComplete(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	pictures := map[string]bool{}
	for _, half := range []string{"top", "bottom", "left", "right"} {
		must(t, dir, "complete", "run", "--known", half, "--images", "3", "--sweeps", "5")
		data, err := os.ReadFile(filepath.Join(dir, "run", "completed-"+half+".png"))
		if err != nil {
			t.Fatal(err)
		}
		pictures[string(data)] = true
	}
	if len(pictures) != 4 {
		t.Errorf("%d different pictures of four halves", len(pictures))
	}
	refuse(t, 2, dir, []string{"complete", "run", "--known", "middle"}, "middle", "top")
	refuse(t, 2, dir, []string{"complete", "run", "--images", "0"}, "images")
	refuse(t, 2, dir, []string{"complete", "run", "--images", "10001"}, "images", "10000")
	refuse(t, 2, dir, []string{"complete", "run", "--sweeps", "0"}, "sweeps")
}

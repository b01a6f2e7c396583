package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// plot draws one run or several, as SVG and PNG, and training draws its own.
func TestPlot(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "runs/a")...)
	must(t, dir, small("--seed", "2", "--out", "runs/b")...)
	read := func(name string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if data := read("runs/a/curves.svg"); !bytes.Contains(data, []byte("units that vary")) {
		t.Error("training draws no curves")
	}
	must(t, dir, "plot", "runs/a", "--out", "a.png")
	if _, err := png.Decode(bytes.NewReader(read("a.png"))); err != nil {
		t.Error(err)
	}
	must(t, dir, "plot", "runs", "--log", "--seconds")
	if data := read("curves.svg"); !bytes.Contains(data, []byte("a, layer 1")) || !bytes.Contains(data, []byte("b, layer 2")) ||
		!bytes.Contains(data, []byte("seconds")) {
		t.Error("two runs are not both drawn")
	}
	refuse(t, 2, dir, []string{"plot", "runs/a", "--out", "x.gif"}, ".svg or .png")
	refuse(t, 1, dir, []string{"plot", "nowhere"}, "nowhere")
	refuse(t, 1, dir, []string{"plot", "runs/a", "--out", "runs/a/config.json"}, "config.json")
}

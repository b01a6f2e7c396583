package main

import (
	"bytes"
	"image/gif"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Annealed samples and animations: the same chains whoever looks, as many frames as
// were asked for.
func TestAnnealedSamplesAndFilms(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, "sample", "run", "--fresh", "5", "--anneal", "20", "--sweeps", "4", "--gif", "film.gif", "--out", "a.png")
	must(t, dir, "sample", "run", "--fresh", "5", "--anneal", "20", "--sweeps", "4", "--out", "b.png")
	a, err := os.ReadFile(filepath.Join(dir, "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "b.png")); err != nil || !bytes.Equal(a, b) {
		t.Errorf("an animation changes the samples (%v)", err)
	}
	f, err := os.Open(filepath.Join(dir, "film.gif"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	film, err := gif.DecodeAll(f)
	if err != nil || len(film.Image) != 24 || bytes.Equal(film.Image[0].Pix, film.Image[23].Pix) {
		t.Errorf("%d frames, %v", len(film.Image), err)
	}
	must(t, dir, "sample", "run", "--fresh", "1", "--sweeps", "1200", "--gif", "long.gif") // its captions grow
	refuse(t, 2, dir, []string{"sample", "run", "--anneal", "20"}, "--fresh")
	refuse(t, 2, dir, []string{"sample", "run", "--gif", "x.gif"}, "--sweeps")
}

// Without the images that a run was trained on, annealing begins elsewhere, which is said.
func TestAnnealingWithoutImages(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, filepath.Join(dir, "images"), 20, 28, 28)
	must(t, dir, small("--data", "images", "--out", "run")...)
	args := []string{"sample", "run", "--fresh", "2", "--anneal", "5", "--out", "a.png"}
	if _, messages, code := tandem(t, dir, args...); code != 0 || !strings.Contains(messages, "annealed samples count "+
		"as") ||
		strings.Contains(messages, "annealing begins") {
		t.Errorf("exit code %d, %s", code, messages)
	}
	if err := os.Rename(filepath.Join(dir, "images"), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	if _, messages, code := tandem(t, dir, args...); code != 0 || !strings.Contains(messages, "no training images") {
		t.Errorf("exit code %d, %s", code, messages)
	}
	refuse(t, 2, dir, []string{"sample", "run", "--fresh", "1", "--anneal", "9223372036854775807", "--sweeps",
		"9223372036854775807", "--gif", "x.gif"}, `anneal: "9223372036854775807"`)
	refuse(t, 2, dir, []string{"sample", "run", "--sweeps", "9223372036854775807", "--gif", "x.gif"}, "sweeps: ")
	refuse(t, 2, dir, []string{"sample", "run", "--fresh", "9223372036854775807"}, "fresh: ")
}

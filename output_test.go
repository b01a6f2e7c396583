package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sums returns the hashes of all files below a folder.
func sums(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	all := map[string][32]byte{}
	for _, name := range names(t, dir) {
		if data, err := os.ReadFile(name); err == nil {
			all[name] = sha256.Sum256(data)
		}
	}
	return all
}

// No output of any verb replaces a file of a run, what the verb reads, a folder, or what a
// link leads to; and this is found out before any work.
func TestOutputsDestroyNothing(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, "export", "run", "--npz", "model.npz")
	must(t, dir, "archive", "run", "--out", "study.tar.gz", "--binary=false")
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(file("victim"), []byte("dear"), 0o666); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"soft": "victim", "dangling": "nothing", "inrun": "run/checkpoint.tandem"} {
		if err := os.Symlink(to, file(link)); err != nil {
			t.Skip(err)
		}
	}
	if err := os.Link(file("run/checkpoint.tandem"), file("hard")); err != nil {
		t.Skip(err)
	}
	if err := os.Link(file("model.npz"), file("model2.npz")); err != nil {
		t.Skip(err)
	}
	labels := []byte{0, 1, 2, 0, 1, 2}
	writeSet(t, file("images"), "train", 6, 2, 2, labels...)
	writeSet(t, file("images"), "t10k", 6, 2, 2, labels...)
	must(t, dir, "train", "--quiet", "--data", "images", "--layers", "4,3", "--updates", "10", "--out", "own")
	if err := os.MkdirAll(file("study/runs"), 0o777); err != nil {
		t.Fatal(err)
	}
	lay(t, dir, "others.csv", []byte(strings.Repeat("0,1,1,0\n", 4)))
	before := sums(t, dir)
	outputs := map[string]string{
		"run/checkpoint.tandem": "own file", "run/lock": "own file", "elsewhere/Config.JSON": "own file",
		"run/../run/manifest.json": "own file", "soft": "is a link", "dangling": "is a link", "inrun": "is a link",
		"run": "is a folder", ".": "is a folder", "missing/x": "no folder missing", "victim/x": "no folder victim",
	}
	for _, verb := range [][]string{
		{"eval", "run", "--per-example"}, {"features", "run", "--npz"}, {"export", "run", "--npz"},
		{"sample", "run", "--out"}, {"sample", "run", "--fresh", "2", "--gif"}, {"filters", "run", "--out"},
		{"complete", "run", "--out"}, {"archive", "run", "--out"}, {"train", "--out", "new", "--cpuprofile"},
		{"train", "--out", "new", "--memprofile"}, {"resume", "run", "--updates", "999999", "--memprofile"},
		{"classify", "run", "--cpuprofile"}, {"verify", "study.tar.gz", "--memprofile"},
		{"reproduce", "--out", "new", "--cpuprofile"}, {"sample", "run", "--npz"}, {"complete", "run", "--npz"},
		{"classify", "run", "--predictions"}, {"classify", "run", "--save"},
	} {
		for name, words := range outputs {
			refuse(t, 1, dir, append(verb[:len(verb):len(verb)], name), words, verb[len(verb)-1][2:]+": ")
		}
	}
	for _, c := range [][]string{
		{"features", "model.npz", "--npz", "model.npz"}, {"export", "model.npz", "--npz", "model2.npz"},
		{"eval", "model.npz", "--per-example", "./model.npz"}, {"verify", "study.tar.gz", "--cpuprofile", "study.tar.gz"},
		{"sample", "model.npz", "--out", "model2.npz"}, {"eval", "run", "--per-example", "hard"},
	} {
		refuse(t, 1, dir, c, "is read here")
	}
	for _, verb := range [][]string{{"eval", "own", "--per-example"}, {"features", "own", "--npz"},
		{"complete", "own", "--csv"}, {"classify", "own", "--predictions"}} {
		refuse(t, 1, dir, append(verb, "others.csv", "--data", "others.csv"), "is read here")
	}
	for _, name := range []string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"} {
		for _, verb := range [][]string{
			{"archive", "run", "own", "--binary=false", "--out"}, {"eval", "own", "--cpuprofile"},
			{"eval", "own", "--per-example"}, {"features", "own", "--npz"},
			{"export", "own", "--npz"}, {"sample", "own", "--out"}, {"sample", "own", "--fresh", "2", "--gif"},
			{"filters", "own", "--out"}, {"complete", "own", "--images", "2", "--out"}, {"classify", "own", "--memprofile"},
			{"resume", "own", "--updates", "20", "--memprofile"}, {"resume", "own", "--cpuprofile"},
			{"train", "--data", "images", "--layers", "4,3", "--out", "new", "--cpuprofile"},
		} {
			refuse(t, 1, dir, append(verb[:len(verb):len(verb)], filepath.Join("images", name)), "is read here")
		}
	}
	for _, name := range []string{"study/reproduce.json", "study/runs/x", "study/../study/results.json"} {
		refuse(t, 1, dir, []string{"reproduce", "--out", "study", "--cpuprofile", name}, "is filled here")
	}
	refuse(t, 1, dir, []string{"classify", "run", "--cpuprofile", "elsewhere2/p", "--memprofile", "study/../p2"},
		"no folder")
	refuse(t, 1, dir, []string{"classify", "run", "--cpuprofile", "run/../p", "--memprofile", "study/../p"},
		"--cpuprofile too")
	refuse(t, 2, dir, []string{"sample", "run", "--fresh", "2", "--sweeps", "1", "--out", "a.gif"}, "a.gif")
	refuse(t, 1, dir, []string{"classify", "run", "--cpuprofile", "p", "--memprofile", "./p"},
		"the file of --cpuprofile too")
	refuse(t, 1, dir, []string{"archive", "run", "--out", "run/z.json"}, "packed with it")
	for _, name := range []string{"x.jpg", "x.GIF", "x.svg"} {
		refuse(t, 2, dir, []string{"filters", "run", "--out", name}, "ends in .png")
	}
	for name, sum := range sums(t, dir) {
		if before[name] != sum {
			t.Errorf("%s was changed or made", name)
		}
		delete(before, name)
	}
	for name := range before {
		t.Errorf("%s is gone", name)
	}
}

// A picture of a standard name replaces a link, for nobody has asked to follow it, and
// links that have a guessed temporary name are in nobody's way.
func TestPicturesReplaceLinks(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("dear"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"filters.png": {"filters", "run"}, "samples.png": {"sample", "run"},
		"completed-top.png": {"complete", "run", "--images", "1", "--sweeps", "1"},
	} {
		path := filepath.Join(dir, "run", name)
		os.Remove(path)
		if err := os.Symlink(victim, path); err != nil {
			t.Skip(err)
		}
		must(t, dir, args...)
		if data, err := os.ReadFile(victim); err != nil || string(data) != "dear" {
			t.Errorf("%s: what the link leads to was changed", name)
		}
		if data, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(data), "\x89PNG") {
			t.Errorf("%s: no picture, %v", name, err)
		}
	}
}

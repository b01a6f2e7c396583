package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Images that were replaced after training are used with a warning by every verb that looks
// at examples, and named in what it prints; the images that the model was trained on are
// used without a word.
func TestOtherDataThanTrainedOn(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "images")
	labels := []byte{0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0}
	writeSet(t, data, "train", 12, 4, 5, labels...)
	writeSet(t, data, "t10k", 4, 4, 5, labels[:4]...)
	must(t, dir, "train", "--quiet", "--preset", "quick", "--data", "images", "--layers", "20,4,3", "--updates", "20",
		"--out", "run")
	must(t, dir, "export", "run", "--npz", "model.npz")
	verbs := func(model string) [][]string {
		return [][]string{
			{"eval", model, "--runs", "4", "--temps", "10", "--sweeps", "100", "--json", "--quiet"},
			{"classify", model, "--epochs", "2", "--json", "--quiet"},
			{"features", model, "--npz", "f.npz", "--quiet"},
			{"features", model, "--split", "train", "--npz", "f.npz", "--quiet"},
			{"complete", model, "--images", "2", "--sweeps", "2", "--out", "c.png", "--quiet"},
			{"complete", model, "--split", "train", "--images", "2", "--sweeps", "2", "--out", "c.png", "--quiet"},
			{"sample", model, "--fresh", "2", "--anneal", "2", "--out", "s.png", "--quiet"},
		}
	}
	ask := func(changed bool) {
		t.Helper()
		for _, model := range []string{"run", "model.npz"} {
			for _, args := range verbs(model) {
				out, messages, code := tandem(t, dir, args...)
				warned := strings.Contains(messages, "warning: ") && strings.Contains(messages, "SHA-256")
				if code != 0 || warned != changed || !changed && messages != "" || strings.Count(messages, "warning") > 1 {
					t.Errorf("%q: exit code %d, changed %v\n%s", args, code, changed, messages)
				}
				var r map[string]any
				if json.Unmarshal([]byte(out), &r) == nil && (r["data_other"] != changed || r["data"] != data) {
					t.Errorf("%q: JSON has data %v, other %v", args, r["data"], r["data_other"])
				}
			}
			text, _, _ := tandem(t, dir, "eval", model, "--runs", "4", "--temps", "10", "--sweeps", "100", "--quiet")
			if strings.Contains(text, "not those that the model was trained on") != changed {
				t.Errorf("changed %v, and eval prints\n%s", changed, text)
			}
		}
	}
	ask(false)
	writeSet(t, data, "train", 12, 4, 5, labels...)
	ask(false) // written again is not changed
	path := filepath.Join(data, "train-images-idx3-ubyte")
	bytes, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bytes[100] ^= 1
	if err := os.WriteFile(path, bytes, 0o666); err != nil {
		t.Fatal(err)
	}
	ask(true)
}

// What is known of the data stays with the run and the model when the data goes.
func TestImageSizeStays(t *testing.T) {
	dir := t.TempDir()
	writeSet(t, filepath.Join(dir, "images"), "train", 12, 7, 3)
	must(t, dir, "train", "--quiet", "--preset", "quick", "--data", "images", "--layers", "21,4,3", "--updates", "20",
		"--out", "run")
	must(t, dir, "export", "run", "--npz", "model.npz")
	pictures := func() (all []string) {
		for _, model := range []string{"run", "model.npz"} {
			for _, verb := range []string{"filters", "sample"} {
				_, messages, code := tandem(t, dir, verb, model, "--out", "x.png")
				data, err := os.ReadFile(filepath.Join(dir, "x.png"))
				if err != nil || code != 0 || messages != "" {
					t.Fatalf("%s %s: %v\n%s", verb, model, err, messages)
				}
				all = append(all, string(data))
			}
			r := about(t, dir, model)["data"].(map[string]any)
			if r["rows"] != 7.0 || r["columns"] != 3.0 || r["examples"] != 12.0 {
				t.Errorf("%s: data %v", model, r)
			}
		}
		return all
	}
	before := pictures()
	if err := os.RemoveAll(filepath.Join(dir, "images")); err != nil {
		t.Fatal(err)
	}
	for i, p := range pictures() {
		if p != before[i] {
			t.Errorf("picture %d is another one without the data", i)
		}
	}
	_, messages, _ := tandem(t, dir, "sample", "run", "--fresh", "2", "--anneal", "2", "--out", "x.png")
	if !strings.Contains(messages, "no training images") {
		t.Errorf("sample without base rates says %q", messages)
	}
	// A run of an old version does not know.
	manifest := filepath.Join(dir, "run", "manifest.json")
	data, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	old := strings.NewReplacer(",\n    \"rows\": 7", "", ",\n    \"columns\": 3", "").Replace(string(data))
	if err := os.WriteFile(manifest, []byte(old), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, messages, _ := tandem(t, dir, "filters", "run"); !strings.Contains(messages, "drawn as 1 × 21") {
		t.Errorf("nothing is said of a guessed size: %q", messages)
	}
	// What a hostile file says is looked at.
	for _, size := range []string{
		`"rows": 3037000500, "columns": 3037000500`, `"rows": -7, "columns": -3`, `"rows": 7, "columns": 4`,
	} {
		bad := strings.Replace(old, `"examples": 12`, `"examples": 12, `+size, 1)
		if err := os.WriteFile(manifest, []byte(bad), 0o666); err != nil {
			t.Fatal(err)
		}
		_, messages, code := tandem(t, dir, "filters", "run")
		if code != 0 || !strings.Contains(messages, "drawn as 1 × 21") {
			t.Errorf("%s: exit code %d\n%s", size, code, messages)
		}
	}
}

// Without test images the message says what does without them.
func TestNoTestImages(t *testing.T) {
	dir := t.TempDir()
	writeSet(t, filepath.Join(dir, "images"), "train", 12, 2, 2)
	must(t, dir, "train", "--quiet", "--preset", "quick", "--data", "images", "--layers", "4,3", "--updates", "20",
		"--out", "run")
	for _, args := range [][]string{
		{"eval", "run", "--runs", "4", "--temps", "10", "--sweeps", "100", "--quiet"},
		{"features", "run", "--npz", "f.npz", "--quiet"},
		{"complete", "run", "--images", "2", "--sweeps", "2", "--quiet"},
	} {
		refuse(t, 1, dir, args, "t10k-images", "--split train")
		must(t, dir, append(args, "--split", "train")...)
	}
}

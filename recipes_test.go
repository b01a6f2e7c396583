package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The recipes of docs/data.md lead to scored models.
func TestRecipes(t *testing.T) {
	long(t)
	text, err := os.ReadFile("docs/data.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rows, labels := stripes(400, 12)
	lay(t, dir, "survey.csv", []byte(strings.Replace(string(asText(rows, labels, ",")), "answer", "group", 1)))
	lay(t, dir, "x.npy", asArray(rows[:300], "|u1", 1))
	lay(t, dir, "test.npy", asArray(rows[300:], "|b1", 1))
	writeSet(t, filepath.Join(dir, "images"), "train", 200, 5, 5)
	writeSet(t, filepath.Join(dir, "images"), "t10k", 50, 5, 5)
	ran := 0
	for line := range strings.Lines(string(text)) {
		words, found := strings.CutPrefix(line, "    tandem ")
		if !found {
			continue
		}
		ran++
		said := must(t, dir, strings.Fields(words)...)
		if strings.HasPrefix(words, "eval") && !strings.Contains(said, "by independent units; the model is") {
			t.Errorf("%s says\n%s", words, said)
		}
	}
	if ran != 10 {
		t.Errorf("%d commands; there are 10", ran)
	}
}

// The tutorial can be followed word for word.
func TestTutorial(t *testing.T) {
	long(t)
	text, err := os.ReadFile("docs/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ran := 0
	for line := range strings.Lines(string(text)) {
		words, found := strings.CutPrefix(line, "    tandem ")
		if !found {
			continue
		}
		ran++
		said := must(t, dir, strings.Fields(words)...)
		switch {
		case strings.HasPrefix(words, "eval rbm"):
			if strings.Contains(said, "not to be trusted") || !strings.Contains(said, "bound, test     -110.") {
				t.Errorf("%s says\n%s", words, said)
			}
		case strings.HasPrefix(words, "compare"):
			if lines := strings.Split(said, "\n"); !strings.Contains(lines[3], "100/0%") {
				t.Errorf("%s says\n%s", words, said)
			}
		}
	}
	if ran != 12 {
		t.Errorf("%d commands; there are 12", ran)
	}
}

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
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
	if data := read("curves.svg"); !bytes.Contains(data, []byte("a, layer 1")) || !bytes.Contains(data, []byte("b, "+
		"layer 2")) ||
		!bytes.Contains(data, []byte("seconds")) {
		t.Error("two runs are not both drawn")
	}
	refuse(t, 2, dir, []string{"plot", "runs/a", "--out", "x.gif"}, ".svg or .png")
	refuse(t, 1, dir, []string{"plot", "nowhere"}, "nowhere")
	refuse(t, 1, dir, []string{"plot", "runs/a", "--out", "runs/a/config.json"}, "config.json")
}

// compare lists runs, the best first, with the settings in which they differ.
func TestCompare(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(200, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	for name, rate := range map[string]string{"slow": "0.0001", "fast": "0.1"} {
		must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--hidden", "6", "--updates", "300",
			"--learning-rate", rate, "--out", "runs/"+name)
	}
	said := must(t, dir, "compare", "runs")
	lines := strings.Split(said, "\n")
	if !strings.HasSuffix(lines[0], "learning_rate") || !strings.HasPrefix(lines[1], "fast ") ||
		!strings.HasSuffix(lines[1], " 0.1") || !strings.HasSuffix(lines[2], " 0.0001") || strings.Contains(lines[0],
		"batch") {
		t.Errorf("says\n%s", said)
	}
	var all []struct {
		Run         string
		Score       float64
		Independent float64
		Settings    map[string]any
	}
	if err := json.Unmarshal([]byte(must(t, dir, "compare", "runs/slow", "runs/fast", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].Run != "fast" || all[0].Score <= all[1].Score || all[0].Independent != all[1].Independent ||
		len(all[0].Settings) != 1 {
		t.Errorf("%+v", all)
	}
	table, err := csv.NewReader(strings.NewReader(must(t, dir, "compare", "runs", "--csv"))).ReadAll()
	if err != nil || len(table) != 3 || table[1][0] != "fast" || table[0][len(table[0])-1] != "learning_rate" {
		t.Errorf("%v, %v", table, err)
	}
	refuse(t, 2, dir, []string{"compare", "runs", "--csv", "--json"}, "csv")
}

package reproduce

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// The page needs nothing else, and all that was measured is in it; the Markdown
// names only pictures that are there.
func TestReport(t *testing.T) {
	all, err := Experiments([]string{"figure2", "depth"}, 1, bases())
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{Experiments: all, Results: map[string]*Measures{}, Scale: 1, Version: "9.8.7",
		TrainedBy: map[string]*Trained{}, Command: "tandem reproduce"}
	layer := Layer{Units: 3, Live: 0.875, Noise: 0.125, NormMean: 1.234, NormSD: 0.5, NoiseRank: 0.5, Norms: []float64{1,
		2, 3}, Roughness: []float64{0, 0.5, 1}}
	for _, run := range []Run{all[0].Runs[0], all[0].Runs[1], all[1].Runs[0], all[1].Runs[6]} {
		m := measured(run.Name, run.Settings.Updates)
		for range run.Settings.Hidden() {
			m.Layers = append(m.Layers, layer)
		}
		m.Score = &Score{Bound: -123.25, Trusted: run.Settings.Hidden() == 1}
		r.Results[run.Name] = m
		r.TrainedBy[m.Run] = &Trained{[]string{"a <machine>"}, []int{1, 2}}
	}
	r.TrainedBy[all[1].Runs[6].Name].Machines = []string{"a <machine>", "another [x] | `z`"}
	there := map[string][]byte{picture(r.Results[all[0].Runs[0].Name], "filters.png"): []byte("PNG"),
		picture(r.Results[all[0].Runs[0].Name], "sorted.svg"): []byte("<svg><g/></svg>")}
	files, err := r.Files(func(name string) ([]byte, error) {
		if data, ok := there[name]; ok {
			return data, nil
		}
		return nil, fs.ErrNotExist
	})
	if err != nil {
		t.Fatal(err)
	}
	page := string(files["report.html"])
	for _, want := range []string{"data:image/png;base64,UE5H", "<svg><g/></svg>",
		"on a &lt;machine&gt; and another [x] | `z`;",
		"9.8.7", "87.5%", "1.234 ± 0.500", "-123.25", "not to be trusted", "prefers-color-scheme",
		`name="viewport"`, "1,000,000", "4 of 51 runs"} {
		if !strings.Contains(page, want) {
			t.Errorf("report.html lacks %q", want)
		}
	}
	for _, address := range regexp.MustCompile(`(src|href|url)\s*[=(]\s*"?[^"\s>]*`).FindAllString(page, -1) {
		if !strings.HasPrefix(address, `src="data:`) && !strings.HasPrefix(address, `href="#`) {
			t.Errorf("report.html needs %s", address)
		}
	}
	markdown := string(files["report.md"])
	if want := "on a &lt;machine\\> and another \\[x\\] \\| \\`z\\`;"; !strings.Contains(markdown, want) {
		t.Errorf("report.md lacks %q", want)
	}
	for _, link := range regexp.MustCompile(`\]\(([^)]*)\)`).FindAllStringSubmatch(markdown, -1) {
		if _, ok := files[link[1]]; !ok && there[link[1]] == nil {
			t.Errorf("report.md names %s, which is not there", link[1])
		}
	}
	if !strings.Contains(markdown, "[picture](pictures/depth-bound.svg)") {
		t.Error("report.md lacks the picture of a claim")
	}
	if !strings.Contains(markdown, "sorted.svg") || !strings.Contains(markdown, "depth-bound.svg") {
		t.Error("report.md lacks pictures")
	}
	for _, line := range strings.Split(markdown, "\n") {
		if strings.HasPrefix(line, "|") && !strings.HasSuffix(line, "|") {
			t.Errorf("a row of a table is cut: %q", line)
		}
	}
	var results struct {
		Claims      []Claim
		Experiments []struct{ Runs []Measures }
	}
	if err := json.Unmarshal(files["results.json"], &results); err != nil || len(results.Claims) == 0 ||
		len(results.Experiments) != 2 ||
		results.Experiments[0].Runs[0].Layers[0].Live != 0.875 {
		t.Errorf("results.json: %v, %+v", err, results)
	}
	if r.Results[all[0].Runs[0].Name].Layers[0].Norms == nil {
		t.Error("making the report took the norms away")
	}
}

package reproduce

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tandem/dbm"
	"tandem/internal/runs"
)

// Links in a run folder of a study are rejected by name, and what they lead to stays.
func TestLinksInAStudy(t *testing.T) {
	c := bases().Paper
	c.Config = dbm.Config{Layers: []int{4, 3}, Batch: 2, Chains: 2, Gibbs: 1, MeanFieldMax: 5, LearningRate: 0.1,
		Alpha: []float64{0.1}, Gamma: 1, MuDamping: 0.1, InitScale: 0.1}
	for _, name := range []string{"config.json", "checkpoint.tandem", "metrics.jsonl", "lock"} {
		s := &Study{dir: t.TempDir()}
		r := &Run{Name: "run", Settings: c}
		dir := s.folder(r)
		begun, err := runs.Create(dir, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := begun.Append(&runs.Metrics{Update: 1}); err != nil {
			t.Fatal(err)
		}
		begun.Close()
		path, victim := filepath.Join(dir, name), filepath.Join(t.TempDir(), "victim")
		content, _ := os.ReadFile(path) // a whole file, so that only the link can be wrong with it
		if err := os.WriteFile(victim, content, 0o666); err != nil {
			t.Fatal(err)
		}
		os.Remove(path)
		if err := os.Symlink(victim, path); err != nil {
			t.Skip(err)
		}
		if err := s.trainRun(t.Context(), r, Place{}); err == nil || !strings.Contains(err.Error(), path+" is a link") {
			t.Errorf("%s: error %v", name, err)
		}
		if got, err := os.ReadFile(victim); err != nil || string(got) != string(content) {
			t.Errorf("%s: what it leads to was %q, is %q, %v", name, content, got, err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s: the link is gone, %v", name, err)
		}
	}
}

// A report shows nothing that links in its folder lead to.
func TestReportFollowsNoLinks(t *testing.T) {
	r := &Run{Name: "run", Settings: bases().Paper}
	content := []byte(`{"updates":1000000}`)
	for name, link := range map[string]string{
		"pictures/x.png":         "pictures/x.png",
		"pictures/y.png":         "pictures",
		"runs/run/measures.json": "runs/run/measures.json",
	} {
		s := &Study{dir: t.TempDir()}
		if err := os.MkdirAll(s.folder(r), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := s.write(map[string][]byte{name: content}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.read(name); err != nil || string(got) != string(content) {
			t.Fatalf("%s: %q, %v", name, got, err)
		}
		if name == "runs/run/measures.json" && s.measured(r) == nil {
			t.Error("measures are not read")
		}
		away, path := filepath.Join(t.TempDir(), "away"), filepath.Join(s.dir, filepath.FromSlash(link))
		if err := os.Rename(path, away); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(away, path); err != nil {
			t.Skip(err)
		}
		if got, err := s.read(name); err == nil || !strings.Contains(err.Error(), filepath.FromSlash(name)) {
			t.Errorf("%s through a link: %q, %v", name, got, err)
		}
		if m := s.measured(r); m != nil {
			t.Errorf("measures through a link: %+v", m)
		}
	}
}

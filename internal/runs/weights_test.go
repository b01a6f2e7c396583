package runs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tandem/internal/npz"
)

// Weights of another program are a model, whose layers follow from their shapes.
func TestWeightsFromElsewhere(t *testing.T) {
	dir := t.TempDir()
	write := func(leave string, w2 ...int) string {
		t.Helper()
		name := filepath.Join(dir, "x.npz")
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z := npz.NewWriter(f)
		for _, a := range []struct {
			name  string
			shape []int
		}{{"W1", []int{4, 3}}, {"W2", w2}, {"b0", []int{4}}, {"b1", []int{3}}, {"b2", w2[1:]}} {
			n := 1
			for _, axis := range a.shape {
				n *= axis
			}
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(i) / 8
			}
			if a.name == leave {
				continue
			}
			if err := z.Floats(a.name, x, a.shape...); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return name
	}
	c, err := ReadModel(write("", 3, 2))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Settings.Layers, []int{4, 3, 2}) || c.State.Weights[1][5] != 0.625 ||
		c.State.Biases[0][3] != 0.375 ||
		len(c.State.Mu) != 2 || c.State.HasChains() || c.Version != "" {
		t.Errorf("layers %v, state %+v", c.Settings.Layers, c.State)
	}
	for leave, want := range map[string]string{"W1": "neither written by tandem export", "b1": "b1: missing",
		"b0": "b0: missing"} {
		if _, err := ReadModel(write(leave, 3, 2)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", leave, err)
		}
	}
	if _, err := ReadModel(write("", 5, 2)); err == nil || !strings.Contains(err.Error(), "must have 3 rows") {
		t.Errorf("shapes that do not fit: %v", err)
	}
}

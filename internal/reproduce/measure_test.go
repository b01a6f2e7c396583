package reproduce

import (
	"math"
	"testing"

	"tandem/internal/runs"
)

// A stop, and the lines at powers of ten, do not show in curves.
func TestPlanned(t *testing.T) {
	line := func(update uint64, iterations float64) runs.Metrics {
		return runs.Metrics{Update: update, MeanFieldIterations: iterations}
	}
	alone := planned([]runs.Metrics{line(20, 3), line(40, 5), line(50, 2)}, 20)
	stopped := planned([]runs.Metrics{line(1, 22), line(10, 2), line(20, 2), line(27, 1), line(40, 93.0/13), line(50,
		2)}, 20)
	if len(alone) != 3 || len(stopped) != 3 {
		t.Fatalf("%d and %d lines, want 3", len(alone), len(stopped))
	}
	for i, want := range alone {
		if got := stopped[i]; got.Update != want.Update ||
			math.Abs(got.MeanFieldIterations-want.MeanFieldIterations) > 1e-12 {
			t.Errorf("line %d: %v iterations at update %d, want %v at %d", i, got.MeanFieldIterations, got.Update,
				want.MeanFieldIterations, want.Update)
		}
	}
	if alone[1].MeanFieldIterations != 5 {
		t.Errorf("a line alone has become %v", alone[1].MeanFieldIterations)
	}
}

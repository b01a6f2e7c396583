package dbm

import (
	"math"
	"testing"

	"tandem/dbm/kernel"
	"tandem/dbm/kernel/kerneltest"
)

// Annealed chains have the model's distribution at the end, where it is easily
// reached, whatever they begin with.
func TestAnnealedSamples(t *testing.T) {
	m := randomTruth(5, 3, 4, 2)
	c := tiny(3, 4, 2)
	g, err := NewSampler(&c, kerneltest.Reference, m.state(&c), 4000, 7)
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	if err := g.Anneal(t.Context(), 60, []float64{0.1, 0.5, 0.9},
		func(done int) error { last = done; return nil }); err != nil {
		t.Fatal(err)
	}
	want := make([]float64, 8)
	z := m.logZ()
	m.states(make([][]float64, 3), 0, func(x [][]float64) {
		want[int(x[0][0]+2*x[0][1]+4*x[0][2])] += math.Exp(-m.energy(x) - z)
	})
	got := make([]float64, 8)
	for chain := range 4000 {
		x := g.x[0][chain*kernel.Stride(3):]
		got[int(x[0]+2*x[1]+4*x[2])] += 1.0 / 4000
	}
	for i := range got {
		if math.Abs(got[i]-want[i]) > 4.5*math.Sqrt(want[i]*(1-want[i])/4000)+0.003 {
			t.Errorf("visible state %03b has frequency %v, want %v", i, got[i], want[i])
		}
	}
	if last != 60 {
		t.Errorf("%d sweeps were reported", last)
	}
}

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
	if _, err := g.Anneal(t.Context(), 60, []float64{0.1, 0.5, 0.9},
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

// Chains that are annealed too fast for the model are its samples by their weights, and the
// mean weight is the ratio of the two Z.
func TestAnnealedWeights(t *testing.T) {
	const chains = 20000
	m := randomTruth(5, 3, 4, 2)
	for l := range m.w {
		for i := range m.w[l] {
			m.w[l][i] *= 2
		}
	}
	c, base := tiny(3, 4, 2), []float64{0.1, 0.5, 0.9}
	g, err := NewSampler(&c, kerneltest.Reference, m.state(&c), chains, 7)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := g.Anneal(t.Context(), 3, base, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, z := make([]float64, 8), m.logZ()
	m.states(make([][]float64, 3), 0, func(x [][]float64) {
		want[int(x[0][0]+2*x[0][1]+4*x[0][2])] += math.Exp(-m.energy(x) - z)
	})
	got, bare, sum, squares := make([]float64, 8), make([]float64, 8), 0.0, 0.0
	for chain, log := range logs {
		x, w := g.x[0][chain*kernel.Stride(3):], math.Exp(log)
		state := int(x[0] + 2*x[1] + 4*x[2])
		got[state] += w
		bare[state] += 1.0 / chains
		sum += w
		squares += w * w
	}
	effective, far := sum*sum/squares, 0.0
	for i := range got {
		got[i] /= sum
		far = max(far, math.Abs(bare[i]-want[i])/math.Sqrt(want[i]*(1-want[i])/chains))
		if math.Abs(got[i]-want[i]) > 4.5*math.Sqrt(want[i]*(1-want[i])/effective) {
			t.Errorf("visible state %03b has weight %v, want %v", i, got[i], want[i])
		}
	}
	if far < 10 {
		t.Errorf("without weights the samples are %.1f errors away; the test needs a model that they miss", far)
	}
	logZ0 := 6 * math.Ln2
	for _, p := range base {
		logZ0 -= math.Log(1 - p)
	}
	if found := math.Log(sum/chains) + logZ0; math.Abs(found-z) > 4.5*math.Sqrt(1/effective) {
		t.Errorf("log Z is %v by the weights of %.0f samples, want %v", found, effective, z)
	}
}

package likelihood

import (
	"math"
	"testing"
)

// Of independent units the probabilities add up to 1, and are those of the counts.
func TestIndependent(t *testing.T) {
	m := NewIndependent([]float64{0, 0.25, 1}, 4)
	x := Examples{N: 8, Row: func(i int, v []float32) {
		for j := range v {
			v[j] = float32(i >> j & 1)
		}
	}}
	each, err := m.Each(t.Context(), x, 2)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, p := range each {
		sum += math.Exp(p)
	}
	if want := math.Log(0.1 * 0.3 * 0.9); math.Abs(sum-1) > 1e-12 || math.Abs(each[7]-want) > 1e-12 {
		t.Errorf("the probabilities add up to %v; all on: %v, want %v", sum, each[7], want)
	}
}

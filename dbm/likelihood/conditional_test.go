package likelihood

import (
	"math"
	"testing"

	"tandem/dbm/dbmtest"
)

// Conditional probabilities add up to 1, and are ratios of the probabilities of whole examples.
func TestConditional(t *testing.T) {
	for i, layers := range [][]int{{6, 4}, {5, 3, 4}, {4, 3, 2, 3}} {
		c, s := dbmtest.Model(uint64(30+i), 1.2, layers...)
		logZ, err := ExactLogZ(t.Context(), c, s, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		known := make([]bool, layers[0])
		known[1], known[3] = true, true
		x, err := NewConditional(c, s, known)
		if err != nil {
			t.Fatal(err)
		}
		v, sums, marginal := make([]float32, layers[0]), map[int]float64{}, map[int]float64{}
		all := func(f func()) {
			for state := range 1 << layers[0] {
				for j := range v {
					v[j] = float32(state >> j & 1)
				}
				f()
			}
		}
		key := func() int { return int(v[1]) + 2*int(v[3]) }
		all(func() {
			p, err := LogP(t.Context(), c, s, v, logZ)
			if err != nil {
				t.Fatal(err)
			}
			marginal[key()] += math.Exp(p)
		})
		all(func() {
			got, err := x.LogP(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			whole, err := LogP(t.Context(), c, s, v, logZ)
			if err != nil {
				t.Fatal(err)
			}
			if want := whole - math.Log(marginal[key()]); math.Abs(got-want) > 1e-5 {
				t.Errorf("%v, %v: %v, want %v", layers, v, got, want)
			}
			sums[key()] += math.Exp(got)
		})
		for k, sum := range sums {
			if math.Abs(sum-1) > 1e-5 {
				t.Errorf("%v, known %d: the probabilities add up to %v", layers, k, sum)
			}
		}
	}
	c, s := dbmtest.Model(1, 1, 40, 30)
	if _, err := NewConditional(c, s, make([]bool, 40)); err != ErrTooMany {
		t.Errorf("of 40-30: %v", err)
	}
}

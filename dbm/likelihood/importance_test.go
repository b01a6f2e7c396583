package likelihood

import (
	"math"
	"testing"

	"tandem/dbm/dbmtest"
	"tandem/dbm/kernel/kerneltest"
)

// The importance-weighted bound lies between the mean-field bound and the truth, and comes
// up to the truth with the number of draws.
func TestImportance(t *testing.T) {
	k := kerneltest.Reference
	for i, layers := range [][]int{{6, 4}, {5, 4, 3}, {4, 3, 4, 2}, {3, 2, 2, 2, 2}, {6, 5, 7}} {
		c, s := dbmtest.Model(uint64(i), 0.9, layers...)
		logZ, err := ExactLogZ(t.Context(), c, s, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 1 << layers[0]
		row := func(i int, v []float32) {
			for j := range v {
				v[j] = float32(i >> j & 1)
			}
		}
		terms, err := Bound(t.Context(), c, k, s, n, row, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		few, err := Importance(t.Context(), c, k, s, n, 1, 1, row, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		many, err := Importance(t.Context(), c, k, s, n, 4000, 1, row, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		v := make([]float32, layers[0])
		gap, one := 0.0, 0.0
		for e := range n {
			row(e, v)
			truth, err := LogP(t.Context(), c, s, v, logZ)
			if err != nil {
				t.Fatal(err)
			}
			if d := many[e].LogMean - logZ - truth; math.Abs(d) > 0.05 {
				t.Errorf("%v, example %d: %v off the truth with 4,000 draws", layers, e, d)
			}
			if many[e].Effective < 1 || many[e].Effective > 4000.001 || few[e].Effective != 1 {
				t.Errorf("%v: effective numbers %v and %v", layers, many[e].Effective, few[e].Effective)
			}
			one += (few[e].LogMean - logZ - truth) / float64(n)
			gap += (terms[e].Energy + terms[e].Entropy - logZ - truth) / float64(n)
		}
		t.Logf("%v: mean field %v, one draw %v", layers, gap, one)
		if len(layers) == 2 && math.Abs(one) > 1e-4 {
			t.Errorf("%v: one draw is %v off, where mean field is exact", layers, one)
		}
		if one > 0.15 || gap > 1e-5 {
			t.Errorf("%v: bounds above the truth: %v, %v", layers, one, gap)
		}
	}
}

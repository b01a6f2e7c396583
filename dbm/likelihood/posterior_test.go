package likelihood

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"tandem/dbm/dbmtest"
	"tandem/dbm/kernel/kerneltest"
)

// Annealing from mean field to the posterior comes up to the exact log-likelihood, also
// where as many draws of mean field do not.
func TestClamped(t *testing.T) {
	k := kerneltest.Reference
	for i, layers := range [][]int{{5, 4, 3}, {4, 3, 4, 2}, {3, 2, 2, 2, 2}, {6, 5, 7}} {
		c, s := dbmtest.Model(uint64(80+i), 2, layers...)
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
		o := Clamped{Runs: 100, Temperatures: 60, Seed: 1, Threads: 2}
		found, err := o.Anneal(t.Context(), c, k, s, n, row)
		if err != nil {
			t.Fatal(err)
		}
		few, err := Importance(t.Context(), c, k, s, n, 100, 1, row, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		v, off, offFew := make([]float32, layers[0]), 0.0, 0.0
		for e := range n {
			row(e, v)
			truth, err := LogP(t.Context(), c, s, v, logZ)
			if err != nil {
				t.Fatal(err)
			}
			d := found[e].LogMean - logZ - truth
			off, offFew = off+math.Abs(d)/float64(n), offFew+math.Abs(few[e].LogMean-logZ-truth)/float64(n)
			if math.Abs(d) > 0.3 || found[e].Effective < 1 || found[e].Effective > 100.001 {
				t.Errorf("%v, example %d: %v off the truth, %v runs count", layers, e, d, found[e].Effective)
			}
		}
		t.Logf("%v: %v off the truth; by importance weights %v", layers, off, offFew)
		if off > 0.05 {
			t.Errorf("%v: %v off the truth on average", layers, off)
		}
		o.Threads = 1
		if other, err := o.Anneal(t.Context(), c, k, s, n, row); err != nil || !slices.Equal(other, found) {
			t.Errorf("%v: threads show (%v)", layers, err)
		}
	}
	c, s := dbmtest.Model(1, 1, 4, 3, 2)
	o := Clamped{Runs: 5, Temperatures: 10}
	enough := errors.New("enough")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(enough)
	if _, err := o.Anneal(ctx, c, k, s, 3, func(int, []float32) {}); err != enough {
		t.Errorf("stopped by %v", err)
	}
	c, s = dbmtest.Model(1, 1, 4, 3)
	if _, err := o.Anneal(t.Context(), c, k, s, 3, func(int, []float32) {}); err == nil {
		t.Error("one hidden layer is annealed")
	}
}

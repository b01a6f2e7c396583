package likelihood

import (
	"errors"
	"math"
	"slices"
	"testing"

	"tandem/dbm/dbmtest"
	"tandem/dbm/kernel/kerneltest"
)

// The worth of a layer is the difference of the exact log-likelihoods of the model and of
// the cut one, where the bounds meet them.
func TestWorth(t *testing.T) {
	k := kerneltest.Reference
	for i, layers := range [][]int{{6, 5, 4}, {8, 4, 9}, {5, 4, 6, 3}, {4, 3, 5, 2, 4}} {
		c, s := dbmtest.Model(uint64(60+i), 1, layers...)
		top := len(layers) - 1
		means := slices.Repeat([]float64{0.4}, layers[top])
		base := make(Base, len(layers))
		base[top] = means
		n := 1 << layers[0]
		x := Examples{Name: "all", N: n, Row: func(i int, v []float32) {
			for j := range v {
				v[j] = float32(i >> j & 1)
			}
		}}
		e := Effort{Exchange: &Exchange{Ensembles: 8, Sweeps: 2000, Base: base, Seed: uint64(i)}, Enumerate: true,
			Draws: 1000, Threads: 2, Begin: func(Stage, string) func(float64) { return nil }}
		score, err := Evaluate(t.Context(), c, k, s, []Examples{x}, e)
		if err != nil {
			t.Fatal(err)
		}
		w, err := e.Worth(t.Context(), c, k, s, []Examples{x}, score)
		if err != nil {
			t.Fatal(err)
		}
		cut, err := Cut(c, s, means)
		if err != nil {
			t.Fatal(err)
		}
		cutZ, err := ExactLogZ(t.Context(), c, cut, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := *score.Exact - cutZ; !(math.Abs(w.Ratio.LogZ-want) < 5*w.Ratio.StdErr) || w.Ratio.StdErr > 0.05 {
			t.Errorf("%v: the ratio of the two Z is %v ± %v, want %v", layers, w.Ratio.LogZ, w.Ratio.StdErr, want)
		}
		v, mean := make([]float32, layers[0]), 0.0
		for i := range n {
			x.Row(i, v)
			without, err := LogP(t.Context(), c, cut, v, cutZ)
			if err != nil {
				t.Fatal(err)
			}
			want := score.Sets[0].LogP[i] - without
			mean += want / float64(n)
			if got := w.Sets[0].Each[i]; math.Abs(got-want) > 0.2 {
				t.Errorf("%v, example %d: the layer is worth %v, want %v", layers, i, got, want)
			}
		}
		if g := w.Sets[0]; math.Abs(g.Mean.Mean-mean) > 0.07 || w.Layer != top {
			t.Errorf("%v: the layer is worth %v, want %v", layers, g.Mean, mean)
		}
	}
	c, s := dbmtest.Model(1, 1, 4, 3)
	if _, err := Cut(c, s, nil); !errors.Is(err, ErrOneLayer) {
		t.Errorf("error %v", err)
	}
}

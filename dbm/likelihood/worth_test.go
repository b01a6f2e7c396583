package likelihood

import (
	"errors"
	"math"
	"slices"
	"testing"

	"tandem/dbm/dbmtest"
	"tandem/dbm/kernel/kerneltest"
)

// The worth of a layer and those above it is the difference of the exact log-likelihoods of
// the model and of the cut one, where the bounds meet them.
func TestWorth(t *testing.T) {
	k := kerneltest.Reference
	for i, layers := range [][]int{{6, 5, 4}, {8, 4, 9}, {5, 4, 6, 3}, {4, 3, 5, 2, 4}} {
		c, s := dbmtest.Model(uint64(60+i), 1, layers...)
		base := make(Base, len(layers))
		for l := 2; l < len(layers); l++ {
			base[l] = slices.Repeat([]float64{0.2 * float64(l)}, layers[l])
		}
		n := 1 << layers[0]
		x := Examples{Name: "all", N: n, Row: func(i int, v []float32) {
			for j := range v {
				v[j] = float32(i >> j & 1)
			}
		}}
		e := Effort{Exchange: &Exchange{Ensembles: 8, Sweeps: 2000, Base: base, Seed: uint64(i)}, Enumerate: true,
			Draws: 4000, Threads: 2, Begin: func(Stage, string) func(float64) { return nil }}
		score, err := Evaluate(t.Context(), c, k, s, []Examples{x}, e)
		if err != nil {
			t.Fatal(err)
		}
		for layer := 2; layer < len(layers); layer++ {
			w, err := e.Worth(t.Context(), c, k, s, layer, []Examples{x}, score)
			if err != nil {
				t.Fatal(err)
			}
			cut, err := Cut(c, s, layer, base)
			if err != nil {
				t.Fatal(err)
			}
			cutZ, err := ExactLogZ(t.Context(), c, cut, 2, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := *score.Exact - cutZ; !(math.Abs(w.Ratio.LogZ-want) < 5*w.Ratio.StdErr) || w.Ratio.StdErr > 0.05 {
				t.Errorf("%v cut at %d: the ratio of the two Z is %v ± %v, want %v", layers, layer, w.Ratio.LogZ, w.Ratio.StdErr,
					want)
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
					t.Errorf("%v cut at %d, example %d: the layers are worth %v, want %v", layers, layer, i, got, want)
				}
			}
			if g := w.Sets[0]; math.Abs(g.Mean.Mean-mean) > 0.07 || w.Layer != layer {
				t.Errorf("%v cut at %d: the layers are worth %v, want %v", layers, layer, g.Mean, mean)
			}
		}
	}
	c, s := dbmtest.Model(1, 1, 4, 3)
	if _, err := Cut(c, s, 2, nil); !errors.Is(err, ErrOneLayer) {
		t.Errorf("error %v", err)
	}
}

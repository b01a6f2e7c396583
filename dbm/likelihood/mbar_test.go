package likelihood

import (
	"math"
	"math/rand/v2"
	"testing"

	"tandem/dbm/dbmtest"
	"tandem/dbm/kernel/kerneltest"
)

// Of a row of normal distributions whose log Z are known, the draws of all at once say so,
// wherever Newton's steps begin.
func TestMultistate(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const temps, n, apart, ratio = 30, mostWeighed, 0.8, 1.75
	var w weighed
	first := make([]float64, temps)
	for range n {
		for i := range temps {
			x := apart*float64(i) + r.NormFloat64()
			u := func(k int) float64 { // log p* of x at temperature k
				d := x - apart*float64(k)
				return ratio*float64(k) - d*d/2
			}
			for k := i - mbarBand; k <= i+mbarBand; k++ {
				gain := 0.0
				if k >= 0 && k < temps {
					gain = u(k) - u(i)
				}
				w.gains = append(w.gains, float32(gain))
			}
		}
	}
	for i := range first {
		first[i] = ratio * float64(i)
	}
	got := w.mbar(first)
	if want := first[temps-1]; math.Abs(got-want) > 2 { // three errors
		t.Errorf("log Z is %v, want %v", got, want)
	}
	for i := range first {
		first[i] += r.NormFloat64()
	}
	first[0] = 0
	if other := w.mbar(first); math.Abs(other-got) > 1e-6 {
		t.Errorf("from another beginning log Z is %v, not %v", other, got)
	}
	// Plain iteration of the equation comes to the same, if slowly.
	g := make([]float64, temps)
	for range 3000 {
		expected := multistate(w.gains[(n/burnIn)*temps*band:], g, make([]float64, temps*temps))
		for k := range g {
			g[k] += math.Log(expected[k] / (n - n/burnIn))
		}
	}
	if plain := g[temps-1] - g[0]; math.Abs(plain-got) > 1e-3 {
		t.Errorf("by plain iteration log Z is %v, not %v", plain, got)
	}
}

// The draws of all temperatures at once agree with Bennett's ratio, and with enumeration, for
// models with several layers on each side.
func TestMBAR(t *testing.T) {
	for i, layers := range [][]int{{20, 9}, {7, 15, 5}, {10, 6, 8, 4}, {4, 3, 5, 2, 4}} {
		c, s := dbmtest.Model(uint64(200+i), 1, layers...)
		want, err := ExactLogZ(t.Context(), c, s, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		o := Exchange{Ensembles: 8, Sweeps: 1000, Seed: uint64(i), Threads: 2}
		x, err := o.Run(t.Context(), c, kerneltest.Reference, s)
		if err != nil {
			t.Fatal(err)
		}
		if !(math.Abs(x.MBAR-want) < 0.3) || !(math.Abs(x.MBAR-x.LogZ) < 5*x.MBARStdErr) || !(x.MBARStdErr < 0.15) {
			t.Errorf("%v: log Z is %v, and %v ± %v from all draws, want %v", layers, x.LogZ, x.MBAR, x.MBARStdErr, want)
		}
	}
}

// A bias that grows along the ladder is seen.
func TestMBARDistrusts(t *testing.T) {
	x := Exchanged{Ensembles: make([]Ensemble, 8), Sweeps: 1000}
	for i := range x.Ensembles {
		all := 10 + 0.01*float64(i%3)
		x.Ensembles[i] = Ensemble{LogZ: 10 + 0.02*float64(i%2), MBAR: &all, Trips: 100}
	}
	if x.combine(); !x.Trusted() {
		t.Errorf("%q", x.Distrust())
	}
	for i := range x.Ensembles {
		*x.Ensembles[i].MBAR += 0.5
	}
	if x.combine(); x.Trusted() {
		t.Error("half a nat apart is not seen")
	}
	x.Ensembles[3].MBAR = nil
	if x.combine(); !x.Trusted() || !math.IsNaN(x.MBAR) {
		t.Errorf("%v, %q", x.MBAR, x.Distrust())
	}
}

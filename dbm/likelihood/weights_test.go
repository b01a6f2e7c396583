package likelihood

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The shape of the tail is that of weights of known distributions, and what cannot be
// trusted is not.
func TestParetoShape(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, want := range []float64{0.1, 0.3, 0.5, 0.8, 1.2} {
		x, trusted := 0.0, 0
		const times = 16
		for range times {
			w := &Weights{Up: make([]float64, 4000)}
			for i := range w.Up {
				w.Up[i] = math.Log((math.Pow(1-r.Float64(), -want)-1)/want + 1)
			}
			e := w.Estimate(1)
			if x += e.Tail / times; e.Trusted() {
				trusted++
			}
		}
		if math.Abs(x-want) > 0.1 {
			t.Errorf("k is %v on average, want %v", x, want)
		}
		if want > 1 && trusted > times/20 || want < 0.4 && trusted < times*9/10 {
			t.Errorf("k = %v: %d of %d trusted", want, trusted, times)
		}
	}
	if k := paretoShape(make([]float64, 100)); k != 0 {
		t.Errorf("k of equal weights is %v", k)
	}
	if k := paretoShape(make([]float64, 20)); !math.IsNaN(k) {
		t.Errorf("k of 20 weights is %v", k)
	}
}

// The error is that of the logarithm of the mean, and the figures of weights are those of
// their definitions.
func TestEstimateOfWeights(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const times, runs = 300, 200
	var estimates []float64
	errs := 0.0
	for i := range times {
		w := &Weights{LogZ0: 7, Up: make([]float64, runs)}
		for i := range w.Up {
			w.Up[i] = 3000 + 0.7*r.NormFloat64()
		}
		e := w.Estimate(uint64(i))
		estimates = append(estimates, e.LogZ)
		errs += e.StdErr / times
		if !(e.Low < e.LogZ && e.LogZ < e.High) || !math.IsNaN(e.Reverse) {
			t.Errorf("%+v", e)
		}
	}
	mean, sd := meanAndSpread(estimates)
	if math.Abs(mean-(3007+0.245)) > 0.01 || errs < 0.95*sd || errs > 1.5*sd {
		t.Errorf("log Z %v ± %v, stated %v", mean, sd, errs)
	}
	w := &Weights{Up: []float64{math.Log(1), math.Log(1), math.Log(2), math.Log(4)}, Down: []float64{0, 0, 0, 0}}
	e := w.Estimate(0)
	if math.Abs(e.LogZ-math.Log(2)) > 1e-12 || math.Abs(e.Effective-64.0/22) > 1e-12 || math.Abs(e.Largest-0.5) > 1e-12 ||
		e.Trusted() || math.Abs(e.Reverse) > 1e-12 {
		t.Errorf("%+v", e)
	}
	one := (&Weights{Up: []float64{3}}).Estimate(0)
	if !math.IsNaN(one.StdErr) || one.LogZ != 3 || one.Trusted() {
		t.Errorf("of one run: %+v", one)
	}
}

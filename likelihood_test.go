package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
)

// randomModel is a model with weights and biases large enough to matter.
func randomModel(seed uint64, scale float64, layers ...int) (*dbm.Config, *dbm.State) {
	rng := rand.New(rand.NewPCG(seed, 17))
	c := &dbm.Config{Layers: layers, Batch: 1, Chains: 1, Gibbs: 1, MeanFieldMax: 1, Alpha: make([]float64, len(layers)-1)}
	s := dbm.NewState(c)
	for _, g := range [][][]float32{s.Weights, s.Biases} {
		for _, x := range g {
			for i := range x {
				x[i] = float32(scale * rng.NormFloat64())
			}
		}
	}
	return c, s
}

// long skips a test that takes minutes on an emulated machine, where the others
// show that the bits are the same.
func long(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
}

func kernelsHere(t testing.TB) *kernel.Set {
	k, err := chooseKernels()
	if err != nil {
		t.Fatal(err)
	}
	return &k
}

// Log Z and log P(v) by enumerating the smaller side are those of the general
// Boltzmann machine by enumerating everything.
func TestExactLikelihood(t *testing.T) {
	for i, layers := range [][]int{{5, 3}, {3, 6}, {4, 3, 2}, {2, 6, 2}, {3, 2, 3, 2}, {2, 2, 2, 2, 2}, {1, 4, 1, 3}} {
		c, s := randomModel(uint64(i), 1, layers...)
		g := likelihood.NewGeneral(c, s)
		logZ, err := likelihood.LogZ(t.Context(), c, s)
		if err != nil || math.Abs(logZ-g.LogZ()) > 1e-9 {
			t.Errorf("%v: log Z is %v (%v), want %v", layers, logZ, err, g.LogZ())
		}
		for state := range 1 << layers[0] {
			v, x := make([]float32, layers[0]), make([]float64, layers[0])
			for j := range v {
				v[j], x[j] = float32(state>>j&1), float64(state>>j&1)
			}
			got, err := likelihood.LogP(t.Context(), c, s, v, logZ)
			if want := g.LogP(x); err != nil || math.Abs(got-want) > 1e-9 {
				t.Errorf("%v: log P of %v is %v (%v), want %v", layers, v, got, err, want)
			}
		}
	}
}

// The general Boltzmann machine, by hand: two visible units and one hidden.
func TestGeneralBoltzmannMachine(t *testing.T) {
	g := &likelihood.General{U: [][]float64{{0, 2}, {2, 0}}, V: [][]float64{{0}}, W: [][]float64{{3}, {5}}, B: []float64{0.1, 0.2}, C: []float64{0.4}}
	if got, want := g.Energy([]float64{1, 1}, []float64{1}), -(2 + 3 + 5 + 0.1 + 0.2 + 0.4); math.Abs(got-want) > 1e-12 {
		t.Errorf("energy %v, want %v", got, want)
	}
	z := 1 + math.Exp(0.4) + math.Exp(0.1) + math.Exp(0.1+0.4+3) + math.Exp(0.2) + math.Exp(0.2+0.4+5) + math.Exp(2.3) + math.Exp(2.3+0.4+8)
	if got := g.LogZ(); math.Abs(got-math.Log(z)) > 1e-12 {
		t.Errorf("log Z %v, want %v", got, math.Log(z))
	}
	if got, want := g.LogP([]float64{1, 0}), math.Log((math.Exp(0.1)+math.Exp(3.5))/z); math.Abs(got-want) > 1e-12 {
		t.Errorf("log P %v, want %v", got, want)
	}
}

// On each of 20 random models annealed importance sampling is within four
// standard errors of the truth, from below and from above.
func TestAnnealedImportanceSampling(t *testing.T) {
	long(t)
	k := kernelsHere(t)
	shapes := [][]int{{20, 9}, {9, 17}, {12, 8, 7}, {7, 15, 5}, {10, 6, 8, 4}, {30, 18, 12, 20}}
	for i := range 20 {
		layers := shapes[i%len(shapes)]
		c, s := randomModel(uint64(100+i), 0.7, layers...)
		if i == 5 || i == 11 || i == 17 {
			layers = []int{30, 10, 12, 8}
			c, s = randomModel(uint64(100+i), 0.7, layers...)
		}
		want, err := likelihood.LogZ(t.Context(), c, s)
		if err != nil {
			t.Fatal(err)
		}
		how := likelihood.Annealing{Runs: 200, Temperatures: 500, Sweeps: 100, Seed: uint64(i), Threads: 2}
		if i%2 == 1 {
			how.Base = slices.Repeat([]float64{0.3}, layers[0])
		}
		w, err := likelihood.Anneal(t.Context(), c, k, s, how)
		if err != nil {
			t.Fatal(err)
		}
		e := w.Estimate()
		if z := (e.LogZ - want) / e.StdErr; !(math.Abs(z) < 4) {
			t.Errorf("model %d, %v: log Z is %.3f ± %.3f, want %.3f: z = %.1f", i, layers, e.LogZ, e.StdErr, want, z)
		}
		if math.Abs(e.Reverse-want) > 0.3 || !e.Trusted() {
			t.Errorf("model %d, %v: from above log Z is %.3f, want %.3f", i, layers, e.Reverse, want)
		}
	}
}

// Over 400 seeds the 95% interval covers the truth about that often.
func TestIntervalCovers(t *testing.T) {
	long(t)
	k := kernelsHere(t)
	c, s := randomModel(7, 0.5, 10, 8, 6)
	want, err := likelihood.LogZ(t.Context(), c, s)
	if err != nil {
		t.Fatal(err)
	}
	const seeds = 400
	covered := 0
	for seed := range uint64(seeds) {
		w, err := likelihood.Anneal(t.Context(), c, k, s, likelihood.Annealing{Runs: 100, Temperatures: 100, Seed: seed, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		if e := w.Estimate(); e.Low <= want && want <= e.High {
			covered++
		}
	}
	t.Logf("%d of %d intervals cover log Z", covered, seeds)
	if covered < seeds*92/100 || covered > seeds*98/100 {
		t.Errorf("%d of %d intervals cover log Z", covered, seeds)
	}
}

// Neither threads, nor kernels, nor the way the runs are shared out show in a
// log-weight.
func TestSameLogWeightsEverywhere(t *testing.T) {
	c, s := randomModel(3, 0.3, 70, 33, 20, 41)
	anneal := func(k kernel.Set, first, runs, threads int) *likelihood.Weights {
		w, err := likelihood.Anneal(t.Context(), c, &k, s, likelihood.Annealing{Runs: runs, First: first, Temperatures: 40, Sweeps: 3, Seed: 5, Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	want := anneal(genericKernels, 0, 13, 1)
	for _, k := range append(vectorKernels(), genericKernels) {
		for _, threads := range []int{1, 2, 3, 20} {
			if got := anneal(k, 0, 13, threads); !slices.Equal(got.Up, want.Up) || !slices.Equal(got.Down, want.Down) || got.LogZ0 != want.LogZ0 {
				t.Errorf("%s kernels on %d threads: other weights", k.Name, threads)
			}
		}
		if got := anneal(k, 9, 4, 2); !slices.Equal(got.Up, want.Up[9:]) || !slices.Equal(got.Down, want.Down[9:]) {
			t.Errorf("%s kernels: runs 9 to 12 alone have other weights", k.Name)
		}
	}
	// What they were when the tests against exact values first passed.
	if up, down := fmt.Sprintf("%x", want.Up[12]), fmt.Sprintf("%x", want.Down[0]); up != "0x1.0f41bd13825eep+05" || down != "-0x1.4f77f334a89e8p+05" {
		t.Errorf("log-weights %s and %s are not those that they were", up, down)
	}
	if want.Up[0] == want.Up[1] || want.Down[0] == want.Down[1] {
		t.Error("two runs are the same")
	}
}

// The bound is never above the truth, meets it with one hidden layer, and is what
// its definition says.
func TestBound(t *testing.T) {
	k := kernelsHere(t)
	for i, layers := range [][]int{{6, 4}, {5, 4, 3}, {4, 3, 4, 2}, {3, 2, 2, 2, 2}, {6, 5}} {
		scale := 0.8
		if i == 4 {
			scale = 2.5 // many units are nearly on or off
		}
		c, s := randomModel(uint64(40+i), scale, layers...)
		logZ, err := likelihood.LogZ(t.Context(), c, s)
		if err != nil {
			t.Fatal(err)
		}
		row := func(i int, v []float32) {
			for j := range v {
				v[j] = float32(i >> j & 1)
			}
		}
		n := 1 << layers[0]
		terms, err := likelihood.Bound(t.Context(), c, k, s, n, row, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		gap := 0.0
		for e, term := range terms {
			v := make([]float32, layers[0])
			row(e, v)
			truth, err := likelihood.LogP(t.Context(), c, s, v, logZ)
			if err != nil {
				t.Fatal(err)
			}
			bound := term.Energy + term.Entropy - logZ
			if bound > truth+1e-5 || len(layers) == 2 && bound < truth-1e-5 {
				t.Errorf("%v: bound of %v is %v, the truth %v", layers, v, bound, truth)
			}
			gap += (truth - bound) / float64(n)
			if term.Entropy < 0 {
				t.Errorf("%v: entropy %v", layers, term.Entropy)
			}
		}
		if gap > 0.5 {
			t.Errorf("%v: the bound is %v too low on average", layers, gap)
		}
		mean, se, parts := likelihood.Mean(terms, logZ)
		sum := 0.0
		for _, t := range terms {
			sum += t.Energy + t.Entropy - logZ
		}
		if math.Abs(mean-sum/float64(n)) > 1e-9 || se <= 0 || math.Abs(parts.Energy+parts.Entropy-logZ-mean) > 1e-9 {
			t.Errorf("%v: mean %v, standard error %v, parts %v", layers, mean, se, parts)
		}
		one, err := likelihood.Bound(t.Context(), c, &genericKernels, s, n, row, 1, nil)
		if err != nil || !slices.Equal(one, terms) {
			t.Errorf("%v: kernels or threads show", layers)
		}
	}
}

func BenchmarkAnneal(b *testing.B) {
	k := kernelsHere(b)
	c, s := randomModel(3, 0.05, 784, 500, 500)
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("784-500-500/threads=%d", threads), func(b *testing.B) {
			for b.Loop() {
				if _, err := likelihood.Anneal(b.Context(), c, k, s, likelihood.Annealing{Runs: 100, Temperatures: 100, Threads: threads}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

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

// long skips a test that takes minutes on an emulated machine.
func long(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
}

// Log Z and log P(v) by enumerating the smaller side are those of the general
// Boltzmann machine by enumerating everything.
func TestExactLikelihood(t *testing.T) {
	for i, layers := range [][]int{{5, 3}, {3, 6}, {4, 3, 2}, {2, 6, 2}, {3, 2, 3, 2}, {2, 2, 2, 2, 2}, {1, 4, 1, 3}} {
		c, s := dbmtest.Model(uint64(i), 1, layers...)
		g := NewGeneral(c, s)
		logZ, err := ExactLogZ(t.Context(), c, s, 2, nil)
		if err != nil || math.Abs(logZ-g.LogZ()) > 1e-9 {
			t.Errorf("%v: log Z is %v (%v), want %v", layers, logZ, err, g.LogZ())
		}
		for state := range 1 << layers[0] {
			v, x := make([]float32, layers[0]), make([]float64, layers[0])
			for j := range v {
				v[j], x[j] = float32(state>>j&1), float64(state>>j&1)
			}
			got, err := LogP(t.Context(), c, s, v, logZ)
			if want := g.LogP(x); err != nil || math.Abs(got-want) > 1e-9 {
				t.Errorf("%v: log P of %v is %v (%v), want %v", layers, v, got, err, want)
			}
		}
	}
}

// The general Boltzmann machine, by hand: two visible units and one hidden.
func TestGeneralBoltzmannMachine(t *testing.T) {
	g := &General{U: [][]float64{{0, 2}, {2, 0}}, V: [][]float64{{0}}, W: [][]float64{{3}, {5}}, B: []float64{0.1, 0.2},
		C: []float64{0.4}}
	if got, want := g.Energy([]float64{1, 1}, []float64{1}), -(2 + 3 + 5 + 0.1 + 0.2 + 0.4); math.Abs(got-want) > 1e-12 {
		t.Errorf("energy %v, want %v", got, want)
	}
	z := 1 + math.Exp(0.4) + math.Exp(0.1) + math.Exp(0.1+0.4+3) + math.Exp(0.2) + math.Exp(0.2+0.4+5) + math.Exp(2.3) +
		math.Exp(2.3+0.4+8)
	if got := g.LogZ(); math.Abs(got-math.Log(z)) > 1e-12 {
		t.Errorf("log Z %v, want %v", got, math.Log(z))
	}
	if got, want := g.LogP([]float64{1, 0}), math.Log((math.Exp(0.1)+math.Exp(3.5))/z); math.Abs(got-want) > 1e-12 {
		t.Errorf("log P %v, want %v", got, want)
	}
}

// On each of 20 random models annealed importance sampling is within four
// standard errors of the truth, and trusted.
func TestAnnealedImportanceSampling(t *testing.T) {
	long(t)
	k := kerneltest.Reference
	shapes := [][]int{{20, 9}, {9, 17}, {12, 8, 7}, {7, 15, 5}, {10, 6, 8, 4}, {30, 18, 12, 20}}
	for i := range 20 {
		layers := shapes[i%len(shapes)]
		c, s := dbmtest.Model(uint64(100+i), 0.7, layers...)
		if i == 5 || i == 11 || i == 17 {
			layers = []int{30, 10, 12, 8}
			c, s = dbmtest.Model(uint64(100+i), 0.7, layers...)
		}
		want, err := ExactLogZ(t.Context(), c, s, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		how := Annealing{Runs: 300, Temperatures: 250, UpOnly: true, Seed: uint64(i), Threads: 2}
		if i%2 == 1 {
			how.Base = Base{slices.Repeat([]float64{0.3}, layers[0])}
		}
		w, err := Anneal(t.Context(), c, k, s, how)
		if err != nil {
			t.Fatal(err)
		}
		e := w.Estimate(uint64(i))
		if z := (e.LogZ - want) / e.StdErr; !(math.Abs(z) < 4) {
			t.Errorf("model %d, %v: log Z is %.3f ± %.3f, want %.3f: z = %.1f", i, layers, e.LogZ, e.StdErr, want, z)
		}
		if !e.Trusted() {
			t.Errorf("model %d, %v: not trusted: %q", i, layers, e.Distrust())
		}
	}
}

// Over 200 seeds the 95% interval covers the truth about that often.
func TestIntervalCovers(t *testing.T) {
	long(t)
	k := kerneltest.Reference
	c, s := dbmtest.Model(7, 0.5, 10, 8, 6)
	want, err := ExactLogZ(t.Context(), c, s, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	const seeds = 200
	covered := 0
	for seed := range uint64(seeds) {
		w, err := Anneal(t.Context(), c, k, s, Annealing{Runs: 60, Temperatures: 80, Seed: seed, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		if e := w.Estimate(0); e.Low <= want && want <= e.High {
			covered++
		}
	}
	t.Logf("%d of %d intervals cover log Z", covered, seeds)
	if covered < seeds*92/100 || covered > seeds*98/100 {
		t.Errorf("%d of %d intervals cover log Z", covered, seeds)
	}
}

// The bound is never above the truth, meets it with one hidden layer, and is what
// its definition says.
func TestBound(t *testing.T) {
	k := kerneltest.Reference
	for i, layers := range [][]int{{6, 4}, {5, 4, 3}, {4, 3, 4, 2}, {3, 2, 2, 2, 2}, {6, 5}} {
		scale := 0.8
		if i == 4 {
			scale = 2.5 // many units are nearly on or off
		}
		c, s := dbmtest.Model(uint64(40+i), scale, layers...)
		logZ, err := ExactLogZ(t.Context(), c, s, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		row := func(i int, v []float32) {
			for j := range v {
				v[j] = float32(i >> j & 1)
			}
		}
		n := 1 << layers[0]
		terms, err := Bound(t.Context(), c, k, s, n, row, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		gap := 0.0
		for e, term := range terms {
			v := make([]float32, layers[0])
			row(e, v)
			truth, err := LogP(t.Context(), c, s, v, logZ)
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
		one, err := Bound(t.Context(), c, k, s, n, row, 1, nil)
		if err != nil || !slices.Equal(one, terms) {
			t.Errorf("%v: the number of threads shows", layers)
		}
	}
}

// Evaluate puts together what the other functions compute.
func TestEvaluate(t *testing.T) {
	c, s := dbmtest.Model(4, 0.5, 6, 4)
	examples := Examples{Name: "all", N: 64, Row: func(i int, v []float32) {
		for j := range v {
			v[j] = float32(i >> j & 1)
		}
	}}
	var stages []Stage
	k := kerneltest.Reference
	score, err := Evaluate(t.Context(), c, k, s, []Examples{examples},
		Effort{Exchange: &Exchange{Ensembles: 8, Sweeps: 1000}, Annealing: &Annealing{Runs: 50, Temperatures: 200},
			Enumerate: true, Draws: 20, Threads: 2,
			Begin: func(s Stage, _ string) func(float64) { stages = append(stages, s); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	logZ, err := ExactLogZ(t.Context(), c, s, 2, nil)
	if err != nil || *score.Exact != logZ || score.LogZ.Value != logZ || score.LogZ.StdErr != 0 ||
		score.LogZ.Method != ByEnumeration || math.Abs(score.Exchange.LogZ-logZ) > 0.2 ||
		math.Abs(score.Annealing.LogZ-logZ) > 0.2 {
		t.Errorf("log Z %+v, %+v, %+v; want %v (%v)", score.LogZ, score.Exchange, score.Annealing, logZ, err)
	}
	x := score.Sets[0]
	// With one hidden layer the bounds are the log-likelihood.
	all := 0.0
	for i, p := range x.LogP {
		all += math.Exp(p)
		for _, bound := range []float64{x.Terms[i].Energy + x.Terms[i].Entropy, x.Weights[i].LogMean} {
			if math.Abs(bound-logZ-p) > 1e-4 {
				t.Errorf("example %d: log P %v, a bound of it %v", i, p, bound-logZ)
			}
		}
	}
	if math.Abs(all-1) > 1e-6 || len(x.LogP) != 64 || x.Name != "all" || math.Abs(x.Bound.Mean-x.Exact.Mean) > 1e-5 ||
		math.Abs(x.Weighted.Mean-x.Exact.Mean) > 1e-5 || math.Abs(x.Parts.Energy+x.Parts.Entropy-logZ-x.Bound.Mean) > 1e-9 {
		t.Errorf("probabilities add up to %v; %+v", all, x)
	}
	want := []Stage{StageEnumeration, StageExchange, StageAnnealing, StageBound, StageImportance, StageExact}
	if !slices.Equal(stages, want) {
		t.Errorf("stages %q", stages)
	}
	for _, e := range []Effort{{}, {Annealing: &Annealing{Runs: 0, Temperatures: 5}},
		{Exchange: &Exchange{Ensembles: 3, Sweeps: 1000}}, {Exchange: &Exchange{Ensembles: 2, Sweeps: 10}},
		{Enumerate: true, Draws: MostDraws + 1}} {
		if _, err := Evaluate(t.Context(), c, k, s, []Examples{examples}, e); err == nil {
			t.Errorf("%+v is accepted", e)
		}
	}
}

// Where log Z is enumerated, no figure uses an estimate: annealing of this model finds
// nothing of its one deep well, and has no doubt.
func TestExactEverywhere(t *testing.T) {
	c, s := dbmtest.Model(0, 0, 4, 1)
	for i := range 4 {
		s.Weights[0][i], s.Biases[0][i] = 60, -5
	}
	s.Biases[1][0] = -214
	row := func(_ int, v []float32) {
		for j := range v {
			v[j] = 1
		}
	}
	e := Effort{Annealing: &Annealing{Runs: 3, Temperatures: 3, UpOnly: true}, Enumerate: true}
	score, err := Evaluate(t.Context(), c, kerneltest.Reference, s, []Examples{{Name: "ones", N: 1, Row: row}}, e)
	if err != nil {
		t.Fatal(err)
	}
	if x := score.Sets[0]; math.Abs(x.Bound.Mean-x.Exact.Mean) > 1e-5 || x.Exact.Mean > 0 || len(x.LogP) != 1 {
		t.Errorf("bound %v, exactly %v", x.Bound.Mean, x.Exact.Mean)
	}
	if off := score.Annealing.LogZ - *score.Exact; math.Abs(off) < 0.1 {
		t.Errorf("annealing is %v nats off: this test shows nothing", off)
	}
}

// Sums of huge parameters are rounded, and what follows from them is not trusted.
func TestHugeParameters(t *testing.T) {
	examples := Examples{Name: "zeros", N: 3, Row: func(i int, v []float32) {}}
	for size, trusted := range map[float32]bool{10: true, 1e4: true, 1e6: false, 1e10: false, 1e30: false} {
		c, s := dbmtest.Model(4, 0.5, 8, 4, 5)
		for j := range s.Biases[2] {
			s.Biases[2][j] = size
		}
		for _, enumerate := range []bool{false, true} {
			score, err := Evaluate(t.Context(), c, kerneltest.Reference, s, []Examples{examples},
				Effort{Annealing: &Annealing{Runs: 200, Temperatures: 300, UpOnly: true}, Enumerate: enumerate})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(score.LogZ.Distrust) == 0; got != (trusted || enumerate && size < 1e11) {
				t.Errorf("biases of %g, enumerated %v: log Z %+v", size, enumerate, score.LogZ)
			}
		}
	}
}

// A model that is not finite has no bound.
func TestEvaluateRejectsWhatIsNotANumber(t *testing.T) {
	c, s := dbmtest.Model(4, 0.5, 6, 4)
	s.Biases[1][2] = float32(math.NaN())
	examples := Examples{Name: "all", N: 3, Row: func(i int, v []float32) {}}
	_, err := Evaluate(t.Context(), c, kerneltest.Reference, s, []Examples{examples},
		Effort{Annealing: &Annealing{Runs: 2, Temperatures: 5}})
	if !errors.Is(err, ErrNotANumber) {
		t.Errorf("error %v", err)
	}
}

// Everything that takes long ends when its context does, with its cause.
func TestStops(t *testing.T) {
	c, s := dbmtest.Model(4, 0.5, 21, 20, 20)
	enough := errors.New("enough")
	ctx, stop := context.WithCancelCause(t.Context())
	o := Annealing{Runs: 1000, Temperatures: 1 << 20, Progress: func(float64) { stop(enough) }}
	if _, err := Anneal(ctx, c, kerneltest.Reference, s, o); err != enough {
		t.Errorf("annealing is stopped by %v", err)
	}
	if _, err := ExactLogZ(ctx, c, s, 2, nil); err != enough {
		t.Errorf("enumeration is stopped by %v", err)
	}
	row := func(i int, v []float32) {}
	if _, err := Bound(ctx, c, kerneltest.Reference, s, 1000, row, 2, nil); err != enough {
		t.Errorf("the bound is stopped by %v", err)
	}
}

// Enumeration has the same bits for any number of threads, reports its progress, and is the
// sum in one go to the last digits.
func TestEnumerationOnThreads(t *testing.T) {
	c, s := dbmtest.Model(3, 0.5, 30, 15)
	one, err := ExactLogZ(t.Context(), c, s, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, threads := range []int{0, 2, 3, 1000} {
		last := 0.0
		got, err := ExactLogZ(t.Context(), c, s, threads, func(done float64) {
			if done <= last {
				t.Errorf("%v done, after %v", done, last)
			}
			last = done
		})
		if err != nil || got != one || last != 1 {
			t.Errorf("%d threads: log Z %v, want %v; %v done (%v)", threads, got, one, last, err)
		}
	}
	whole := newEnumeration(c.Layers, s, nil).part(0, 1<<15)
	if want := whole.top + math.Log(whole.sum); math.Abs(one-want) > 1e-9 {
		t.Errorf("log Z %v, in one go %v", one, want)
	}
}

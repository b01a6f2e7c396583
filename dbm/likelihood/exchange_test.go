package likelihood

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tandem/dbm/dbmtest"
	"tandem/dbm/kernel/kerneltest"
)

// Replica exchange finds what enumeration does, and trusts it.
func TestReplicaExchange(t *testing.T) {
	long(t)
	shapes := [][]int{{20, 9}, {9, 17}, {12, 8, 7}, {7, 15, 5}, {10, 6, 8, 4}}
	trusted := 0
	for i := range 10 {
		c, s := dbmtest.Model(uint64(100+i), []float64{0.7, 1.5}[i%2], shapes[i%len(shapes)]...)
		want, err := ExactLogZ(t.Context(), c, s, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		o := Exchange{Ensembles: 8, Sweeps: 2000, Seed: uint64(i), Threads: 2, Example: func(i int, v []float32) {
			for j := range v {
				v[j] = float32(i >> (j % 8) & 1)
			}
		}}
		x, err := o.Run(t.Context(), c, kerneltest.Reference, s)
		if err != nil {
			t.Fatal(err)
		}
		if z := (x.LogZ - want) / x.StdErr; !(math.Abs(z) < 6) || x.StdErr > 0.05 || math.Abs(x.Integral-want) > 0.1 {
			t.Errorf("model %d, %v: log Z is %.3f ± %.3f, by the integral %.3f, want %.3f", i, c.Layers, x.LogZ, x.StdErr,
				x.Integral, want)
		}
		if x.Trusted() {
			trusted++
		} else {
			t.Logf("model %d, %v: %q", i, c.Layers, x.Distrust())
		}
		for _, e := range x.Ensembles {
			for _, n := range e.Intervals {
				if n.Exchanged < 0.2 || n.Overlap <= 0 || n.Overlap > 1.01 || n.Correlated < 1 {
					t.Errorf("model %d, %v: %+v", i, c.Layers, n)
				}
			}
		}
	}
	if trusted < 7 {
		t.Errorf("%d of 10 are trusted", trusted)
	}
}

// Neither threads nor the division into two goes change a bit, and other seeds do.
func TestExchangeInTwoGoes(t *testing.T) {
	c, s := dbmtest.Model(3, 0.7, 12, 8, 7)
	example := func(i int, v []float32) { v[i%len(v)] = 1 }
	run := func(ensembles, first, threads int, seed uint64) []Ensemble {
		o := Exchange{Ensembles: ensembles, First: first, Sweeps: 300, Seed: seed, Threads: threads, Example: example}
		x, err := o.Run(t.Context(), c, kerneltest.Reference, s)
		if err != nil {
			t.Fatal(err)
		}
		return x.Ensembles
	}
	same := func(a, b []Ensemble) bool {
		return slices.EqualFunc(a, b, func(a, b Ensemble) bool {
			return a.LogZ == b.LogZ && a.Trips == b.Trips && slices.Equal(a.Intervals, b.Intervals)
		})
	}
	all := run(6, 0, 1, 5)
	if !same(all, run(6, 0, 3, 5)) {
		t.Error("the number of threads shows")
	}
	if !same(all, append(run(2, 0, 2, 5), run(4, 2, 2, 5)...)) {
		t.Error("two goes show")
	}
	if same(all, run(6, 0, 1, 6)) {
		t.Error("the seed does not show")
	}
}

// An error to meet is met, with all signs of trust, or the limit of sweeps is reached.
func TestExchangeToAnError(t *testing.T) {
	c, s := dbmtest.Model(2, 0.7, 12, 8, 7)
	o := Exchange{Ensembles: 8, Sweeps: 200, Error: 0.008, Most: 1 << 20, Seed: 1, Threads: 2}
	x, err := o.Run(t.Context(), c, kerneltest.Reference, s)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ExactLogZ(t.Context(), c, s, 2, nil)
	if err != nil || x.StdErr > o.Error || !x.Trusted() || x.Sweeps < 1600 || math.Abs(x.LogZ-want) > 6*x.StdErr {
		t.Errorf("%d sweeps: %v ± %v, want %v; %q (%v)", x.Sweeps, x.LogZ, x.StdErr, want, x.Distrust(), err)
	}
	o.Error, o.Most = 1e-6, 1000
	if x, err = o.Run(t.Context(), c, kerneltest.Reference, s); err != nil || x.Sweeps != 800 {
		t.Errorf("%d sweeps, %v; the limit is 1,000", x.Sweeps, err)
	}
}

// A model of two wells, of which examples show one: the halves of the ensembles disagree, or
// nothing goes round, and the estimate is not trusted.
func TestExchangeDistrusts(t *testing.T) {
	c, s := dbmtest.Model(0, 0, 60, 1)
	for i := range 60 {
		s.Weights[0][i] = 12
	}
	s.Biases[1][0] = float32(60*math.Ln2 - 60*12 + math.Log(20)) // the deep one has nearly all
	o := Exchange{Ensembles: 8, Sweeps: 2000, Seed: 1, Threads: 2, Example: func(_ int, v []float32) {
		for j := range v {
			v[j] = 1
		}
	}}
	x, err := o.Run(t.Context(), c, kerneltest.Reference, s)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ExactLogZ(t.Context(), c, s, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(x.Distrust(), "; ")
	for _, word := range []string{"overlap", "round trips", "autocorrelation times", "began at examples"} {
		if math.Abs(x.LogZ-want) < 1 || !strings.Contains(said, word) {
			t.Errorf("log Z is %v, want %v: nothing is said of %s in %q", x.LogZ, want, word, said)
		}
	}
	ctx, stop := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	stop(enough)
	if _, err := o.Run(ctx, c, kerneltest.Reference, s); err != enough {
		t.Errorf("stopped by %v", err)
	}
}

// The samples have the model's distribution.
func TestExchangeSamples(t *testing.T) {
	for _, layers := range [][]int{{4, 8, 3}, {8, 3, 2}} {
		c, s := dbmtest.Model(4, 0.8, layers...)
		o := Exchange{Ensembles: 8, Sweeps: 5000, Samples: 2000, Seed: 2, Threads: 2}
		x, err := o.Run(t.Context(), c, kerneltest.Reference, s)
		if err != nil {
			t.Fatal(err)
		}
		g := NewGeneral(c, s)
		want, got := make([]float64, layers[0]), make([]float64, layers[0])
		for state := range 1 << layers[0] {
			v := make([]float64, layers[0])
			for j := range v {
				v[j] = float64(state >> j & 1)
			}
			p := math.Exp(g.LogP(v))
			for j := range v {
				want[j] += p * v[j]
			}
		}
		for _, e := range x.Ensembles {
			if len(e.Samples) != o.Samples*layers[0] {
				t.Fatalf("%d numbers of samples", len(e.Samples))
			}
			for i, v := range e.Samples {
				got[i%layers[0]] += float64(v) / float64(o.Samples*len(x.Ensembles))
			}
		}
		for j := range want {
			if math.Abs(got[j]-want[j]) > 0.025 {
				t.Errorf("%v: unit %d is on in %v of the samples, want %v", layers, j, got[j], want[j])
			}
		}
	}
}

// Of two normal distributions, Bennett's ratio, the overlap and the integral are known.
func TestBennett(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n, apart, ratio = 40_000, 1.5, 3.25
	var up, down []float32
	for range n {
		// log p₁* − log p₀* of densities with means 0 and apart, p₁* exp(ratio) times as high
		u := func(x float64) float64 { return apart*x - apart*apart/2 + ratio }
		up = append(up, float32(u(r.NormFloat64())))
		down = append(down, float32(-u(apart+r.NormFloat64())))
	}
	got, overlap := bennett(up, down)
	shared := 0.0 // ∫ 2 p₀ p₁ / (p₀ + p₁)
	for x := -8.0; x < 10; x += 0.001 {
		a, b := math.Exp(-x*x/2), math.Exp(-(x-apart)*(x-apart)/2)
		shared += 0.001 * 2 * a * b / (a + b) / math.Sqrt(2*math.Pi)
	}
	if math.Abs(got-ratio) > 0.03 || math.Abs(overlap-shared) > 0.02 || math.Abs(integral(up, down)-ratio) > 0.05 {
		t.Errorf("ratio %v, overlap %v, integral %v; want %v, %v", got, overlap, integral(up, down), ratio, shared)
	}
	far := []float32{-1e4, -2e4}
	if got, overlap := bennett(far, far); !(math.Abs(got) <= 2e4) || !(overlap < 1e-6) {
		t.Errorf("of draws that are far apart: %v, %v", got, overlap)
	}
}

// The autocorrelation time of a process of known memory.
func TestAutocorrelation(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, memory := range []float64{0, 0.5, 0.9, 0.97} {
		x, state := make([]float64, 60_000), 0.0
		for i := range x {
			state = memory*state + r.NormFloat64()
			x[i] = state
		}
		want := (1 + memory) / (1 - memory)
		if got := autocorrelation(x); math.Abs(got-want) > 0.15*want {
			t.Errorf("memory %v: %v, want %v", memory, got, want)
		}
	}
	if got := autocorrelation(make([]float64, 50)); !math.IsInf(got, 1) {
		t.Errorf("of a series that does not move: %v", got)
	}
}

// Long runs keep draws that are evenly spaced, in the memory of short ones.
func TestObservationsAreThinned(t *testing.T) {
	o := newObservations(3)
	const steps = 10*mostKept + 12345
	for step := range steps {
		gain := make([]float64, 4)
		for i := range gain {
			gain[i] = float64(step)
		}
		o.step(step, gain)
	}
	for i, v := range o.intervals {
		if len(v.up) != len(v.down) || len(v.up) > mostKept || len(v.up) < mostKept/4 {
			t.Fatalf("interval %d keeps %d and %d draws", i, len(v.up), len(v.down))
		}
		for k, u := range v.up {
			if want := 2*k*o.thin + i%2; int(u) != want {
				t.Fatalf("interval %d: draw %d is of step %v, want %d", i, k, u, want)
			}
		}
	}
}

// Student's t, from tables.
func TestStudent(t *testing.T) {
	for degrees, want := range map[int]float64{1: 12.7062, 2: 4.3027, 3: 3.1824, 5: 2.5706, 7: 2.3646, 15: 2.1314,
		100: 1.9840} {
		if got := student(degrees); math.Abs(got-want) > 0.01 {
			t.Errorf("%d degrees of freedom: %v, want %v", degrees, got, want)
		}
	}
}

package dbm

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tandem/dbm/kernel"
	"tandem/dbm/kernel/kerneltest"
)

// The truth about tiny models, by enumeration in float64.

// truth is a model small enough to enumerate.
type truth struct {
	layers []int
	w      [][]float64 // w[l]: layers[l] × layers[l+1]
	b      [][]float64
}

// randomTruth draws parameters that float32 holds exactly.
func randomTruth(seed uint64, layers ...int) *truth {
	rng := rand.New(rand.NewPCG(seed, 7))
	m := &truth{layers: layers}
	draw := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = math.Round(rng.NormFloat64()*1024) / 1024
		}
		return x
	}
	for l, n := range layers {
		m.b = append(m.b, draw(n))
		if l > 0 {
			m.w = append(m.w, draw(layers[l-1]*n))
		}
	}
	return m
}

// state is the same model for a trainer.
func (m *truth) state(c *Config) *State {
	s := NewState(c)
	for l := range m.layers {
		for i, b := range m.b[l] {
			s.Biases[l][i] = float32(b)
		}
		if l > 0 {
			for i, w := range m.w[l-1] {
				s.Weights[l-1][i] = float32(w)
			}
		}
	}
	return s
}

// energy is E(x) = −Σ_l b_l·x_l − Σ_l x_{l-1}·W_l·x_l, also for means of units
// that are independent across neighbouring layers.
func (m *truth) energy(x [][]float64) float64 {
	e := 0.0
	for l := range m.layers {
		for j, xj := range x[l] {
			e -= m.b[l][j] * xj
			if l > 0 {
				for i, xi := range x[l-1] {
					e -= xi * m.w[l-1][i*m.layers[l]+j] * xj
				}
			}
		}
	}
	return e
}

// states calls f with every joint state of layers from … to the top; the layers
// below are as in x.
func (m *truth) states(x [][]float64, from int, f func(x [][]float64)) {
	y := slices.Clone(x)
	var units []*float64
	for l := from; l < len(m.layers); l++ {
		y[l] = make([]float64, m.layers[l])
		for j := range y[l] {
			units = append(units, &y[l][j])
		}
	}
	for bits := range 1 << len(units) {
		for i, u := range units {
			*u = float64(bits >> i & 1)
		}
		f(y)
	}
}

// logSum is log Σ exp(−E) over the states of layers from … up.
func (m *truth) logSum(x [][]float64, from int) float64 {
	sum := 0.0
	m.states(x, from, func(x [][]float64) { sum += math.Exp(-m.energy(x)) })
	return math.Log(sum)
}

func (m *truth) logZ() float64 { return m.logSum(make([][]float64, len(m.layers)), 0) }

// visible is a joint state with the visible layer set.
func (m *truth) visible(v []float64) [][]float64 {
	x := make([][]float64, len(m.layers))
	x[0] = v
	return x
}

// logP is log P(v).
func (m *truth) logP(v []float64) float64 { return m.logSum(m.visible(v), 1) - m.logZ() }

// parameters calls f with every parameter.
func (m *truth) parameters(f func(kind string, layer, index int, p *float64)) {
	for l := range m.layers {
		for i := range m.b[l] {
			f("bias", l, i, &m.b[l][i])
		}
		if l > 0 {
			for i := range m.w[l-1] {
				f("weight", l, i, &m.w[l-1][i])
			}
		}
	}
}

// tiny is a configuration for tests.
func tiny(layers ...int) Config {
	return Config{Layers: layers, Batch: 1, Chains: 1, Gibbs: 1, MeanFieldTolerance: 1e-7, MeanFieldMax: 1000,
		LearningRate: 1, Alpha: make([]float64, len(layers)-1), InitScale: 0.1, Seed: 11}
}

// given is examples that are what they are, the same at every update.
type given [][]float64

func (given) Prepare(uint64) {}
func (g given) Row(r int, v []float32) {
	for i, x := range g[r] {
		v[i] = float32(x)
	}
}

func trainer(t testing.TB, c Config, s *State, e Examples, threads int) *Trainer {
	t.Helper()
	tr, err := NewTrainer(c, kerneltest.Reference, s, e, threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// lower is row r of layer l as the lower layer of the weights above it.
func (u *updater) lower(l, r int) []float32 { return u.layers[l].row(u.layers[l].asLower, r) }

// upper is row r of layer l as the upper layer of the weights below it.
func (u *updater) upper(l, r int) []float32 { return u.layers[l].row(u.layers[l].asUpper, r) }

var models = [][]int{{4, 3}, {3, 3, 2}, {3, 2, 3, 2}, {2, 2, 2, 2, 2}}

// conditional is the probability, by a pass, that each unit of a layer is on given
// all others.
func conditional(m *Model, x [][]float64, l int) []float32 {
	rows := make([][]float32, len(x))
	for i := range x {
		rows[i] = make([]float32, kernel.Stride(len(x[i])))
		for j, v := range x[i] {
			rows[i][j] = float32(v)
		}
	}
	pass := m.Pass(l, 1, m.Bias[l], rows, nil, make([]float32, kernel.Stride(m.Layers[l])))
	m.kind(l).mean(kerneltest.Reference, &pass, nil)
	return pass.Out
}

// Eq. 4 and 5: the probability of a unit given all others follows from the
// energies of the two states that differ in it.
func TestConditionals(t *testing.T) {
	for i, layers := range models {
		m := randomTruth(uint64(i), layers...)
		c := tiny(layers...)
		p := newModel(layers, m.state(&c), kerneltest.Reference)
		m.states(make([][]float64, len(layers)), 0, func(x [][]float64) {
			for l, n := range layers {
				out := conditional(p, x, l)
				for j := range n {
					old := x[l][j]
					x[l][j] = 1
					on := m.energy(x)
					x[l][j] = 0
					off := m.energy(x)
					x[l][j] = old
					want := 1 / (1 + math.Exp(on-off))
					if got := float64(out[j]); math.Abs(got-want) > 1e-6 {
						t.Fatalf("%v: unit %d of layer %d is on with probability %v, want %v", layers, j, l, got, want)
					}
				}
			}
		})
	}
}

// Eq. 6: the posterior of the hidden layers given the visible one, put together
// from the odds of the conditionals along a path that switches the units on one by
// one, is exp(−E) over its sum.
func TestPosteriors(t *testing.T) {
	for i, layers := range models {
		m := randomTruth(uint64(i)+60, layers...)
		c := tiny(layers...)
		p := newModel(layers, m.state(&c), kerneltest.Reference)
		v := []float64{1, 0, 1, 1}[:layers[0]]
		var odds, want []float64
		sum, z := 0.0, m.logSum(m.visible(v), 1)
		m.states(m.visible(v), 1, func(x [][]float64) {
			path := m.visible(v)
			for l := 1; l < len(layers); l++ {
				path[l] = make([]float64, layers[l])
			}
			product := 1.0
			for l := 1; l < len(layers); l++ {
				for j := range layers[l] {
					if x[l][j] == 1 {
						on := float64(conditional(p, path, l)[j])
						product *= on / (1 - on)
						path[l][j] = 1
					}
				}
			}
			odds, want = append(odds, product), append(want, math.Exp(-m.energy(x)-z))
			sum += product
		})
		for j := range odds {
			if got := odds[j] / sum; math.Abs(got-want[j]) > 1e-6 {
				t.Errorf("%v: state %d has posterior %v, want %v", layers, j, got, want[j])
			}
		}
	}
}

func TestPosteriorOfOneHiddenLayerIsExact(t *testing.T) {
	m := randomTruth(3, 4, 3)
	c := tiny(4, 3)
	v := []float64{1, 0, 0.25, 1}
	tr := trainer(t, c, m.state(&c), given{v}, 1)
	tr.updater.worker[0].positive()
	marginal := make([]float64, 3)
	z := m.logSum(m.visible(v), 1)
	m.states(m.visible(v), 1, func(x [][]float64) {
		for j := range marginal {
			marginal[j] += x[1][j] * math.Exp(-m.energy(x)-z)
		}
	})
	for j, want := range marginal {
		if got := float64(tr.updater.lower(1, 0)[j]); math.Abs(got-want) > 1e-6 {
			t.Errorf("unit %d: posterior %v, want %v", j, got, want)
		}
	}
}

// setRow puts a joint state, or means, with a weight into a row.
func (u *updater) setRow(r int, x [][]float64, weight float64) {
	u.weight[r] = float32(weight)
	for l := range x {
		for j, v := range x[l] {
			u.lower(l, r)[j] = float32(v)
		}
		if l > 0 {
			u.scaleRow(l, r)
		}
	}
}

// stepNow makes the step from what lies in the rows.
func (u *updater) stepNow() {
	for part, rows := range [][2]int{{0, u.config.Batch}, {u.config.Batch, len(u.weight)}} {
		u.rowLists[part].Reset()
		for r := rows[0]; r < rows[1]; r++ {
			u.rowLists[part].Add(kerneltest.Reference, u.lower(0, r))
		}
	}
	u.statistics()
	u.step(0)
}

// exactRows makes a trainer whose rows are positive rows, added by the caller,
// and then every joint state with minus its probability.
func exactRows(t *testing.T, m *truth, positive int) *Trainer {
	units := 0
	for _, n := range m.layers {
		units += n
	}
	c := tiny(m.layers...)
	c.Batch, c.Chains = positive, 1<<units
	tr := trainer(t, c, m.state(&c), nil, 1)
	r, z := positive, m.logZ()
	m.states(make([][]float64, len(m.layers)), 0, func(x [][]float64) {
		tr.updater.setRow(r, x, -math.Exp(-m.energy(x)-z))
		r++
	})
	return tr
}

// compareGradient compares what an update changed with the derivative of f by
// every parameter.
func compareGradient(t *testing.T, m *truth, tr *Trainer, f func() float64) {
	t.Helper()
	after := tr.State()
	m.parameters(func(kind string, l, i int, p *float64) {
		const h = 1e-4
		old := *p
		*p = old + h
		up := f()
		*p = old - h
		down := f()
		*p = old
		want := (up - down) / (2 * h)
		var got float64
		if kind == "bias" {
			got = float64(after.Biases[l][i]) - old
		} else {
			got = float64(after.Weights[l-1][i]) - old
		}
		if math.Abs(got-want) > 2e-6 {
			t.Errorf("%v: %s %d of layer %d moved by %v, want %v", m.layers, kind, i, l, got, want)
		}
	})
}

// With exact expectations on both sides an update is the gradient of log P(v).
func TestUpdateIsGradientOfLogLikelihood(t *testing.T) {
	for i, layers := range models {
		m := randomTruth(uint64(i), layers...)
		v := []float64{1, 0, 1, 1}[:layers[0]]
		hidden := 0
		for _, n := range layers[1:] {
			hidden += n
		}
		tr := exactRows(t, m, 1<<hidden)
		r, z := 0, m.logSum(m.visible(v), 1)
		m.states(m.visible(v), 1, func(x [][]float64) {
			tr.updater.setRow(r, x, math.Exp(-m.energy(x)-z))
			r++
		})
		tr.updater.stepNow()
		compareGradient(t, m, tr, func() float64 { return m.logP(v) })
	}
}

// bound is L(Q) = E_Q[−E(v, h)] + H(Q) − log Z for independent units of means q.
func (m *truth) bound(v []float64, q [][]float64) float64 {
	x := slices.Clone(q)
	x[0] = v
	sum := -m.energy(x) - m.logZ()
	for _, layer := range q[1:] {
		for _, p := range layer {
			sum -= p*math.Log(p) + (1-p)*math.Log(1-p)
		}
	}
	return sum
}

// inferred returns what mean field makes of examples.
func inferred(t *testing.T, m *truth, c Config, v ...[]float64) [][][]float64 {
	c.Batch = len(v)
	tr := trainer(t, c, m.state(&c), given(v), 1)
	tr.updater.worker[0].positive()
	var qs [][][]float64
	for r := range v {
		q := make([][]float64, len(m.layers))
		for l := 1; l < len(m.layers); l++ {
			for _, x := range tr.updater.lower(l, r) {
				q[l] = append(q[l], float64(x))
			}
		}
		qs = append(qs, q)
	}
	return qs
}

// With the q of mean field, an update is the gradient of L(Q) at fixed Q.
func TestUpdateIsGradientOfBound(t *testing.T) {
	for i, layers := range models {
		m := randomTruth(uint64(i), layers...)
		v := []float64{1, 0, 0.25, 1}[:layers[0]]
		q := inferred(t, m, tiny(layers...), v)[0]
		tr := exactRows(t, m, 1)
		x := slices.Clone(q)
		x[0] = v
		tr.updater.setRow(0, x, 1)
		tr.updater.stepNow()
		compareGradient(t, m, tr, func() float64 { return m.bound(v, q) })
	}
}

// Mean field ends in a fixed point of Eq. 12–13, where the bound is stationary
// and below log P(v).
func TestMeanFieldIsFixedPoint(t *testing.T) {
	for i, layers := range models {
		m := randomTruth(uint64(i)+20, layers...)
		v := []float64{0, 1, 1, 0}[:layers[0]]
		q := inferred(t, m, tiny(layers...), v)[0]
		q[0] = v
		for l := 1; l < len(layers); l++ {
			for j, got := range q[l] {
				pre := m.b[l][j]
				for i, x := range q[l-1] {
					pre += x * m.w[l-1][i*layers[l]+j]
				}
				if l+1 < len(layers) {
					for k, x := range q[l+1] {
						pre += x * m.w[l][j*layers[l+1]+k]
					}
				}
				if want := 1 / (1 + math.Exp(-pre)); math.Abs(got-want) > 2e-6 {
					t.Errorf("%v: unit %d of layer %d is %v, should be %v", layers, j, l, got, want)
				}
			}
		}
		if bound, exact := m.bound(v, q), m.logP(v); bound > exact+1e-9 || exact-bound > 1 {
			t.Errorf("%v: bound %v, log-likelihood %v", layers, bound, exact)
		}
	}
}

// The order of an iteration, the start and the cap, followed by hand.
func TestMeanFieldIterations(t *testing.T) {
	layers := []int{3, 2, 3, 2}
	m := randomTruth(5, layers...)
	v := []float64{1, 1, 0}
	for _, iterations := range []int{1, 2, 7} {
		c := tiny(layers...)
		c.MeanFieldTolerance, c.MeanFieldMax = 0, iterations
		got := inferred(t, m, c, v)[0]
		q := [][]float64{v, make([]float64, 2), make([]float64, 3), make([]float64, 2)}
		layer := func(l int, above bool) {
			for j := range q[l] {
				pre := m.b[l][j]
				for i, x := range q[l-1] {
					pre += x * m.w[l-1][i*layers[l]+j]
				}
				if above && l < 3 {
					for k, x := range q[l+1] {
						pre += x * m.w[l][j*layers[l+1]+k]
					}
				}
				q[l][j] = 1 / (1 + math.Exp(-pre))
			}
		}
		for l := 1; l <= 3; l++ {
			layer(l, false)
		}
		for range iterations {
			for l := 1; l <= 3; l++ {
				layer(l, true)
			}
		}
		for l := 1; l <= 3; l++ {
			for j := range q[l] {
				if math.Abs(got[l][j]-q[l][j]) > 1e-6 {
					t.Errorf("%d iterations: unit %d of layer %d is %v, want %v", iterations, j, l, got[l][j], q[l][j])
				}
			}
		}
	}
}

// An example does not notice who is inferred beside it.
func TestMeanFieldOfManyIsThatOfEach(t *testing.T) {
	layers := []int{5, 4, 3}
	m := randomTruth(6, layers...)
	rng := rand.New(rand.NewPCG(1, 2))
	var vs [][]float64
	for range 23 {
		v := make([]float64, 5)
		for i := range v {
			v[i] = float64(float32(rng.Float64()))
		}
		vs = append(vs, v)
	}
	c := tiny(layers...)
	c.MeanFieldTolerance = 1e-4
	all := inferred(t, m, c, vs...)
	for r, v := range vs {
		alone := inferred(t, m, c, v)[0]
		for l := 1; l < len(layers); l++ {
			if !slices.Equal(all[r][l], alone[l]) {
				t.Fatalf("example %d layer %d: %v among others, %v alone", r, l, all[r][l], alone[l])
			}
		}
	}
}

// In the long run the chains visit every joint state as often as its probability.
func TestGibbsFrequencies(t *testing.T) {
	for i, layers := range [][]int{{4, 3}, {3, 2, 2}, {2, 2, 2, 1}} {
		m := randomTruth(uint64(i)+40, layers...)
		c := tiny(layers...)
		c.Chains = 100
		c.Gibbs = 2
		tr := trainer(t, c, m.state(&c), nil, 1)
		units := 0
		for _, n := range layers {
			units += n
		}
		count := make([]float64, 1<<units)
		const updates = 1500
		for u := range updates {
			tr.updater.worker[0].negative()
			tr.updater.updates++
			if u < 20 {
				continue
			}
			for chain := range c.Chains {
				index, bit := 0, 0
				for l, n := range layers {
					for _, x := range tr.updater.lower(l, c.Batch+chain)[:n] {
						index |= int(x) << bit
						bit++
					}
				}
				count[index]++
			}
		}
		z, at, distance := m.logZ(), 0, 0.0
		m.states(make([][]float64, len(layers)), 0, func(x [][]float64) {
			distance += math.Abs(count[at]/((updates-20)*float64(c.Chains))-math.Exp(-m.energy(x)-z)) / 2
			at++
		})
		// 148,000 samples of at most 128 states, somewhat correlated: about 0.01.
		if distance > 0.02 {
			t.Errorf("%v: the chains' frequencies are %.4f away from the distribution in total variation", layers, distance)
		}
	}
}

// The spring's forces are the derivatives of its energy.
func TestSpringGradient(t *testing.T) {
	layers := []int{5, 4, 3, 6}
	m := randomTruth(8, layers...)
	c := tiny(layers...)
	alpha, gamma := []float64{0.1, 0.7, 0.3}, 1.3
	p := newModel(layers, m.state(&c), kerneltest.Reference)
	p.mu = []float64{1.5, 0.5, 2.5}
	mu := slices.Clone(p.mu)
	energy := func() float64 {
		sum := 0.0
		for l := 1; l < len(layers); l++ {
			for j := range layers[l] {
				norm := 0.0
				for i := range layers[l-1] {
					norm += m.w[l-1][i*layers[l]+j] * m.w[l-1][i*layers[l]+j]
				}
				sum -= alpha[l-1] * (math.Sqrt(norm) - mu[l-1]) * (math.Sqrt(norm) - mu[l-1])
			}
			if l > 1 {
				sum -= gamma * (mu[l-1] - mu[l-2]) * (mu[l-1] - mu[l-2])
			}
		}
		return sum
	}
	slope := func(x *float64) float64 {
		const h = 1e-5
		old := *x
		*x = old + h
		up := energy()
		*x = old - h
		down := energy()
		*x = old
		return (up - down) / (2 * h)
	}
	c.Alpha, c.Gamma = alpha, gamma
	spring := newSpring(&c)
	for l := 1; l < len(layers); l++ {
		spring.forces(p, l)
		pull := spring.pull[l]
		for i := range m.w[l-1] {
			want, got := slope(&m.w[l-1][i]), -float64(pull[i%layers[l]])*m.w[l-1][i]
			if math.Abs(got-want) > 1e-6 {
				t.Errorf("weight %d of layer %d is pulled by %v, want %v", i, l, got, want)
			}
		}
	}
	spring.meanGradient(p)
	for i, got := range spring.gradient {
		if want := slope(&mu[i]); math.Abs(got-want) > 1e-6 {
			t.Errorf("μ of layer %d is pulled by %v, want %v", i+1, got, want)
		}
	}
	clear(p.Weights[2].Squares)
	spring.forces(p, 2)
	if spring.pull[2][0] != 0 {
		t.Errorf("a unit of norm 0 is pulled by %v", spring.pull[2][0])
	}
}

package dbm

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tandem/dbm/kernel"
	"tandem/dbm/kernel/kerneltest"
)

// patterns is random examples, each update others.
type patterns struct{ update *uint64 }

func (p patterns) Prepare(update uint64) { *p.update = update }
func (p patterns) Row(r int, v []float32) {
	rng := rand.New(rand.NewPCG(*p.update, uint64(r)))
	for i := range v {
		v[i] = 0
		if x := rng.Float32(); x > 0.6 {
			v[i] = x
		}
	}
}

// run trains from the beginning, or goes on from a state.
func run(t *testing.T, c Config, from *State, updates uint64, threads int) *State {
	t.Helper()
	if from == nil {
		var err error
		if from, err = Initial(&c, nil); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := NewTrainer(c, kerneltest.Reference, from, patterns{new(uint64)}, threads)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for tr.Updates() < updates {
		if _, err := tr.Update(); err != nil {
			t.Fatal(err)
		}
	}
	return tr.State()
}

// trainings are configurations of every kind.
func trainings() map[string]Config {
	rbm := tiny(23, 9)
	rbm.Batch, rbm.Chains, rbm.LearningRate = 7, 5, 0.05
	spring := tiny(23, 19, 9)
	spring.Batch, spring.Chains, spring.LearningRate, spring.Alpha, spring.Gamma, spring.MuDamping = 6, 9, 0.05,
		[]float64{0.1, 0.2}, 1, 0.01
	spring.UpperRate = 0.5
	spring.MeanFieldTolerance, spring.MeanFieldMax = 1e-3, 20
	deep := tiny(18, 7, 8, 9, 3)
	deep.Batch, deep.Chains, deep.Gibbs, deep.MeanFieldTolerance, deep.MeanFieldMax = 4, 3, 3, 0, 4
	centred := tiny(23, 19, 9, 5)
	centred.Batch, centred.Chains, centred.LearningRate, centred.OffsetRate, centred.LearningRateEnd = 6, 9, 0.05, 0.1, 8
	centred.UpperRate = 0.25
	divergence := rbm
	divergence.Chains, divergence.ContrastiveDivergence, divergence.Gibbs, divergence.WeightDecay = rbm.Batch, true, 2, 0.1
	greedy := tiny(23, 19, 9, 5)
	greedy.Batch, greedy.Chains, greedy.LearningRate, greedy.LearningRateEnd, greedy.Pretrain = 6, 6, 0.05, 4, 3
	local := tiny(24, 19, 9)
	local.Batch, local.Chains, local.Patch, local.ImageColumns, local.OffsetRate = 5, 4, 2, 6, 0.01
	drawn := tiny(23, 19, 20, 5, 6)
	drawn.Batch, drawn.Chains, drawn.LearningRate, drawn.Gibbs, drawn.SamplePosterior = 6, 9, 0.05, 2, true
	drawnCentred := centred
	drawnCentred.SamplePosterior = true
	return map[string]Config{"drawn": drawn, "drawn and centred": drawnCentred, "local": local, "divergence": divergence,
		"greedy": greedy, "rbm": rbm, "spring": spring, "deep": deep, "centred": centred}
}

// Neither the number of workers nor a cut in the run shows.
func TestThreadsAndCutsDoNotShow(t *testing.T) {
	for name, c := range trainings() {
		want := run(t, c, nil, 13, 1).SHA256()
		for _, threads := range []int{2, 3, 8, 11} {
			if got := run(t, c, nil, 13, threads).SHA256(); got != want {
				t.Errorf("%s: %d threads differ from one", name, threads)
			}
		}
		for _, cut := range []uint64{1, 6, 12} {
			if got := run(t, c, run(t, c, nil, cut, 2), 13, 1).SHA256(); got != want {
				t.Errorf("%s: a cut at update %d shows", name, cut)
			}
		}
		if got := run(t, c, nil, 12, 1).SHA256(); got == want {
			t.Errorf("%s: update 13 changed nothing", name)
		}
		c.Seed++
		if got := run(t, c, nil, 13, 1).SHA256(); got == want {
			t.Errorf("%s: another seed gives the same", name)
		}
	}
}

// A whole update, written once more in float64 from the formulas.
func TestUpdateByHand(t *testing.T) {
	c := trainings()["spring"]
	before := run(t, c, nil, 3, 1)
	tr := trainer(t, c, before, patterns{new(uint64)}, 2)
	stats, err := tr.Update()
	if err != nil {
		t.Fatal(err)
	}
	after := tr.State()
	row := tr.updater.lower
	mean := func(f func(r int) float64, from, to int) float64 {
		sum := 0.0
		for r := from; r < to; r++ {
			sum += f(r)
		}
		return sum / float64(to-from)
	}
	both := func(f func(r int) float64) float64 {
		return mean(f, 0, c.Batch) - mean(f, c.Batch, c.Batch+c.Chains)
	}
	share := func(l int) float64 {
		if l == 2 {
			return c.UpperRate
		}
		return 1
	}
	var norms [3][]float64
	for l := 1; l <= 2; l++ {
		n := c.Layers[l]
		for j := range n {
			square := 0.0
			for i := range c.Layers[l-1] {
				square += math.Pow(float64(before.Weights[l-1][i*n+j]), 2)
			}
			norms[l] = append(norms[l], math.Sqrt(square))
		}
		deviation := 0.0
		for j := range n {
			deviation += norms[l][j] - before.Mu[l-1]
			for i := range c.Layers[l-1] {
				w := float64(before.Weights[l-1][i*n+j])
				g := both(func(r int) float64 { return float64(row(l-1, r)[i]) * float64(row(l, r)[j]) })
				want := w + share(l)*c.LearningRate*(g-2*c.Alpha[l-1]*(norms[l][j]-before.Mu[l-1])*w/norms[l][j])
				if got := float64(after.Weights[l-1][i*n+j]); math.Abs(got-want) > 1e-6 {
					t.Fatalf("weight %d, %d of layer %d is %v, want %v", i, j, l, got, want)
				}
			}
		}
		gradient := 2*c.Alpha[l-1]*deviation - 2*c.Gamma*(before.Mu[l-1]-before.Mu[2-l])
		want := before.Mu[l-1] + c.LearningRate*c.MuDamping*gradient
		if got := after.Mu[l-1]; math.Abs(got-want) > 1e-7 || got == before.Mu[l-1] {
			t.Errorf("μ of layer %d is %v, want %v", l, got, want)
		}
	}
	for l, n := range c.Layers {
		for j := range n {
			want := float64(before.Biases[l][j]) +
				share(l)*c.LearningRate*both(func(r int) float64 { return float64(row(l, r)[j]) })
			if got := float64(after.Biases[l][j]); math.Abs(got-want) > 1e-6 {
				t.Errorf("bias %d of layer %d is %v, want %v", j, l, got, want)
			}
		}
	}
	// The reconstruction is of one state, that after the update.
	inference, err := NewInference(&c, kerneltest.Reference, after, c.Batch, c.MeanFieldTolerance, c.MeanFieldMax)
	if err != nil {
		t.Fatal(err)
	}
	for r := range c.Batch {
		copy(inference.Visible(r), row(0, r))
	}
	inference.Infer(c.Batch)
	wrong := 0.0
	for r := range c.Batch {
		for i, v := range row(0, r) {
			pre := float64(after.Biases[0][i])
			for j, q := range inference.Hidden(1)[r*kernel.Stride(c.Layers[1]):][:c.Layers[1]] {
				pre += float64(after.Weights[0][i*c.Layers[1]+j]) * float64(q)
			}
			d := float64(v) - 1/(1+math.Exp(-pre))
			wrong += d * d / float64(c.Batch)
		}
	}
	if got := tr.ReconstructionError(); math.Abs(got-wrong) > 1e-6 {
		t.Errorf("reconstruction error %v, want %v", got, wrong)
	}
	if stats.Iterations < 1 || stats.Iterations > float64(c.MeanFieldMax) ||
		stats.Iterations*float64(c.Batch) != math.Round(stats.Iterations*float64(c.Batch)) {
		t.Errorf("%v iterations", stats.Iterations)
	}
	for l := range c.Layers {
		for chain := range c.Chains {
			for j, x := range row(l, c.Batch+chain) {
				if got := after.Chains[l][chain*c.Layers[l]+j]; got != x {
					t.Fatalf("chain %d of layer %d is stored as %v, was used as %v", chain, l, got, x)
				}
			}
		}
	}
}

func TestDivergenceIsNamed(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for what, f := range map[string]func(m *Model){
		"the weights of unit 5 of layer 2 have norm NaN":  func(m *Model) { m.Weights[2].Squares[5] = nan },
		"the weights of unit 0 of layer 1 have norm +Inf": func(m *Model) { m.Weights[1].Squares[0] = inf },
		"the bias of unit 2 of layer 0 is -Inf":           func(m *Model) { m.Bias[0][2] = -inf },
		"the mean norm of layer 2 is NaN":                 func(m *Model) { m.mu[1] = math.NaN() },
	} {
		c := trainings()["spring"]
		s, err := Initial(&c, nil)
		if err != nil {
			t.Fatal(err)
		}
		tr := trainer(t, c, s, patterns{new(uint64)}, 1)
		tr.updater.updates = 7
		if err := tr.updater.finite(); err != nil {
			t.Fatal(err)
		}
		f(tr.updater.model)
		want := "update 7: " + what + ": training has diverged"
		if err := tr.updater.finite(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v", what, err)
		}
	}
	for what, f := range map[string]func(s *State){
		"weight": func(s *State) { s.Weights[1][5] = float32(math.NaN()) },
		"bias":   func(s *State) { s.Biases[1][2] = float32(math.Inf(1)) },
		"mean":   func(s *State) { s.Mu[0] = math.Inf(1) },
	} {
		c := trainings()["spring"]
		s, err := Initial(&c, nil)
		if err != nil {
			t.Fatal(err)
		}
		f(s)
		_, err = trainer(t, c, s, patterns{new(uint64)}, 1).Update()
		if err == nil || !strings.Contains(err.Error(), "diverged") {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, f := range map[string]func(c *Config){
		"layers": func(c *Config) { c.Layers = []int{784} }, "layer 1": func(c *Config) { c.Layers[1] = 0 },
		"weights": func(c *Config) { c.Layers = []int{1 << 20, 1 << 20}; c.Alpha = c.Alpha[:1] },
		"batch":   func(c *Config) { c.Batch = 0 }, "chains": func(c *Config) { c.Chains = -1 },
		"gibbs": func(c *Config) { c.Gibbs = 1 << 20 }, "mean_field_max": func(c *Config) { c.MeanFieldMax = 0 },
		"mean_field_tolerance": func(c *Config) { c.MeanFieldTolerance = math.NaN() },
		"learning_rate":        func(c *Config) { c.LearningRate = math.Inf(1) },
		"alpha":                func(c *Config) { c.Alpha[1] = -1 },
		"alpha: 1 values":      func(c *Config) { c.Alpha = c.Alpha[:1] },
		"gamma":                func(c *Config) { c.Gamma = -0.1 }, "mu_damping": func(c *Config) { c.MuDamping = -1 },
		"init_scale": func(c *Config) { c.InitScale = math.NaN() },
	} {
		c := trainings()["spring"]
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		f(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A sampler's chains, run on from a state, are where one more sweep would take
// them, and its means are the probabilities of the visible units.
func TestSampler(t *testing.T) {
	c := trainings()["spring"]
	s := run(t, c, nil, 2, 1)
	g, err := NewSampler(&c, kerneltest.Reference, s, 0, 5)
	if err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		means := g.Means()
		for chain := range g.chains {
			for i := range c.Layers[0] {
				pre := float64(s.Biases[0][i])
				for j := range c.Layers[1] {
					pre += float64(s.Weights[0][i*c.Layers[1]+j]) * float64(g.x[1][chain*kernel.Stride(c.Layers[1])+j])
				}
				if got, want := float64(means[chain*c.Layers[0]+i]), 1/(1+math.Exp(-pre)); math.Abs(got-want) > 1e-6 {
					t.Fatalf("chain %d: mean of pixel %d is %v, want %v", chain, i, got, want)
				}
			}
		}
	}
	check()
	for l, n := range c.Layers {
		if got := g.x[l][2*kernel.Stride(n)+1]; got != s.Chains[l][2*n+1] {
			t.Errorf("layer %d does not start where the state is", l)
		}
	}
	want := make([][]float32, len(c.Layers))
	for l := range c.Layers {
		want[l] = slices.Clone(g.x[l])
	}
	alone := newGibbs(g.model, kerneltest.Reference, tracer{})
	for sweep := uint32(1); sweep <= 2; sweep++ {
		alone.sweep(want, c.Chains, 1, kernel.Draw{Seed: 5, Update: sweep}, kernel.ForSamples)
		before := slices.Clone(g.x[0])
		g.Sweep()
		check()
		if slices.Equal(before, g.x[0]) {
			t.Errorf("sweep %d changes nothing", sweep)
		}
		for l := range want {
			if !slices.Equal(g.x[l], want[l]) {
				t.Errorf("layer %d is not where sweep %d leads", l, sweep)
			}
		}
	}
	if fresh, err := NewSampler(&c, kerneltest.Reference, s, 31, 5); err != nil {
		t.Error(err)
	} else {
		for l, n := range c.Layers {
			start := make([]float32, n)
			kernel.Draw{Seed: 5, Row: 30, Tag: kernel.Tag(kernel.ForSamples, l, 0)}.Coins(start)
			if !slices.Equal(fresh.x[l][30*kernel.Stride(n):][:n], start) {
				t.Errorf("layer %d of a new chain does not start with its coins", l)
			}
		}
	}
	if fresh, err := NewSampler(&c, kerneltest.Reference, s, 31, 5); err != nil || len(fresh.Means()) != 31*c.Layers[0] {
		t.Errorf("31 fresh chains: error %v", err)
	}
	if _, err := NewSampler(&c, kerneltest.Reference, s, -1, 5); err == nil {
		t.Error("-1 chains are taken")
	}
}

// With exactly the most iterations, all examples make them.
func TestIterationsAreCounted(t *testing.T) {
	c := trainings()["deep"]
	s, err := Initial(&c, nil)
	if err != nil {
		t.Fatal(err)
	}
	stats, err := trainer(t, c, s, patterns{new(uint64)}, 3).Update()
	if err != nil || stats.Iterations != float64(c.MeanFieldMax) {
		t.Errorf("%v iterations (%v), want %d", stats.Iterations, err, c.MeanFieldMax)
	}
}

// A state of other shapes than the configuration asks for is refused.
func TestStateMustFit(t *testing.T) {
	for what, f := range map[string]func(s *State){
		"weights": func(s *State) { s.Weights[1] = s.Weights[1][1:] },
		"biases":  func(s *State) { s.Biases = s.Biases[:2] },
		"mu":      func(s *State) { s.Mu = nil },
		"chains":  func(s *State) { s.Chains[0] = append(s.Chains[0], 1) },
	} {
		c := trainings()["spring"]
		s, err := Initial(&c, nil)
		if err != nil {
			t.Fatal(err)
		}
		f(s)
		if _, err := NewTrainer(c, kerneltest.Reference, s, nil, 1); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: error %v", what, err)
		}
		if _, err := NewSampler(&c, kerneltest.Reference, s, 0, 1); err == nil {
			t.Errorf("%s: a sampler takes it", what)
		}
	}
}

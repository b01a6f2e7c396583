package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"tandem/dbm"
	"tandem/dbm/classifier"
	"tandem/dbm/dbmtest"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/mnist"
)

// training is a short run on real MNIST, and the hash of where it ends on every
// machine. A hash may change only together with kernel.Version.
type training struct {
	name   string
	config dbm.Config
	pixels mnist.Pixels
	want   string
}

func trainings() []training {
	base := dbm.Config{Batch: 20, Chains: 15, Gibbs: 1, MeanFieldTolerance: 1e-4, MeanFieldMax: 50,
		LearningRate: 1e-2, Gamma: 1, MuDamping: 1e-3, InitScale: 0.05, Seed: 3}
	with := func(f func(c *dbm.Config)) dbm.Config {
		c := base
		f(&c)
		if c.Alpha == nil {
			c.Alpha = make([]float64, c.Hidden())
		}
		return c
	}
	return []training{
		{"spring", with(func(c *dbm.Config) { c.Layers = []int{784, 70, 33}; c.Alpha = []float64{0.1, 0.2} }), mnist.Grey,
			"62bc8b08479b38daa97e09f3035bffd4ef19f1fa5f2fcd2d7210ad541162738e"},
		{"direct", with(func(c *dbm.Config) { c.Layers = []int{784, 36, 20, 50}; c.Gibbs = 2 }), mnist.Sample,
			"2a7eb3aa4a962b8885877346f7178a1477c53bff7a8822502fbce0b0e3ed3f32"},
		{"rbm", with(func(c *dbm.Config) { c.Layers = []int{784, 50}; c.LearningRate = 0.1; c.Batch = 7 }), mnist.Fixed,
			"ed80d44a9c2530561291db25eab1f84f99358699c299a57e29f47564a83bba07"},
		{"fixed", with(func(c *dbm.Config) {
			c.Layers = []int{784, 40, 40}
			c.MeanFieldTolerance, c.MeanFieldMax = 0, 10
			c.InitScale = 0.3
		}), mnist.Threshold, "98397992766cd87f32ababa30cb7e454532c50dc339fee99daf0bbaf65f60271"},
		{"centred", with(func(c *dbm.Config) {
			c.Layers, c.OffsetRate, c.LearningRateEnd, c.WeightDecay = []int{784, 36, 20, 50}, 0.01, 10, 0.01
		}), mnist.Sample,
			"df9d9aa0b6f8d23f52a84ab80703a9b47ae99f895713ccffdf372f0e0f326791"},
		{"upper", with(func(c *dbm.Config) {
			c.Layers, c.OffsetRate, c.UpperRate = []int{784, 36, 20, 50}, 0.01, 0.1
		}), mnist.Sample,
			"72fd3ac36b452b3ea41cb86e5124c3e16cdb2efc1bdae0e24e878d75551ed0d2"},
		{"drawn", with(func(c *dbm.Config) {
			c.Layers, c.OffsetRate, c.SamplePosterior, c.LearningRate = []int{784, 36, 20, 50, 17}, 0.01, true, 0.1
		}), mnist.Sample,
			"ebfaa5a6b049a55a05fe8ca9df5b2283bd75e4188b3c902a18ff6613febea210"},
		{"divergence", with(func(c *dbm.Config) {
			c.Layers, c.Batch, c.Chains, c.ContrastiveDivergence, c.Gibbs = []int{784, 50}, 12, 12, true, 3
		}), mnist.Grey,
			"bc8e078ce0203def0769c9683970afe432b51d8cf8183bca6f7d51f7564ab1cc"},
		{"greedy", with(func(c *dbm.Config) { c.Layers, c.Pretrain, c.OffsetRate = []int{784, 36, 20, 50}, 3, 0.05 }),
			mnist.Sample,
			"9670a8c108fe897eb603737e5e1adee6714905d94fd063b5582d541f9314052c"},
		{"local", with(func(c *dbm.Config) { c.Layers, c.Patch, c.ImageColumns = []int{784, 70, 33}, 9, 28 }), mnist.Grey,
			"b5cede460a0eeb5f71b20a565df82ec5196bc601bcc4283ef1f4d4ac0a33ced0"},
	}
}

// train makes updates from a state, or from the beginning if it is nil.
func (c *training) train(t *testing.T, set *mnist.Set, k kernel.Set, threads int, from *dbm.State,
	updates uint64) *dbm.State {
	t.Helper()
	if from == nil {
		var err error
		if from, err = dbm.Initial(&c.config, set.Mean(c.pixels)); err != nil {
			t.Fatal(err)
		}
	}
	batches, err := mnist.NewMinibatches(set, c.pixels, c.config.Seed, c.config.Batch)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := dbm.NewTrainer(c.config, &k, from, batches, threads)
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

// few is the first images of MNIST: enough for these runs, which see several
// epochs of them.
func few(t *testing.T) *mnist.Set {
	set, err := mnist.Open("", mnist.Test)
	if err != nil {
		t.Fatal(err)
	}
	small := *set
	small.Images = &mnist.Images{N: 100, Rows: 28, Columns: 28, Pixels: set.Images.Pixels[:100*784]}
	return &small
}

// The same bits from every kernel, any number of threads and any cut, and on
// every machine.
func TestSameBitsEverywhere(t *testing.T) {
	set := few(t)
	kernels := setsHere()
	for _, c := range trainings() {
		const updates = 12
		for _, k := range kernels {
			for _, threads := range []int{1, 2, 3} {
				if got := c.train(t, set, k, threads, nil, updates).SHA256(); got != c.want {
					t.Errorf("%s: %s kernels on %d threads end in %s, want %s", c.name, k.Name, threads, got, c.want)
				}
			}
			cut := c.train(t, set, k, 2, nil, 5)
			if got := c.train(t, set, k, 1, cut, updates).SHA256(); got != c.want {
				t.Errorf("%s: %s kernels cut at update 5 end in %s, want %s", c.name, k.Name, got, c.want)
			}
		}
	}
}

// The steady state of training allocates nothing.
func TestUpdateAllocatesNothing(t *testing.T) {
	kernels := vectorKernels()
	if len(kernels) == 0 {
		t.Skip("the generic sampler allocates")
	}
	set := few(t)
	for _, c := range trainings() {
		state, err := dbm.Initial(&c.config, set.Mean(c.pixels))
		if err != nil {
			t.Fatal(err)
		}
		batches, err := mnist.NewMinibatches(set, c.pixels, 1, c.config.Batch)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := dbm.NewTrainer(c.config, &kernels[0], state, batches, 2)
		if err != nil {
			t.Fatal(err)
		}
		update := func() {
			if _, err := tr.Update(); err != nil {
				t.Fatal(err)
			}
		}
		for range 30 {
			update()
		}
		if n := testing.AllocsPerRun(20, update); n > 0 {
			t.Errorf("%s: %v allocations an update", c.name, n)
		}
		tr.Close()
	}
}

func BenchmarkUpdate(b *testing.B) {
	set, err := mnist.Open("", mnist.Train)
	if err != nil {
		b.Fatal(err)
	}
	k, err := chooseKernels()
	if err != nil {
		b.Fatal(err)
	}
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("784-500-500/threads=%d", threads), func(b *testing.B) {
			c := dbm.Config{Layers: []int{784, 500, 500}, Batch: 50, Chains: 50, Gibbs: 1, MeanFieldMax: 10, LearningRate: 1e-2,
				Alpha: []float64{0.1, 0.1}, Gamma: 1, MuDamping: 1e-3, InitScale: 0.003, Seed: 1}
			state, err := dbm.Initial(&c, set.Mean(mnist.Grey))
			if err != nil {
				b.Fatal(err)
			}
			batches, err := mnist.NewMinibatches(set, mnist.Grey, 1, c.Batch)
			if err != nil {
				b.Fatal(err)
			}
			tr, err := dbm.NewTrainer(c, &k, state, batches, threads)
			if err != nil {
				b.Fatal(err)
			}
			defer tr.Close()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tr.Update(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
		})
	}
}

// Neither threads, nor kernels, nor the way the runs are shared out show in a
// log-weight.
func TestSameLogWeightsEverywhere(t *testing.T) {
	c, s := dbmtest.Model(3, 0.3, 70, 33, 20, 41)
	anneal := func(k kernel.Set, first, runs, threads int) *likelihood.Weights {
		w, err := likelihood.Anneal(t.Context(), c, &k, s, likelihood.Annealing{Runs: runs, First: first, Temperatures: 40,
			Sweeps: 3, Seed: 5, Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	want := anneal(genericKernels, 0, 13, 1)
	for _, k := range setsHere() {
		for _, threads := range []int{1, 2, 3, 20} {
			if got := anneal(k, 0, 13, threads); !slices.Equal(got.Up, want.Up) || !slices.Equal(got.Down, want.Down) ||
				got.LogZ0 != want.LogZ0 {
				t.Errorf("%s kernels on %d threads: other weights", k.Name, threads)
			}
		}
		if got := anneal(k, 9, 4, 2); !slices.Equal(got.Up, want.Up[9:]) || !slices.Equal(got.Down, want.Down[9:]) {
			t.Errorf("%s kernels: runs 9 to 12 alone have other weights", k.Name)
		}
	}
	// What they were when the tests against exact values first passed.
	if up, down := fmt.Sprintf("%x", want.Up[12]), fmt.Sprintf("%x", want.Down[0]); up != "0x1.0f41bd13825eep+05" ||
		down != "-0x1.4f77f334a89e8p+05" {
		t.Errorf("log-weights %s and %s are not those that they were", up, down)
	}
	if want.Up[0] == want.Up[1] || want.Down[0] == want.Down[1] {
		t.Error("two runs are the same")
	}
}

// Neither kernels, nor threads, nor the machine show in anything that a score has.
func TestSameScoresEverywhere(t *testing.T) {
	c, s := dbmtest.Model(3, 0.3, 30, 13, 10, 7)
	row := func(i int, v []float32) { kernel.Draw{Seed: 9, Row: uint32(i)}.Coins(v) }
	sets := []likelihood.Examples{{Name: "coins", N: 6, Row: row}}
	sum := func(k kernel.Set, threads int) string {
		base, err := likelihood.BaseOf(t.Context(), c, &k, s, nil, 60, row, threads)
		if err != nil {
			t.Fatal(err)
		}
		exchange := likelihood.Exchange{Ensembles: 4, Sweeps: 150, Samples: 3, Base: base, Example: row, Seed: 7}
		e := likelihood.Effort{Exchange: &exchange,
			Annealing: &likelihood.Annealing{Runs: 60, Temperatures: 20, UpOnly: true, Base: base, Seed: 7}, Draws: 120, Seed: 7,
			Posterior: &likelihood.Clamped{Examples: 3, Runs: 20, Temperatures: 10, Seed: 7}, Threads: threads,
			Begin: func(likelihood.Stage, string) func(float64) { return nil }}
		score, err := likelihood.Evaluate(t.Context(), c, &k, s, sets, e)
		if err != nil {
			t.Fatal(err)
		}
		worth, err := e.Worth(t.Context(), c, &k, s, 2, sets, score)
		if err != nil {
			t.Fatal(err)
		}
		all := fmt.Appendf(nil, "%v %v %v %v", base, score.LogZ, *score.Annealing, worth.Sets)
		for _, found := range []*likelihood.Exchanged{score.Exchange, worth.Ratio} {
			ensembles, err := json.Marshal(found.Ensembles)
			if err != nil {
				t.Fatal(err)
			}
			all = fmt.Appendf(all, " %s %v %v %v %v", ensembles, found.LogZ, found.MBAR, found.MBARStdErr, found.Betas)
			for i := range found.Ensembles {
				all = fmt.Append(all, found.Ensembles[i].Samples)
			}
		}
		x := &score.Sets[0]
		all = fmt.Append(all, x.Terms, x.Bound, x.Weights, *x.Weighted, x.Bridged.Each)
		return fmt.Sprintf("%x", sha256.Sum256(all))
	}
	want := sum(setsHere()[0], 1)
	for _, k := range setsHere() {
		for _, threads := range []int{1, 3} {
			if testing.Short() { // an emulated machine, which takes minutes
				break
			}
			if got := sum(k, threads); got != want {
				t.Errorf("%s kernels on %d threads: another score", k.Name, threads)
			}
		}
	}
	const was = "7aa2facba362f9b50c751642a1b2d199581ea248b9fd697370d1db4ff8e0253f"
	if want != was {
		t.Errorf("the score is %s, no longer %s", want, was)
	}
}

// Neither kernels nor threads show in a bound.
func TestSameBoundsEverywhere(t *testing.T) {
	c, s := dbmtest.Model(4, 0.3, 50, 33, 20, 17)
	row := func(i int, v []float32) { kernel.Draw{Seed: 9, Row: uint32(i)}.Coins(v) }
	var want []likelihood.Terms
	for _, k := range setsHere() {
		for _, threads := range []int{1, 2, 3} {
			got, err := likelihood.Bound(t.Context(), c, &k, s, 120, row, threads, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s kernels on %d threads: other bounds", k.Name, threads)
			}
		}
	}
}

// prepared is a small problem: images of random pixels, labelled by the
// sums of their halves.
func prepared(t *testing.T, c *dbm.Config, s *dbm.State, k *kernel.Set, n, classes, threads int) *classifier.Examples {
	t.Helper()
	pixels := c.Layers[0]
	images, labels := dbmtest.Labelled(n, pixels, classes)
	e, err := classifier.Prepare(t.Context(), c, k, s, labels, func(i int, v []float32) { copy(v, images[i*pixels:]) },
		threads, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func upTo(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x
}

// Neither kernels nor threads show in what is learnt.
func TestSameClassifierEverywhere(t *testing.T) {
	kernels := setsHere()
	for _, c := range []struct {
		layers []int
		step   float64 // of adversarial examples
		want   string
	}{
		{[]int{33, 20, 17}, 0.1, "6fe6c0229e1c10aad08ec3013bca82f24b5552b411e5c8a0beeca8cd2d0ca065"},
		{[]int{40, 21}, 0.1, "ea39ed445949dc2d9d32bf454b48d09949b9c96a134ff2485062e0f214b51d4a"},
		{[]int{33, 20, 17}, 0, "14a01dd32bc1d1a3308875db6cc8fb74f55d109f9d5ca5035d638c05d6605e9f"},
		{[]int{30, 18, 12, 9}, 0, "79b2f7e8145893b87b04d9c85687ab4b3846c51a974c05b0dfd7ad2cde497e7d"},
		{[]int{40, 21}, 0, "81b8020d4c98bb101c0100c45fc253488ce14894a2e84eff69ed5c5bd5ee1682"},
	} {
		config, s := dbmtest.Model(5, 0.2, c.layers...)
		for _, k := range kernels {
			for _, threads := range []int{1, 2, 3} {
				e := prepared(t, config, s, &k, 50, 3, threads)
				n, err := classifier.New(config, &k, s, 3)
				if err != nil {
					t.Fatal(err)
				}
				how := classifier.Config{Epochs: 4, Batch: 7, LearningRate: 0.01, DropVisible: 0.2, DropHidden: 0.5, Seed: 3,
					Threads: threads}
				if c.step > 0 { // few enough pixels are left that they are listed
					how.Adversarial, how.DropVisible, how.TopFirst = c.step, 0.5, 1
				}
				if err := n.Train(t.Context(), how, e, upTo(40), upTo(50)[40:], nil); err != nil {
					t.Fatal(err)
				}
				h := sha256.New()
				for _, x := range n.Parameters() {
					fmt.Fprintf(h, "%08x", math.Float32bits(x))
				}
				if got := hex.EncodeToString(h.Sum(nil)); got != c.want {
					t.Errorf("%v: %s kernels on %d threads end in %s, want %s", c.layers, k.Name, threads, got, c.want)
				}
			}
		}
	}
}

func BenchmarkAnneal(b *testing.B) {
	chosen, err := chooseKernels()
	if err != nil {
		b.Fatal(err)
	}
	k := &chosen
	c, s := dbmtest.Model(3, 0.05, 784, 500, 500)
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("784-500-500/threads=%d", threads), func(b *testing.B) {
			for b.Loop() {
				if _, err := likelihood.Anneal(b.Context(), c, k, s, likelihood.Annealing{Runs: 100, Temperatures: 100,
					Threads: threads}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

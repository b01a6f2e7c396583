package main

import (
	"fmt"
	"testing"

	"tandem/dbm"
	"tandem/dbm/kernel"
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
		{"greedy", with(func(c *dbm.Config) { c.Layers, c.Pretrain, c.OffsetRate = []int{784, 36, 20, 50}, 3, 0.05 }), mnist.Sample,
			"9670a8c108fe897eb603737e5e1adee6714905d94fd063b5582d541f9314052c"},
		{"local", with(func(c *dbm.Config) { c.Layers, c.Patch, c.ImageColumns = []int{784, 70, 33}, 9, 28 }), mnist.Grey,
			"b5cede460a0eeb5f71b20a565df82ec5196bc601bcc4283ef1f4d4ac0a33ced0"},
	}
}

// train makes updates from a state, or from the beginning if it is nil.
func (c *training) train(t *testing.T, set *mnist.Set, k kernel.Set, threads int, from *dbm.State, updates uint64) *dbm.State {
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
	kernels := append(vectorKernels(), genericKernels)
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

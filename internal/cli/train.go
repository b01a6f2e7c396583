package cli

import (
	"flag"
	"fmt"
	"strconv"
	"time"

	"tandem/internal/runs"
	"tandem/mnist"
)

// train is the verb that begins a run.
func train(t *terminal, m *Machine, args []string) (err error) {
	f := flags(t, "tandem train [flags]")
	given, _ := runs.Preset("quick")
	name := f.String("preset", given.Preset, "`NAME` what to begin with: quick, paper, direct or best; the defaults below are those of\n"+blank+"quick")
	file := f.String("config", "", "`FILE` configuration in JSON, such as config.json of a run, which may name its preset;\n"+blank+"it beats the preset, and flags beat both")
	out := f.String("out", "", "`RUN` folder to be made (default a new one under runs)")
	set := configFlags(f, &given)
	h := howFlags(f, t)
	estimates := estimateFlag(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	if *file != "" && !flagsGiven(f)["preset"] {
		var c runs.Settings
		if err := c.ReadFile(*file); err != nil {
			return fmt.Errorf("train: %w", err)
		}
		if _, err := runs.Preset(c.Preset); err == nil {
			*name = c.Preset
		}
	}
	c, err := runs.Preset(*name)
	if err != nil {
		return err
	}
	layers, from := false, ""
	if *file != "" {
		if err := c.ReadFile(*file); err != nil {
			return fmt.Errorf("train: %w", err)
		}
		layers, from = true, fmt.Sprintf(" (%s may have it so)", *file)
	}
	alpha := false
	f.Visit(func(g *flag.Flag) {
		if set[g.Name] != nil {
			set[g.Name](&c, &given)
		}
		layers = layers || g.Name == "layers"
		alpha = alpha || g.Name == "alpha"
	})
	c.FitAlpha(alpha)
	known := c
	known.Patch = 0 // until the images are there
	if err := known.Validate(); err != nil {
		return usageError{fmt.Errorf("train: %w%s", err, from)}
	}
	if _, err := mnist.ParsePixels(c.Pixels); err != nil {
		return usageError{fmt.Errorf("train: pixels: %w", err)}
	}
	if c.Data, err = absolute(c.Data); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if err := h.begin(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	defer h.end(&err)
	data, err := mnist.Open(c.Data, mnist.Train)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if n := data.Rows() * data.Columns(); c.Layers[0] != n {
		if layers {
			return usageError{fmt.Errorf("train: layers: the visible layer has %d units, but the images of %s have %d × %d = %d pixels",
				c.Layers[0], data.Source, data.Rows(), data.Columns(), n)}
		}
		c.Layers[0] = n
	}
	if c.Patch > 0 {
		c.ImageColumns = data.Columns()
		if err := c.Validate(); err != nil {
			return usageError{fmt.Errorf("train: %w%s", err, from)}
		}
	}
	if err := estimates.open(c.Data, c.Layers[0]); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	var run *runs.Run
	if *out == "" {
		run, err = runs.CreateIn("runs", time.Now(), c)
	} else {
		run, err = runs.Create(*out, c)
	}
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	defer run.Close()
	x := &training{terminal: t, machine: m, how: h, estimator: estimates, run: run, data: data, arguments: append([]string{"train"}, args...)}
	if err := x.describe(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return x.train(nil)
}

// blank is the indentation of a second line of a flag's help.
const blank = "                                 "

// configFlags defines the flags that make up a configuration. It returns, for each,
// what copies its value.
func configFlags(f *flag.FlagSet, c *runs.Settings) map[string]func(to, from *runs.Settings) {
	f.Var(list[int]{&c.Layers, strconv.Atoi}, "layers", "`N,N,…` units of each layer, the visible one first")
	f.Uint64Var(&c.Updates, "updates", c.Updates, "`N` updates in all")
	f.IntVar(&c.Batch, "batch", c.Batch, "`N` examples an update")
	f.IntVar(&c.Chains, "chains", c.Chains, "`N` persistent chains")
	f.IntVar(&c.Gibbs, "gibbs", c.Gibbs, "`N` sweeps of the chains an update")
	f.Float64Var(&c.MeanFieldTolerance, "mean-field-tolerance", c.MeanFieldTolerance, "`X` an example is done when no unit changes by as much; 0: always the most\n"+blank+"iterations")
	f.IntVar(&c.MeanFieldMax, "mean-field-max", c.MeanFieldMax, "`N` most iterations of mean field")
	f.Float64Var(&c.LearningRate, "learning-rate", c.LearningRate, "`X` of weights and biases")
	f.Uint64Var(&c.LearningRateEnd, "learning-rate-end", c.LearningRateEnd, "`N` update towards which the rate falls in a straight line, to a hundredth; it\n"+blank+"starts anew with each stage of pretraining; 0: the rate stays")
	f.Float64Var(&c.UpperRate, "upper-rate", c.UpperRate, "`X` rate of the layers above the first hidden one over the learning rate, when all\n"+blank+"train together; 0: the same")
	f.Float64Var(&c.OffsetRate, "offset-rate", c.OffsetRate, "`X` centering, with offsets that move towards each minibatch's means by this\n"+blank+"share; 0: none")
	f.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "`X` each update takes learning rate · X of the weights")
	f.BoolVar(&c.ContrastiveDivergence, "contrastive-divergence", c.ContrastiveDivergence, "chains of an RBM begin each update at its examples")
	f.IntVar(&c.Patch, "patch", c.Patch, "`N` side of the square of pixels that a unit of layer 1 sees; 0: all pixels")
	f.Uint64Var(&c.Pretrain, "pretrain", c.Pretrain, "`N` updates of greedy pretraining for each layer, of those in all")
	f.Var(list[float64]{&c.Alpha, parseFloat}, "alpha", "`X,…` strength of the spring on the norms, one for all hidden layers or one for\n"+blank+"each; 0: no spring")
	f.Float64Var(&c.Gamma, "gamma", c.Gamma, "`X` pull between the mean norms of neighbouring layers")
	f.Float64Var(&c.MuDamping, "mu-damping", c.MuDamping, "`X` learning rate of the mean norms over that of the weights")
	f.StringVar(&c.Pixels, "pixels", c.Pixels, "`HOW` grey levels become values: grey, threshold, sample (anew at each use)\n"+blank+"or fixed (sampled once)")
	f.Float64Var(&c.InitScale, "init-scale", c.InitScale, "`X` standard deviation of the initial weights")
	f.BoolVar(&c.ZeroBiases, "zero-biases", c.ZeroBiases, "visible biases begin at 0, not at the log-odds of the mean image")
	f.BoolVar(&c.SamplePosterior, "sample-posterior", c.SamplePosterior, "what hidden layers have in common is learnt from states drawn from the posterior,\n"+blank+"not from mean field, which lets small weights between them decay")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "`N` the same seed gives the same bits on every machine")
	f.Uint64Var(&c.CheckpointEvery, "checkpoint-every", c.CheckpointEvery, "`N` updates from one checkpoint to the next")
	f.StringVar(&c.Data, "data", c.Data, "`DIR` folder with images in IDX format, train-images-idx3-ubyte or the same with .gz;\n"+blank+"without --layers the visible layer takes their size (default the embedded MNIST)")
	return map[string]func(to, from *runs.Settings){
		"layers":                 func(to, from *runs.Settings) { to.Layers = from.Layers },
		"updates":                func(to, from *runs.Settings) { to.Updates = from.Updates },
		"batch":                  func(to, from *runs.Settings) { to.Batch = from.Batch },
		"chains":                 func(to, from *runs.Settings) { to.Chains = from.Chains },
		"gibbs":                  func(to, from *runs.Settings) { to.Gibbs = from.Gibbs },
		"mean-field-tolerance":   func(to, from *runs.Settings) { to.MeanFieldTolerance = from.MeanFieldTolerance },
		"mean-field-max":         func(to, from *runs.Settings) { to.MeanFieldMax = from.MeanFieldMax },
		"learning-rate":          func(to, from *runs.Settings) { to.LearningRate = from.LearningRate },
		"learning-rate-end":      func(to, from *runs.Settings) { to.LearningRateEnd = from.LearningRateEnd },
		"upper-rate":             func(to, from *runs.Settings) { to.UpperRate = from.UpperRate },
		"patch":                  func(to, from *runs.Settings) { to.Patch = from.Patch },
		"weight-decay":           func(to, from *runs.Settings) { to.WeightDecay = from.WeightDecay },
		"contrastive-divergence": func(to, from *runs.Settings) { to.ContrastiveDivergence = from.ContrastiveDivergence },
		"pretrain":               func(to, from *runs.Settings) { to.Pretrain = from.Pretrain },
		"offset-rate":            func(to, from *runs.Settings) { to.OffsetRate = from.OffsetRate },
		"alpha":                  func(to, from *runs.Settings) { to.Alpha = from.Alpha },
		"gamma":                  func(to, from *runs.Settings) { to.Gamma = from.Gamma },
		"mu-damping":             func(to, from *runs.Settings) { to.MuDamping = from.MuDamping },
		"pixels":                 func(to, from *runs.Settings) { to.Pixels = from.Pixels },
		"init-scale":             func(to, from *runs.Settings) { to.InitScale = from.InitScale },
		"zero-biases":            func(to, from *runs.Settings) { to.ZeroBiases = from.ZeroBiases },
		"sample-posterior":       func(to, from *runs.Settings) { to.SamplePosterior = from.SamplePosterior },
		"seed":                   func(to, from *runs.Settings) { to.Seed = from.Seed },
		"checkpoint-every":       func(to, from *runs.Settings) { to.CheckpointEvery = from.CheckpointEvery },
		"data":                   func(to, from *runs.Settings) { to.Data = from.Data },
	}
}

// describe writes the manifest of a new run.
func (x *training) describe() error {
	now := time.Now()
	c := x.run.Settings()
	d := runs.NewManifest(Version, now)
	d.Kernel, d.CPU, d.Threads = x.machine.Kernels.Name, x.machine.CPU, x.how.threads
	d.Arguments, d.Seed = x.arguments, c.Seed
	d.Data = runs.Data{Source: x.data.Source, Credit: x.data.Credit, SHA256: x.data.SHA256, Examples: x.data.N()}
	d.Parts = []runs.Part{x.part(now, 0)}
	return x.run.WriteManifest(d)
}

// part tells about this stretch of the run.
func (x *training) part(now time.Time, updates uint64) runs.Part {
	p := runs.NewPart(Version, now)
	p.Arguments, p.FirstUpdate = x.arguments, updates
	p.Kernel, p.CPU, p.Threads = x.machine.Kernels.Name, x.machine.CPU, x.how.threads
	return p
}

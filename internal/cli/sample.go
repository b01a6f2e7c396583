package cli

import (
	"context"
	"errors"
	"fmt"
	"image/gif"
	"io"
	"math"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/internal/figure"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/npz"
	"tandem/internal/runs"
	"tandem/mnist"
)

// sampling says how to draw samples.
type sampling struct {
	fresh   int // new chains; 0: those of the checkpoint
	anneal  int // sweeps at rising inverse temperatures first
	base    []float64
	sweeps  int
	seed    uint64
	npz     string                               // file for samples as numbers
	classes bool                                 // with a ladder: the share of each class
	other   which                                // examples at which annealing and a ladder begin
	sweep   func(g *dbm.Sampler, done int) error // called after each sweep, if not nil
	reason  string                               // why the chains are new ones that nobody asked for
	// With anneal: the logarithm of each chain's importance weight, of mean 1, and what the chains count as.
	weights   []float64
	effective float64
}

// What sample draws of a model without chains.
const (
	standardFresh  = 50
	standardAnneal = 1000
)

// sample is the verb that draws samples.
func sample(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem sample RUN [flags]")
	var o sampling
	countVar(f, &o.fresh, "fresh", 0, dbm.MaxRows, "`N` new chains that begin with fair coins (default the chains of the "+
		"checkpoint; of a model exported without chains, 50 new ones, annealed for 1000 sweeps)")
	countVar(f, &o.sweeps, "sweeps", 0, mostSweeps, "`N` Gibbs sweeps first (default 0, or 1000 for new chains)")
	countVar(f, &o.anneal, "anneal", 0, mostSweeps,
		"`N` sweeps of new chains at first, from base rates to the model, so that they "+
			"pass all modes")
	ladder := 0
	countVar(f, &ladder, "ladder", 0, mostLadder, "`N` samples at equilibrium, by replica exchange as in eval: half from "+
		"ensembles that began at independent units, half from those that began at training images")
	f.BoolVar(&o.classes, "classes", false, "with --ladder: the share of each class at equilibrium, and in chains, by a "+
		"classifier that learns from the labels of the training images")
	f.StringVar(&o.npz, "npz", "",
		"`FILE` for numpy.load: probabilities of the visible units, and samples drawn with them, "+
			"each samples × visible; log_weights of annealed samples, by which they count")
	o.other.dataFlags(f)
	film := f.String("gif", "", "`FILE` for an animation of the sweeps, of at most a hundred frames")
	o.seed = 1
	countVar(f, &o.seed, "seed", 0, math.MaxUint64, "`N` of the random numbers")
	f.BoolVar(&t.quiet, "quiet", false, "show no progress")
	out := f.String("out", "", "`FILE` in PNG (default in the run's folder, with a name that has chains and sweeps)")
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if o.fresh > 0 && o.anneal == 0 && !given(f)["sweeps"] {
		o.sweeps = 1000
	}
	if err := o.validate(*film != ""); err != nil {
		return usageError{err}
	}
	if err := o.other.validate(); err != nil {
		return usageError{err}
	}
	if o.other.data != "" && ladder == 0 && o.anneal == 0 {
		return usageError{errors.New("data: goes with --ladder or --anneal, which begin at examples")}
	}
	if o.classes && ladder == 0 {
		return usageError{errors.New("classes: needs --ladder")}
	}
	if ladder > 0 {
		if o.fresh > 0 || o.anneal > 0 || *film != "" {
			return usageError{errors.New("ladder: goes with --sweeps, --classes, --data, --seed, --npz and --out alone")}
		}
		if !given(f)["sweeps"] {
			o.sweeps = ladderSweeps
		}
	}
	if err := t.guard.pictures(found[0], output{"out", *out}, output{"gif", *film},
		output{"npz", o.npz}); err != nil {
		return err
	}
	s, err := load(t, found[0])
	if err != nil {
		return err
	}
	if err := t.guard.reads(o.other.inputs()...); err != nil {
		return err
	}
	if ladder > 0 {
		return t.sampleLadder(ctx, m, s, ladder, &o, *out)
	}
	if o.fresh == 0 && !s.State.HasChains() {
		if given(f)["sweeps"] {
			return hintedError{fmt.Errorf("%s: %w, which --sweeps without --fresh continues", s.from, dbm.ErrNoChains),
				fmt.Sprintf("--fresh %d --anneal %d draws new ones", standardFresh, standardAnneal)}
		}
		o.fresh, o.anneal, o.reason = standardFresh, standardAnneal, "the file has no training chains"
		t.say("%s has no training chains; this draws %d new ones, annealed for %s sweeps", s.from, o.fresh,
			format.Count(uint64(o.anneal)))
	}
	if err := o.room(s, *film != ""); err != nil {
		return err
	}
	if o.anneal > 0 {
		set, err := o.beginning(t, s)
		if err != nil && o.other.data != "" {
			return err
		}
		if err != nil {
			t.say("annealing begins at the model's own biases, not at base rates, for there are no training images: %v", err)
		} else {
			o.base = set.Mean(mnist.Grey)
		}
	}
	var frames gif.GIF
	t.last = time.Now()
	o.sweep = t.filming(ctx, s, &o, *film != "", &frames)
	name, err := s.drawSamples(ctx, *out, m.Kernels, &o)
	if err != nil {
		return err
	}
	t.clear()
	if o.weights != nil && !t.quiet {
		t.say("by their importance weights the %s count as %.1f", format.Number(len(o.weights), "annealed sample"),
			o.effective)
	}
	t.made(name)
	if o.npz != "" {
		t.made(o.npz)
	}
	if *film == "" {
		return nil
	}
	if err := t.guard.write(ctx, *film, func(w io.Writer) error { return gif.EncodeAll(w, &frames) }); err != nil {
		return err
	}
	t.made(*film)
	return nil
}

// beginning returns the examples at which annealing and a ladder begin: the training examples,
// or others.
func (o *sampling) beginning(t *terminal, s *model) (*mnist.Set, error) {
	if o.other.data != "" {
		return o.other.open(t, s)
	}
	return s.images(t, mnist.Train)
}

// validate returns an error that names the first option that is not valid.
func (o *sampling) validate(film bool) error {
	switch {
	case o.anneal > 0 && o.fresh == 0:
		return fmt.Errorf("anneal: %d; needs --fresh", o.anneal)
	case film && o.sweeps+o.anneal == 0:
		return errors.New("gif: nothing moves without --sweeps or --anneal")
	}
	return nil
}

// room returns an error where there is no room for the chains.
func (o *sampling) room(s *model, film bool) error {
	chains, frames := s.Settings.Chains, 0
	if o.fresh > 0 {
		chains = o.fresh
	}
	if film {
		frames = min(mostFrames, o.sweeps+o.anneal)
	}
	need := samplesMemory(&s.Settings.Config, chains, frames)
	if o.anneal > 0 {
		need = memory.Sum(need, s.Settings.SamplerMemory(chains))
	}
	return room(memory.Sum(need, uint64(s.Settings.StateBytes())), "--fresh")
}

// mostFrames is the most frames of an animation.
const mostFrames = 100

// filming returns what shows progress after each sweep, and adds frames to an animation.
func (t *terminal) filming(ctx context.Context, s *model, o *sampling, film bool,
	frames *gif.GIF) func(g *dbm.Sampler, done int) error {
	all := o.sweeps + o.anneal
	return func(g *dbm.Sampler, done int) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		t.count("sweep", done, all)
		if !film || done%((all+mostFrames-1)/mostFrames) != 0 {
			return nil
		}
		return addFrame(frames, s.samplesGrid("sweep "+format.Count(uint64(done)), g))
	}
}

// samplesGrid returns the means of the visible units in chains.
func (m *model) samplesGrid(caption string, g *dbm.Sampler) figure.Grid {
	return m.samples(caption, g.Means())
}

// addFrame adds a picture of chains to an animation.
func addFrame(frames *gif.GIF, grid figure.Grid) error {
	img, err := figure.Draw("", grid)
	if err != nil {
		return err
	}
	frames.Image = append(frames.Image, img)
	// A caption may grow wider than few chains are.
	frames.Config.Width = max(frames.Config.Width, img.Rect.Dx())
	frames.Config.Height = max(frames.Config.Height, img.Rect.Dy())
	frames.Delay = append(frames.Delay, 8) // hundredths of a second
	return nil
}

// drawSamples draws the visible means of chains into a file, by default one of the run's
// folder, samples.png if they are those that training left, and returns its name.
func (m *model) drawSamples(ctx context.Context, name string, k *kernel.Set, o *sampling) (string, error) {
	g, err := dbm.NewSampler(&m.Settings.Config, k, m.State, o.fresh, o.seed)
	if err != nil {
		return "", err
	}
	if err := o.run(ctx, g); err != nil {
		return "", err
	}
	if o.npz != "" {
		if err := m.writeSamples(ctx, o.npz, g.Means(), g.States(0), o.weights); err != nil {
			return "", err
		}
	}
	standard, caption := o.describe(m.Settings.Chains)
	title := fmt.Sprintf("samples of %s after %s updates", format.Shape(m.Settings.Layers), format.Count(m.State.Updates))
	return m.draw(ctx, name, standard, title, []figure.Grid{m.samplesGrid(caption, g)})
}

// writeSamples writes samples as numbers: probabilities and states are samples × visible, and
// weights, if not nil, are the logarithm of what each sample counts.
func (m *model) writeSamples(ctx context.Context, name string, probabilities []float32, states []byte,
	weights []float64) error {
	visible := m.Settings.Layers[0]
	n := len(states) / visible
	return m.guard.write(ctx, name, func(w io.Writer) error {
		z := npz.NewWriter(w)
		if err := z.Floats("probabilities", probabilities, n, visible); err != nil {
			return err
		}
		if err := z.Bytes("samples", states, n, visible); err != nil {
			return err
		}
		if weights != nil {
			if err := z.Floats("log_weights", float32s(weights), n); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

func float32s(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// run makes the sweeps.
func (o *sampling) run(ctx context.Context, g *dbm.Sampler) error {
	swept := func(done int) error {
		if o.sweep == nil {
			return nil
		}
		return o.sweep(g, done)
	}
	if o.anneal > 0 {
		weights, err := g.Anneal(ctx, o.anneal, o.base, swept)
		if err != nil {
			return err
		}
		o.weights, o.effective = likelihood.Normalise(weights)
	}
	for i := range o.sweeps {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		g.Sweep()
		if err := swept(o.anneal + i + 1); err != nil {
			return err
		}
	}
	return nil
}

// describe returns the standard name of a picture of chains, and its caption.
func (o *sampling) describe(chains int) (name, caption string) {
	name, caption = runs.SamplesFile, fmt.Sprintf("%d training chains", chains)
	if o.fresh > 0 {
		caption = fmt.Sprintf("%d new chains", o.fresh)
	}
	if o.anneal > 0 {
		caption += fmt.Sprintf(", annealed for %s sweeps", format.Count(uint64(o.anneal)))
	}
	if o.sweeps > 0 {
		caption += fmt.Sprintf(", %s sweeps on", format.Count(uint64(o.sweeps)))
	}
	if o.reason != "" {
		caption += fmt.Sprintf(" (%s)", o.reason)
	}
	switch {
	case o.anneal > 0:
		name = fmt.Sprintf("samples-annealed-%d.png", o.anneal)
	case o.fresh > 0:
		name = fmt.Sprintf("samples-fresh-%d.png", o.sweeps)
	case o.sweeps > 0:
		name = fmt.Sprintf("samples-%d.png", o.sweeps)
	}
	return name, caption
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/mnist"
)

// evalOptions are the flags of eval.
type evalOptions struct {
	exchange  likelihood.Exchange
	annealing likelihood.Annealing
	draws     int
	posterior likelihood.Clamped
	worth     bool
	heal      uint64 // updates; 0: none
	save      string // file for the part; "": none
	more      *part  // to continue from; nil: none
	moreName  string
	seed      uint64
	names     []string // of the sets of examples; none: the standard one
	which
	pixels     mnist.Pixels
	perExample string
	asJSON     bool
	enumerate  bool
	execution  *execution
	run        string
}

// eval is the verb that scores a model.
func eval(ctx context.Context, t *terminal, m *Machine, args []string) (err error) {
	o, err := evalFlags(t, args)
	if err != nil {
		return err
	}
	s, err := load(t, o.run)
	if err != nil {
		return err
	}
	if err := o.execution.begin(ctx); err != nil {
		return err
	}
	defer o.execution.end(&err)
	if err := t.guard.reads(o.inputs()...); err != nil {
		return err
	}
	sets, training, err := o.examples(t, s) // all that can fail comes before what takes long
	if err != nil {
		return err
	}
	made := &part{Format: partFormat, Params: s.State.SHA256(), Data: training.SHA256, Pixels: o.pixels.String(),
		Seed: o.seed, Sweeps: o.exchange.Sweeps, Temps: o.annealing.Temperatures, Numerics: kernel.Version}
	if o.more != nil {
		if err := o.more.check(made); err != nil {
			return err
		}
		o.more.continueFrom(o)
	}
	effort := o.effort()
	if err := o.room(s, sets, &effort); err != nil {
		return err
	}
	if o.worth && s.Settings.Hidden() < 2 {
		return usageError{fmt.Errorf("worth: %w", likelihood.ErrOneLayer)}
	}
	if o.posterior.Examples > 0 && s.Settings.Hidden() < 2 {
		return usageError{errors.New("posterior: with one hidden layer mean field is exact, and there is nothing to anneal")}
	}
	began, found := time.Now(), 0.0
	effort.Begin = func(s likelihood.Stage, examples string) func(done float64) {
		if examples == "" {
			return t.stage(string(s))
		}
		if found == 0 {
			found = time.Since(began).Seconds()
		}
		return t.stage(string(s) + " on " + examples)
	}
	if err := o.start(ctx, &s.Settings.Config, s.State, m.Kernels, training, &effort); err != nil {
		return err
	}
	score, err := likelihood.Evaluate(ctx, &s.Settings.Config, m.Kernels, s.State, sets, effort)
	if err != nil {
		return err
	}
	independent, err := o.independent(ctx, training, sets)
	if err != nil {
		return err
	}
	e := o.evaluation(s, score, independent)
	if o.save != "" {
		made.add(score)
		if err := made.write(ctx, &t.guard, o.save); err != nil {
			return err
		}
	}
	if o.worth {
		if err := o.addWorth(ctx, t, s, m.Kernels, training, sets, &effort, score, e); err != nil {
			return err
		}
	}
	e.ZSeconds, e.Seconds = found, time.Since(began).Seconds()
	t.clear()
	if o.asJSON {
		err = format.JSON(t.out, e)
	} else {
		e.print(t, s, score)
	}
	if err != nil || o.perExample == "" {
		return err
	}
	if err := t.guard.write(ctx, o.perExample, func(w io.Writer) error { return writeTerms(w, score) }); err != nil {
		return err
	}
	if !o.asJSON {
		t.made(o.perExample)
	}
	return nil
}

// evalFlags parses the command line of eval.
func evalFlags(t *terminal, args []string) (*evalOptions, error) {
	f, o := flags(t, "tandem eval RUN [flags]"), new(evalOptions)
	o.exchange.Ensembles, o.exchange.Sweeps, o.exchange.Most = 8, 4000, 1_000_000
	o.annealing.Runs, o.annealing.Temperatures, o.annealing.UpOnly = 400, 5000, true
	countVar(f, &o.exchange.Ensembles, "ensembles", 0, likelihood.MostEnsembles,
		"`N` ensembles of replica exchange, an even number; 0: none")
	countVar(f, &o.exchange.Sweeps, "sweeps", likelihood.LeastSweeps, likelihood.MostSweeps, "`N` sweeps of each ensemble")
	numberVar(f, &o.exchange.Error, "error", "`X` standard error of log Z, in nats: sweeps double until it is met and "+
		"nothing speaks against it; 0: no such aim")
	countVar(f, &o.exchange.Most, "most-sweeps", likelihood.LeastSweeps, likelihood.MostSweeps,
		"`N` most sweeps with --error")
	countVar(f, &o.annealing.Runs, "runs", 0, 1<<20,
		"`N` runs of annealed importance sampling, the independent check; 0: none")
	countVar(f, &o.annealing.Temperatures, "temps", 2, 1<<30, "`N` temperatures of each run")
	countVar(f, &o.draws, "importance", 0, likelihood.MostDraws,
		"`N` draws of each image for the importance-weighted bound, as 200; 0: none")
	o.posterior.Runs, o.posterior.Temperatures = 100, 1000
	countVar(f, &o.posterior.Examples, "posterior", 0, math.MaxInt32,
		"`N` images on which runs of annealing lead from mean "+
			"field to the posterior, as a check of the bounds; 0: none")
	f.StringVar(&o.save, "save", "", "`FILE` for the results of ensembles and runs, to which --more can add")
	f.StringVar(&o.moreName, "more", "", "`FILE` of --save to add to: --ensembles and --runs count those in it, and the "+
		"result has the bits of all at once")
	f.BoolVar(&o.worth, "worth", false,
		"what upper layers add to the likelihood of an image: the model is scored without "+
			"them, too")
	countVar(f, &o.heal, "heal", 0, dbm.MaxUpdates-1,
		"`N` updates that the model without upper layers is trained on, and "+
			"the whole one for comparison, with --worth; 0: none")
	countVar(f, &o.seed, "seed", 0, math.MaxUint64, "`N` of all random numbers")
	split := f.String("split", "",
		"`test,train,held-out` examples to score (default test, or held-out where there are no "+
			"others)")
	o.dataFlags(f)
	pixels := f.String("pixels", "fixed", "`HOW` pixels become 0 or 1: fixed (sampled once) or threshold")
	f.StringVar(&o.perExample, "per-example", "", "write the terms of each image to `FILE` in CSV")
	f.BoolVar(&o.asJSON, "json", false, "print JSON, for programs")
	exact := f.String("exact", "auto", "`HOW` auto: enumerate the smaller side too, where it has at most "+
		fmt.Sprint(likelihood.MostEnumerable)+" units; no: never")
	o.execution = executionFlags(f, t)
	found, err := parse(f, args, "RUN")
	if err != nil {
		return nil, err
	}
	o.run = found[0]
	if o.pixels, err = mnist.ParsePixels(*pixels); err != nil {
		return nil, usageError{asFlag(f, err)}
	}
	if o.pixels != mnist.Fixed && o.pixels != mnist.Threshold {
		return nil, usageError{fmt.Errorf("pixels: %s values have no log-probability; fixed or threshold have", o.pixels)}
	}
	if *exact != "auto" && *exact != "no" {
		return nil, usageError{fmt.Errorf("exact: %q; must be auto or no", *exact)}
	}
	o.enumerate = *exact == "auto"
	if o.exchange.Ensembles%2 != 0 {
		return nil, usageError{fmt.Errorf("ensembles: %d; must be even: half begin at training images", o.exchange.Ensembles)}
	}
	if o.exchange.Ensembles == 0 && o.annealing.Runs == 0 && !o.enumerate {
		return nil, usageError{errors.New("ensembles: 0; with --runs 0 and --exact no nothing finds log Z")}
	}
	if o.moreName != "" {
		if o.more, err = readPart(o.moreName); err != nil {
			return nil, err
		}
		if err := o.more.takeOver(f, o); err != nil {
			return nil, err
		}
	}
	if o.heal > 0 && !o.worth {
		return nil, usageError{errors.New("heal: is of no use without --worth")}
	}
	if o.worth && o.exchange.Ensembles == 0 {
		return nil, usageError{errors.New("worth: needs --ensembles")}
	}
	if e := o.exchange.Error; !(e >= 0) || math.IsInf(e, 0) {
		return nil, usageError{fmt.Errorf("error: %v; must be 0 or above", e)}
	}
	if *split != "" {
		o.names = strings.Split(*split, ",")
	}
	for i, name := range o.names {
		if !slices.Contains(splits, name) || slices.Contains(o.names[:i], name) {
			return nil, usageError{fmt.Errorf("split: %q; must be some of %s, each once", *split, strings.Join(splits, ","))}
		}
	}
	if o.data != "" && *split != "" {
		return nil, usageError{fmt.Errorf("split: %s; --data has examples of its own", *split)}
	}
	if err := o.validate(); err != nil {
		return nil, usageError{err}
	}
	outputs := append(o.execution.outputs(), output{"per-example", o.perExample}, output{"save", o.save})
	return o, t.guard.writes(outputs, o.run)
}

// examples returns the sets of examples to score, and the training examples. Where these are
// not there, others that were given stand in for them.
func (o *evalOptions) examples(t *terminal, s *model) (sets []likelihood.Examples, training *mnist.Set, err error) {
	var found []*mnist.Set
	if o.data != "" {
		other, err := o.open(t, s)
		if err != nil {
			return nil, nil, err
		}
		other.Name = givenSet
		found = append(found, other)
	}
	if training, err = s.images(t, mnist.Train); err != nil {
		if len(found) == 0 {
			return nil, nil, err
		}
		t.say("warning: replicas begin at the examples of --data, and independent units have their means, for there are "+
			"no training examples: %v", err)
		training = found[0]
		s.training = training
	}
	for _, name := range o.names {
		set, err := s.images(t, name)
		if err != nil {
			return nil, nil, noSuchSet(err, name)
		}
		found = append(found, set)
	}
	if len(found) == 0 {
		set, err := s.standard(t)
		if err != nil {
			return nil, nil, err
		}
		found = append(found, set)
	}
	for _, set := range found {
		row := func(i int, v []float32) { set.Values(v, i, o.pixels, kernel.Draw{}) }
		sets = append(sets, likelihood.Examples{Name: set.Name, N: set.N(), Row: row})
	}
	return sets, training, nil
}

// independent returns the log-probabilities that independent units, with the means of the
// training examples, give to the examples of each set.
func (o *evalOptions) independent(ctx context.Context, training *mnist.Set, sets []likelihood.Examples) ([][]float64,
	error) {
	m := likelihood.NewIndependent(training.Mean(o.pixels), training.N())
	var all [][]float64
	for _, x := range sets {
		each, err := m.Each(ctx, x, o.execution.threads)
		if err != nil {
			return nil, err
		}
		all = append(all, each)
	}
	return all, nil
}

// effort returns what the flags ask for.
func (o *evalOptions) effort() likelihood.Effort {
	e := likelihood.Effort{Enumerate: o.enumerate, Draws: o.draws, Seed: o.seed, Threads: o.execution.threads}
	o.exchange.Seed, o.annealing.Seed, o.posterior.Seed = o.seed, o.seed, o.seed
	if o.exchange.Ensembles > 0 {
		e.Exchange = &o.exchange
	}
	if o.annealing.Runs > 0 {
		e.Annealing = &o.annealing
	}
	if o.posterior.Examples > 0 {
		e.Posterior = &o.posterior
	}
	return e
}

// start sets where replicas and runs begin.
func (o *evalOptions) start(ctx context.Context, c *dbm.Config, s *dbm.State, k *kernel.Set, training *mnist.Set,
	e *likelihood.Effort) error {
	example := func(i int, v []float32) { training.Values(v, i%training.N(), o.pixels, kernel.Draw{}) }
	base, err := likelihood.BaseOf(ctx, c, k, s, training.Mean(o.pixels), training.N(), example, e.Threads)
	if err != nil {
		return err
	}
	o.exchange.Base, o.exchange.Example, o.annealing.Base = base, example, base
	return nil
}

// room returns an error where there is no room for the work.
func (o *evalOptions) room(s *model, sets []likelihood.Examples, e *likelihood.Effort) error {
	n := 0
	for _, x := range sets {
		n += x.N
	}
	pixels := uint64(n) * uint64(s.Settings.Layers[0])
	return room(memory.Sum(uint64(s.Settings.StateBytes()), e.Memory(&s.Settings.Config, n), pixels),
		"--threads, --ensembles, --runs or --temps")
}

// writeTerms writes a line for each image. Columns stand only for what was asked for.
func writeTerms(w io.Writer, score *likelihood.Score) error {
	columns := "split,image,negative_energy,entropy,bound"
	weighted, exact := false, false
	for i := range score.Sets {
		weighted, exact = weighted || score.Sets[i].Weights != nil, exact || score.Sets[i].LogP != nil
	}
	if weighted {
		columns += ",weighted_bound,effective_draws"
	}
	if exact {
		columns += ",log_likelihood"
	}
	if _, err := fmt.Fprintln(w, columns); err != nil {
		return err
	}
	for _, x := range score.Sets {
		for i, terms := range x.Terms {
			line := fmt.Sprintf("%s,%d,%v,%v,%v", x.Name, i, terms.Energy, terms.Entropy,
				terms.Energy+terms.Entropy-score.LogZ.Value)
			if weighted {
				line += fmt.Sprintf(",%v,%v", x.Weights[i].LogMean-score.LogZ.Value, x.Weights[i].Effective)
			}
			switch {
			case x.LogP != nil:
				line += fmt.Sprintf(",%v", x.LogP[i])
			case exact:
				line += ","
			}
			if _, err := fmt.Fprintln(w, line); err != nil {
				return err
			}
		}
	}
	return nil
}

package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tandem/dbm"
	"tandem/internal/dataset"
	"tandem/internal/format"
	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/mnist"
)

// trainOptions are the flags of train that are not settings.
type trainOptions struct {
	flags               *flag.FlagSet
	preset, config, out string
	init                string // model to begin with
	initial             *model
	resume              bool            // a run that is there already is resumed
	standard            string          // preset where none is named
	inFile              map[string]bool // fields that the configuration file has
	hidden              []int
	dry                 bool
	execution           *execution
	estimates           session.Estimates
	saves               stopOnSaveError
	audience            audience
}

// train is the verb that begins a run.
func train(ctx context.Context, t *terminal, m *Machine, args []string) (err error) {
	o, c, given, err := trainSettings(t, args)
	if err != nil {
		return err
	}
	from := ""
	if o.config != "" {
		from = fmt.Sprintf(" (perhaps set in %s)", o.config)
	}
	known := c
	known.Patch = 0 // until the images are there
	if err := known.Validate(); err != nil {
		return usageError{fmt.Errorf("%w%s", asFlag(o.flags, err), from)}
	}
	if _, err := mnist.ParsePixels(c.Pixels); err != nil {
		return usageError{fmt.Errorf("%w%s", asFlag(o.flags, err), from)}
	}
	if err := absolute(&c.Reading); err != nil {
		return err
	}
	if err := t.guard.writes(o.execution.outputs(), append(c.Files(), o.config, o.init)...); err != nil {
		return err
	}
	ignoreClosedPipes()
	if err := o.audience.validate(); err != nil {
		return usageError{err}
	}
	if err := o.audience.prepare(); err != nil {
		return err
	}
	if err := o.audience.live.listen(); err != nil {
		return err
	}
	defer o.audience.live.close()
	if err := o.execution.begin(ctx); err != nil {
		return err
	}
	defer o.execution.end(&err)
	examples, err := session.Begin(&c.Reading)
	if err != nil {
		return err
	}
	for _, note := range examples.Notes {
		t.say("%s", note)
	}
	data := examples.Train
	if c.Data != "" {
		sayNotes(t, data)
	}
	if c.Preset == runs.FitPreset {
		c.FitTo(data.Rows()*data.Columns(), data.N(), o.given)
	}
	if err := fitImages(&c, data, given["layers"] || o.config != "" && !given["hidden"]); err != nil {
		return usageError{fmt.Errorf("%w%s", asFlag(o.flags, err), from)}
	}
	if err := o.fitInit(&c); err != nil {
		return usageError{err}
	}
	if err := checkTest(&c, data); err != nil {
		return err
	}
	if err := o.estimates.Open(&c.Reading, c.Layers[0]); err != nil {
		return fmt.Errorf("eval-every: %w", err)
	}
	if o.dry {
		return o.dryRun(ctx, t, m.Kernels, &c, data)
	}
	if err := room(session.Memory(&c, data, &o.estimates, o.execution.threads), trainingFlags); err != nil {
		return err
	}
	if o.resume && o.out != "" && runs.Has(o.out, runs.SettingsFile) {
		return o.resumeThere(ctx, t, m, &c)
	}
	run, err := create(o.out, c)
	if err != nil {
		return err
	}
	defer run.Close()
	if o.initial != nil {
		if err := run.WriteInit(o.initial.Checkpoint); err != nil {
			return err
		}
	}
	return trainRun(ctx, t, &o.audience, session.Options{Machine: m.trainer(o.execution.threads), Run: run, Data: data,
		HeldOut: examples.HeldOut, Estimates: o.estimates, StopOnSaveError: bool(o.saves),
		Arguments: append([]string{"train"}, args...)})
}

// checkTest returns an error where test examples were given and cannot be scored by the model,
// before hours of training.
func checkTest(c *runs.Settings, data *mnist.Set) error {
	if c.Test == "" && c.TestLabelFile == "" {
		return nil
	}
	test, err := session.OpenData(&c.Reading, mnist.Test)
	if err != nil {
		return err
	}
	m := &model{Checkpoint: &runs.Checkpoint{Header: runs.Header{Settings: *c}}, rows: data.Rows(),
		columns: data.Columns()}
	return m.fits(test)
}

// sayNotes says what a person should know of examples before a model learns them.
func sayNotes(t *terminal, set *mnist.Set) {
	for _, note := range notes(dataset.Describe(set)) {
		t.say("note: %s", note)
	}
}

// trainingFlags are the flags that decide how much memory training takes.
const trainingFlags = "--layers, --batch, --chains or --threads"

// resumeThere resumes the run that is there already. It must have the same settings. Where it has
// made its updates there is nothing to do.
func (o *trainOptions) resumeThere(ctx context.Context, t *terminal, m *Machine, c *runs.Settings) error {
	there, err := runs.ReadSettings(o.out)
	if err != nil {
		return err
	}
	if field := there.Differs(c); field != "" {
		return fmt.Errorf("resume-if-there: the run in %s has another %s", o.out, field)
	}
	if saved, err := runs.ReadCheckpoint(o.out); err == nil && saved.Updates >= max(there.Updates, 1) &&
		(saved.Updates >= c.Updates || there.Updates < c.Updates && there.Patience > 0) {
		t.say("%s has made its %s updates", o.out, format.Count(saved.Updates))
		return nil
	}
	args := []string{o.out, "--updates", fmt.Sprint(c.Updates), "--threads", fmt.Sprint(o.execution.threads)}
	if t.quiet {
		args = append(args, "--quiet")
	}
	if o.audience.tensorboard != "" {
		args = append(args, "--tensorboard", o.audience.tensorboard)
	}
	args = append(args, "--progress", o.audience.progress)
	if o.audience.live.on {
		o.audience.live.close() // the resume listens itself
		args = append(args, "--live="+cmp.Or(o.audience.live.address, "true"))
	}
	return resume(ctx, t, m, args)
}

// given reports whether a setting was given, by its name in JSON.
func (o *trainOptions) given(field string) bool {
	flags := given(o.flags)
	return o.inFile[field] || flags[strings.ReplaceAll(field, "_", "-")] || field == "layers" && (flags["hidden"] ||
		o.initial != nil)
}

// create begins a run in a folder, or in a new one under runs.
func create(dir string, c runs.Settings) (*runs.Run, error) {
	if dir == "" {
		return runs.CreateIn("runs", time.Now(), c)
	}
	return runs.Create(dir, c)
}

// trainSettings returns the settings that the command line asks for, and which flags were
// given. The flags are parsed twice: for the names of preset and file, and over what these
// say.
func trainSettings(t *terminal, args []string) (*trainOptions, runs.Settings, map[string]bool, error) {
	c := runs.Presets()[0]
	f, o := trainFlags(t, &c)
	if _, err := o.audience.live.parse(f, args); err != nil {
		return nil, c, nil, err
	}
	flags := given(f)
	if flags["data"] || len(o.hidden) == 1 || flags["layers"] && len(c.Layers) == 2 {
		o.standard = runs.FitPreset
	}
	c, err := chosen(o, flags["preset"])
	if err != nil {
		return nil, c, nil, err
	}
	before := o
	if o.init != "" {
		if err := o.begin(t, &c, flags); err != nil {
			return nil, c, nil, err
		}
	}
	f, o = trainFlags(t, &c)
	_, err = o.audience.live.parse(f, args)
	o.inFile, o.initial = before.inFile, before.initial
	if flags["hidden"] {
		if flags["layers"] {
			return nil, c, nil, usageError{errors.New("hidden: --layers has the hidden layers, too; give one of the two")}
		}
		c.Layers = append(slices.Clone(c.Layers[:1]), o.hidden...)
	}
	c.FitAlpha(flags["alpha"])
	if c.HoldOut == 0 && !o.given("keep_best") {
		c.KeepBest = false // of the preset: nothing is left to tell the best by
	}
	return o, c, flags, err
}

// begin reads the model to begin with, and makes its settings the defaults, unless others were
// named. Its layers and its examples are those of the run in any case.
func (o *trainOptions) begin(t *terminal, c *runs.Settings, flags map[string]bool) (err error) {
	if o.initial, err = load(t, o.init); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	from := &o.initial.Settings
	switch {
	case o.initial.fromElsewhere():
		c.Layers = from.Layers
	case flags["preset"] || o.config != "":
		c.Layers = from.Layers
		if !flags["data"] {
			c.Reading = from.Reading
		}
	default:
		reading := c.Reading
		if *c = *from; flags["data"] {
			c.Reading = reading
		}
	}
	c.Layers = slices.Clone(c.Layers) // which may still be fitted
	c.FitAlpha(false)
	return nil
}

// fitInit returns an error where the model to begin with is no lower part of the run's.
func (o *trainOptions) fitInit(c *runs.Settings) error {
	switch {
	case o.initial == nil && c.Init != "":
		return fmt.Errorf("init: the settings are of a run that began with a model, whose SHA-256 is %.12s…; --init names "+
			"it, such as %s of that run", c.Init, runs.InitFile)
	case o.initial == nil:
		return nil
	}
	from := o.initial.Settings.Layers
	if len(from) > len(c.Layers) || !slices.Equal(from, c.Layers[:len(from)]) {
		return fmt.Errorf("init: the layers %s of %s are not the lowest ones of %s", format.Shape(from), o.init,
			format.Shape(c.Layers))
	}
	o.initial.State.Offsets = nil           // which the file of the model has not
	for i, mu := range o.initial.State.Mu { // of which it has float32
		o.initial.State.Mu[i] = float64(float32(mu))
	}
	c.Init = o.initial.State.SHA256()
	return nil
}

// chosen returns the settings of a preset, with those of a file over them. A file may name
// its preset.
func chosen(o *trainOptions, asked bool) (runs.Settings, error) {
	if !asked {
		o.preset = o.standard
	}
	if o.config != "" {
		var c runs.Settings
		var err error
		if o.inFile, err = c.ReadFields(o.config); err != nil {
			return c, err
		}
		if c.Preset != "" && !asked {
			o.preset = c.Preset
		}
	}
	c, err := runs.Preset(o.preset)
	if err != nil && o.config != "" && !asked {
		err = fmt.Errorf("%s: %w; --preset overrides it", o.config, err)
	}
	if err != nil {
		return c, usageError{err}
	}
	if o.config != "" {
		err = c.ReadFile(o.config)
	}
	return c, err
}

// fitImages fits the visible layer and the patches to the images. asked reports whether
// the layers were asked for.
func fitImages(c *runs.Settings, data *mnist.Set, asked bool) error {
	if n := data.Rows() * data.Columns(); c.Layers[0] != n {
		if asked {
			return fmt.Errorf("layers: the first layer, the visible one, has %d units, but the images of %s have %d × %d = %d "+
				"pixels", c.Layers[0], data.Source, data.Rows(), data.Columns(), n)
		}
		c.Layers[0] = n
	}
	if c.Patch > 0 {
		c.ImageColumns = data.Columns()
		return c.Validate()
	}
	return nil
}

// trainFlags defines the flags of train, with settings as defaults and destination.
func trainFlags(t *terminal, c *runs.Settings) (*flag.FlagSet, *trainOptions) {
	f, o := flags(t, "tandem train [flags]"), &trainOptions{standard: runs.Presets()[0].Preset}
	f.StringVar(&o.preset, "preset", "", "`NAME` of the settings to begin with: quick, paper, direct, best or fit, which "+
		"follows from the examples (default fit with --data or one hidden layer, and otherwise quick, whose settings are "+
		"the defaults below)")
	f.StringVar(&o.config, "config", "", "`FILE` settings in JSON, such as config.json of a run; the file overrides "+
		"the preset, which it may name, and flags override both")
	f.StringVar(&o.init, "init", "", "`MODEL` to begin with: a run, an exported model, or weights W1, b0, b1, … as "+
		"numpy.savez writes them; its settings and examples are the defaults, and --hidden may add layers on top")
	f.StringVar(&o.out, "out", "", "`RUN` folder to make (default a new one under runs)")
	f.Var(shape{list[int]{&o.hidden, parseUnits}}, "hidden", "`N,N,…` units of each hidden layer, from the lowest; the "+
		"visible layer follows from the examples")
	f.BoolVar(&o.resume, "resume-if-there", false, "a run of these settings that is in --out already is resumed, and "+
		"left as it is if it has made its updates, as for jobs that are queued again")
	f.BoolVar(&o.dry, "dry-run", false, "print sizes, memory, disk and a guess of the time, and make nothing")
	settingsFlags(f, c)
	o.execution = executionFlags(f, t)
	o.audience.flags(f)
	estimateFlag(f, &o.estimates)
	saveErrorFlag(f, &o.saves)
	o.flags = f
	return f, o
}

// estimateFlag defines --eval-every.
func estimateFlag(f *flag.FlagSet, e *session.Estimates) {
	countVar(f, &e.Every, "eval-every", 0, math.MaxUint32,
		"`N` updates from one rough estimate of the likelihood to the next, which "+
			"can be tens of nats too high; 0: none")
}

// stopOnSaveError is the flag that says what a checkpoint that cannot be written means.
type stopOnSaveError bool

// saveErrorFlag defines --on-save-error.
func saveErrorFlag(f *flag.FlagSet, stop *stopOnSaveError) {
	f.Var(stop, "on-save-error", "`WHAT` to do where a checkpoint cannot be written, as on a full disk: continue, and "+
		"try again when the next is due, or stop")
}

func (s *stopOnSaveError) String() string {
	if s != nil && *s {
		return "stop"
	}
	return "continue"
}

// Set accepts stop and continue.
func (s *stopOnSaveError) Set(word string) error {
	if word != "stop" && word != "continue" {
		return errors.New("must be stop or continue")
	}
	*s = word == "stop"
	return nil
}

// settingsFlags defines the flags of settings, which are their defaults, too.
func settingsFlags(f *flag.FlagSet, c *runs.Settings) {
	modelFlags(f, c)
	learningFlags(f, c)
	springFlags(f, c)
	readingFlags(f, &c.Reading, true)
	countVar(f, &c.Updates, "updates", 1, math.MaxUint32, "`N` updates in all")
	countVar(f, &c.Seed, "seed", 0, math.MaxUint64, "`N` the same seed gives the same bits on every machine")
	countVar(f, &c.MetricsEvery, "metrics-every", 0, math.MaxUint32, "`N` updates from one line of metrics to the next, "+
		"beside those at checkpoints and at 1, 10, 100, …; 0: none")
	f.StringVar(&c.KeepEvery, "keep-every", c.KeepEvery, "`WHEN` a model is kept in the run, as update-N.npz: every so "+
		"many updates, or exp for 1, 2, 5, 10, 20, 50, … (default never)")
	countVar(f, &c.Moments, "moments", 0, runs.MostMoments, "`N` pictures of the way that are kept, the more of them the "+
		"nearer to the beginning; about 5 MB in all at most; 0: none")
	countVar(f, &c.KeepMax, "keep-max", 0, 10_000, "`N` of them, the last ones; 0: 20")
	f.BoolVar(&c.KeepBest, "keep-best", c.KeepBest,
		"score the model by the held-out examples at each checkpoint, and keep "+
			"the best one, which is what other commands then look at")
	countVar(f, &c.Patience, "patience", 0, math.MaxUint32, "`N` checkpoints without a better model by the held-out "+
		"examples end the run; 0: none")
	countVar(f, &c.CheckpointEvery, "checkpoint-every", 1, math.MaxUint32, "`N` updates from one checkpoint to the next")
	f.StringVar(&c.Pixels, "pixels", c.Pixels, "`HOW` grey levels become values: grey, threshold, sample (anew at "+
		"each use) or fixed (sampled once)")
}

// modelFlags defines the flags of a model and where it begins.
func modelFlags(f *flag.FlagSet, c *runs.Settings) {
	f.Var(shape{list[int]{&c.Layers, parseUnits}}, "layers", "`N,N,…` units of each layer, the visible one first; one "+
		"hidden layer makes an RBM")
	numberVar(f, &c.InitScale, "init-scale", "`X` standard deviation of the initial weights")
	f.BoolVar(&c.ZeroBiases, "zero-biases", c.ZeroBiases, "visible biases begin at 0, not at the log-odds of the mean "+
		"image; for comparison")
	countVar(f, &c.Patch, "patch", 0, dbm.MaxUnits,
		"`N` side of the square of pixels that a unit of layer 1 sees; 0: all pixels")
	countVar(f, &c.Pretrain, "pretrain", 0, math.MaxUint32,
		"`N` updates of greedy pretraining for each layer, of those in all")
}

// parseUnits reads the number of units of a layer.
func parseUnits(s string) (int, error) {
	n, err := parseCount(s, 1, dbm.MaxUnits)
	return int(n), err
}

// learningFlags defines the flags of the updates.
func learningFlags(f *flag.FlagSet, c *runs.Settings) {
	countVar(f, &c.Batch, "batch", 1, dbm.MaxRows, "`N` examples per update")
	countVar(f, &c.Chains, "chains", 1, dbm.MaxRows, "`N` persistent chains")
	countVar(f, &c.Gibbs, "gibbs", 1, dbm.MaxSweeps, "`N` sweeps of the chains per update")
	numberVar(f, &c.MeanFieldTolerance, "mean-field-tolerance",
		"`X` an example is done when none of its units changes by as much in an iteration; 0: always the most iterations")
	countVar(f, &c.MeanFieldMax, "mean-field-max", 1, dbm.MaxSweeps, "`N` most iterations of mean field")
	numberVar(f, &c.LearningRate, "learning-rate", "`X` of weights and biases")
	countVar(f, &c.LearningRateEnd, "learning-rate-end", 0, math.MaxUint32,
		"`N` update towards which the rate falls in a straight line, to a hundredth; it starts anew with each stage of "+
			"pretraining; 0: the rate stays")
	numberVar(f, &c.UpperRate, "upper-rate", "`X` rate of the layers above the first hidden one over the "+
		"learning rate, when all train together; 0: the same")
	numberVar(f, &c.OffsetRate, "offset-rate", "`X` centering: the rate at which offsets follow the "+
		"means of each minibatch; 0: none")
	numberVar(f, &c.WeightDecay, "weight-decay", "`X` each update takes learning rate · X of the weights")
	f.BoolVar(&c.ContrastiveDivergence, "contrastive-divergence", c.ContrastiveDivergence,
		"the chains of an RBM begin each update at its examples; for comparison")
	f.BoolVar(&c.SamplePosterior, "sample-posterior", c.SamplePosterior,
		"weights between hidden layers are learnt from sampled posterior states instead of mean-field means, which let "+
			"small weights decay")
}

// springFlags defines the flags of the spring on the norms of weights.
func springFlags(f *flag.FlagSet, c *runs.Settings) {
	f.Var(list[float64]{&c.Alpha, parseFloat}, "alpha", "`X,…` strength of the spring on the norms, one for all "+
		"hidden layers or one for each; 0: no spring")
	numberVar(f, &c.Gamma, "gamma", "`X` pull between the mean norms of neighbouring layers")
	numberVar(f, &c.MuDamping, "mu-damping", "`X` learning rate of the mean norms over that of the weights")
}

// trainRun trains a run to its end, with progress, and draws its pictures.
func trainRun(ctx context.Context, t *terminal, a *audience, o session.Options) error {
	var update atomic.Uint64
	t.signals.wait(func() string {
		return fmt.Sprintf("finishing update %s and writing a checkpoint", format.Count(update.Load()+1))
	})
	told, err := a.assemble(ctx, t, &o)
	if err != nil {
		return err
	}
	defer told.leave()
	found, err := session.Run(ctx, o, func(e *session.Event) {
		update.Store(e.Update)
		t.warn(e)
		told.tell(e)
		t.watch(&o, e)
	})
	if err != nil {
		return advise(o.Run.Dir(), err)
	}
	t.signals.wait(func() string { return "drawing pictures; the checkpoint is written" })
	drawn := t.drawAll(context.WithoutCancel(ctx), &o, found)
	if told.lines != nil {
		return told.lines.end(found)
	}
	c := o.Run.Settings()
	fmt.Fprintln(t.out, pace(found.Updates, found.Seconds)+scoring(found)+"\n")
	table(t.out, append(append(bestRows(found.Best), drawn...), next(o.Run.Dir(), &c)...))
	return nil
}

// watch shows progress.
func (t *terminal) watch(o *session.Options, e *session.Event) {
	if e.Begins() {
		t.announce(o, e)
		t.last = e.Time
		return
	}
	if t.due(e.Time) {
		t.progress(e.Time, append(position(e), measures(e)...))
	}
	if e.Ends() && !t.quiet {
		t.clear()
		t.line(append(position(e), measures(e)...))
	}
}

// drawAll draws the pictures of a run that has ended, and returns what each shows and its name. The
// run is whole without them.
func (t *terminal) drawAll(ctx context.Context, o *session.Options, found *session.Result) [][2]string {
	c, dir := o.Run.Settings(), o.Run.Dir()
	made := &model{Checkpoint: &runs.Checkpoint{Header: runs.Header{Updates: c.Updates, Settings: c}, State: found.State},
		from: dir, rows: o.Data.Rows(), columns: o.Data.Columns(), measures: found.Filters}
	drawn, err := made.drawBoth(ctx, o.Kernels, o.Threads)
	if name, failed := drawCurves(ctx, dir); failed == nil {
		drawn = append(drawn, [2]string{"curves", name})
	} else {
		err = errors.Join(err, failed)
	}
	if err != nil {
		t.say("warning: %s: training is done, a picture is not: %v", dir, err)
	}
	return drawn
}

// next returns rows that say what may be done with a run that has ended. Where its rate has
// fallen to the end, resuming it would hardly move it.
func next(dir string, c *runs.Settings) [][2]string {
	run := format.Argument(dir)
	longer := fmt.Sprintf("tandem resume %s --updates %d   train longer", run, 2*c.Updates)
	if c.RateHasFallen(c.Updates) {
		longer = fmt.Sprintf("tandem train --init %s --updates %d   train longer, the rate as at the start", run, c.Updates)
	}
	return [][2]string{
		{"next", fmt.Sprintf("tandem eval %s   how good it is: log Z, and the bound of the log-likelihood", run)},
		{"", longer},
		{"", fmt.Sprintf("tandem filters %s --units 0   all filters", run)},
		{"", fmt.Sprintf("tandem info %s   the figures", run)},
	}
}

// bestRows returns rows that say how good the best model of a run is.
func bestRows(b *session.Best) [][2]string {
	if b == nil {
		return nil
	}
	rows := [][2]string{{"held-out", fmt.Sprintf("about %.2f nats an example at update %s, which is kept as the best; "+
		"independent units have %.2f", b.Bound, format.Count(b.Update), b.Independent)}}
	if b.Bound <= b.Independent {
		rows = append(rows, [2]string{"warning", "the model is not better than independent units: it has learnt nothing"})
	}
	return rows
}

// scoring says what share of the time went into scores.
func scoring(found *session.Result) string {
	if found.Scoring == 0 || found.Seconds == 0 {
		return ""
	}
	return fmt.Sprintf(", %.0f%% of it for scores", 100*found.Scoring/found.Seconds)
}

// pace returns how long updates have taken.
func pace(updates uint64, seconds float64) string {
	line := format.Number(int(updates), "update") + " in " + format.Duration(seconds)
	if seconds > 0 { // a clock may not have moved
		line += fmt.Sprintf(" (%.0f a second)", float64(updates)/seconds)
	}
	return line
}

// warn prints what has gone wrong and does not end training.
func (t *terminal) warn(e *session.Event) {
	if e.Warning != nil {
		t.say("warning: %v", e.Warning)
	}
}

// announce prints what is going to be trained.
func (t *terminal) announce(o *session.Options, e *session.Event) {
	if t.quiet {
		return
	}
	where := ""
	if e.First > 0 {
		where = " from update " + format.Count(e.First)
	}
	t.say("training %s on %s (%s images)%s to update %s, with %s kernels and %d %s",
		format.Shape(o.Run.Settings().Layers), o.Data.Source,
		format.Count(uint64(o.Data.N())), where, format.Count(e.Updates), o.Kernels.Name, o.Threads,
		format.Plural(o.Threads, "thread"))
	t.say("the run is in %s; Ctrl-C stops it cleanly", o.Run.Dir())
}

// position returns the fields of a progress line that say where a run is.
func position(e *session.Event) []string {
	fields := updates(e)
	if !e.Ends() {
		fields = append(fields, "ETA "+format.Duration(e.Left()))
	}
	return fields
}

// updates returns how many updates are made, and how fast.
func updates(e *session.Event) []string {
	fields := []string{fmt.Sprintf("update %s of %s (%d%%)", format.Count(e.Update), format.Count(e.Updates),
		e.Update*100/e.Updates),
		fmt.Sprintf("%.0f/s", e.Rate)}
	if e.Layer > 0 {
		fields = append(fields, fmt.Sprintf("pretraining layer %d", e.Layer))
	}
	return fields
}

// measures returns the fields of a progress line that say how a run fares, the most
// important first.
func measures(e *session.Event) (fields []string) {
	add := func(format string, args ...any) { fields = append(fields, fmt.Sprintf(format, args...)) }
	if a := e.Filters(); a != nil {
		add("started %s%%", format.Percents(a.Live))
		if a.Noise != nil {
			add("noise %s%%", format.Percents(a.Noise))
		}
		add("duplicate %s%%", format.Percents(a.Duplicate))
		norms := "norm"
		for l := range a.NormMean {
			norms += fmt.Sprintf(" %.2f±%.2f", a.NormMean[l], a.NormSD[l])
		}
		add("%s", norms)
	}
	if a := e.Activity(); a != nil {
		add("varying %s%%", format.Percents(a.Varying))
		stuck := make([]float64, len(a.StuckOn))
		for l := range stuck {
			stuck[l] = a.StuckOn[l] + a.StuckOff[l]
		}
		add("stuck %s%%", format.Percents(stuck))
	}
	if e.Bound != 0 {
		add("bound about %.0f", e.Bound)
	}
	if x := e.Reconstruction(); x > 0 {
		add("reconstruction %.1f", x)
	}
	if n := e.MeanField(); n > 0 {
		add("mean field %.1f", n)
	}
	return fields
}

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/mnist"
)

// evaluation is what eval finds out.
type evaluation struct {
	Run     string  `json:"run"`
	Updates uint64  `json:"updates"`
	Data    string  `json:"data"`       // where the images come from
	Other   bool    `json:"data_other"` // they are not those that the model was trained on
	Pixels  string  `json:"pixels"`
	Runs    int     `json:"runs"`
	Temps   int     `json:"temps"`
	Sweeps  int     `json:"sweeps"`
	Seed    uint64  `json:"seed"`
	LogZ    float64 `json:"log_z"`
	StdErr  known   `json:"log_z_stderr"`
	Low     known   `json:"log_z_low"`
	High    known   `json:"log_z_high"`
	Reverse float64 `json:"log_z_reverse"`
	Gap     float64 `json:"log_z_gap"`
	Trusted bool    `json:"trusted"`
	Exact   *exact  `json:"exact,omitempty"`
	Seconds float64 `json:"seconds"`
	AISTime float64 `json:"log_z_seconds"`

	BoundTest        *float64 `json:"bound_test,omitempty"`
	BoundTestStdErr  *known   `json:"bound_test_stderr,omitempty"`
	NegEnergyTest    *float64 `json:"negative_energy_test,omitempty"` // E_q[−E]
	EntropyTest      *float64 `json:"entropy_test,omitempty"`
	BoundTrain       *float64 `json:"bound_train,omitempty"`
	BoundTrainStdErr *known   `json:"bound_train_stderr,omitempty"`
	NegEnergyTrain   *float64 `json:"negative_energy_train,omitempty"`
	EntropyTrain     *float64 `json:"entropy_train,omitempty"`
}

// known is a figure that is null in JSON where it is not known: NaN.
type known float64

func (x known) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(x)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(x))
}

// plusMinus returns ± a standard error, or what there is instead of one.
func plusMinus(x known, one string) string {
	if math.IsNaN(float64(x)) {
		return "(" + one + ": no error)"
	}
	if x > 0 && x < 0.01 { // not as if it were none
		return fmt.Sprintf("± %.1g", float64(x))
	}
	return fmt.Sprintf("± %.2f", float64(x))
}

// exact is what can be enumerated.
type exact struct {
	LogZ          float64  `json:"log_z"`
	LogLikelihood *float64 `json:"log_likelihood_test,omitempty"`
}

// evalOptions are the flags of eval.
type evalOptions struct {
	likelihood.Annealing
	names      []string // of the sets of images
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
	sets, base, err := o.examples(t, s) // all that can fail comes before what takes long
	if err != nil {
		return err
	}
	began, annealed := time.Now(), 0.0
	o.Threads, o.Base = o.execution.threads, base
	if err := o.room(s, sets); err != nil {
		return err
	}
	begin := func(s likelihood.Stage, examples string) func(done float64) {
		switch s {
		case likelihood.StageBound:
			if annealed == 0 {
				annealed = time.Since(began).Seconds()
			}
			return t.stage("bound on " + examples)
		case likelihood.StageEnumeration:
			return t.stage("enumerating the smaller side")
		}
		return t.stage("annealing")
	}
	score, err := likelihood.Evaluate(ctx, &s.Settings.Config, m.Kernels, s.State, sets,
		likelihood.Effort{Annealing: o.Annealing, Enumerate: o.enumerate, Begin: begin})
	if err != nil {
		return err
	}
	e := o.evaluation(s, score)
	e.AISTime, e.Seconds = annealed, time.Since(began).Seconds()
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
	o.Runs, o.Temperatures, o.Sweeps = 100, 20_000, 1000
	countVar(f, &o.Runs, "runs", 1, 1<<20, "`N` runs of annealed importance sampling")
	countVar(f, &o.Temperatures, "temps", 2, 1<<30, "`N` temperatures of each run")
	countVar(f, &o.Sweeps, "sweeps", 0, mostSweeps,
		"`N` sweeps between a run up and the run down that begins where it ended")
	countVar(f, &o.Seed, "seed", 0, math.MaxUint64, "`N` of the annealing runs")
	splits := f.String("split", "test", "`test,train` images to compute the bound on")
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
	o.names = strings.Split(*splits, ",")
	for i, name := range o.names {
		if name != mnist.Test && name != mnist.Train || slices.Contains(o.names[:i], name) {
			return nil, usageError{fmt.Errorf("split: %q; must be test, train or test,train", *splits)}
		}
	}
	return o, t.guard.writes(append(o.execution.outputs(), output{"per-example", o.perExample}), o.run)
}

// examples returns the sets of images to score on, and the mean of the training images.
func (o *evalOptions) examples(t *terminal, s *model) (sets []likelihood.Examples, mean []float64, err error) {
	training, err := s.images(t, mnist.Train)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range o.names {
		set := training
		if name == mnist.Test {
			if set, err = s.images(t, name); err != nil {
				return nil, nil, noTestImages(err, name)
			}
		}
		row := func(i int, v []float32) { set.Values(v, i, o.pixels, kernel.Draw{}) }
		sets = append(sets, likelihood.Examples{Name: name, N: set.N(), Row: row, Enumerate: name == mnist.Test})
	}
	return sets, training.Mean(o.pixels), nil
}

// room returns an error where there is no room for the work.
func (o *evalOptions) room(s *model, sets []likelihood.Examples) error {
	n := 0
	for _, x := range sets {
		n += x.N
	}
	effort := likelihood.Effort{Annealing: o.Annealing}
	pixels := uint64(n) * uint64(s.Settings.Layers[0])
	return room(memory.Sum(uint64(s.Settings.StateBytes()), effort.Memory(&s.Settings.Config, n), pixels),
		"--threads, --runs or --temps")
}

// evaluation returns what eval prints of a score.
func (o *evalOptions) evaluation(s *model, score *likelihood.Score) *evaluation {
	z := &score.LogZ
	e := &evaluation{Run: o.run, Updates: s.Updates, Data: s.training.Source, Other: s.otherData,
		Pixels: o.pixels.String(), Runs: o.Runs, Temps: o.Temperatures, Sweeps: o.Sweeps, Seed: o.Seed,
		LogZ: z.LogZ, StdErr: known(z.StdErr), Low: known(z.Low), High: known(z.High), Reverse: z.Reverse, Gap: z.Gap,
		Trusted: z.Trusted()}
	if score.Exact != nil {
		e.Exact = &exact{LogZ: score.Exact.LogZ}
	}
	for i := range score.Bounds {
		b := &score.Bounds[i]
		if b.Name == mnist.Train {
			e.BoundTrain, e.BoundTrainStdErr, e.NegEnergyTrain, e.EntropyTrain = &b.Mean, (*known)(&b.StdErr),
				&b.Parts.Energy, &b.Parts.Entropy
			continue
		}
		e.BoundTest, e.BoundTestStdErr, e.NegEnergyTest, e.EntropyTest = &b.Mean, (*known)(&b.StdErr), &b.Parts.Energy,
			&b.Parts.Entropy
		if e.Exact == nil {
			continue
		}
		if p, ok := score.Exact.LogP[b.Name]; ok {
			e.Exact.LogLikelihood = &p
		}
	}
	return e
}

// print prints a table.
func (e *evaluation) print(t *terminal, s *model, score *likelihood.Score) {
	rows := [][2]string{
		{"model", fmt.Sprintf("%s after %s updates (%s)", format.Shape(s.Settings.Layers), format.Count(e.Updates), e.Run)},
		{"images", s.source(s.training)},
		{"log Z", fmt.Sprintf("%.2f %s; %s of %s temperatures from base rates", e.LogZ, e.interval(),
			format.Number(e.Runs, "run"), format.Count(uint64(e.Temps)))},
		{"from above", fmt.Sprintf("%.2f; the same runs down again, begun %s sweeps after the end of each run up",
			e.Reverse, format.Count(uint64(e.Sweeps)))},
	}
	verdict := fmt.Sprintf("the two sides are %.2f nats apart", math.Abs(e.Gap))
	switch {
	case math.IsNaN(float64(e.StdErr)):
		verdict = "not to be trusted: one run has no error; try more --runs"
	case !e.Trusted:
		verdict = fmt.Sprintf("not to be trusted: %s, more than %v; try more --temps", verdict, likelihood.Trusted)
	}
	rows = append(rows, [2]string{"", verdict})
	for _, b := range score.Bounds {
		of := fmt.Sprintf("%s, %s pixels", format.Number(len(b.Terms), "image"), e.Pixels)
		if math.IsNaN(float64(e.StdErr)) && !math.IsNaN(b.StdErr) {
			of += "; ± is of the images alone"
		}
		rows = append(rows,
			[2]string{"bound, " + b.Name, fmt.Sprintf("%.2f %s nats an image (%s)", b.Mean,
				plusMinus(known(b.StdErr), "one image"), of)},
			[2]string{"", fmt.Sprintf("mean of −energy %.2f, entropy %.2f", b.Parts.Energy, b.Parts.Entropy)})
	}
	if e.Exact != nil {
		what := fmt.Sprintf("log Z %.4f", e.Exact.LogZ)
		if e.Exact.LogLikelihood != nil {
			what += fmt.Sprintf(", log-likelihood of a test image %.4f", *e.Exact.LogLikelihood)
		}
		rows = append(rows, [2]string{"exact", what})
	}
	table(t.out, append(rows, [2]string{"took", format.Duration(e.Seconds)}))
}

// interval returns the standard error of log Z and the 95% interval.
func (e *evaluation) interval() string {
	if math.IsNaN(float64(e.StdErr)) {
		return plusMinus(e.StdErr, "one run")
	}
	return fmt.Sprintf("%s, 95%% in %.2f to %.2f", plusMinus(e.StdErr, ""), e.Low, e.High)
}

// writeTerms writes a line for each image.
func writeTerms(w io.Writer, score *likelihood.Score) error {
	if _, err := fmt.Fprintln(w, "split,image,negative_energy,entropy,bound"); err != nil {
		return err
	}
	for _, b := range score.Bounds {
		for i, x := range b.Terms {
			if _, err := fmt.Fprintf(w, "%s,%d,%v,%v,%v\n", b.Name, i, x.Energy, x.Entropy,
				x.Energy+x.Entropy-score.LogZ.LogZ); err != nil {
				return err
			}
		}
	}
	return nil
}

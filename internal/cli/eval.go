package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/mnist"
)

// evaluation is what eval finds out.
type evaluation struct {
	Run     string  `json:"run"`
	Updates uint64  `json:"updates"`
	Pixels  string  `json:"pixels"`
	Runs    int     `json:"runs"`
	Temps   int     `json:"temps"`
	Sweeps  int     `json:"sweeps"`
	Seed    uint64  `json:"seed"`
	LogZ    float64 `json:"log_z"`
	StdErr  float64 `json:"log_z_stderr"`
	Low     float64 `json:"log_z_low"`
	High    float64 `json:"log_z_high"`
	Reverse float64 `json:"log_z_reverse"`
	Gap     float64 `json:"log_z_gap"`
	Trusted bool    `json:"trusted"`
	Exact   *exact  `json:"exact,omitempty"`
	Seconds float64 `json:"seconds"`
	AISTime float64 `json:"log_z_seconds"`

	BoundTest        *float64 `json:"bound_test,omitempty"`
	BoundTestStdErr  *float64 `json:"bound_test_stderr,omitempty"`
	EnergyTest       *float64 `json:"energy_test,omitempty"`
	EntropyTest      *float64 `json:"entropy_test,omitempty"`
	BoundTrain       *float64 `json:"bound_train,omitempty"`
	BoundTrainStdErr *float64 `json:"bound_train_stderr,omitempty"`
	EnergyTrain      *float64 `json:"energy_train,omitempty"`
	EntropyTrain     *float64 `json:"entropy_train,omitempty"`
}

// split is the bound on a data set.
type split struct {
	name                           string
	bound, stdErr, energy, entropy float64
	terms                          []likelihood.Terms
}

// exact is what can be enumerated.
type exact struct {
	LogZ          float64  `json:"log_z"`
	LogLikelihood *float64 `json:"log_likelihood_test,omitempty"`
}

// eval is the verb that scores a model.
func eval(t *terminal, m *Machine, args []string) (err error) {
	f := flags(t, "tandem eval RUN [flags]")
	how := likelihood.Annealing{}
	f.IntVar(&how.Runs, "runs", 100, "`N` runs of annealed importance sampling")
	f.IntVar(&how.Temperatures, "temps", 20_000, "`N` temperatures of each run")
	f.IntVar(&how.Sweeps, "sweeps", 1000, "`N` sweeps between a run up and the run down that begins where it ended")
	f.Uint64Var(&how.Seed, "seed", 0, "`N` of the runs")
	splits := f.String("split", "test", "`test,train` images to compute the bound on")
	pixels := f.String("pixels", "fixed", "`HOW` pixels become 0 or 1: fixed (sampled once) or threshold")
	perExample := f.String("per-example", "", "`FILE` in CSV for the terms of each image")
	asJSON := f.Bool("json", false, "for programs")
	h := howFlags(f, t)
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	way, err := mnist.ParsePixels(*pixels)
	if err != nil {
		return usageError{fmt.Errorf("eval: pixels: %w", err)}
	}
	if way != mnist.Fixed && way != mnist.Threshold {
		return usageError{fmt.Errorf("eval: pixels: %s values have no log-probability; fixed or threshold have", way)}
	}
	names := strings.Split(*splits, ",")
	for i, name := range names {
		if name != mnist.Test && name != mnist.Train || slices.Contains(names[:i], name) {
			return usageError{fmt.Errorf("eval: split: %q; must be test, train or test,train", *splits)}
		}
	}
	if *perExample != "" {
		if _, err := os.Stat(filepath.Dir(*perExample)); err != nil {
			return fmt.Errorf("eval: per-example: %w", err)
		}
	}
	if err := h.begin(); err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	defer h.end(&err)
	s, training, err := loadWith(found[0], mnist.Train)
	if err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	var sets []*mnist.Set // all that can fail comes before what takes long
	for _, name := range names {
		set := training
		if name == mnist.Test {
			if _, set, err = loadWith(found[0], name); err != nil {
				return fmt.Errorf("eval: %w", err)
			}
		}
		sets = append(sets, set)
	}
	began := time.Now()
	t.last = began
	c := &s.Settings.Config
	how.Threads, how.Base = h.threads, training.Mean(way)
	how.Progress = t.share("annealing")
	w, err := likelihood.Anneal(context.Background(), c, m.Kernels, s.State, how)
	if err != nil {
		return usageError{fmt.Errorf("eval: %w", err)}
	}
	z := w.Estimate()
	e := evaluation{Run: found[0], Updates: s.Updates, Pixels: way.String(), Runs: how.Runs, Temps: how.Temperatures, Sweeps: how.Sweeps,
		Seed: how.Seed, LogZ: z.LogZ, StdErr: z.StdErr, Low: z.Low, High: z.High, Reverse: z.Reverse, Gap: z.Gap, Trusted: z.Trusted(),
		AISTime: time.Since(began).Seconds()}
	var all []*split
	var test *mnist.Set
	for _, set := range sets {
		p, err := bound(t, m, s, set, way, z.LogZ, h.threads)
		if err != nil {
			return fmt.Errorf("eval: %w", err)
		}
		all = append(all, p)
		if set.Name == mnist.Test {
			test = set
			e.BoundTest, e.BoundTestStdErr, e.EnergyTest, e.EntropyTest = &p.bound, &p.stdErr, &p.energy, &p.entropy
		} else {
			e.BoundTrain, e.BoundTrainStdErr, e.EnergyTrain, e.EntropyTrain = &p.bound, &p.stdErr, &p.energy, &p.entropy
		}
	}
	if e.Exact, err = enumerated(t, s, test, way); err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	e.Seconds = time.Since(began).Seconds()
	t.clear()
	if *asJSON {
		if err := writeJSON(t.out, e); err != nil {
			return fmt.Errorf("eval: %w", err)
		}
	} else {
		e.print(t, c, all)
	}
	if *perExample != "" {
		if err := writeFile(*perExample, func(w io.Writer) error { return writeTerms(w, all, z.LogZ) }); err != nil {
			return fmt.Errorf("eval: %w", err)
		}
		if !*asJSON {
			t.tell(*perExample)
		}
	}
	return nil
}

// share returns what shows the share of some work that is done.
func (t *terminal) share(what string) func(done float64) {
	began := time.Now()
	return func(done float64) {
		if now := time.Now(); t.due(now) {
			t.progress(now, []string{fmt.Sprintf("%s: %.0f%%", what, 100*done), "ETA " + short(now.Sub(began).Seconds()*(1-done)/max(done, 1e-9))})
		}
	}
}

// bound computes the bound on a data set.
func bound(t *terminal, m *Machine, s saved, set *mnist.Set, way mnist.Pixels, logZ float64, threads int) (*split, error) {
	p := &split{name: set.Name}
	row := func(i int, v []float32) { set.Values(v, i, way, kernel.Draw{}) }
	var err error
	p.terms, err = likelihood.Bound(context.Background(), &s.Settings.Config, m.Kernels, s.State, set.N(), row, threads, t.share("bound on "+p.name))
	if err != nil {
		return nil, err
	}
	var parts likelihood.Terms
	p.bound, p.stdErr, parts = likelihood.Mean(p.terms, logZ)
	p.energy, p.entropy = parts.Energy, parts.Entropy
	if math.IsNaN(p.bound) {
		return nil, errors.New("the bound is not a number")
	}
	return p, nil
}

// enumerated is the exact log Z, and with one hidden layer the exact log-likelihood
// of the test images, unless they are nil, or nil where there are too many units.
func enumerated(t *terminal, s saved, set *mnist.Set, way mnist.Pixels) (*exact, error) {
	c := &s.Settings.Config
	if !likelihood.Enumerable(c.Layers) {
		return nil, nil
	}
	t.say("enumerating the smaller side")
	logZ, err := likelihood.LogZ(context.Background(), c, s.State)
	if err != nil {
		return nil, err
	}
	x := &exact{LogZ: logZ}
	if c.Hidden() > 1 || set == nil {
		return x, nil
	}
	sum, v := 0.0, make([]float32, c.Layers[0])
	for i := range set.N() {
		set.Values(v, i, way, kernel.Draw{})
		p, err := likelihood.LogP(context.Background(), c, s.State, v, logZ)
		if err != nil {
			return nil, err
		}
		sum += p
	}
	sum /= float64(set.N())
	x.LogLikelihood = &sum
	return x, nil
}

// print tells the figures.
func (e *evaluation) print(t *terminal, c *dbm.Config, all []*split) {
	rows := [][2]string{
		{"model", fmt.Sprintf("%s after %s updates (%s)", shape(c.Layers), count(e.Updates), e.Run)},
		{"log Z", fmt.Sprintf("%.2f ± %.2f, 95%% in %.2f to %.2f; %s of %s temperatures from base rates",
			e.LogZ, e.StdErr, e.Low, e.High, number(e.Runs, "run"), count(uint64(e.Temps)))},
		{"from above", fmt.Sprintf("%.2f; the same runs down again, begun %s sweeps after the end of each run up", e.Reverse, count(uint64(e.Sweeps)))},
	}
	if e.Trusted {
		rows = append(rows, [2]string{"", fmt.Sprintf("the two sides are %.2f nats apart", e.Gap)})
	} else {
		rows = append(rows, [2]string{"", fmt.Sprintf("not to be trusted: the two sides are %.2f nats apart, more than %v; try more --temps", e.Gap, likelihood.Trusted)})
	}
	for _, p := range all {
		rows = append(rows,
			[2]string{"bound, " + p.name, fmt.Sprintf("%.2f ± %.2f nats an image (%s, %s pixels)", p.bound, p.stdErr, number(len(p.terms), "image"), e.Pixels)},
			[2]string{"", fmt.Sprintf("energy %.2f, entropy %.2f", p.energy, p.entropy)})
	}
	if e.Exact != nil {
		what := fmt.Sprintf("log Z %.4f", e.Exact.LogZ)
		if e.Exact.LogLikelihood != nil {
			what += fmt.Sprintf(", log-likelihood of a test image %.4f", *e.Exact.LogLikelihood)
		}
		rows = append(rows, [2]string{"exact", what})
	}
	rows = append(rows, [2]string{"took", short(e.Seconds)})
	table(t.out, rows)
}

func number(n int, what string) string { return count(uint64(n)) + " " + plural(n, what) }

// writeTerms writes a line for each image.
func writeTerms(w io.Writer, all []*split, logZ float64) error {
	if _, err := fmt.Fprintln(w, "split,image,energy,entropy,bound"); err != nil {
		return err
	}
	for _, p := range all {
		for i, x := range p.terms {
			if _, err := fmt.Fprintf(w, "%s,%d,%v,%v,%v\n", p.name, i, x.Energy, x.Entropy, x.Energy+x.Entropy-logZ); err != nil {
				return err
			}
		}
	}
	return nil
}

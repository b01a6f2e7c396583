package cli

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"tandem/bench"
	"tandem/dbm"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/mnist"
)

// benchReport is what bench prints.
type benchReport struct {
	CPU        string         `json:"cpu"`
	Kernel     string         `json:"kernel"`
	Ceiling    float64        `json:"fma_ceiling_gflops"` // of one core
	AllThreads int            `json:"threads"`
	CeilingAll float64        `json:"fma_ceiling_gflops_all"` // of all threads at once
	Kernels    []bench.Kernel `json:"kernels,omitempty"`
	Updates    []bench.Update `json:"updates,omitempty"`
}

// benchOptions are the flags of bench.
type benchOptions struct {
	settings runs.Settings
	threads  int
	seconds  float64
	run      string
	asJSON   bool
	what     string     // kernels, update, scaling, or "" for all
	state    *dbm.State // to measure updates from; nil: the beginning
}

// mostSeconds is the most seconds that a measurement may take: a day.
const mostSeconds = 24 * 60 * 60

// benchmark is the verb that measures how fast this machine trains.
func benchmark(ctx context.Context, t *terminal, m *Machine, args []string) error {
	o, err := benchFlags(t, args)
	if err != nil {
		return err
	}
	r := &benchReport{CPU: m.CPU, Kernel: m.Kernels.Name, AllThreads: o.threads}
	r.Ceiling, r.CeilingAll = bench.Ceiling(1), bench.Ceiling(o.threads)
	if o.what == "" || o.what == "kernels" {
		if r.Kernels, err = bench.Kernels(ctx, m.Kernels, r.Ceiling); err != nil {
			return err
		}
	}
	if o.what != "kernels" {
		if r.Updates, err = o.updates(ctx, m); err != nil {
			return err
		}
	}
	if o.asJSON {
		return format.JSON(t.out, r)
	}
	r.print(t)
	return nil
}

// benchFlags parses the command line of bench.
func benchFlags(t *terminal, args []string) (*benchOptions, error) {
	f, o := flags(t, "tandem bench [kernels|update|scaling] [flags]"), new(benchOptions)
	o.settings, _ = runs.Preset("paper")
	c := &o.settings
	c.MeanFieldTolerance, c.MeanFieldMax = 0, 10
	f.Var(shape{list[int]{&c.Layers, parseUnits}}, "layers", "`N,N,…` units of each layer, the visible one first")
	countVar(f, &c.Batch, "batch", 1, dbm.MaxRows, "`N` examples per update")
	countVar(f, &c.Chains, "chains", 1, dbm.MaxRows, "`N` persistent chains")
	countVar(f, &c.Gibbs, "gibbs", 1, dbm.MaxSweeps, "`N` sweeps of the chains per update")
	numberVar(f, &c.MeanFieldTolerance, "mean-field-tolerance",
		"`X` 0: exactly as many iterations as --mean-field-max says")
	countVar(f, &c.MeanFieldMax, "mean-field-max", 1, dbm.MaxSweeps, "`N` most iterations of mean field")
	o.threads = runtime.GOMAXPROCS(0)
	countVar(f, &o.threads, "threads", 1, mostThreads, "`N` threads for update (default one a core); scaling has "+
		"1, 2, 4, … up to it")
	f.Lookup("threads").DefValue = ""
	o.seconds = 6
	numberVar(f, &o.seconds, "seconds", "`X` seconds for each measurement of updates")
	f.StringVar(&o.run, "run", "", "`RUN` to measure updates from its checkpoint, with its settings (but for the "+
		"flags of mean field, if given)")
	f.BoolVar(&o.asJSON, "json", false, "print JSON, for programs")
	f.BoolVar(&t.quiet, "quiet", false, "show no progress")
	found, err := parse(f, args, "[kernels|update|scaling]")
	if err != nil {
		return nil, err
	}
	o.what = strings.Join(found, "")
	switch {
	case !slices.Contains([]string{"", "kernels", "update", "scaling"}, o.what):
		return nil, usageError{fmt.Errorf("no benchmark %q; there are kernels, update and scaling", o.what)}
	case !(o.seconds > 0 && o.seconds <= mostSeconds):
		return nil, usageError{fmt.Errorf("seconds: %v; must be above 0, and at most %d", o.seconds, mostSeconds)}
	}
	c.FitAlpha(false)
	if o.run != "" {
		if err := o.readRun(f); err != nil {
			return nil, err
		}
	}
	if err := c.Validate(); err != nil {
		return nil, usageError{err}
	}
	return o, nil
}

// readRun takes settings and state from a run, but for the flags of mean field.
func (o *benchOptions) readRun(f *flag.FlagSet) error {
	if isFile(o.run) {
		return fmt.Errorf("%s: a file holds no run; training continues from the folder of one", o.run)
	}
	saved, err := runs.ReadCheckpoint(o.run)
	if err != nil {
		return err
	}
	tolerance, most := o.settings.MeanFieldTolerance, o.settings.MeanFieldMax
	o.settings, o.state = saved.Settings, saved.State
	if given := given(f); given["mean-field-tolerance"] || given["mean-field-max"] {
		o.settings.MeanFieldTolerance, o.settings.MeanFieldMax = tolerance, most
	}
	return nil
}

// updates measures updates with several numbers of threads, each from the same state.
func (o *benchOptions) updates(ctx context.Context, m *Machine) (found []bench.Update, err error) {
	set, err := session.OpenData(&o.settings.Reading, mnist.Train)
	if err != nil {
		return nil, err
	}
	need := memory.Sum(2*uint64(o.settings.StateBytes()), o.settings.TrainerMemory(o.threads), session.DataMemory(set))
	if err := room(need, trainingFlags); err != nil {
		return nil, err
	}
	counts := []int{o.threads}
	if o.what != "update" {
		counts = nil
		for n := 1; n < o.threads; n *= 2 {
			counts = append(counts, n)
		}
		counts = append(counts, o.threads)
	}
	for _, n := range counts {
		trainer, err := session.NewTrainer(&o.settings, m.Kernels, o.state, set, n)
		if err != nil {
			return nil, err
		}
		u, err := bench.Updates(ctx, trainer, &o.settings.Config, n, o.seconds)
		trainer.Close()
		if err != nil {
			return nil, err
		}
		found = append(found, u)
	}
	return found, nil
}

// print prints tables.
func (r *benchReport) print(t *terminal) {
	fmt.Fprintf(t.out, "%s, %s kernels\n", r.CPU, r.Kernel)
	if r.Ceiling > 0 {
		fmt.Fprintf(t.out, "ceiling of fused multiply-adds: %.1f GFLOP/s on one thread, %.1f on %d\n", r.Ceiling,
			r.CeilingAll, r.AllThreads)
	}
	if len(r.Kernels) > 0 {
		fmt.Fprintf(t.out, "\n%-22s %-14s %10s %12s\n", "kernel, one thread", "shape", "GFLOP/s", "of ceiling")
		for _, k := range r.Kernels {
			share := ""
			if k.OfCeiling > 0 {
				share = fmt.Sprintf("%.1f%%", 100*k.OfCeiling)
			}
			fmt.Fprintf(t.out, "%-22s %-14s %10.1f %12s\n", k.Name, k.Shape, k.GFLOPS, share)
		}
	}
	if len(r.Updates) > 0 {
		fmt.Fprintf(t.out, "\n%-20s %7s %10s %10s", "updates", "threads", "a second", "iterations")
		for _, p := range bench.Phases {
			fmt.Fprintf(t.out, "  %s", p)
		}
		fmt.Fprintln(t.out)
		for _, u := range r.Updates {
			fmt.Fprintf(t.out, "%-20s %7d %10.1f %10.2f", format.Shape(u.Layers), u.Threads, u.PerSecond, u.Iterations)
			for _, p := range bench.Phases {
				fmt.Fprintf(t.out, "  %*s", len(p), fmt.Sprintf("%.1f%%", 100*u.Phases[p]))
			}
			fmt.Fprintln(t.out)
		}
	}
}

package cli

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"tandem/bench"
	"tandem/dbm"
	"tandem/internal/runs"
	"tandem/mnist"
)

// benchReport is what bench tells.
type benchReport struct {
	CPU        string         `json:"cpu"`
	Kernel     string         `json:"kernel"`
	Ceiling    float64        `json:"fma_ceiling_gflops"` // of one core
	AllThreads int            `json:"threads"`
	CeilingAll float64        `json:"fma_ceiling_gflops_all"` // of so many threads at once
	Kernels    []bench.Kernel `json:"kernels,omitempty"`
	Updates    []bench.Update `json:"updates,omitempty"`
}

// benchmark is the verb that measures how fast this machine trains.
func benchmark(t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem bench [kernels|update|scaling] [flags]")
	c, _ := runs.Preset("paper")
	c.MeanFieldTolerance, c.MeanFieldMax = 0, 10
	f.Var(list[int]{&c.Layers, strconv.Atoi}, "layers", "`N,N,…` units of each layer, the visible one first")
	f.IntVar(&c.Batch, "batch", c.Batch, "`N` examples an update")
	f.IntVar(&c.Chains, "chains", c.Chains, "`N` persistent chains")
	f.IntVar(&c.Gibbs, "gibbs", c.Gibbs, "`N` sweeps of the chains an update")
	f.Float64Var(&c.MeanFieldTolerance, "mean-field-tolerance", c.MeanFieldTolerance, "`X` 0: exactly as many iterations as --mean-field-max says")
	f.IntVar(&c.MeanFieldMax, "mean-field-max", c.MeanFieldMax, "`N` most iterations of mean field")
	threads := f.Int("threads", runtime.GOMAXPROCS(0), "`N` threads for update; scaling has 1, 2, 4, … up to it")
	seconds := f.Float64("seconds", 6, "`X` seconds for each measurement of updates")
	run := f.String("run", "", "`RUN` to measure updates from its checkpoint, with its configuration (but for the flags\n"+blank+"of mean field, if given)")
	asJSON := f.Bool("json", false, "for programs")
	f.BoolVar(&t.quiet, "quiet", false, "no progress")
	found, err := parse(f, args, "[kernels|update|scaling]")
	if err != nil {
		return err
	}
	what := strings.Join(found, "")
	if !slices.Contains([]string{"", "kernels", "update", "scaling"}, what) {
		return usageError{fmt.Errorf("bench: no benchmark %q; there are kernels, update and scaling", what)}
	}
	if *threads < 1 || *threads > 1024 {
		return usageError{fmt.Errorf("bench: threads: %d; must be 1 to 1024", *threads)}
	}
	if !(*seconds > 0) {
		return usageError{fmt.Errorf("bench: seconds: %v; must be above 0", *seconds)}
	}
	c.FitAlpha(false)
	var state *dbm.State
	if *run != "" {
		saved, err := runs.ReadCheckpoint(*run)
		if err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		given := flagsGiven(f)
		tolerance, most := c.MeanFieldTolerance, c.MeanFieldMax
		c, state = saved.Settings, saved.State
		if given["mean-field-tolerance"] || given["mean-field-max"] {
			c.MeanFieldTolerance, c.MeanFieldMax = tolerance, most
		}
	}
	if err := c.Validate(); err != nil {
		return usageError{fmt.Errorf("bench: %w", err)}
	}
	r := benchReport{CPU: m.CPU, Kernel: m.Kernels.Name, Ceiling: bench.Ceiling(1), AllThreads: *threads, CeilingAll: bench.Ceiling(*threads)}
	if what == "" || what == "kernels" {
		r.Kernels = bench.Kernels(m.Kernels, r.Ceiling)
	}
	if what != "kernels" {
		counts := []int{*threads}
		if what == "scaling" || what == "" {
			counts = nil
			for n := 1; n < *threads; n *= 2 {
				counts = append(counts, n)
			}
			counts = append(counts, *threads)
		}
		if r.Updates, err = benchUpdates(m, &c, state, counts, *seconds); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
	}
	if *asJSON {
		return writeJSON(t.out, r)
	}
	r.write(t)
	return nil
}

// benchUpdates measures updates with several numbers of threads, each from the
// same state, or from the beginning if it is nil.
func benchUpdates(m *Machine, c *runs.Settings, state *dbm.State, threads []int, seconds float64) ([]bench.Update, error) {
	set, err := mnist.Open(c.Data, mnist.Train)
	if err != nil {
		return nil, err
	}
	pixels, err := mnist.ParsePixels(c.Pixels)
	if err != nil {
		return nil, err
	}
	if state == nil {
		if state, err = dbm.Initial(&c.Config, set.Mean(pixels)); err != nil {
			return nil, err
		}
	}
	var found []bench.Update
	for _, n := range threads {
		examples, err := mnist.NewMinibatches(set, pixels, c.Seed, c.Batch)
		if err != nil {
			return nil, err
		}
		trainer, err := dbm.NewTrainer(c.Config, m.Kernels, state, examples, n)
		if err != nil {
			return nil, err
		}
		u, err := bench.Updates(trainer, &c.Config, n, seconds)
		trainer.Close()
		if err != nil {
			return nil, err
		}
		found = append(found, u)
	}
	return found, nil
}

// write writes tables.
func (r *benchReport) write(t *terminal) {
	fmt.Fprintf(t.out, "%s, %s kernels\n", r.CPU, r.Kernel)
	if r.Ceiling > 0 {
		fmt.Fprintf(t.out, "ceiling of fused multiply-adds: %.1f GFLOP/s on one thread, %.1f on %d\n", r.Ceiling, r.CeilingAll, r.AllThreads)
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
			fmt.Fprintf(t.out, "%-20s %7d %10.1f %10.2f", shape(u.Layers), u.Threads, u.PerSecond, u.Iterations)
			for _, p := range bench.Phases {
				fmt.Fprintf(t.out, "  %*s", len(p), fmt.Sprintf("%.1f%%", 100*u.Phases[p]))
			}
			fmt.Fprintln(t.out)
		}
	}
}

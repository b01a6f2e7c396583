package bench

import (
	"context"
	"time"

	"tandem/dbm"
)

// Update is how fast whole updates run.
type Update struct {
	Layers     []int   `json:"layers"`
	Threads    int     `json:"threads"`
	PerSecond  float64 `json:"per_second"` // the median of some rounds
	Iterations float64 `json:"mean_field_iterations"`
	// Phases is the share of the workers' time in each phase.
	Phases map[string]float64 `json:"phases"`
}

// Phases names the phases of an update in the order in which they are shown.
var Phases = []string{"mean field", "chains", "gradient and weights", "packing", "loading", "waiting"}

// phaseNames are the names by dbm.Phase.
var phaseNames = [dbm.Phases]string{
	dbm.MeanField: "mean field", dbm.Chains: "chains", dbm.Gradient: "gradient and weights",
	dbm.Packing: "packing", dbm.Loading: "loading", dbm.Waiting: "waiting",
}

// Updates measures the updates of a trainer with a number of threads for some seconds:
// first without a trace, which gives PerSecond, then with one, which gives Phases. When
// ctx ends, it returns its cause.
func Updates(ctx context.Context, t *dbm.Trainer, c *dbm.Config, threads int, seconds float64) (Update, error) {
	u := Update{Layers: c.Layers, Threads: threads}
	const rounds = 15
	// The first round decides how many updates a round has, and warms up.
	n, start := 0, time.Now()
	for n == 0 || time.Since(start).Seconds() < seconds/rounds {
		if _, err := run(ctx, t, 1); err != nil {
			return u, err
		}
		n++
	}
	var rates []float64
	for range rounds {
		start := time.Now()
		iterations, err := run(ctx, t, n)
		if err != nil {
			return u, err
		}
		u.Iterations += iterations / float64(rounds*n)
		rates = append(rates, float64(n)/time.Since(start).Seconds())
	}
	u.PerSecond = median(rates)
	var err error
	u.Phases, err = phases(ctx, t, threads, 3*n)
	return u, err
}

// run makes n updates, and returns the sum of their mean-field iterations.
func run(ctx context.Context, t *dbm.Trainer, n int) (iterations float64, err error) {
	for range n {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		s, err := t.Update()
		if err != nil {
			return 0, err
		}
		iterations += s.Iterations
	}
	return iterations, nil
}

// phases makes n updates, and returns the fraction of the workers' time in each phase.
func phases(ctx context.Context, t *dbm.Trainer, threads, n int) (map[string]float64, error) {
	type clock struct {
		phase dbm.Phase
		since time.Time
		spent [dbm.Phases]time.Duration
		_     [64]byte // keeps clocks on separate cache lines
	}
	clocks, now := make([]clock, threads), time.Now()
	for i := range clocks {
		clocks[i].phase, clocks[i].since = dbm.Waiting, now
	}
	t.Trace = func(worker int, p dbm.Phase) {
		c, now := &clocks[worker], time.Now()
		c.spent[c.phase] += now.Sub(c.since)
		c.phase, c.since = p, now
	}
	defer func() { t.Trace = nil }()
	if _, err := run(ctx, t, n); err != nil {
		return nil, err
	}
	all, spent := 0.0, map[string]float64{}
	for i := range clocks {
		for p, d := range clocks[i].spent {
			spent[phaseNames[p]] += d.Seconds()
			all += d.Seconds()
		}
	}
	for name := range spent {
		spent[name] /= all
	}
	return spent, nil
}

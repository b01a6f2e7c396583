package bench

import (
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
// first without a trace, which gives PerSecond, then with one, which gives Phases.
func Updates(t *dbm.Trainer, c *dbm.Config, threads int, seconds float64) (Update, error) {
	u := Update{Layers: c.Layers, Threads: threads, Phases: map[string]float64{}}
	const rounds = 15
	// One round's length is settled by the first, which also warms up.
	n, start := 0, time.Now()
	for time.Since(start).Seconds() < seconds/rounds {
		if _, err := t.Update(); err != nil {
			return u, err
		}
		n++
	}
	var rates []float64
	for range rounds {
		start := time.Now()
		for range n {
			s, err := t.Update()
			if err != nil {
				return u, err
			}
			u.Iterations += s.Iterations / float64(rounds*n)
		}
		rates = append(rates, float64(n)/time.Since(start).Seconds())
	}
	u.PerSecond = median(rates)

	type clock struct {
		phase dbm.Phase
		since time.Time
		spent [dbm.Phases]time.Duration
		_     [64]byte // workers do not share a line of the cache
	}
	clocks := make([]clock, threads)
	now := time.Now()
	for i := range clocks {
		clocks[i].phase, clocks[i].since = dbm.Waiting, now
	}
	t.Trace = func(worker int, p dbm.Phase) {
		c, now := &clocks[worker], time.Now()
		c.spent[c.phase] += now.Sub(c.since)
		c.phase, c.since = p, now
	}
	defer func() { t.Trace = nil }()
	for range 3 * n {
		if _, err := t.Update(); err != nil {
			return u, err
		}
	}
	var all time.Duration
	for i := range clocks {
		for _, d := range clocks[i].spent {
			all += d
		}
	}
	for p, name := range phaseNames {
		for i := range clocks {
			u.Phases[name] += clocks[i].spent[p].Seconds() / all.Seconds()
		}
	}
	return u, nil
}

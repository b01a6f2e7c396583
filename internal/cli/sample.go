package cli

import (
	"fmt"
	"time"

	"tandem/dbm"
	"tandem/internal/figure"
	"tandem/internal/runs"
)

// sampling says how to draw samples.
type sampling struct {
	fresh  int // new chains; 0: those of the checkpoint
	sweeps int
	seed   uint64
	sweep  func(done int) // called after each sweep, if not nil
}

// sample is the verb that draws samples.
func sample(t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem sample RUN [flags]")
	var how sampling
	f.IntVar(&how.fresh, "fresh", 0, "`N` new chains that begin with fair coins (default the chains of the checkpoint)")
	sweeps := f.Int("sweeps", 0, "`N` Gibbs sweeps first (default 0, or 1000 for new chains)")
	f.Uint64Var(&how.seed, "seed", 1, "`N` of the random numbers")
	f.BoolVar(&t.quiet, "quiet", false, "no progress")
	out := f.String("out", "", "`FILE` in PNG (default in the run's folder, with a name that tells chains and sweeps)")
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if how.fresh < 0 {
		return usageError{fmt.Errorf("sample: fresh: %d; must not be below 0", how.fresh)}
	}
	switch {
	case *sweeps < 0:
		return usageError{fmt.Errorf("sample: sweeps: %d; must not be below 0", *sweeps)}
	case flagsGiven(f)["sweeps"]:
		how.sweeps = *sweeps
	case how.fresh > 0:
		how.sweeps = 1000
	}
	s, err := load(found[0])
	if err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	t.last = time.Now()
	how.sweep = func(done int) {
		if now := time.Now(); t.due(now) {
			t.progress(now, []string{fmt.Sprintf("sweep %s of %s", count(uint64(done)), count(uint64(how.sweeps)))})
		}
	}
	name, err := drawSamples(found[0], *out, &s.Config, s.State, m.Kernels, s.rows, s.columns, how)
	t.clear()
	if err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	t.tell(name)
	return nil
}

// drawSamples draws the visible means of chains into a file, by default one of the
// run's folder, samples.png if they are those that training left, and returns its
// name.
func drawSamples(dir, name string, c *runs.Config, s *dbm.State, k *dbm.Kernels, rows, columns int, how sampling) (string, error) {
	g, err := dbm.NewSampler(&c.Config, k, s, how.fresh, how.seed)
	if err != nil {
		return "", err
	}
	for i := range how.sweeps {
		g.Sweep()
		if how.sweep != nil {
			how.sweep(i + 1)
		}
	}
	chains := fmt.Sprintf("%d training chains", c.Chains)
	if how.fresh > 0 {
		chains = fmt.Sprintf("%d new chains", how.fresh)
	}
	if how.sweeps > 0 {
		chains += fmt.Sprintf(", %s sweeps on", count(uint64(how.sweeps)))
	}
	grid := figure.Grid{Caption: chains, Tiles: g.Means(), Rows: rows, Columns: columns, Scale: figure.Unit, Across: 10}
	standard := samplesFile
	switch {
	case how.fresh > 0:
		standard = fmt.Sprintf("samples-fresh-%d.png", how.sweeps)
	case how.sweeps > 0:
		standard = fmt.Sprintf("samples-%d.png", how.sweeps)
	}
	return draw(dir, name, standard, fmt.Sprintf("samples of %s after %s updates", shape(c.Layers), count(s.Updates)), []figure.Grid{grid})
}

package cli

import (
	"context"
	"fmt"
	"runtime"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/figure"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/runs"
)

// firstUnits is how many units of a layer a picture shows unless --units asks for others.
const firstUnits = 100

// filters is the verb that draws filters.
func filters(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem filters RUN [flags]")
	units := firstUnits
	countVar(f, &units, "units", 0, dbm.MaxUnits, "`N` units of each layer, the first ones; 0: all")
	out := f.String("out", "", "`FILE` in PNG (default filters.png in the run's folder)")
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if err := t.guard.pictures(found[0], output{"out", *out}); err != nil {
		return err
	}
	s, err := load(t, found[0])
	if err != nil {
		return err
	}
	need := memory.Sum(uint64(s.Settings.StateBytes()), filtersMemory(&s.Settings.Config, runtime.GOMAXPROCS(0)))
	if err := memory.Check(need, ""); err != nil {
		return err
	}
	name, err := s.drawFilters(ctx, *out, m.Kernels, units, runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	t.made(name)
	return nil
}

// drawFilters draws the first units of each layer, or all if units is 0, into a file, by
// default filters.png of the run's folder, and returns its name.
func (m *model) drawFilters(ctx context.Context, name string, k *kernel.Set, units, threads int) (string, error) {
	c := &m.Settings.Config
	a := m.measure(k, threads)
	var grids []figure.Grid
	for l := 1; l < len(c.Layers); l++ {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		n := c.Layers[l]
		shown, caption := n, fmt.Sprintf("layer %d: %d units", l, n)
		if units > 0 && units < n {
			shown = units
			caption = fmt.Sprintf("layer %d: the first %d of %d units", l, units, n)
		}
		caption += fmt.Sprintf(", %s, norm %.2f ± %.2f", fractions(a, l), a.NormMean[l-1], a.NormSD[l-1])
		grid := m.tiles(caption, dbm.Pictures(c, m.State, l, threads)[:shown*c.Layers[0]], figure.Symmetric)
		grid.Bar = true
		grids = append(grids, grid)
	}
	title := fmt.Sprintf("filters of %s after %s updates", format.Shape(c.Layers), format.Count(m.State.Updates))
	return m.draw(ctx, name, runs.FiltersFile, title, grids)
}

// measure measures the filters, unless that is done.
func (m *model) measure(k *kernel.Set, threads int) *dbm.FilterMeasures {
	if m.measures == nil {
		a := dbm.NewFilterStats(&m.Settings.Config, k, m.rows, m.columns, threads).Measure(m.State)
		m.measures = &a
	}
	return m.measures
}

// fractions returns the fractions of the filters of layer l: started, noise and duplicate.
func fractions(a *dbm.FilterMeasures, l int) string {
	s := "started " + format.Percent(a.Live[l-1])
	if a.Noise != nil {
		s += ", noise " + format.Percent(a.Noise[l-1])
	}
	return s + ", duplicate " + format.Percent(a.Duplicate[l-1])
}

package curves

import (
	"slices"
	"testing"

	"tandem/internal/figure"
	"tandem/internal/runs"
)

// Each number of metrics is in its chart, by layer and by run.
func TestCharts(t *testing.T) {
	held, base := -80.5, -206.0
	first := []runs.Metrics{
		{Update: 1, Seconds: 0.5, NormMean: []float64{1, 2}, NormSD: []float64{0.1, 0.5}, VaryingUnits: []float64{0, 0.25},
			StuckOnUnits: []float64{0.5, 0}, StuckOffUnits: []float64{0.25, 0}, Components: []int{3, 1},
			InputFromAbove: []float64{0.5, -1}, PerSecond: 10},
		{Update: 100, Seconds: 3, NormMean: []float64{3, 4}, NormSD: []float64{1, 1}, BoundHeldOut: &held,
			IndependentHeldOut: &base, PerSecond: 20},
	}
	find := func(all []*figure.Chart, title string) *figure.Chart {
		t.Helper()
		for _, c := range all {
			if c.Title == title {
				return c
			}
		}
		t.Fatalf("no chart %q", title)
		return nil
	}
	all := Charts([]Run{{"a", first}}, false, true)
	norm := find(all, "norms of the weights, mean ± standard deviation")
	if len(norm.Series) != 2 || norm.Series[1].Name != "layer 2" || !slices.Equal(norm.Series[1].X, []float64{1, 100}) ||
		!slices.Equal(norm.Series[1].Y, []float64{2, 4}) || norm.Series[1].Low[0] != 1.5 || norm.Series[0].High[1] != 4 ||
		!norm.X.Log || norm.Series[0].Colour == norm.Series[1].Colour {
		t.Errorf("%+v", norm)
	}
	if s := find(all, "units that are stuck").Series; s[0].Y[0] != 75 || s[1].Y[0] != 0 || len(s[0].Y) != 1 {
		t.Errorf("%+v", s)
	}
	if s := find(all, "mean input from the layer above").Series; s[0].Name != "layer 0" || s[1].Y[0] != -1 {
		t.Errorf("%+v", s)
	}
	bound := find(all, "log-likelihood of an example (a rough estimate)").Series
	if len(bound) != 2 || bound[0].Name != "held out" || bound[0].X[0] != 100 || bound[1].Y[0] != base ||
		bound[1].Dash != figure.Dotted || bound[0].Dash == figure.Dotted {
		t.Errorf("%+v", bound)
	}
	if slices.ContainsFunc(all, func(c *figure.Chart) bool { return c.Title == "filters that are noise" }) {
		t.Error("a chart without curves")
	}
	// Of several runs each has its colour, and layers are told apart by dashes.
	norm = find(Charts([]Run{{"a", first}, {"b", first[:1]}}, true, false), norm.Title)
	if len(norm.Series) != 4 || norm.Series[0].Colour != norm.Series[1].Colour ||
		norm.Series[0].Dash == norm.Series[1].Dash ||
		norm.Series[2].Colour == norm.Series[0].Colour || norm.Series[3].Name != "b, layer 2" || norm.Series[0].X[1] != 3 ||
		norm.X.Label != "seconds" || norm.X.Log {
		t.Errorf("%+v", norm)
	}
}

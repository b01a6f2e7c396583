// Package curves makes charts of what metrics.jsonl says of runs.
package curves

import (
	"fmt"
	"math"
	"strings"

	"tandem/internal/figure"
	"tandem/internal/runs"
)

// Run is a run with its lines of metrics.
type Run struct {
	Name    string
	Metrics []runs.Metrics
}

// line is one curve of a chart for each layer, or one alone.
type line struct {
	label string
	of    func(m *runs.Metrics) []float64 // one for each layer; or one, of curves that have no layers
	low   func(m *runs.Metrics) []float64 // of a band around it; nil: none
	high  func(m *runs.Metrics) []float64
	bare  bool // there are no layers
	from  int  // layer of the first number, where it is not 1
	base  bool // a baseline
}

// chart is what one chart shows.
type chart struct {
	title, unit string
	zero        bool
	lines       []line
}

// one returns a curve without layers of a number that is left out where it is 0.
func one(label string, of func(m *runs.Metrics) float64) line {
	return line{label: label, bare: true, of: func(m *runs.Metrics) []float64 {
		if x := of(m); x != 0 {
			return []float64{x}
		}
		return nil
	}}
}

// percent returns curves of shares.
func percent(of func(m *runs.Metrics) []float64) []line {
	return []line{{of: func(m *runs.Metrics) []float64 { return scaled(of(m), 100) }}}
}

func scaled(x []float64, by float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v * by
	}
	return y
}

func sum(x, y []float64, sign float64) []float64 {
	z := make([]float64, min(len(x), len(y)))
	for i := range z {
		z[i] = x[i] + float64(sign*y[i])
	}
	return z
}

// baseline marks a curve as one.
func baseline(l line) line {
	l.base = true
	return l
}

func value(x *float64) float64 {
	if x == nil {
		return 0
	}
	return *x
}

// list is the charts, the most important first. The live page shows the same figures (live.js in
// package web).
var list = []chart{
	{title: "log-likelihood of an example (a rough estimate)", unit: "nats", lines: []line{
		one("held out", func(m *runs.Metrics) float64 { return value(m.BoundHeldOut) }),
		one("test", func(m *runs.Metrics) float64 { return m.BoundTest }),
		baseline(one("independent units, held out", func(m *runs.Metrics) float64 { return value(m.IndependentHeldOut) })),
		baseline(one("independent units, test", func(m *runs.Metrics) float64 { return m.IndependentTest })),
	}},
	{title: "units that vary", unit: "%", zero: true,
		lines: percent(func(m *runs.Metrics) []float64 { return m.VaryingUnits })},
	{title: "units that are stuck", unit: "%", zero: true,
		lines: percent(func(m *runs.Metrics) []float64 { return sum(m.StuckOnUnits, m.StuckOffUnits, 1) })},
	{title: "principal components of the units", unit: "components", zero: true,
		lines: []line{{of: func(m *runs.Metrics) []float64 {
			x := make([]float64, len(m.Components))
			for i, n := range m.Components {
				x[i] = float64(n)
			}
			return x
		}}}},
	{title: "mean input from the layer above", unit: "input", zero: true,
		lines: []line{{from: -1, of: func(m *runs.Metrics) []float64 { return m.InputFromAbove }}}},
	{title: "filters that started", unit: "%", zero: true,
		lines: percent(func(m *runs.Metrics) []float64 { return m.LiveFilters })},
	{title: "filters that are noise", unit: "%", zero: true,
		lines: percent(func(m *runs.Metrics) []float64 { return m.NoiseFilters })},
	{title: "filters that are duplicates", unit: "%", zero: true,
		lines: percent(func(m *runs.Metrics) []float64 { return m.DuplicateFilters })},
	{title: "norms of the weights, mean ± standard deviation", unit: "norm", zero: true, lines: []line{{
		of:   func(m *runs.Metrics) []float64 { return m.NormMean },
		low:  func(m *runs.Metrics) []float64 { return sum(m.NormMean, m.NormSD, -1) },
		high: func(m *runs.Metrics) []float64 { return sum(m.NormMean, m.NormSD, 1) }}}},
	{title: "reconstruction error of an example", unit: "squared", zero: true,
		lines: []line{one("", func(m *runs.Metrics) float64 { return m.ReconstructionError })}},
	{title: "iterations of mean field", unit: "iterations", zero: true,
		lines: []line{one("", func(m *runs.Metrics) float64 { return m.MeanFieldIterations })}},
	{title: "updates a second", unit: "updates", zero: true,
		lines: []line{one("", func(m *runs.Metrics) float64 { return m.PerSecond })}},
}

// Charts returns the charts of some runs, by update or by second, without those that have nothing
// to show. A logarithmic axis leaves out what is at 0.
func Charts(all []Run, bySecond, log bool) (charts []*figure.Chart) {
	x := figure.Axis{Label: "updates", Log: log}
	if bySecond {
		x.Label = "seconds"
	}
	for i := range list {
		c := &figure.Chart{Title: list[i].title, X: x, Y: figure.Axis{Label: list[i].unit, Zero: list[i].zero}}
		for r := range all {
			for k := range list[i].lines {
				c.Series = append(c.Series, list[i].lines[k].series(&all[r], r, k, len(all) > 1, bySecond)...)
			}
		}
		if len(c.Series) > 0 {
			charts = append(charts, c)
		}
	}
	return charts
}

// series returns the curves of a line of one run. Of several runs each has its colour, and the
// layers their dashes.
func (l *line) series(r *Run, run, place int, several, bySecond bool) (found []figure.Series) {
	for i := range r.Metrics {
		m := &r.Metrics[i]
		at, values := float64(m.Update), l.of(m)
		if bySecond {
			at = m.Seconds
		}
		for layer, y := range values {
			for len(found) <= layer {
				found = append(found, l.begin(r, run, place, len(found), several))
			}
			s := &found[layer]
			s.X, s.Y = append(s.X, at), append(s.Y, y)
			if l.low != nil {
				s.Low, s.High = append(s.Low, pick(l.low(m), layer)), append(s.High, pick(l.high(m), layer))
			}
		}
	}
	return found
}

// begin returns the curve of a layer, counted from 0, without points.
func (l *line) begin(r *Run, run, place, layer int, several bool) figure.Series {
	var words []string
	if several {
		words = append(words, r.Name)
	}
	if l.label != "" {
		words = append(words, l.label)
	}
	if !l.bare {
		words, place = append(words, fmt.Sprintf("layer %d", layer+1+l.from)), layer
	}
	s := figure.Series{Name: strings.Join(words, ", "), Styled: true, Colour: place}
	if several {
		s.Colour, s.Dash = run, place
	}
	if l.base {
		s.Dash = figure.Dotted
	}
	return s
}

func pick(x []float64, i int) float64 {
	if i >= len(x) {
		return math.NaN()
	}
	return x[i]
}

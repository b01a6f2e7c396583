package reproduce

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"math"
	"slices"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/internal/figure"
	"tandem/internal/runs"
	"tandem/mnist"
)

// Layer is what is measured of the filters of one hidden layer.
type Layer struct {
	Units     int     `json:"units"`
	Live      float64 `json:"live"`      // shares, as dbm.FilterMeasures has them
	Noise     float64 `json:"noise"`     //
	Duplicate float64 `json:"duplicate"` //
	NormMean  float64 `json:"norm_mean"`
	NormSD    float64 `json:"norm_sd"`
	// NoiseRank is the share of pairs of a noise filter and another one in which
	// the noise filter has the lower norm: 1 if all noise filters are those of
	// lowest norm, ½ if the norm tells nothing. -1 where either kind is missing.
	NoiseRank float64   `json:"noise_rank"`
	Norms     []float64 `json:"norms,omitempty"`     // of each unit
	Roughness []float64 `json:"roughness,omitempty"` // of each unit's picture: 1 − dbm.Smoothness
}

// Spread is the standard deviation of the norms over their mean.
func (l *Layer) Spread() float64 { return l.NormSD / l.NormMean }

// Score is an estimate of the likelihood of the test images, sampled once.
type Score struct {
	LogZ        float64 `json:"log_z"`
	LogZStdErr  float64 `json:"log_z_stderr"`
	Bound       float64 `json:"bound_test"` // nats an image
	BoundStdErr float64 `json:"bound_test_stderr"`
	Trusted     bool    `json:"trusted"` // nothing speaks against log Z
	Ensembles   int     `json:"ensembles"`
	Sweeps      int     `json:"sweeps"` // of each ensemble
}

// Measures is what is measured of a run at its end.
type Measures struct {
	Run          string  `json:"run"`
	Updates      uint64  `json:"updates"`
	Seconds      float64 `json:"seconds,omitempty"` // of training
	Layers       []Layer `json:"layers"`
	ParamsSHA256 string  `json:"params_sha256"`
	Score        *Score  `json:"score,omitempty"`
	Pictures     bool    `json:"whole"` // it has all its pictures
}

// roughAbove is the roughness above which dbm.FilterMeasures counts a filter as noise.
const roughAbove = 0.5

// Measure looks at the filters of a run.
func Measure(name string, c *runs.Checkpoint, k *kernel.Set, rows, columns, threads int) *Measures {
	config := &c.Settings.Config
	m := &Measures{Run: name, Updates: c.Updates, Seconds: c.Seconds, ParamsSHA256: c.State.SHA256()}
	a := dbm.NewFilterStats(config, k, rows, columns, threads).Measure(c.State)
	for l := 1; l < len(config.Layers); l++ {
		n := config.Layers[l]
		layer := Layer{Units: n, Live: a.Live[l-1], Duplicate: a.Duplicate[l-1], NormMean: a.NormMean[l-1],
			NormSD: a.NormSD[l-1], NoiseRank: -1}
		pictures := dbm.Pictures(config, c.State, l, threads)
		for j := range n {
			square := 0.0
			for i := range config.Layers[l-1] {
				w := float64(c.State.Weights[l-1][i*n+j])
				square += float64(w * w)
			}
			layer.Norms = append(layer.Norms, math.Sqrt(square))
			layer.Roughness = append(layer.Roughness, 1-dbm.Smoothness(pictures[j*rows*columns:][:rows*columns], columns))
		}
		if a.Noise != nil {
			layer.Noise = a.Noise[l-1]
		}
		layer.NoiseRank = noiseRank(layer.Norms, layer.Roughness)
		m.Layers = append(m.Layers, layer)
	}
	return m
}

// noiseRank is Layer.NoiseRank.
func noiseRank(norms, roughness []float64) float64 {
	lower, pairs := 0.0, 0.0
	for i := range norms {
		for j := range norms {
			if roughness[i] > roughAbove && roughness[j] <= roughAbove {
				pairs++
				switch {
				case norms[i] < norms[j]:
					lower++
				case norms[i] == norms[j]:
					lower += 0.5
				}
			}
		}
	}
	if pairs == 0 {
		return -1
	}
	return lower / pairs
}

// Estimate estimates the likelihood, as tandem eval does with 4,000 sweeps. stage
// receives the name of each stage, and returns what receives the fraction done.
func Estimate(ctx context.Context, c *runs.Checkpoint, k *kernel.Set, training, test *mnist.Set, threads int,
	stage func(name string) func(done float64)) (*Score, error) {
	s := &Score{Ensembles: 8, Sweeps: 4000}
	row := func(i int, v []float32) { test.Values(v, i, mnist.Fixed, kernel.Draw{}) }
	examples := []likelihood.Examples{{Name: mnist.Test, N: test.N(), Row: row}}
	example := func(i int, v []float32) { training.Values(v, i%training.N(), mnist.Fixed, kernel.Draw{}) }
	config := &c.Settings.Config
	base, err := likelihood.BaseOf(ctx, config, k, c.State, training.Mean(mnist.Fixed), training.N(), example, threads)
	if err != nil {
		return nil, err
	}
	effort := likelihood.Effort{
		Exchange: &likelihood.Exchange{Ensembles: s.Ensembles, Sweeps: s.Sweeps, Base: base, Example: example},
		Threads:  threads,
		Begin:    func(s likelihood.Stage, _ string) func(done float64) { return stage(string(s)) },
	}
	found, err := likelihood.Evaluate(ctx, config, k, c.State, examples, effort)
	if err != nil {
		return nil, err
	}
	z, b := &found.LogZ, &found.Sets[0].Bound
	s.LogZ, s.LogZStdErr, s.Trusted = z.Value, z.StdErr, len(z.Distrust) == 0
	s.Bound, s.BoundStdErr = b.Mean, b.StdErr
	return s, nil
}

// drawFilters draws filters of each layer, evenly chosen in the order of their
// norms, the least first, with the norm below each.
func drawFilters(c *runs.Checkpoint, m *Measures, rows, columns, each int) (*image.Paletted, error) {
	var grids []figure.Grid
	for l := range m.Layers {
		layer := &m.Layers[l]
		pictures := dbm.Pictures(&c.Settings.Config, c.State, l+1, 1)
		order := make([]int, layer.Units)
		for j := range order {
			order[j] = j
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(layer.Norms[a], layer.Norms[b]) })
		shown := min(each, len(order))
		g := figure.Grid{Rows: rows, Columns: columns, Across: 10, Scale: figure.Symmetric,
			Caption: fmt.Sprintf("layer %d: %d of %d filters, by norm", l+1, shown, layer.Units)}
		for i := range shown {
			j := order[i*(len(order)-1)/max(shown-1, 1)]
			g.Tiles = append(g.Tiles, pictures[j*rows*columns:(j+1)*rows*columns]...)
			g.Labels = append(g.Labels, fmt.Sprintf("%.3f", layer.Norms[j]))
		}
		grids = append(grids, g)
	}
	return figure.Draw("", grids...)
}

// drawSamples draws the means of the visible units in the chains of training.
func drawSamples(c *runs.Checkpoint, k *kernel.Set, rows, columns int) (*image.Paletted, error) {
	s, err := dbm.NewSampler(&c.Settings.Config, k, c.State, 0, 0)
	if err != nil {
		return nil, err
	}
	means := s.Means()
	shown := min(len(means)/(rows*columns), 50)
	return figure.Draw("", figure.Grid{Tiles: means[:shown*rows*columns], Rows: rows, Columns: columns, Across: 10,
		Scale: figure.Unit})
}

// planned are the metrics of the checkpoints that a run would have made alone; a
// stop adds one wherever it comes. Mean-field iterations, which a line has the mean
// of since the line before, become the mean since the one kept before.
func planned(metrics []runs.Metrics, every uint64) []runs.Metrics {
	var kept []runs.Metrics
	iterations, from, last := 0.0, uint64(0), uint64(0)
	for i, m := range metrics {
		iterations += float64(m.MeanFieldIterations * float64(m.Update-last))
		if last = m.Update; m.Update%every == 0 || i == len(metrics)-1 {
			m.MeanFieldIterations = iterations / float64(max(m.Update-from, 1))
			kept, from, iterations = append(kept, m), m.Update, 0
		}
	}
	return kept
}

// curves returns charts of a run: norms and their spread, live and noise filters,
// mean-field iterations, the bound where it was estimated, and, at the end, the
// norms in order and against roughness.
func curves(metrics []runs.Metrics, m *Measures) map[string]*figure.Chart {
	updates := figure.Axis{Label: "updates"}
	var u []float64
	for _, x := range metrics {
		u = append(u, float64(x.Update))
	}
	pick := func(f func(x *runs.Metrics) float64) []float64 {
		y := make([]float64, len(metrics))
		for i := range metrics {
			y[i] = f(&metrics[i])
		}
		return y
	}
	norm := &figure.Chart{Title: "norms of the weight vectors: mean ± standard deviation", X: updates,
		Y: figure.Axis{Label: "norm", Zero: true}}
	mu := &figure.Chart{Title: "the learnt mean norm of each layer", X: updates, Y: figure.Axis{Label: "μ", Zero: true}}
	share := &figure.Chart{Title: "filters that left their start, and noise filters", X: updates,
		Y: figure.Axis{Label: "% of filters", Zero: true}}
	for l := range m.Layers {
		name := fmt.Sprintf("layer %d", l+1)
		norm.Series = append(norm.Series, figure.Series{Name: name, X: u,
			Y:    pick(func(x *runs.Metrics) float64 { return at(x.NormMean, l) }),
			Low:  pick(func(x *runs.Metrics) float64 { return at(x.NormMean, l) - at(x.NormSD, l) }),
			High: pick(func(x *runs.Metrics) float64 { return at(x.NormMean, l) + at(x.NormSD, l) })})
		mu.Series = append(mu.Series, figure.Series{Name: name, X: u,
			Y: pick(func(x *runs.Metrics) float64 { return at(x.Mu, l) })})
		share.Series = append(share.Series, figure.Series{Name: name + ", live", X: u,
			Y: pick(func(x *runs.Metrics) float64 { return 100 * at(x.LiveFilters, l) })})
		share.Series = append(share.Series, figure.Series{Name: name + ", noise", X: u,
			Y: pick(func(x *runs.Metrics) float64 { return 100 * at(x.NoiseFilters, l) })})
	}
	field := &figure.Chart{Title: "iterations of mean field an example", X: updates,
		Y:      figure.Axis{Label: "iterations", Zero: true},
		Series: []figure.Series{{X: u, Y: pick(func(x *runs.Metrics) float64 { return x.MeanFieldIterations })}}}
	sorted, rough := normCharts(m)
	all := map[string]*figure.Chart{"norms": norm, "mu": mu, "live": share, "mean-field": field, "sorted": sorted,
		"roughness": rough}
	var at, bound []float64
	for i := range metrics {
		if metrics[i].BoundTest != 0 {
			at, bound = append(at, u[i]), append(bound, metrics[i].BoundTest)
		}
	}
	if len(at) > 1 {
		all["bound"] = &figure.Chart{Title: "bound of 500 test images; a rough estimate that jumps", X: updates,
			Y:      figure.Axis{Label: "nats an image"},
			Series: []figure.Series{{X: at, Y: bound}}}
	}
	return all
}

// normCharts returns charts of the norms at the end: in order, and against roughness.
func normCharts(m *Measures) (sorted, rough *figure.Chart) {
	norm := figure.Axis{Label: "norm", Zero: true}
	sorted = &figure.Chart{Title: "norms of the weight vectors in order", Y: norm,
		X: figure.Axis{Label: "% of the layer's filters"}}
	rough = &figure.Chart{Title: "norm against roughness of the filter", Y: norm,
		X: figure.Axis{Label: "roughness (0: smooth strokes, 1: each pixel on its own)"}}
	for l := range m.Layers {
		layer, name := &m.Layers[l], fmt.Sprintf("layer %d", l+1)
		norms := slices.Sorted(slices.Values(layer.Norms))
		place := make([]float64, len(norms))
		for i := range place {
			place[i] = 100 * float64(i) / float64(max(len(place)-1, 1))
		}
		sorted.Series = append(sorted.Series, figure.Series{Name: name, X: place, Y: norms})
		rough.Series = append(rough.Series, figure.Series{Name: name, X: layer.Roughness, Y: layer.Norms, Points: true})
	}
	return sorted, rough
}

// at returns an element, or NaN where there is none.
func at(x []float64, i int) float64 {
	if i >= len(x) {
		return math.NaN()
	}
	return x[i]
}

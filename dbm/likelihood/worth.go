package likelihood

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// What a layer is worth shows when it is cut, with those above it: the weights into these
// layers become 0, and the biases below take over the mean of what they received. The cut
// model is no longer trained, so this says what the model loses without the layers, not how
// well a model could do that never had them.
//
// Log Z of the model over that of the cut one comes from a short path between the two, along
// which those weights grow. It is known far better than the difference of two log Z that
// are each estimated from independent units. Examples are scored by both models, and the
// difference of each is averaged.

// Worth is what a layer and those above it add to a model.
type Worth struct {
	Layer int        // 2 to the top one
	Ratio *Exchanged // its LogZ is log Z of the model over that of the cut one
	Sets  []Gain     // of each set of examples
}

// Gain is the mean gain of the examples of one set, in nats.
type Gain struct {
	Name string
	Mean // of one model's bound less the other's; the error of the ratio of their Z shifts it, too
	Each []float64
}

// ErrOneLayer is the error of a model that has one hidden layer, which cannot be cut.
var ErrOneLayer = errors.New("a model of one hidden layer has no upper layer to cut")

// Cut returns a model whose units of a layer, 2 or above, and of those above it are
// independent of all others, with the means that the base gives them.
func Cut(c *dbm.Config, s *dbm.State, layer int, base Base) (*dbm.State, error) {
	if c.Hidden() < 2 {
		return nil, ErrOneLayer
	}
	for l := layer; l < len(c.Layers); l++ {
		if l >= len(base) || base[l] == nil {
			return nil, fmt.Errorf("to cut layer %d needs the means of its units as base", l)
		}
	}
	if err := base.validate(c.Layers); err != nil {
		return nil, err
	}
	cut := *s // which shares what does not change
	cut.Weights, cut.Biases = slices.Clone(s.Weights), slices.Clone(s.Biases)
	below, n := slices.Clone(s.Biases[layer-1]), c.Layers[layer]
	for i := range below {
		sum := 0.0
		for j, w := range s.Weights[layer-1][i*n : (i+1)*n] {
			sum += float64(float64(w) * base[layer][j])
		}
		below[i] = float32(float64(below[i]) + sum)
	}
	cut.Biases[layer-1] = below
	for l := layer; l < len(c.Layers); l++ {
		cut.Weights[l-1] = make([]float32, len(s.Weights[l-1]))
		cut.Biases[l] = make([]float32, c.Layers[l])
		for j, p := range base[l] {
			cut.Biases[l][j] = baseBias(p)
		}
	}
	return &cut, nil
}

// cutLadder is where the pilot between the cut model and the whole one begins.
var cutLadder = []float32{0, 0.25, 0.5, 0.75, 1}

// Worth finds what a layer and those above it are worth for examples that Evaluate has
// scored. It needs replica exchange, with the means of the units as base.
func (e *Effort) Worth(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, layer int, sets []Examples,
	score *Score) (*Worth, error) {
	if e.Exchange == nil {
		return nil, errors.New("the worth of a layer needs replica exchange")
	}
	cut, err := Cut(c, s, layer, e.Exchange.Base)
	if err != nil {
		return nil, err
	}
	w := &Worth{Layer: layer}
	how := *e.Exchange
	how.Betas, how.Before, how.Threads, how.Progress = nil, nil, e.Threads, e.Begin(StageCut, "")
	if w.Ratio, err = how.cutRatio(ctx, c, set, s, cut, layer); err != nil {
		return nil, err
	}
	whole := Score{LogZ: LogZ{Value: w.Ratio.LogZ}, Sets: score.Sets}
	without, of := Score{}, *e // log Z less that of the cut model
	of.Posterior = nil
	of.Begin = func(Stage, string) func(float64) { return nil }
	for _, x := range sets {
		scored, err := of.examples(ctx, c, set, cut, x, &without)
		if err != nil {
			return nil, err
		}
		without.Sets = append(without.Sets, *scored)
	}
	w.Sets = Compare(&whole, &without)
	return w, nil
}

// Compare returns what examples gain by one model over another, of both of which Evaluate
// found the score. The errors of both log Z shift all gains.
func Compare(whole, without *Score) (sets []Gain) {
	for i := range whole.Sets {
		a, b := &whole.Sets[i], &without.Sets[i]
		g := Gain{Name: a.Name, Each: make([]float64, len(a.Terms))}
		for i := range g.Each {
			g.Each[i] = a.known(i) - b.known(i) - whole.LogZ.Value + without.LogZ.Value
		}
		g.Mean = MeanOf(len(g.Each), func(i int) float64 { return g.Each[i] })
		sets = append(sets, g)
	}
	return sets
}

// LogPOf returns the best that is known of the log-probability of example i, given log Z.
func (x *Scored) LogPOf(i int, logZ float64) float64 {
	if x.LogP != nil {
		return x.LogP[i]
	}
	return x.known(i) - logZ
}

// known returns the best that is known of log p* of example i.
func (x *Scored) known(i int) float64 {
	if x.Weights != nil {
		return x.Weights[i].LogMean
	}
	return x.Terms[i].Energy + x.Terms[i].Entropy
}

// cutRatio returns log Z of a model over that of the cut one.
func (o *Exchange) cutRatio(ctx context.Context, c *dbm.Config, set *kernel.Set, s, cut *dbm.State,
	layer int) (*Exchanged, error) {
	m, err := dbm.NewModel(c, set, s)
	if err != nil {
		return nil, err
	}
	without, err := dbm.NewModel(c, set, cut)
	if err != nil {
		return nil, err
	}
	p := &path{Model: m, small: 1 - layer%2, base: without.Bias, grows: make([]bool, len(c.Layers))}
	for l := layer; l < len(c.Layers); l += 2 {
		p.grows[l] = true
	}
	p.setMore()
	return o.along(ctx, &inferred{c, set, s}, p, 0, cutLadder)
}

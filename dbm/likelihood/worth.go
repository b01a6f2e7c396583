package likelihood

import (
	"context"
	"errors"
	"slices"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// What a layer is worth shows when it is cut: the weights into the top layer become 0, and
// the biases below take over the mean of what they received. The cut model is no longer
// trained, so this says what the model loses without the layer, not how well a model could
// do that never had it.
//
// Log Z of the model over that of the cut one comes from a short path between the two, along
// which those weights grow. It is known far better than the difference of two log Z that
// are each estimated from independent units. Examples are scored by both models, and the
// difference of each is averaged.

// Worth is what the top layer of a model adds.
type Worth struct {
	Layer int        // the top one
	Ratio *Exchanged // its LogZ is log Z of the model over that of the cut one
	Sets  []Gain     // of each set of examples
}

// Gain is the mean gain of the examples of one set, in nats.
type Gain struct {
	Name string
	Mean // of the model's bound less the cut one's; the error of Ratio shifts it, too
	Each []float64
}

// ErrOneLayer is the error of a model that has one hidden layer, which cannot be cut.
var ErrOneLayer = errors.New("a model of one hidden layer has no upper layer to cut")

// Cut returns a model without its top layer. means are those of its units.
func Cut(c *dbm.Config, s *dbm.State, means []float64) (*dbm.State, error) {
	if c.Hidden() < 2 {
		return nil, ErrOneLayer
	}
	top := len(c.Layers) - 1
	cut := *s // which shares what does not change
	cut.Weights, cut.Biases = slices.Clone(s.Weights), slices.Clone(s.Biases)
	cut.Weights[top-1] = make([]float32, len(s.Weights[top-1]))
	cut.Biases[top-1] = make([]float32, c.Layers[top-1])
	for i := range c.Layers[top-1] {
		sum := 0.0
		for j, w := range s.Weights[top-1][i*c.Layers[top] : (i+1)*c.Layers[top]] {
			sum += float64(float64(w) * means[j])
		}
		cut.Biases[top-1][i] = float32(float64(s.Biases[top-1][i]) + sum)
	}
	return &cut, nil
}

// cutLadder is where the pilot between the cut model and the whole one begins.
var cutLadder = []float32{0, 0.25, 0.5, 0.75, 1}

// Worth finds what the top layer is worth for examples that Evaluate has scored.
func (e *Effort) Worth(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, sets []Examples,
	score *Score) (*Worth, error) {
	if c.Hidden() < 2 {
		return nil, ErrOneLayer
	}
	top := len(c.Layers) - 1
	if e.Exchange == nil || len(e.Exchange.Base) <= top || e.Exchange.Base[top] == nil {
		return nil, errors.New("the worth of a layer needs replica exchange, and the means of its units as base")
	}
	cut, err := Cut(c, s, e.Exchange.Base[top])
	if err != nil {
		return nil, err
	}
	w := &Worth{Layer: top}
	how := *e.Exchange
	how.Betas, how.Threads, how.Progress = nil, e.Threads, e.Begin(StageCut, "")
	if w.Ratio, err = how.cutRatio(ctx, c, set, s, cut); err != nil {
		return nil, err
	}
	for i, x := range sets {
		whole, of := &score.Sets[i], *e
		of.Begin = func(Stage, string) func(float64) { return nil }
		without, err := of.examples(ctx, c, set, cut, x, &Score{})
		if err != nil {
			return nil, err
		}
		g := Gain{Name: x.Name, Each: make([]float64, x.N)}
		for i := range g.Each {
			gain := whole.Terms[i].Energy + whole.Terms[i].Entropy - without.Terms[i].Energy - without.Terms[i].Entropy
			if whole.Weights != nil {
				gain = whole.Weights[i].LogMean - without.Weights[i].LogMean
			}
			g.Each[i] = gain - w.Ratio.LogZ
		}
		g.Mean = meanOf(x.N, func(i int) float64 { return g.Each[i] })
		w.Sets = append(w.Sets, g)
	}
	return w, nil
}

// cutRatio returns log Z of a model over that of the cut one.
func (o *Exchange) cutRatio(ctx context.Context, c *dbm.Config, set *kernel.Set, s, cut *dbm.State) (*Exchanged,
	error) {
	m, err := dbm.NewModel(c, set, s)
	if err != nil {
		return nil, err
	}
	without, err := dbm.NewModel(c, set, cut)
	if err != nil {
		return nil, err
	}
	top := len(c.Layers) - 1
	p := &path{Model: m, small: 1 - top%2, base: without.Bias, grows: make([]bool, len(c.Layers))}
	p.grows[top] = true
	p.setMore()
	return o.along(ctx, &inferred{c, set, s}, p, 0, cutLadder)
}

package likelihood

import (
	"context"
	"errors"

	"tandem/dbm"
)

// With some visible units known, the rest of a Boltzmann machine is one of its own: what the
// known units say goes into the biases of layer 1. Its Z is the sum over all that the unknown
// units may be, so that
//
//	log P(unknown | known) = log p*(known, unknown) − known·b₀ − log Z of the rest
//
// which is exact where the smaller side of the rest can be enumerated.

// Conditional gives exact log-probabilities of unknown units given known ones.
type Conditional struct {
	c, rest   *dbm.Config
	s, within *dbm.State // of the model, and of the rest; its biases of layer 1 are for each example anew
	known     []bool
}

// ErrTooMany is the error of a conditional probability that cannot be enumerated.
var ErrTooMany = errors.New("too many units to enumerate")

// mostConditional is the most units of the smaller side, for each example is enumerated.
const mostConditional = 16

// NewConditional returns the conditional of a model in which some visible units are known.
func NewConditional(c *dbm.Config, s *dbm.State, known []bool) (*Conditional, error) {
	x := &Conditional{c: c, s: s, known: known, rest: new(dbm.Config), within: new(dbm.State)}
	n := c.Layers[1]
	var weights, biases []float32
	for i, is := range known {
		if !is {
			weights = append(weights, s.Weights[0][i*n:(i+1)*n]...)
			biases = append(biases, s.Biases[0][i])
		}
	}
	x.rest.Layers = append([]int{len(biases)}, c.Layers[1:]...)
	x.within.Weights = append([][]float32{weights}, s.Weights[1:]...)
	x.within.Biases = append([][]float32{biases}, s.Biases[1:]...)
	if SmallerSide(x.rest.Layers) > mostConditional || SmallerSide(append([]int{0}, c.Layers[1:]...)) > mostConditional {
		return nil, ErrTooMany
	}
	return x, nil
}

// LogP returns the log-probability of the unknown units of an example, of 0s and 1s, given the
// known ones.
func (x *Conditional) LogP(ctx context.Context, v []float32) (float64, error) {
	if x.rest.Layers[0] == 0 {
		return 0, nil
	}
	n := x.c.Layers[1]
	sums, clamped := make([]float64, n), 0.0
	for i, is := range x.known {
		if !is || v[i] == 0 {
			continue
		}
		clamped += float64(x.s.Biases[0][i])
		for j, w := range x.s.Weights[0][i*n : (i+1)*n] {
			sums[j] += float64(w)
		}
	}
	rest := *x.within
	rest.Biases = append([][]float32{}, x.within.Biases...)
	rest.Biases[1] = make([]float32, n)
	for j, b := range x.s.Biases[1] {
		rest.Biases[1][j] = float32(float64(b) + sums[j])
	}
	logZ, err := ExactLogZ(ctx, x.rest, &rest, 1, nil)
	if err != nil {
		return 0, err
	}
	all, err := LogP(ctx, x.c, x.s, v, 0)
	return all - clamped - logZ, err
}

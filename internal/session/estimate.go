package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/internal/runs"
	"tandem/mnist"
)

// Estimates says when a session estimates the likelihood while a model trains: by a few
// short runs of annealed importance sampling, and the bound on some test examples. These
// are rough; tandem eval has good ones.
type Estimates struct {
	Every        uint64     // updates from one to the next; 0: none
	Temperatures int        // of each run of annealing; 0: 500
	Test         *mnist.Set // examples of the bound, the first 500
}

// Open reads the test examples of a run, or those that it holds out where it has no others, for a
// model of some visible units.
func (e *Estimates) Open(r *runs.Reading, visible int) (err error) {
	if e.Every == 0 {
		return nil
	}
	e.Test, err = OpenData(r, mnist.Test)
	if errors.Is(err, fs.ErrNotExist) && r.HoldOut > 0 {
		e.Test, err = OpenData(r, HeldOut)
	}
	if err != nil {
		return err
	}
	if n := e.Test.Rows() * e.Test.Columns(); n != visible {
		return fmt.Errorf("the model has %d visible units, but the test images of %s have %d pixels", visible,
			e.Test.Source, n)
	}
	return nil
}

// What an estimate is made of.
const (
	estimateRuns     = 20
	estimateTemps    = 500
	estimateExamples = 500
)

// estimator holds what estimates have cost in a session.
type estimator struct {
	Estimates
	base  []float64 // mean of the training examples
	spent float64   // seconds, those of scores by held-out examples included

	independent float64 // of independent units, on the same test examples; 0: not computed yet
}

// mean returns the mean of the training examples, sampled once.
func (e *estimator) mean(training *mnist.Set) []float64 {
	if e.base == nil {
		e.base = training.Mean(mnist.Fixed)
	}
	return e.base
}

// due reports whether to make an estimate after an update.
func (e *estimator) due(update uint64) bool { return e.Every > 0 && update%e.Every == 0 }

// estimate returns log Z and the bound on the first test examples, sampled once; zeros
// where they are not finite. It is finished even when ctx ends.
func (s *session) estimate(ctx context.Context, state *dbm.State) (logZ, bound float64, err error) {
	e := &s.estimator
	began := time.Now()
	mean := e.mean(s.Data)
	ctx = context.WithoutCancel(ctx)
	row := func(i int, v []float32) { e.Test.Values(v, i, mnist.Fixed, kernel.Draw{}) }
	examples := []likelihood.Examples{{Name: mnist.Test, N: min(estimateExamples, e.Test.N()), Row: row}}
	if e.independent == 0 {
		each, err := likelihood.NewIndependent(mean, s.Data.N()).Each(ctx, examples[0], s.Threads)
		if err != nil {
			return 0, 0, err
		}
		e.independent = likelihood.MeanOf(len(each), func(i int) float64 { return each[i] }).Mean
	}
	score, err := likelihood.Evaluate(ctx, &s.settings.Config, s.Kernels, state, examples, likelihood.Effort{
		Annealing: &likelihood.Annealing{Runs: estimateRuns, Temperatures: cmp.Or(e.Temperatures, estimateTemps),
			UpOnly: true, Base: likelihood.Base{mean}}, Threads: s.Threads})
	e.spent += time.Since(began).Seconds()
	switch {
	case errors.Is(err, likelihood.ErrNotANumber):
		return 0, 0, nil
	case err != nil:
		return 0, 0, fmt.Errorf("estimate: %w", err)
	case math.IsInf(score.Sets[0].Bound.Mean, 0):
		return 0, 0, nil
	}
	return score.LogZ.Value, score.Sets[0].Bound.Mean, nil
}

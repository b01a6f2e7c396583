package session

import (
	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/mnist"
)

// Looking at a model takes time from training: the filters are measured, and a minibatch is
// reconstructed. A line of metrics always looks, since nothing that it records may depend
// on time. A listener to events looks only while all looks together stay within a fraction
// of the arithmetic of training.

// looksFraction is that fraction.
const looksFraction = 0.02

// looks is the arithmetic of a session in multiply-adds.
type looks struct{ trained, spent float64 }

// allow reports whether a look of some cost stays within the fraction.
func (l *looks) allow(cost float64) bool { return l.spent+cost <= looksFraction*l.trained }

// measureFilters measures the filters.
func (s *session) measureFilters(state *dbm.State) {
	measures := s.filterStats.Measure(state)
	s.measures = &measures
	s.looks.spent += s.filterStats.Cost()
}

// measureActivity measures what units do on some training examples, evenly spread over all.
func (s *session) measureActivity(state *dbm.State) (err error) {
	n := min(dbm.ActivityExamples, s.Data.N())
	row := func(i int, v []float32) { s.Data.Values(v, i*s.Data.N()/n, mnist.Fixed, kernel.Draw{}) }
	s.activity, err = dbm.MeasureActivity(&s.settings.Config, s.Kernels, state, n, row, s.Threads)
	s.looks.spent += s.settings.ActivityCost(max(s.last.Iterations, 1))
	return err
}

// reconstruct computes the reconstruction error.
func (s *session) reconstruct() {
	s.reconstruction = s.trainer.ReconstructionError()
	s.looks.spent += s.reconstructionCost()
}

// reconstructionCost returns what reconstruct costs, with as many iterations of mean field
// as the last update took.
func (s *session) reconstructionCost() float64 {
	return s.trainer.ReconstructionCost(s.last.Iterations)
}

package session

import (
	"context"
	"errors"
	"math"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/internal/runs"
	"tandem/mnist"
)

// A run that holds out examples can keep the model that is best by them. It is scored at each
// checkpoint, with a log Z that is enumerated where that is quick, and otherwise found by
// annealed runs; so which model is best follows from the settings and the data alone. The
// model's file is written before the checkpoint of the same update: where a run is killed in
// between, it comes to that update again, and to the same model.

// What a score by held-out examples is made of.
const (
	scoreRuns     = 100
	scoreTemps    = 500
	scoreExamples = 2000
	scoreUnits    = 14 // of the smaller side, up to which log Z is enumerated
)

// scorer scores models by the held-out examples of a run.
type scorer struct {
	best        float64 // the best bound so far
	update      uint64  // of that one; 0: none yet
	since       uint64  // scores since that one
	independent float64 // of independent units, on the same examples; 0: not computed yet
}

// scores reports whether the run keeps the best model.
func (s *session) scores() bool { return s.settings.KeepBest && s.HeldOut != nil }

// scoresAt reports whether a score is due after an update: where a checkpoint is due, and where
// the rate has fallen. Nothing else counts, such as where a run was stopped or is to end, for
// that may change.
func (s *session) scoresAt(u uint64) bool {
	return s.scores() && (u%s.settings.CheckpointEvery == 0 || u == s.settings.LearningRateEnd)
}

// remember takes over what the scores of earlier sessions say.
func (s *session) remember(metrics []runs.Metrics) {
	for i := range metrics {
		m := &metrics[i]
		if m.BoundHeldOut != nil {
			s.scorer.count(*m.BoundHeldOut, m.Update)
		}
		if m.IndependentHeldOut != nil {
			s.scorer.independent = *m.IndependentHeldOut
		}
	}
}

// count counts a score, and reports whether it is the best so far.
func (s *scorer) count(bound float64, update uint64) bool {
	if s.update > 0 && !(bound > s.best) {
		s.since++
		return false
	}
	s.best, s.update, s.since = bound, update, 0
	return true
}

// impatient reports whether training has gone on for long enough without a better model.
func (s *session) impatient() bool {
	return s.settings.Patience > 0 && s.scorer.since >= s.settings.Patience
}

// score returns the bound on held-out examples, sampled once. It is not finite for a model that
// has diverged.
func (s *session) score(ctx context.Context, state *dbm.State) (bound float64, err error) {
	c := &s.settings.Config
	row := func(i int, v []float32) { s.HeldOut.Values(v, i, mnist.Fixed, kernel.Draw{}) }
	examples := likelihood.Examples{Name: HeldOut, N: min(scoreExamples, s.HeldOut.N()), Row: row}
	mean := s.estimator.mean(s.Data)
	if s.scorer.independent == 0 {
		each, err := likelihood.NewIndependent(mean, s.Data.N()).Each(ctx, examples, s.Threads)
		if err != nil {
			return 0, err
		}
		s.scorer.independent = likelihood.MeanOf(len(each), func(i int) float64 { return each[i] }).Mean
	}
	effort := likelihood.Effort{Enumerate: true, Threads: s.Threads}
	if likelihood.SmallerSide(c.Layers) > scoreUnits {
		train := func(i int, v []float32) { s.Data.Values(v, i, mnist.Fixed, kernel.Draw{}) }
		base, err := likelihood.BaseOf(ctx, c, s.Kernels, state, mean, s.Data.N(), train, s.Threads)
		if err != nil {
			return 0, err
		}
		effort = likelihood.Effort{Annealing: &likelihood.Annealing{Runs: scoreRuns, Temperatures: scoreTemps, UpOnly: true,
			Base: base}, Threads: s.Threads}
	}
	found, err := likelihood.Evaluate(ctx, c, s.Kernels, state, []likelihood.Examples{examples}, effort)
	if errors.Is(err, likelihood.ErrNotANumber) {
		return math.Inf(-1), nil
	}
	if err != nil {
		return 0, err
	}
	return found.Sets[0].Bound.Mean, nil
}

// scoreDue scores the model where that is due after an update, and keeps it where it is the
// best. A score that the schedule promises is finished even when ctx ends.
func (s *session) scoreDue(ctx context.Context, state *dbm.State, line *runs.Metrics) error {
	if !s.scoresAt(state.Updates) {
		return nil
	}
	began := time.Now()
	bound, err := s.score(context.WithoutCancel(ctx), state)
	s.estimator.spent += time.Since(began).Seconds()
	if err != nil {
		return err
	}
	if math.IsInf(bound, 0) || math.IsNaN(bound) {
		return nil // and counts for nothing: no line of metrics could tell a resume of it
	}
	independent := s.scorer.independent
	line.BoundHeldOut, line.IndependentHeldOut = &bound, &independent
	if s.scorer.count(bound, state.Updates) {
		s.best = state
	}
	return nil
}

// writeBest writes the model that is to be kept, if there is one.
func (s *session) writeBest() error {
	if s.best == nil {
		return nil
	}
	data := s.data()
	if err := s.Run.WriteBest(s.best, s.Version, &data); err != nil {
		return err
	}
	s.best = nil
	return nil
}

// end makes this update the last one of the run: its patience is at an end.
func (s *session) end() error {
	s.settings.Updates = s.trainer.Updates()
	return s.Run.SetSettings(s.settings)
}

package session

import (
	"context"
	"slices"
	"time"

	"tandem/dbm"
	"tandem/internal/runs"
)

// elapsed returns the seconds of training, those before a resume included, and those of
// estimates left out.
func (s *session) elapsed(now time.Time) float64 {
	return s.seconds + now.Sub(s.began).Seconds() - s.estimator.spent
}

// metricsDue reports whether a line of metrics was asked for after an update.
func (s *session) metricsDue(u uint64) bool {
	return s.settings.MetricsEvery > 0 && u%s.settings.MetricsEvery == 0
}

// milestone reports whether u is 1 or 10, or 1, 2 or 5 times a power of ten from 100 on. At
// these updates a line of metrics shows how a run begins.
func milestone(u uint64) bool {
	power := uint64(1)
	for power <= u/10 {
		power *= 10
	}
	return u == power || power >= 100 && (u == 2*power || u == 5*power)
}

// record adds a line to the metrics that are to be written, with an estimate of the
// likelihood if one is due.
func (s *session) record(ctx context.Context, state *dbm.State) error {
	now := time.Now()
	s.measureFilters(state)
	if err := s.measureActivity(state); err != nil {
		return err
	}
	s.reconstruct()
	made := float64(state.Updates - s.since)
	line := &runs.Metrics{
		Update:              state.Updates,
		Seconds:             s.elapsed(now),
		PerSecond:           made / max(now.Sub(s.then).Seconds(), 1e-9),
		MeanFieldIterations: s.iterations / made,
		ReconstructionError: s.reconstruction,
		LearningRate:        s.settings.Rate(state.Updates),
		Mu:                  slices.Clone(state.Mu),
		NormMean:            s.measures.NormMean,
		NormSD:              s.measures.NormSD,
		LiveFilters:         s.measures.Live,
		NoiseFilters:        s.measures.Noise,
		DuplicateFilters:    s.measures.Duplicate,
		VaryingUnits:        s.activity.Varying,
		StuckOnUnits:        s.activity.StuckOn,
		StuckOffUnits:       s.activity.StuckOff,
		Components:          s.activity.Components,
		InputFromAbove:      s.activity.FromAbove,
		ParamsSHA256:        state.SHA256(),
	}
	if s.estimator.due(state.Updates) {
		var err error
		if line.LogZ, line.BoundTest, err = s.estimate(ctx, state); err != nil {
			return err
		}
		if line.BoundTest != 0 {
			s.bound, line.IndependentTest = line.BoundTest, s.estimator.independent
		}
	}
	if err := s.scoreDue(ctx, state, line); err != nil {
		return err
	}
	s.meanField = line.MeanFieldIterations
	s.iterations, s.since, s.then = 0, state.Updates, time.Now()
	s.unwritten, s.line = append(s.unwritten, line), line
	return nil
}

// Package session trains a run: one stretch of it, from its beginning or its last
// checkpoint to its end or to the end of a context. It keeps the schedule of checkpoints,
// metrics and estimates of the likelihood, and reports what happens as events. It knows no
// flags, terminals or pictures.
package session

import (
	"context"
	"fmt"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/format"
	"tandem/internal/runs"
	"tandem/mnist"
)

// Machine describes the machine. Apart from times, nothing of it affects what a run records of
// its model.
type Machine struct {
	CPU     string // its name
	Version string // of tandem
	Kernels *kernel.Set
	Threads int
}

// Options configure a session.
type Options struct {
	Machine
	Run        *runs.Run
	Settings   *runs.Settings   // to continue with; nil: those of the run
	Checkpoint *runs.Checkpoint // to continue from; nil: the run begins
	Data       *mnist.Set       // training examples
	HeldOut    *mnist.Set       // those held out; nil: none
	Estimates  Estimates
	Arguments  []string // of the command line, for the manifest

	// StopOnSaveError ends the session where a checkpoint cannot be written. Otherwise it
	// goes on, and tries again when the next is due.
	StopOnSaveError bool
}

// Result is what a session that came to the end of its run leaves.
type Result struct {
	State   *dbm.State
	Filters *dbm.FilterMeasures
	Updates uint64  // made in this session
	Seconds float64 // that they took
	Scoring float64 // seconds of them that estimates and scores took
	Best    *Best   // nil: the run keeps none
}

// Best is the model that a run keeps as its best.
type Best struct {
	Update      uint64
	Bound       float64 // on examples held out, by a rough log Z
	Independent float64 // of independent units on the same examples
}

// Stopped is the error of a session that ended before its run did. It wraps the cause of
// the context. The checkpoint of the run is at Update.
type Stopped struct {
	Update uint64
	Cause  error
}

func (e *Stopped) Error() string {
	return fmt.Sprintf("stopped at update %s; the checkpoint is written", format.Count(e.Update))
}

func (e *Stopped) Unwrap() error { return e.Cause }

// UpdateError is the error of an update that failed, as by divergence. The run keeps its
// last checkpoint.
type UpdateError struct{ error }

func (e *UpdateError) Unwrap() error { return e.error }

// session is a run that is being trained.
type session struct {
	Options
	settings    runs.Settings
	estimator   estimator
	trainer     *dbm.Trainer
	filterStats *dbm.FilterStats
	events      func(*Event)

	first   uint64    // updates before this session
	seconds float64   // of training before this session
	began   time.Time // of training in this session
	bound   float64   // the last estimate; 0: none yet
	scorer  scorer
	best    *dbm.State // that is to be kept with the next checkpoint; nil: none

	// Since the last line of metrics.
	iterations float64
	since      uint64
	then       time.Time
	meanField  float64 // iterations an update, up to that line

	unwritten []*runs.Metrics // lines that are not yet in the file
	line      *runs.Metrics   // for the next event
	saved     uint64          // update of the last checkpoint; 0: there is none
	late      bool            // the last checkpoint that was due could not be written
	warning   error           // for the next event

	last           dbm.Stats // of the last update
	looks          looks
	measures       *dbm.FilterMeasures // of the filters, the last ones; nil: none yet
	activity       *dbm.Activity       // of the units, the last one; nil: none yet
	reconstruction float64             // the last one
}

// Run trains a run to its end. events, if not nil, is called before the first update and
// after every update, always by the goroutine that calls Run. When ctx ends, Run finishes
// the update in progress, writes a checkpoint and returns a Stopped error.
func Run(ctx context.Context, o Options, events func(*Event)) (*Result, error) {
	s := &session{Options: o, events: events, estimator: estimator{Estimates: o.Estimates}}
	done := uint64(0)
	if o.Checkpoint != nil {
		done, s.seconds = o.Checkpoint.Updates, o.Checkpoint.Seconds
		s.saved = done
	}
	if err := s.prepare(done); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Run.Dir(), err)
	}
	if err := s.train(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Run.Dir(), err)
	}
	found := &Result{State: s.trainer.State(), Filters: s.measures, Updates: s.settings.Updates - s.first,
		Seconds: time.Since(s.began).Seconds(), Scoring: s.estimator.spent}
	if s.scorer.update > 0 {
		found.Best = &Best{s.scorer.update, s.scorer.best, s.scorer.independent}
	}
	return found, nil
}

// prepare writes down who continues the run, and removes metrics beyond the checkpoint. Where
// the run cannot be continued it changes nothing.
func (s *session) prepare(done uint64) error {
	manifest, damage := s.Run.Manifest()
	switch {
	case unusable(damage): // nothing is computed from it
	case damage != nil:
		return damage
	case manifest.Data.SHA256 != s.Data.SHA256:
		return fmt.Errorf("the images of %s are not those that the run was begun with: their SHA-256 is %.12s…, was %.12s…",
			s.Data.Source, s.Data.SHA256, manifest.Data.SHA256)
	}
	if err := s.Run.CutAfter(done); err != nil {
		return err
	}
	if s.Settings != nil {
		if err := s.Run.SetSettings(*s.Settings); err != nil {
			return err
		}
	}
	s.settings = s.Run.Settings()
	if s.scores() && done > 0 {
		metrics, err := runs.ReadMetrics(s.Run.Dir())
		if err != nil {
			return err
		}
		s.remember(metrics)
	}
	if damage == nil {
		return s.Run.AddPart(s.part(time.Now(), done))
	}
	return s.describe(damage, done)
}

// train makes the updates.
func (s *session) train(ctx context.Context) (err error) {
	var state *dbm.State
	if s.Checkpoint != nil {
		state = s.Checkpoint.State
	} else if state, err = s.Run.ReadInit(); err != nil {
		return err
	} else if state != nil {
		if state, err = begun(&s.settings, state, s.Data); err != nil {
			return err
		}
	}
	if s.trainer, err = NewTrainer(&s.settings, s.Kernels, state, s.Data, s.Threads); err != nil {
		return err
	}
	defer s.trainer.Close()
	s.filterStats = dbm.NewFilterStats(&s.settings.Config, s.Kernels, s.Data.Rows(), s.Data.Columns(), s.Threads)
	s.first = s.trainer.Updates()
	s.began = time.Now()
	s.then, s.since = s.began, s.first
	s.report()
	for s.trainer.Updates() < s.settings.Updates {
		stats, err := s.trainer.Update()
		if err != nil {
			return &UpdateError{err}
		}
		s.iterations += stats.Iterations
		s.last = stats
		s.looks.trained += stats.Cost
		stop := ctx.Err() != nil
		if err := s.keep(ctx, stop); err != nil {
			return err
		}
		if s.impatient() && s.trainer.Updates() < s.settings.Updates {
			if err := s.end(); err != nil {
				return err
			}
		}
		s.report()
		if u := s.trainer.Updates(); stop && u < s.settings.Updates {
			return &Stopped{u, context.Cause(ctx)}
		}
	}
	return nil
}

// NewTrainer returns a trainer of a run that continues from a state, or from its
// beginning if the state is nil.
func NewTrainer(c *runs.Settings, set *kernel.Set, state *dbm.State, data *mnist.Set, threads int) (*dbm.Trainer,
	error) {
	pixels, err := mnist.ParsePixels(c.Pixels)
	if err != nil {
		return nil, err
	}
	if state == nil {
		if state, err = dbm.Initial(&c.Config, data.Mean(pixels)); err != nil {
			return nil, err
		}
	}
	examples, err := mnist.NewMinibatches(data, pixels, c.Seed, c.Batch)
	if err != nil {
		return nil, err
	}
	return dbm.NewTrainer(c.Config, set, state, examples, threads)
}

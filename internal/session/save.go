package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tandem/internal/files"
	"tandem/internal/format"
	"tandem/internal/runs"
)

// SaveError is the error of a session that could not write what it had to, as on a full
// disk. What the run holds stays.
type SaveError struct {
	Update uint64 // that could not be saved
	Saved  uint64 // at which the last checkpoint is; 0: there is none
	Cause  error
}

func (e *SaveError) Error() string {
	stays := "there is no checkpoint"
	if e.Saved > 0 {
		stays = fmt.Sprintf("the checkpoint of update %s stays", format.Count(e.Saved))
	}
	return fmt.Sprintf("update %s could not be saved, %s: %v", format.Count(e.Update), stays, e.Cause)
}

func (e *SaveError) Unwrap() error { return e.Cause }

// MovedError is the error of a session whose run folder was moved, replaced or deleted
// while it trained.
type MovedError struct {
	Update uint64
	Saved  bool // the checkpoint of Update is in the folder, wherever it is now
}

func (e *MovedError) Error() string {
	if e.Saved {
		return fmt.Sprintf("the folder of the run was moved or replaced, and training stops at update %s, whose checkpoint "+
			"is in the moved folder", format.Count(e.Update))
	}
	return fmt.Sprintf("the folder of the run was deleted, with all that was in it; training stops at update %s",
		format.Count(e.Update))
}

// secondTry is how long a session waits before it tries once more to write what nothing
// else will.
const secondTry = time.Second / 2

// save writes the lines of metrics that are not yet written and, if checkpoint is set, the
// state. It reports in the next event what failed if another save will follow, and
// otherwise tries once more before it returns a SaveError.
func (s *session) save(checkpoint, last bool) error {
	err := s.write(checkpoint)
	if errors.Is(s.Run.Moved(), files.ErrMoved) {
		return s.moved(err)
	}
	if notice := s.Run.Notice(); notice != nil {
		s.warning = notice
	}
	if err == nil || errors.Is(err, runs.ErrLost) {
		return err
	}
	if !s.Run.HasCheckpoint() {
		s.saved = 0 // somebody has removed it
	}
	failed := &SaveError{s.trainer.Updates(), s.saved, err}
	if !last && !s.StopOnSaveError {
		s.warning = failed
		return nil
	}
	time.Sleep(secondTry)
	if failed.Cause = s.write(checkpoint); failed.Cause != nil {
		return failed
	}
	return nil
}

// moved returns the error of a run folder that is no longer where it was. The folder is
// still held open: unless it was deleted, a checkpoint of this update goes into it.
func (s *session) moved(err error) error {
	if u := s.trainer.Updates(); err == nil && s.saved != u {
		err = s.write(true)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &SaveError{s.trainer.Updates(), s.saved, fmt.Errorf("%w, and %w", files.ErrMoved, err)}
	}
	return &MovedError{s.trainer.Updates(), err == nil}
}

// write writes the metrics that are not yet written and, if checkpoint is set, the state.
// After a checkpoint that could not be written, the metrics wait for the next one.
func (s *session) write(checkpoint bool) error {
	switch {
	case checkpoint:
		if err := s.writeBest(); err != nil {
			s.late = true
			return err
		}
		err := s.Run.WriteCheckpoint(s.trainer.State(), s.elapsed(time.Now()), s.Version, s.unwritten...)
		if s.late = err != nil; s.late {
			return err
		}
		s.saved = s.trainer.Updates()
	case s.late:
		return nil
	default:
		if err := s.Run.AppendNew(s.unwritten...); err != nil {
			return err
		}
	}
	s.unwritten = nil
	return nil
}

// keep measures and writes what is due after an update: a checkpoint, or a line of metrics
// alone. stop says that the session ends here.
func (s *session) keep(ctx context.Context, stop bool) error {
	u := s.trainer.Updates()
	last := stop || u == s.settings.Updates
	if s.settings.Keeps(u) {
		data := s.data()
		if err := s.Run.WriteKept(s.trainer.State(), s.Version, &data); err != nil {
			s.warning = fmt.Errorf("the model of update %s could not be kept: %w", format.Count(u), err)
		}
	}
	checkpoint := last || u%s.settings.CheckpointEvery == 0 || s.scoresAt(u)
	if !checkpoint && !milestone(u) && !s.estimator.due(u) && !s.metricsDue(u) {
		return nil
	}
	if err := s.record(ctx, s.trainer.State()); err != nil {
		return err
	}
	return s.save(checkpoint, last)
}

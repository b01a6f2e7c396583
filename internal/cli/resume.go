package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"syscall"

	"tandem/dbm/kernel"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/mnist"
)

// resume is the verb that continues a run.
func resume(ctx context.Context, t *terminal, m *Machine, args []string) (err error) {
	f := flags(t, "tandem resume RUN [flags]")
	var total uint64
	countVar(f, &total, "updates", 1, math.MaxUint32,
		"`N` updates in all, those done included (default as the run was begun)")
	data := f.String("data", "", "`PATH` of the examples, if they have moved")
	x := executionFlags(f, t)
	var estimates session.Estimates
	estimateFlag(f, &estimates)
	var saves stopOnSaveError
	saveErrorFlag(f, &saves)
	var told audience
	told.flags(f)
	found, err := told.live.parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if err := told.validate(); err != nil {
		return usageError{err}
	}
	dir := found[0]
	ignoreClosedPipes()
	if err := told.prepare(); err != nil {
		return err
	}
	if err := told.live.listen(); err != nil {
		return err
	}
	defer told.live.close()
	if err := t.guard.writes(x.outputs(), dir, *data); err != nil {
		return err
	}
	run, checkpoint, err := runs.Open(dir)
	if err != nil {
		return suggest(err, dir)
	}
	defer run.Close()
	c, done := run.Settings(), uint64(0)
	if checkpoint != nil {
		done = checkpoint.Updates
	}
	if given(f)["updates"] {
		c.Updates = total
	}
	if given(f)["data"] {
		c.Data = *data
	}
	if err := absolute(&c.Reading); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return usageError{err}
	}
	if err := t.guard.reads(c.Files()...); err != nil {
		return err
	}
	if c.Updates <= done {
		return ended(ctx, t, session.Options{Machine: m.trainer(x.threads), Run: run, Checkpoint: checkpoint,
			Arguments: append([]string{"resume"}, args...)}, &c)
	}
	if err := x.begin(ctx); err != nil {
		return err
	}
	defer x.end(&err)
	examples, err := session.Open(&c.Reading)
	if errors.Is(err, fs.ErrNotExist) {
		return hintedError{err, "if the images have moved: tandem resume " + format.Argument(dir) + " --data FOLDER"}
	}
	if err != nil {
		return err
	}
	if err := estimates.Open(&c.Reading, c.Layers[0]); err != nil {
		return fmt.Errorf("eval-every: %w", err)
	}
	need := memory.Sum(session.Memory(&c, examples.Train, &estimates, x.threads),
		uint64(c.StateBytes())) // the checkpoint's, too
	if err := room(need, "--threads; the rest is the size of the model, its batch and its chains"); err != nil {
		return err
	}
	if c.RateHasFallen(done) {
		t.say("note: the rate has fallen to %.3g, where it stays; tandem train --init %s begins with %v again",
			c.Rate(done), format.Argument(dir), c.LearningRate)
	}
	return trainRun(ctx, t, &told, session.Options{Machine: m.trainer(x.threads), Run: run, Settings: &c,
		Checkpoint: checkpoint, Data: examples.Train, HeldOut: examples.HeldOut, Estimates: estimates,
		StopOnSaveError: bool(saves),
		Arguments:       append([]string{"resume"}, args...)})
}

// ended makes what a run lacks that has made its updates: its pictures, where it was killed
// after its last checkpoint, and its manifest. Where it lacks nothing there is nothing to
// do, an error.
func ended(ctx context.Context, t *terminal, o session.Options, c *runs.Settings) error {
	dir, done := o.Run.Dir(), o.Checkpoint.Updates
	if c.Updates == done {
		described, err := describeAnew(t, &o, c)
		if err != nil {
			return err
		}
		if !runs.Has(dir, runs.FiltersFile) || !runs.Has(dir, runs.SamplesFile) {
			return drawAgain(ctx, t, &o, c)
		}
		if described {
			return nil
		}
	}
	err := fmt.Errorf("%s has made all its %s updates", dir, format.Count(done))
	if c.Updates < done {
		err = fmt.Errorf("%s has already made %s updates, more than %s", dir, format.Count(done), format.Count(c.Updates))
	}
	if c.RateHasFallen(done) {
		return hintedError{err, fmt.Sprintf("tandem train --init %s goes on from it in a new run", format.Argument(dir))}
	}
	return hintedError{err, fmt.Sprintf("tandem resume %s --updates %d makes as many again", format.Argument(dir), 2*done)}
}

// describeAnew writes the manifest of a run where there is none that can be read, and
// reports whether it did.
func describeAnew(t *terminal, o *session.Options, c *runs.Settings) (bool, error) {
	if _, err := o.Run.Manifest(); err == nil {
		return false, nil
	}
	var err error
	if o.Data, err = session.OpenData(&c.Reading, mnist.Train); err != nil {
		t.say("warning: the run has no manifest that can be read, and cannot be described anew: %v", err)
		return false, nil
	}
	warning, err := session.Describe(*o)
	if err != nil {
		return false, err
	}
	t.say("warning: %v", warning)
	return true, nil
}

// drawAgain draws the pictures of a run that has ended.
func drawAgain(ctx context.Context, t *terminal, o *session.Options, c *runs.Settings) error {
	made := &model{Checkpoint: o.Checkpoint, from: o.Run.Dir()}
	made.Settings = *c
	made.rows, made.columns = made.imageSize(t)
	drawn, err := made.drawBoth(ctx, o.Kernels, o.Threads)
	if err != nil {
		return err
	}
	table(t.out, drawn)
	return nil
}

// drawBoth draws the pictures of a run that is at its end, and returns what each shows and
// its name, without those that could not be drawn.
func (m *model) drawBoth(ctx context.Context, k *kernel.Set, threads int) ([][2]string, error) {
	var drawn [][2]string
	filters, noFilters := m.drawFilters(ctx, "", k, firstUnits, threads)
	if noFilters == nil {
		drawn = append(drawn, [2]string{"filters", filters})
	}
	samples, noSamples := m.drawSamples(ctx, "", k, &sampling{})
	if noSamples == nil {
		drawn = append(drawn, [2]string{"samples", samples})
	}
	return drawn, errors.Join(noFilters, noSamples)
}

// advise adds to the error of a session what to do about it.
func advise(dir string, err error) error {
	var stopped *session.Stopped
	var failed *session.UpdateError
	var unsaved *session.SaveError
	var moved *session.MovedError
	switch {
	case errors.As(err, &unsaved) && isFull(err):
		return hintedError{err, "make room, then " + resumes(dir)}
	case errors.As(err, &unsaved):
		return hintedError{err, resumes(dir)}
	case errors.As(err, &moved) && moved.Saved:
		return hintedError{err, "tandem resume NEW-FOLDER resumes it"}
	case errors.As(err, &moved):
		return err
	case errors.Is(err, runs.ErrLost):
		return hintedError{err, "tandem info " + format.Argument(dir) + " shows where the run is now"}
	case errors.As(err, &stopped):
		return hintedError{err, resumes(dir)}
	case errors.As(err, &failed):
		if _, none := runs.ReadHeader(dir); none != nil {
			return hintedError{err, "begin again with a lower --learning-rate and another --out"}
		}
		return hintedError{err, "the last good checkpoint stays; tandem info " + format.Argument(dir) + " shows where it is"}
	}
	return err
}

// isFull reports whether there was no room for a file.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// resumes returns advice to resume a run.
func resumes(dir string) string { return "tandem resume " + format.Argument(dir) + " resumes it" }

package session

import (
	"context"
	"errors"
	"fmt"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/runs"
	"tandem/mnist"
)

// Replay trains the first updates of runs again and compares the hashes of the parameters
// with those recorded. It reads and writes no file.
type Replay struct {
	Kernels  *kernel.Set
	Threads  int
	Data     string                    // training examples, beside the embedded ones; "": none
	Labels   string                    // file of their labels; "": none, or those that are with the examples
	Progress func(update, last uint64) // called after each update, if not nil
}

// Replayed is what a replay has found.
type Replayed struct {
	Updates  uint64 // made again
	Compared int    // hashes, that of the checkpoint included
}

// TooFewError is the error of a replay whose updates end before the first recorded hash.
type TooFewError struct{ First uint64 }

func (e *TooFewError) Error() string {
	return fmt.Sprintf("nothing to compare before update %s", format.Count(e.First))
}

// ErrNoImages is the error of a run that was trained on other images than those given.
var ErrNoImages = errors.New("no images with the SHA-256 that the run names")

// Verify trains the updates of a run again, up to the last of the first most that has a
// hash, and compares all hashes it can. files are those of runs.ReadSnapshot. The paths in
// the settings of the run are not used. When ctx ends, Verify returns its cause.
func (r *Replay) Verify(ctx context.Context, files map[string][]byte, most uint64) (Replayed, error) {
	var found Replayed
	s, err := runs.DecodeSnapshot(files)
	if err != nil {
		return found, err
	}
	if n := s.Checkpoint.Numerics; n != kernel.Version {
		return found, fmt.Errorf("numerics version %d, this build has %d: it cannot give the same bits; use tandem %q",
			n, kernel.Version, s.Checkpoint.Version)
	}
	recorded, first := hashes(s.Metrics)
	if len(recorded) == 0 {
		return found, errors.New("nothing to compare: metrics.jsonl has no hash")
	}
	if first > most {
		return found, &TooFewError{first}
	}
	at, sum := s.Checkpoint.Updates, s.Checkpoint.State.SHA256()
	if len(recorded[at]) == 0 {
		return found, fmt.Errorf("metrics.jsonl has no hash for update %s, at which the checkpoint is", format.Count(at))
	}
	if err := found.compare(recorded[at], sum, "the checkpoint, at update "+format.Count(at)); err != nil {
		return found, err
	}
	found.Compared = 1 // the checkpoint, however often its update is recorded
	last := uint64(0)
	for u := range recorded {
		if u <= most {
			last = max(last, u)
		}
	}
	return found, r.again(ctx, &found, s, files[runs.InitFile], recorded, last)
}

// hashes returns the hashes of metrics by update, and the first update that has one.
func hashes(metrics []runs.Metrics) (recorded map[uint64][]string, first uint64) {
	recorded = map[uint64][]string{}
	for _, m := range metrics {
		if m.ParamsSHA256 == "" || m.Update == 0 { // the beginning is no update
			continue
		}
		if len(recorded) == 0 {
			first = m.Update
		}
		first = min(first, m.Update)
		recorded[m.Update] = append(recorded[m.Update], m.ParamsSHA256)
	}
	return recorded, first
}

// again makes the updates of a run again, to the last, and compares the recorded hashes. initial
// is the file of the model that it began with; nil: none.
func (r *Replay) again(ctx context.Context, found *Replayed, s *runs.Snapshot, initial []byte,
	recorded map[uint64][]string, last uint64) error {
	set, err := r.images(s)
	if err != nil {
		return err
	}
	// The trainer, the state of the checkpoint, and that whose hash is compared.
	need := memory.Sum(s.Settings.TrainerMemory(r.Threads), 2*uint64(s.Settings.StateBytes()), DataMemory(set))
	if err := memory.Check(need, "tandem info RUN shows how large the model, its batch and its chains are"); err != nil {
		return err
	}
	var state *dbm.State
	if s.Settings.Init != "" {
		from, err := runs.DecodeInit(&s.Settings, initial)
		if err != nil {
			return err
		}
		if state, err = begun(&s.Settings, from, set); err != nil {
			return err
		}
	}
	trainer, err := NewTrainer(&s.Settings, r.Kernels, state, set, r.Threads)
	if err != nil {
		return err
	}
	defer trainer.Close()
	for {
		u := trainer.Updates()
		found.Updates = u
		if len(recorded[u]) > 0 {
			if err := found.compare(recorded[u], trainer.State().SHA256(), "update "+format.Count(u)); err != nil {
				return err
			}
		}
		if u == last {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, err := trainer.Update(); err != nil {
			return err
		}
		if r.Progress != nil {
			r.Progress(u+1, last)
		}
	}
}

// compare compares a hash with those recorded for its update.
func (r *Replayed) compare(recorded []string, sum, what string) error {
	for _, want := range recorded {
		if sum != want {
			return fmt.Errorf("%s: the hash is %.12s…, and metrics.jsonl has %.12q…", what, sum, want)
		}
		r.Compared++
	}
	return nil
}

// images returns the images that a run was trained on.
func (r *Replay) images(s *runs.Snapshot) (*mnist.Set, error) {
	d := s.Manifest.Data
	var names []string
	if s.Settings.Data != "" && r.Data != "" {
		names = append(names, r.Data)
	}
	if s.Settings.Levels == 0 { // the embedded images are bytes up to 255
		names = append(names, "")
	}
	for _, name := range names {
		reading := s.Settings.Reading
		reading.Data, reading.LabelFile = name, r.Labels
		if name == "" {
			reading.LabelFile = ""
		}
		set, err := OpenData(&reading, mnist.Train)
		if err != nil {
			return nil, err
		}
		if set.SHA256 != d.SHA256 {
			continue
		}
		if n := set.Rows() * set.Columns(); n != s.Settings.Layers[0] {
			return nil, fmt.Errorf("the visible layer has %d units, but the images of %s have %d pixels",
				s.Settings.Layers[0], set.Source, n)
		}
		return set, nil
	}
	return nil, fmt.Errorf("%w: %.12q… (%q)", ErrNoImages, d.SHA256, d.Source)
}

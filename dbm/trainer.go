package dbm

import (
	"fmt"

	"tandem/dbm/kernel"
)

// Trainer trains a model through all stages of a configuration: pretraining layer by
// layer, if it is asked for, and then all layers together (update.go).
//
// A Trainer is for one goroutine at a time, and must not be used after Close.
type Trainer struct {
	// Trace, if not nil, is called by each worker when it begins another phase. It is
	// for benchmarks; set it between updates.
	Trace func(worker int, p Phase)

	config   Config
	set      *kernel.Set
	examples Examples
	threads  int
	state    *State // except for what the updater trains
	stage    stage
	updater  *updater
}

// Stats is what an update measures.
type Stats struct {
	Iterations float64 // of mean field, mean over the minibatch
	Cost       float64 // in multiply-adds; cost.go says what counts
}

// NewTrainer continues training from a state, which it copies. threads is the number
// of workers; it does not affect the numbers.
func NewTrainer(c Config, set *kernel.Set, s *State, examples Examples, threads int) (*Trainer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := s.fits(&c, true); err != nil {
		return nil, err
	}
	if threads < 1 {
		return nil, fmt.Errorf("threads: %d; must be at least 1", threads)
	}
	t := &Trainer{config: c, set: set, examples: examples, threads: threads, state: NewState(&c)}
	t.state.copyFrom(s)
	t.begin()
	return t, nil
}

// begin begins or continues the stage of the next update.
func (t *Trainer) begin() {
	t.stage = t.config.stage(t.state.Updates)
	t.stage.enter(&t.config, t.state)
	examples := t.examples
	if l := t.stage.layer; l > 1 {
		examples = newUpward(&t.config, t.set, t.state, examples, l-1)
	}
	t.updater = newUpdater(t.stage, t.set, t.stage.part(t.state), examples, t.threads, &t.Trace)
}

// Close ends the workers.
func (t *Trainer) Close() { t.updater.workers.Close() }

// Updates returns the number of updates done, those of all stages.
func (t *Trainer) Updates() uint64 { return t.updater.updates }

// Layer returns the upper of the two layers that are being pretrained, or 0 once all
// layers train together.
func (t *Trainer) Layer() int { return t.stage.layer }

// State copies the parameters and chains.
func (t *Trainer) State() *State {
	s := NewState(&t.config)
	s.copyFrom(t.state)
	s.Updates = t.updater.updates
	t.updater.save(t.stage.part(s))
	return s
}

// Update makes one update. After an error the parameters must not be used.
func (t *Trainer) Update() (Stats, error) {
	n := t.Updates()
	if n+1 >= MaxUpdates {
		return Stats{}, fmt.Errorf("update %d: more than %d updates", n+1, uint64(MaxUpdates)-1)
	}
	if t.config.stageLayer(n) != t.stage.layer {
		t.state = t.State()
		t.Close()
		t.updater = nil // its memory is for the next
		t.begin()
	}
	stats, err := t.updater.update()
	stats.Cost = t.stage.cost(&t.config, stats.Iterations)
	if err != nil && t.stage.layer > 0 {
		err = fmt.Errorf("pretraining layer %d: %w", t.stage.layer, err)
	}
	return stats, err
}

// ReconstructionError returns the squared difference between the examples of the last
// minibatch and their reconstructions σ(b_0 + q_1·W_1ᵀ), summed over the visible units
// and averaged over the examples. All is of the parameters as they are now, after the
// update that learnt from these examples: their mean field is computed again. In
// pretraining it is that of the RBM. Before the first update it is 0.
func (t *Trainer) ReconstructionError() float64 { return t.updater.reconstructionError() }

// ReconstructionCost returns the multiply-adds of ReconstructionError, where mean field
// takes some iterations.
func (t *Trainer) ReconstructionCost(iterations float64) float64 {
	c := &t.updater.config
	return c.inferCost(iterations) + float64(c.Batch)*c.weights(1)
}

// Phase is what a worker is doing.
type Phase int

// The phases of an update.
const (
	Loading   Phase = iota // turning pixels into numbers
	MeanField              // inferring the minibatch
	Chains                 // sweeping the chains
	Gradient               // gradients and new weights
	Packing                // making lists of nonzeros, transposing and measuring the new weights
	Waiting                // for the other workers
	Phases                 // the number of phases
)

// tracer reports the phases of one worker to Trainer.Trace. The zero tracer reports to
// nobody.
type tracer struct {
	worker int
	trace  *func(worker int, p Phase)
}

// enter reports that a phase begins.
func (t tracer) enter(p Phase) {
	if t.trace != nil && *t.trace != nil {
		(*t.trace)(t.worker, p)
	}
}

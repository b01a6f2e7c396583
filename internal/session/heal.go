package session

import (
	"context"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/runs"
	"tandem/mnist"
)

// Heal trains a model on in memory, with its own settings, or its lowest layers alone, as
// after the others have been cut. The rate begins at a tenth of the model's own and falls to
// a hundredth of that at the last update. It returns the configuration of what it made, too.
//
// Chains, offsets and mean norms go on from the state, and begin anew where it has none.
// When ctx ends, Heal returns its cause.
func Heal(ctx context.Context, c *runs.Settings, set *kernel.Set, s *dbm.State, layers int, data *mnist.Set,
	updates, seed uint64, threads int, progress func(done float64)) (*dbm.Config, *dbm.State, error) {
	healing := *c
	healing.Layers, healing.Alpha = c.Layers[:layers], c.Alpha[:layers-1]
	healing.LearningRate, healing.LearningRateEnd = c.LearningRate/HealingRate, updates
	healing.Pretrain, healing.Seed, healing.Updates = 0, seed, updates
	state, err := begun(&healing, s, data)
	if err != nil {
		return nil, nil, err
	}
	trainer, err := NewTrainer(&healing, set, state, data, threads)
	if err != nil {
		return nil, nil, err
	}
	defer trainer.Close()
	for trainer.Updates() < updates {
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		if _, err := trainer.Update(); err != nil {
			return nil, nil, &UpdateError{err}
		}
		if progress != nil && trainer.Updates()%64 == 0 {
			progress(float64(trainer.Updates()) / float64(updates))
		}
	}
	return &healing.Config, trainer.State(), nil
}

// HealingRate is how many times lower the rate of healing is than that of training.
const HealingRate = 10

// begun returns the state in which training begins that goes on from the lowest layers of a
// model: layers above begin with random weights, and so does what the model lacks.
func begun(c *runs.Settings, from *dbm.State, data *mnist.Set) (*dbm.State, error) {
	pixels, err := mnist.ParsePixels(c.Pixels)
	if err != nil {
		return nil, err
	}
	state, err := dbm.Initial(&c.Config, data.Mean(pixels))
	if err != nil {
		return nil, err
	}
	takeOver(state, from)
	return state, nil
}

// takeOver makes the layers that a state has those of another one, and shares them.
func takeOver(to, from *dbm.State) {
	for _, arrays := range []struct{ to, from [][]float32 }{
		{to.Weights, from.Weights}, {to.Biases, from.Biases}, {to.Chains, from.Chains}, {to.Offsets, from.Offsets},
	} {
		for l := range min(len(arrays.to), len(arrays.from)) {
			if len(arrays.to[l]) == len(arrays.from[l]) {
				arrays.to[l] = arrays.from[l]
			}
		}
	}
	copy(to.Mu, from.Mu)
}

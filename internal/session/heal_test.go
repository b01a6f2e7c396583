package session

import (
	"context"
	"errors"
	"slices"
	"testing"

	"tandem/dbm"
	"tandem/dbm/kernel/kerneltest"
	"tandem/mnist"
)

// Healing goes on from the parameters and chains that a state has, the lowest layers alone
// too, and changes nothing of the state.
func TestHeal(t *testing.T) {
	set, err := mnist.Open("", mnist.Train)
	if err != nil {
		t.Fatal(err)
	}
	c := settings(10)
	c.LearningRate, c.OffsetRate = 0.5, 0.01
	state, err := dbm.Initial(&c.Config, set.Mean(mnist.Grey))
	if err != nil {
		t.Fatal(err)
	}
	hash := state.SHA256()
	for _, layers := range []int{2, 3} {
		healing, healed, err := Heal(t.Context(), &c, kerneltest.Reference, state, layers, set, 30, 5, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(healing.Layers, c.Layers[:layers]) || healed.Check(healing) != nil || healed.Updates != 30 {
			t.Fatalf("%d layers became %v, %d updates", layers, healing.Layers, healed.Updates)
		}
		if healing.Rate(0) != 0.05 || healing.Rate(30) != 0.0005 {
			t.Errorf("rates from %v to %v", healing.Rate(0), healing.Rate(30))
		}
		// By a trainer of the same parts.
		of := c
		of.Config = *healing
		start := *state
		start.Weights, start.Biases, start.Chains = state.Weights[:layers-1], state.Biases[:layers], state.Chains[:layers]
		start.Mu, start.Offsets = state.Mu[:layers-1], state.Offsets[:layers]
		trainer, err := NewTrainer(&of, kerneltest.Reference, &start, set, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer trainer.Close()
		for range 30 {
			if _, err := trainer.Update(); err != nil {
				t.Fatal(err)
			}
		}
		if trainer.State().SHA256() != healed.SHA256() {
			t.Errorf("%d layers: another model than a trainer makes", layers)
		}
	}
	if state.SHA256() != hash {
		t.Error("the state has changed")
	}
	state.Chains, state.Offsets = nil, nil // as an exported model may be
	if _, _, err := Heal(t.Context(), &c, kerneltest.Reference, state, 3, set, 2, 5, 1, nil); err != nil {
		t.Error(err)
	}
	enough := errors.New("enough")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(enough)
	if _, _, err := Heal(ctx, &c, kerneltest.Reference, state, 3, set, 2, 5, 1, nil); err != enough {
		t.Errorf("stopped by %v", err)
	}
}

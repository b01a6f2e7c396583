package dbm

import (
	"math"
	"testing"

	"tandem/dbm/kernel"
	"tandem/dbm/kernel/kerneltest"
)

// The RBMs of pretraining, written once more from the definition: what their
// units receive from the side that will have a second neighbour's counts twice.
func TestPretrainingByHand(t *testing.T) {
	c := trainings()["greedy"] // 23-19-9-5, three updates a layer
	sigma := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for updates, want := range map[uint64]struct {
		layer    int
		up, down float64
	}{1: {1, 2, 1}, 4: {2, 2, 2}, 7: {3, 1, 2}} {
		before := run(t, c, nil, updates, 1)
		p, err := NewTrainer(c, kerneltest.Reference, before, patterns{new(uint64)}, 2)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if _, err := p.Update(); err != nil {
			t.Fatal(err)
		}
		if p.Layer() != want.layer {
			t.Fatalf("after %d updates layer %d is pretrained, want %d", updates, p.Layer(), want.layer)
		}
		after, l := p.State(), want.layer
		n, m := c.Layers[l-1], c.Layers[l]
		lower, later := before.Biases[0], after.Biases[0]
		if l > 1 {
			lower, later = before.Lower[l-2], after.Lower[l-2]
		}
		value := func(side, r, i int) float64 { return float64(p.updater.lower(side, r)[i]) }
		for r := range c.Batch {
			// The example: the pixels, or the means of the layer below.
			x := make([]float32, c.Layers[0])
			y := make([]float64, c.Layers[0])
			u := updates
			patterns{&u}.Row(r, x)
			for i := range x {
				y[i] = float64(x[i])
			}
			for k := 1; k <= l; k++ {
				factor := 2.0
				if k == l {
					factor = want.up
				}
				next := make([]float64, c.Layers[k])
				for j := range next {
					for i := range y {
						next[j] += factor * y[i] * float64(before.Weights[k-1][i*c.Layers[k]+j])
					}
					next[j] = sigma(next[j] + float64(before.Biases[k][j]))
				}
				if k == l {
					for i := range y {
						if math.Abs(y[i]-value(0, r, i)) > 1e-6 {
							t.Fatalf("layer %d: lower unit %d of example %d is %v, want %v", l, i, r, value(0, r, i), y[i])
						}
					}
					for j := range next {
						if math.Abs(next[j]-value(1, r, j)) > 1e-6 {
							t.Fatalf("layer %d: upper unit %d of example %d is %v, want %v", l, j, r, value(1, r, j), next[j])
						}
					}
				}
				y = next
			}
		}
		// The lower units of the chains follow from the upper ones.
		draws := make([]float32, kernel.Padded(n))
		for chain := range c.Chains {
			kernel.Draw{Seed: c.Seed, Row: uint32(chain), Update: uint32(updates + 1),
				Tag: kernel.Tag(kernel.ForChains, 0, 0)}.Uniforms(draws)
			for i := range n {
				pre := float64(lower[i])
				for j := range m {
					pre += want.down * value(1, c.Batch+chain, j) * float64(before.Weights[l-1][i*m+j])
				}
				if p := sigma(pre); math.Abs(p-float64(draws[i])) > 1e-6 &&
					(float64(draws[i]) < p) != (value(0, c.Batch+chain, i) == 1) {
					t.Fatalf("layer %d: lower unit %d of chain %d is not what its probability %v says", l, i, chain, p)
				}
			}
		}
		rate := c.LearningRate * (1 - float64(updates-uint64(l-1)*c.Pretrain)/4)
		for i := range n {
			g := 0.0
			for r := range c.Batch {
				g += value(0, r, i)/float64(c.Batch) - value(0, c.Batch+r, i)/float64(c.Chains)
			}
			if got, want := float64(later[i]), float64(lower[i])+rate*g; math.Abs(got-want) > 1e-6 {
				t.Errorf("layer %d: lower bias %d is %v, want %v", l, i, got, want)
			}
		}
		for k := range c.Hidden() {
			if same := before.Weights[k][0] == after.Weights[k][0]; same != (k+1 != l) {
				t.Errorf("pretraining layer %d: weights of layer %d changed: %v", l, k+1, !same)
			}
		}
	}
}

// Joint training begins with the means of a layer's two biases.
func TestBiasesAfterPretraining(t *testing.T) {
	c := trainings()["greedy"]
	c.LearningRate = 0.5
	end := run(t, c, nil, 9, 1)
	c.LearningRate = 0 // so that the next update shows what it began with
	next := run(t, c, end, 10, 1)
	for l := 1; l < c.Hidden(); l++ {
		for j, b := range next.Biases[l] {
			if want := (end.Biases[l][j] + end.Lower[l-1][j]) / 2; b != want || end.Biases[l][j] == end.Lower[l-1][j] {
				t.Fatalf("layer %d: bias %d is %v, want the mean of %v and %v", l, j, b, end.Biases[l][j], end.Lower[l-1][j])
			}
		}
	}
}

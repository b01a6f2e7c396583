package dbm

import (
	"math"
	"testing"
)

// A whole update with centering, written once more in float64 from the
// definition: means of products of centred units.
func TestCentredUpdateByHand(t *testing.T) {
	for _, name := range []string{"centred", "drawn and centred"} {
		t.Run(name, func(t *testing.T) { centredUpdateByHand(t, trainings()[name]) })
	}
}

func centredUpdateByHand(t *testing.T, c Config) {
	before := run(t, c, nil, 3, 1)
	tr := trainer(t, c, before, patterns{new(uint64)}, 2)
	if _, err := tr.Update(); err != nil {
		t.Fatal(err)
	}
	after := tr.State()
	rate := c.LearningRate * (1 - 3.0/8)
	share := func(l int) float64 {
		if l > 1 {
			return c.UpperRate
		}
		return 1
	}
	value := func(l, r, i int) float64 { return float64(tr.updater.lower(l, r)[i]) }
	below := func(l, r, i int) float64 { return float64(tr.updater.upper(l, r)[i]) }
	offset := func(l, i int) float64 { return float64(before.Offsets[l][i]) }
	// both is the mean over the minibatch less that over the chains.
	both := func(f func(r int) float64) float64 {
		data, chains := 0.0, 0.0
		for r := range c.Batch {
			data += f(r) / float64(c.Batch)
		}
		for r := range c.Chains {
			chains += f(c.Batch+r) / float64(c.Chains)
		}
		return data - chains
	}
	step := make([][]float64, len(c.Layers)) // of the biases
	for l, n := range c.Layers {
		step[l] = make([]float64, n)
		for i := range n {
			step[l][i] += share(l) * both(func(r int) float64 { return below(l, r, i) })
		}
	}
	for l := 1; l < len(c.Layers); l++ {
		n := c.Layers[l]
		for i := range c.Layers[l-1] {
			for j := range n {
				g := share(l) * both(func(r int) float64 {
					return (value(l-1, r, i) - offset(l-1, i)) * (below(l, r, j) - offset(l,
						j))
				})
				step[l-1][i] -= g * offset(l, j)
				step[l][j] -= g * offset(l-1, i)
				want, got := float64(before.Weights[l-1][i*n+j])+rate*g, float64(after.Weights[l-1][i*n+j])
				if math.Abs(got-want) > 1e-6 {
					t.Fatalf("weight %d, %d of layer %d is %v, want %v", i, j, l, got, want)
				}
			}
		}
	}
	for l, n := range c.Layers {
		for i := range n {
			want, got := float64(before.Biases[l][i])+rate*step[l][i], float64(after.Biases[l][i])
			if math.Abs(got-want) > 1e-6 {
				t.Errorf("bias %d of layer %d is %v, want %v", i, l, got, want)
			}
			mean := 0.0
			for r := range c.Batch {
				mean += below(l, r, i) / float64(c.Batch)
			}
			want, got = offset(l, i)+c.OffsetRate*(mean-offset(l, i)), float64(after.Offsets[l][i])
			if math.Abs(got-want) > 1e-6 || got == offset(l, i) && math.Abs(mean-got) > 1e-6 {
				t.Errorf("offset %d of layer %d is %v, want %v", i, l, got, want)
			}
		}
	}
}

package dbm

import (
	"fmt"
	"math"

	"tandem/dbm/kernel"
)

// Initial returns the state from which training starts:
//
//   - weights drawn from N(0, InitScale²), and 0 outside of patches;
//   - hidden biases 0; visible biases the log-odds of mean, the mean of each visible unit
//     over the training examples, clipped to [1e-5, 1−1e-5]; 0 with ZeroBiases or if mean
//     is nil;
//   - mu the mean norms of the weights;
//   - chains of fair coins;
//   - offsets the mean of the examples, and ½ for hidden units.
func Initial(c *Config, mean []float64) (*State, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if mean != nil && len(mean) != c.Layers[0] {
		return nil, fmt.Errorf("layers: the visible layer has %d units, but the examples have %d pixels",
			c.Layers[0], len(mean))
	}
	s := NewState(c)
	for l := 1; l < len(c.Layers); l++ {
		initialWeights(s.Weights[l-1], c, l)
		s.Mu[l-1] = meanNorm(s.Weights[l-1], c.Layers[l])
	}
	for i, p := range mean {
		if !c.ZeroBiases {
			s.Biases[0][i] = float32(c.kind(0).bias(p, 1e-5))
		}
	}
	for l, offsets := range s.Offsets {
		for i := range offsets {
			if offsets[i] = 0.5; l == 0 && mean != nil {
				offsets[i] = float32(mean[i])
			}
		}
	}
	for l, n := range c.Layers {
		for chain := range c.Chains {
			d := kernel.Draw{Seed: c.Seed, Row: uint32(chain), Tag: kernel.Tag(kernel.ForChains, l, 0)}
			c.kind(l).start(s.Chains[l][chain*n:(chain+1)*n], d)
		}
	}
	return s, nil
}

// MeanNorms returns the mean norm of the weights of each hidden layer of a state.
func MeanNorms(c *Config, s *State) (norms []float64) {
	for l := 1; l < len(c.Layers); l++ {
		norms = append(norms, meanNorm(s.Weights[l-1], c.Layers[l]))
	}
	return norms
}

// meanNorm returns the mean norm of the columns of w: units below × n.
func meanNorm(w []float32, n int) float64 {
	sums := make([]float64, n)
	for i := 0; i < len(w); i += n {
		for j, x := range w[i : i+n] {
			sums[j] += float64(x) * float64(x) // exact products, so a fused sum is the same
		}
	}
	mean := 0.0
	for _, sum := range sums {
		mean += math.Sqrt(sum)
	}
	return mean / float64(n)
}

// initialWeights draws the weights of layer l into w: units below × units. It uses
// Marsaglia's polar method: words 0 and 1 of a counter, and words 2 and 3, are each a
// point in the square (−1, 1)², which makes two normal numbers if it lies in the unit
// circle; if not, the next counter has its turn. Weights j = 4b … 4b+3 of row i come from
// counters (b, i, 0, tag), (b, i, 1, tag) and so on. Outside of patches they are 0.
func initialWeights(w []float32, c *Config, l int) {
	initialRows(w, c, l, 0, c.Layers[l-1])
	clearOutside(w, c, l)
}

// initialRows draws rows [from, to) of the initial weights, without regard to patches.
func initialRows(w []float32, c *Config, l, from, to int) {
	n := c.Layers[l]
	for i := from; i < to; i++ {
		for j := 0; j < n; j += 4 {
			four := fourNormals(c.Seed, uint32(j/4), uint32(i), kernel.Tag(kernel.ForWeights, l, 0))
			for k, x := range four[:min(4, n-j)] {
				w[i*n+j+k] = float32(x * c.InitScale)
			}
		}
	}
}

// clearOutside makes the weights outside of patches 0.
func clearOutside(w []float32, c *Config, l int) {
	if l > 1 || c.Patch == 0 {
		return
	}
	n, patches := c.Layers[l], newPatches(c)
	for i := range w {
		if !patches.sees(i/n, i%n) {
			w[i] = 0
		}
	}
}

// fourNormals draws four numbers from N(0, 1).
func fourNormals(seed uint64, block, row, tag uint32) (x [4]float64) {
	var have [2]bool
	for try := uint32(0); !have[0] || !have[1]; try++ {
		var word [4]uint32
		word[0], word[1], word[2], word[3] = kernel.Philox(seed, block, row, try, tag)
		for pair := range 2 {
			a, b := centred(word[2*pair]), centred(word[2*pair+1])
			s := float64(a*a) + float64(b*b)
			if have[pair] || s >= 1 {
				continue
			}
			have[pair] = true
			r := math.Sqrt(-2 * kernel.Log(s) / s)
			x[2*pair], x[2*pair+1] = float64(a*r), float64(b*r)
		}
	}
	return x
}

// centred maps a word to the middle of one of 2³² intervals of (−1, 1).
func centred(w uint32) float64 { return (float64(w) - (1<<31 - 0.5)) / (1 << 31) }

package dbm

import (
	"fmt"
	"math"

	"tandem/dbm/kernel"
)

// Initial returns the state that training starts from: weights drawn from
// N(0, InitScale²), 0 outside of patches, hidden biases 0, visible biases the log-odds of the mean of
// the training examples (mean: one number for each visible unit, clipped to
// [1e-5, 1−1e-5]; nil, or ZeroBiases: biases 0), mu the mean norms of the weights, chains
// of fair coins, and offsets the mean of the examples and ½ for hidden units.
func Initial(c *Config, mean []float64) (*State, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if mean != nil && len(mean) != c.Layers[0] {
		return nil, fmt.Errorf("layers: the visible layer has %d units, but the examples have %d pixels", c.Layers[0], len(mean))
	}
	s := NewState(c)
	for l := 1; l < len(c.Layers); l++ {
		below, n := c.Layers[l-1], c.Layers[l]
		initialWeights(s.Weights[l-1], c, l)
		sums := make([]float64, n)
		for i := range below {
			for j, w := range s.Weights[l-1][i*n : (i+1)*n] {
				sums[j] += float64(w) * float64(w) // exact products, so a fused sum is the same
			}
		}
		for _, sum := range sums {
			s.Mu[l-1] += math.Sqrt(sum)
		}
		s.Mu[l-1] /= float64(n)
	}
	for i, p := range mean {
		if c.ZeroBiases {
			break
		}
		p = min(max(p, 1e-5), 1-1e-5)
		s.Biases[0][i] = float32(kernel.LogOdds(p))
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
			kernel.Draw{Seed: c.Seed, Row: uint32(chain), Tag: kernel.Tag(kernel.ForChains, l, 0)}.Coins(s.Chains[l][chain*n : (chain+1)*n])
		}
	}
	return s, nil
}

// initialWeights draws the weights of layer l into w, by Marsaglia's polar
// method: words 0 and 1 of a counter, and words 2 and 3, are each a point in
// the square (−1, 1)², which makes two normal numbers if it lies in the unit
// circle; if not, the next counter has its turn. Weights j = 4b … 4b+3 of row i
// come from counters (b, i, 0, tag), (b, i, 1, tag) and so on. Outside of patches
// they are 0.
func initialWeights(w []float32, c *Config, l int) {
	n := c.Layers[l]
	tag := kernel.Tag(kernel.ForWeights, l, 0)
	for i := range c.Layers[l-1] {
		row := w[i*n : (i+1)*n]
		for j := 0; j < n; j += 4 {
			var have [2]bool
			for try := uint32(0); !have[0] || !have[1]; try++ {
				var word [4]uint32
				word[0], word[1], word[2], word[3] = kernel.Philox(c.Seed, uint32(j/4), uint32(i), try, tag)
				for pair := range 2 {
					a, b := centred(word[2*pair]), centred(word[2*pair+1])
					s := float64(a*a) + float64(b*b)
					if have[pair] || s >= 1 {
						continue
					}
					have[pair] = true
					r := math.Sqrt(-2 * kernel.Log(s) / s)
					for k, x := range [2]float64{a, b} {
						if at := j + 2*pair + k; at < n {
							row[at] = float32(x * r * c.InitScale)
						}
					}
				}
			}
		}
	}
	if patches := newPatches(c); l == 1 && patches != nil {
		for i := range w {
			if !patches.sees(i/n, i%n) {
				w[i] = 0
			}
		}
	}
}

// centred maps a word to the middle of one of 2³² intervals of (−1, 1).
func centred(w uint32) float64 { return (float64(w) - (1<<31 - 0.5)) / (1 << 31) }

package dbm

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
)

// State is all that training carries from one update to the next, and so all
// that a checkpoint holds. Matrices are row-major and without padding.
type State struct {
	Updates uint64
	Weights [][]float32 // Weights[l-1]: units of layer l-1 × units of layer l, for l = 1…
	Biases  [][]float32 // Biases[l]: units of layer l, for l = 0…
	Mu      []float64   // Mu[l-1]: the mean norm that the spring pulls layer l to
	Chains  [][]float32 // Chains[l]: chains × units of layer l, each 0 or 1
	Offsets [][]float32 // Offsets[l]: of the units of layer l; none without centering
	Lower   [][]float32 // Lower[l-1]: biases of layer l as the lower one of an RBM, for all hidden layers but the last; none without pretraining
}

// NewState returns a zero state of the shapes that a configuration asks for.
func NewState(c *Config) *State {
	s := &State{Mu: make([]float64, c.Hidden())}
	for l, n := range c.Layers {
		if l > 0 {
			s.Weights = append(s.Weights, make([]float32, c.Layers[l-1]*n))
		}
		s.Biases = append(s.Biases, make([]float32, n))
		s.Chains = append(s.Chains, make([]float32, c.Chains*n))
		if c.OffsetRate > 0 {
			s.Offsets = append(s.Offsets, make([]float32, n))
		}
		if c.Pretrain > 0 && l > 0 && l < c.Hidden() {
			s.Lower = append(s.Lower, make([]float32, n))
		}
	}
	return s
}

// fits says how a state differs in shape from what a configuration asks for.
func (s *State) fits(c *Config) error {
	if len(s.Biases) != len(c.Layers) || len(s.Chains) != len(c.Layers) || len(s.Weights) != c.Hidden() || len(s.Mu) != c.Hidden() {
		return fmt.Errorf("state: biases, chains, weights and mu of %d, %d, %d and %d layers; the configuration asks for %d, %d, %d and %d",
			len(s.Biases), len(s.Chains), len(s.Weights), len(s.Mu), len(c.Layers), len(c.Layers), c.Hidden(), c.Hidden())
	}
	if c.Pretrain > 0 && len(s.Lower) != c.Hidden()-1 {
		return fmt.Errorf("state: biases for pretraining of %d layers; the configuration asks for %d", len(s.Lower), c.Hidden()-1)
	}
	for i, x := range s.Lower {
		if len(x) != c.Layers[i+1] {
			return fmt.Errorf("state: layer %d has %d biases for pretraining; the configuration asks for %d", i+1, len(x), c.Layers[i+1])
		}
	}
	if c.OffsetRate > 0 && len(s.Offsets) != len(c.Layers) {
		return fmt.Errorf("state: offsets of %d layers; the configuration asks for %d", len(s.Offsets), len(c.Layers))
	}
	for l, n := range c.Layers {
		if c.OffsetRate > 0 && len(s.Offsets[l]) != n {
			return fmt.Errorf("state: layer %d has %d offsets; the configuration asks for %d", l, len(s.Offsets[l]), n)
		}
		if len(s.Biases[l]) != n || len(s.Chains[l]) != c.Chains*n {
			return fmt.Errorf("state: layer %d has %d biases and %d units of chains; the configuration asks for %d and %d",
				l, len(s.Biases[l]), len(s.Chains[l]), n, c.Chains*n)
		}
		if l > 0 && len(s.Weights[l-1]) != c.Layers[l-1]*n {
			return fmt.Errorf("state: layer %d has %d weights; the configuration asks for %d", l, len(s.Weights[l-1]), c.Layers[l-1]*n)
		}
	}
	return nil
}

// SHA256 is the hash of the parameters and chains, in hexadecimal: all
// weights from the first layer up, all biases from the visible layer up, then
// mu, then all chains from the visible layer up, then all offsets, then Lower; every number little-endian,
// float32 but for mu, which is float64. The number of updates is not in it.
func (s *State) SHA256() string {
	h := sha256.New()
	for _, group := range [][][]float32{s.Weights, s.Biases} {
		for _, x := range group {
			hashFloats(h, x)
		}
	}
	for _, x := range s.Mu {
		h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
	}
	for _, x := range s.Chains {
		hashFloats(h, x)
	}
	for _, group := range [][][]float32{s.Offsets, s.Lower} {
		for _, x := range group {
			hashFloats(h, x)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func hashFloats(h hash.Hash, x []float32) {
	buf := make([]byte, 0, 4096)
	for _, v := range x {
		buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		if len(buf) == cap(buf) {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Write(buf)
}

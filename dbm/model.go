package dbm

import (
	"math"

	"tandem/dbm/kernel"
)

// Model is the parameters of a state in the form that kernels read. Only the Trainer
// that owns a model changes it, so many may read one.
type Model struct {
	Layers  []int
	Weights []*kernel.Matrix // Weights[l]: from layer l-1 to layer l; nil for l = 0
	Bias    [][]float32      // Bias[l]: Padded(Layers[l])
	mu      []float64        // mu[l-1]: the mean norm that the spring pulls layer l to
	doubled *doubled         // nil: all weights count once; see pretrain.go
}

// NewModel packs the parameters of a state, which needs no chains.
func NewModel(c *Config, set *kernel.Set, s *State) (*Model, error) {
	if err := s.fits(c, false); err != nil {
		return nil, err
	}
	return newModel(c.Layers, s, set), nil
}

// newModel packs the lowest layers of a state that has at least as many.
func newModel(layers []int, s *State, set *kernel.Set) *Model {
	m := &Model{Layers: layers, mu: append([]float64(nil), s.Mu...)}
	for l, n := range layers {
		m.Bias = append(m.Bias, make([]float32, kernel.Padded(n)))
		copy(m.Bias[l], s.Biases[l])
		if l == 0 {
			m.Weights = append(m.Weights, nil)
		} else {
			m.Weights = append(m.Weights, kernel.NewMatrix(set, s.Weights[l-1], layers[l-1], n))
		}
	}
	return m
}

// save copies the parameters into a state.
func (m *Model) save(s *State) {
	for l, n := range m.Layers {
		copy(s.Biases[l], m.Bias[l])
		if l > 0 {
			kernel.Unpack(s.Weights[l-1], m.Weights[l].W, m.Layers[l-1], n)
		}
	}
	copy(s.Mu, m.mu)
}

// norm returns the norm of the weights into unit j of layer l.
func (m *Model) norm(l, j int) float64 { return math.Sqrt(float64(m.Weights[l].Squares[j])) }

// FromBelow returns the input of layer l from rows of the layer below.
// x: rows × Stride(units below).
func (m *Model) FromBelow(l int, x []float32) kernel.Input {
	in := m.Weights[l].FromBelow(x)
	m.doubled.replaceUp(&in)
	return in
}

// FromAbove returns the input of layer l from rows of the layer above.
// x: rows × Stride(units above).
func (m *Model) FromAbove(l int, x []float32) kernel.Input {
	in := m.Weights[l+1].FromAbove(x)
	m.doubled.replaceBack(&in)
	return in
}

// Pass returns a pass over layer l for rows of its neighbours x[l-1] and x[l+1], each
// rows × Stride, from one row of biases, start, to out: rows × Stride. If lists is not
// nil, the list of a neighbour is followed where it is short enough.
func (m *Model) Pass(l, rows int, start []float32, x [][]float32, lists []kernel.Lists, out []float32) kernel.Pass {
	n := m.Layers[l]
	p := kernel.NewPass(n, rows, start, out)
	if l > 0 {
		p.Below = m.FromBelow(l, x[l-1])
		if lists != nil {
			p.Below.Nonzero = lists[l-1].IfSparse(rows, m.Layers[l-1])
		}
	}
	if l+1 < len(m.Layers) {
		p.Above = m.FromAbove(l, x[l+1])
		if lists != nil {
			p.Above.Nonzero = lists[l+1].IfSparse(rows, m.Layers[l+1])
		}
	}
	return p
}

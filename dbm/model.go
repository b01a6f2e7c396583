package dbm

import (
	"math"

	"tandem/dbm/kernel"
)

// A model is the parameters in the form that the kernels want: packed and padded.
type model struct {
	layers  []int
	up      [][]float32 // up[l]: weights from layer l-1 to layer l, packed; nil for l = 0
	back    [][]float32 // back[l]: the same transposed
	bias    [][]float32 // bias[l]: Padded(layers[l])
	squares [][]float32 // squares[l]: for each unit of layer l, the sum of its squared weights
	mu      []float64   // mu[l-1]: the mean norm that the spring pulls layer l to

	// Pretraining: twice up[1] and twice back[1], or nil where they count once.
	twiceUp, twiceBack []float32
}

// newModel packs the parameters of a state.
func newModel(layers []int, s *State, k *kernel.Set) *model {
	m := &model{layers: layers, mu: append([]float64(nil), s.Mu...)}
	for l, n := range layers {
		m.bias = append(m.bias, make([]float32, kernel.Padded(n)))
		copy(m.bias[l], s.Biases[l])
		if l == 0 {
			m.up, m.back, m.squares = [][]float32{nil}, [][]float32{nil}, [][]float32{nil}
			continue
		}
		below := layers[l-1]
		m.up = append(m.up, kernel.Pack(nil, s.Weights[l-1], below, n))
		m.back = append(m.back, make([]float32, kernel.Padded(below)*kernel.Padded(n)))
		m.squares = append(m.squares, make([]float32, kernel.Padded(n)))
		k.Refresh(m.step(l))
	}
	return m
}

// step is a step for all panels of a layer, with the parameters filled in.
func (m *model) step(l int) *kernel.Step {
	return &kernel.Step{Below: m.layers[l-1], Units: m.layers[l], To: kernel.Padded(m.layers[l]) / kernel.Panel,
		W: m.up[l], Back: m.back[l], Squares: m.squares[l]}
}

// save copies the parameters into a state.
func (m *model) save(s *State) {
	for l, n := range m.layers {
		copy(s.Biases[l], m.bias[l])
		if l > 0 {
			kernel.Unpack(s.Weights[l-1], m.up[l], m.layers[l-1], n)
		}
	}
	copy(s.Mu, m.mu)
}

// norm is the norm of the weights into unit j of layer l.
func (m *model) norm(l, j int) float64 { return math.Sqrt(float64(m.squares[l][j])) }

// below is the input of layer l from the layer below, for rows of x.
func (m *model) below(l int, x []float32) kernel.Input {
	w := m.up[l]
	if m.twiceUp != nil {
		w = m.twiceUp
	}
	return kernel.Input{X: x, Stride: kernel.Stride(m.layers[l-1]), K: m.layers[l-1], W: w}
}

// above is the input of layer l from the layer above, for rows of x.
func (m *model) above(l int, x []float32) kernel.Input {
	w := m.back[l+1]
	if m.twiceBack != nil {
		w = m.twiceBack
	}
	return kernel.Input{X: x, Stride: kernel.Stride(m.layers[l+1]), K: m.layers[l+1], W: w}
}

// double makes room for twice the weights of an RBM, up or down or both.
func (m *model) double(k *kernel.Set, up, down bool) {
	if up {
		m.twiceUp = make([]float32, len(m.up[1]))
	}
	if down {
		m.twiceBack = make([]float32, len(m.back[1]))
	}
	m.redouble(k, 0, kernel.Padded(m.layers[1])/kernel.Panel)
}

// redouble computes twice the weights for panels [from, to) of layer 1.
func (m *model) redouble(k *kernel.Set, from, to int) {
	if m.twiceUp != nil {
		a, b := from*kernel.Panel*kernel.Padded(m.layers[0]), to*kernel.Panel*kernel.Padded(m.layers[0])
		k.Scale(m.twiceUp[a:b], m.up[1][a:b], 2)
	}
	if m.twiceBack != nil { // for 16 units of layer 0 at a time, a block for each panel
		for at := 0; at < len(m.back[1]); at += kernel.Panel * kernel.Padded(m.layers[1]) {
			a, b := at+from*kernel.Panel*kernel.Panel, at+to*kernel.Panel*kernel.Panel
			k.Scale(m.twiceBack[a:b], m.back[1][a:b], 2)
		}
	}
}

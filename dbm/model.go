package dbm

import "math"

// A model is the parameters in the form that the kernels want: packed and padded.
type model struct {
	layers  []int
	up      [][]float32 // up[l]: weights from layer l-1 to layer l, packed; nil for l = 0
	back    [][]float32 // back[l]: the same transposed
	bias    [][]float32 // bias[l]: Padded(layers[l])
	squares [][]float32 // squares[l]: for each unit of layer l, the sum of its squared weights
	mu      []float64   // mu[l-1]: the mean norm that the spring pulls layer l to
}

// newModel packs the parameters of a state.
func newModel(layers []int, s *State, k *Kernels) *model {
	m := &model{layers: layers, mu: append([]float64(nil), s.Mu...)}
	for l, n := range layers {
		m.bias = append(m.bias, make([]float32, Padded(n)))
		copy(m.bias[l], s.Biases[l])
		if l == 0 {
			m.up, m.back, m.squares = [][]float32{nil}, [][]float32{nil}, [][]float32{nil}
			continue
		}
		below := layers[l-1]
		m.up = append(m.up, Pack(nil, s.Weights[l-1], below, n))
		m.back = append(m.back, make([]float32, Padded(below)*Padded(n)))
		m.squares = append(m.squares, make([]float32, Padded(n)))
		k.Refresh(m.step(l))
	}
	return m
}

// step is a step for all panels of a layer, with the parameters filled in.
func (m *model) step(l int) *Step {
	return &Step{Below: m.layers[l-1], Units: m.layers[l], To: Padded(m.layers[l]) / Panel,
		W: m.up[l], Back: m.back[l], Squares: m.squares[l]}
}

// save copies the parameters into a state.
func (m *model) save(s *State) {
	for l, n := range m.layers {
		copy(s.Biases[l], m.bias[l])
		if l > 0 {
			unpack(s.Weights[l-1], m.up[l], m.layers[l-1], n)
		}
	}
	copy(s.Mu, m.mu)
}

// norm is the norm of the weights into unit j of layer l.
func (m *model) norm(l, j int) float64 { return math.Sqrt(float64(m.squares[l][j])) }

// below is the input of layer l from the layer below, for rows of x.
func (m *model) below(l int, x []float32) Input {
	return Input{X: x, Stride: Stride(m.layers[l-1]), K: m.layers[l-1], W: m.up[l]}
}

// above is the input of layer l from the layer above, for rows of x.
func (m *model) above(l int, x []float32) Input {
	return Input{X: x, Stride: Stride(m.layers[l+1]), K: m.layers[l+1], W: m.back[l+1]}
}

// Pack packs a matrix w of k × n, row-major, for the kernels, into dst if that
// is not nil.
func Pack(dst, w []float32, k, n int) []float32 {
	if dst == nil {
		dst = make([]float32, Padded(k)*Padded(n))
	}
	for j := 0; j < n; j += Panel {
		panel := dst[j*Padded(k):]
		for i := range k {
			copy(panel[i*Panel:], w[i*n+j:i*n+min(j+Panel, n)])
		}
	}
	return dst
}

// unpack undoes Pack.
func unpack(w, packed []float32, k, n int) {
	for j := 0; j < n; j += Panel {
		panel := packed[j*Padded(k):]
		for i := range k {
			copy(w[i*n+j:i*n+min(j+Panel, n)], panel[i*Panel:])
		}
	}
}

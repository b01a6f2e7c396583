package kernel

// Matrix is the weights between two layers, packed both ways, so that products in
// either direction read memory in order. A 16 × 16 block is contiguous in both, which
// makes transposing cheap.
type Matrix struct {
	Below, Units int
	W            []float32 // packed, units below × units
	Back         []float32 // the same transposed: packed, units × units below
	Squares      []float32 // for each unit, the sum of its squared weights
}

// NewMatrix packs weights w: units below × units, row-major.
func NewMatrix(set *Set, w []float32, below, units int) *Matrix {
	m := &Matrix{Below: below, Units: units, W: Pack(nil, w, below, units)}
	m.Back = make([]float32, len(m.W))
	m.Squares = make([]float32, Padded(units))
	s := m.Step()
	set.Refresh(&s)
	return m
}

// Step returns a learning step for all panels, with the weights filled in.
func (m *Matrix) Step() Step {
	return Step{Below: m.Below, Units: m.Units, To: Padded(m.Units) / Panel, W: m.W, Back: m.Back, Squares: m.Squares}
}

// FromBelow returns the input of the upper layer from rows of the lower one.
// x: rows × Stride(Below).
func (m *Matrix) FromBelow(x []float32) Input {
	return Input{X: x, Stride: Stride(m.Below), K: m.Below, W: m.W}
}

// FromAbove returns the input of the lower layer from rows of the upper one.
// x: rows × Stride(Units).
func (m *Matrix) FromAbove(x []float32) Input {
	return Input{X: x, Stride: Stride(m.Units), K: m.Units, W: m.Back}
}

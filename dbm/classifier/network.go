// Package classifier turns a deep Boltzmann machine into a discriminative network, as in
// Salakhutdinov and Hinton, "Deep Boltzmann Machines" (2009). The network is one iteration
// of mean field on an image v whose upper layers are known,
//
//	h_l = σ(b_l + h_{l-1}·A_l + q_{l+1}·Q_l),   h_0 = v, no q above the top
//
// where q is the mean field of the image in the Boltzmann machine, computed once, and
// A_l = W_l and Q_l = W_{l+1}ᵀ at the beginning. A softmax over the classes stands on the
// top layer. All matrices are then learnt separately by back-propagation.
//
// The arithmetic is that of a kernel.Set, so the network has the same bits for all sets
// and numbers of threads.
package classifier

import (
	"fmt"
	"slices"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Network is the parameters.
type Network struct {
	set     *kernel.Set
	layers  []int // of the Boltzmann machine
	classes int
	up      []*matrix // up[l]: A_l, for l = 1…; the last: top layer to classes
	side    []*matrix // side[l]: Q_l, for l = 1… but the top
	bias    []*vector // of layer l, for l = 1…; the last: of the classes
}

// vector is parameters with what learning needs.
type vector struct {
	w            []float32 // padded, and packed where it is a matrix
	g            []float32 // gradient
	mean, square []float32 // of past gradients, falling averages
}

func newVector(w []float32) vector {
	return vector{w, make([]float32, len(w)), make([]float32, len(w)), make([]float32, len(w))}
}

// matrix is weights between two layers with what learning needs.
type matrix struct {
	vector // of the packed weights
	kernel.Matrix
}

func newMatrix(set *kernel.Set, w []float32, below, units int) *matrix {
	m := kernel.NewMatrix(set, w, below, units)
	return &matrix{newVector(m.W), *m}
}

// refresh computes what follows from the weights of panels [from, to).
func (m *matrix) refresh(set *kernel.Set, from, to int) {
	s := m.Step()
	s.From, s.To = from, to
	set.Refresh(&s)
}

// New returns the network of a Boltzmann machine's parameters.
func New(c *dbm.Config, set *kernel.Set, s *dbm.State, classes int) (*Network, error) {
	if len(s.Weights) != c.Hidden() || len(s.Biases) != len(c.Layers) {
		return nil, fmt.Errorf("state: not of %d layers", len(c.Layers))
	}
	top := c.Hidden()
	return build(c, set, classes, func(kind string, l int, shape ...int) ([]float32, error) {
		switch w := make([]float32, length(shape)); {
		case l > top: // of the classes
			return w, nil
		case kind == biases:
			return s.Biases[l], nil
		case kind == fromBelow:
			return s.Weights[l-1], nil
		default:
			above, units := shape[0], shape[1]
			for i, x := range s.Weights[l] {
				w[i%above*units+i/above] = x
			}
			return w, nil
		}
	})
}

// FromArrays returns the network whose parameters Arrays returned. array returns the one of a
// name, which must have this shape.
func FromArrays(c *dbm.Config, set *kernel.Set, classes int,
	array func(name string, shape ...int) ([]float32, error)) (*Network, error) {
	return build(c, set, classes, func(kind string, l int, shape ...int) ([]float32, error) {
		return array(fmt.Sprint(kind, l), shape...)
	})
}

// The kinds of parameters, by their letters in the formula above.
const (
	fromBelow = "A"
	fromAbove = "Q"
	biases    = "c"
)

// build makes a network of the parameters that array returns, of a kind and a layer; the layer
// behind the top one is that of the classes.
func build(c *dbm.Config, set *kernel.Set, classes int,
	array func(kind string, l int, shape ...int) ([]float32, error)) (*Network, error) {
	if classes < 2 || classes > 1<<16 {
		return nil, fmt.Errorf("classes: %d; must be 2 to %d", classes, 1<<16)
	}
	n := &Network{set: set, layers: c.Layers, classes: classes,
		up: []*matrix{nil}, side: []*matrix{nil}, bias: []*vector{nil}}
	units := append(slices.Clone(c.Layers), classes)
	for l := 1; l < len(units); l++ {
		w, err := array(fromBelow, l, units[l-1], units[l])
		if err != nil {
			return nil, err
		}
		n.up = append(n.up, newMatrix(set, w, units[l-1], units[l]))
		b, err := array(biases, l, units[l])
		if err != nil {
			return nil, err
		}
		n.addBias(b)
		if l >= c.Hidden() {
			continue
		}
		if w, err = array(fromAbove, l, units[l+1], units[l]); err != nil {
			return nil, err
		}
		n.side = append(n.side, newMatrix(set, w, units[l+1], units[l]))
	}
	return n, nil
}

func length(shape []int) int {
	n := 1
	for _, x := range shape {
		n *= x
	}
	return n
}

func (n *Network) addBias(b []float32) {
	v := newVector(make([]float32, kernel.Padded(len(b))))
	copy(v.w, b)
	n.bias = append(n.bias, &v)
}

// vectors returns all parameters in a fixed order: A_1 … and that of the classes, Q_1 …,
// biases.
func (n *Network) vectors() (all []*vector) {
	for _, m := range append(n.up[1:], n.side[1:]...) {
		all = append(all, &m.vector)
	}
	return append(all, n.bias[1:]...)
}

// Array is one array of the parameters, row-major.
type Array struct {
	Name    string // A1 …, the last from the top layer to the classes; Q1 …; c1 …, the biases
	Shape   []int
	Numbers []float32
}

// Arrays returns copies of all parameters by their names in the formula above.
func (n *Network) Arrays() (all []Array) {
	units := append(slices.Clone(n.layers), n.classes)
	matrix := func(name string, m *matrix, below, units int) {
		w := make([]float32, below*units)
		kernel.Unpack(w, m.W, below, units)
		all = append(all, Array{name, []int{below, units}, w})
	}
	for l := 1; l < len(n.up); l++ {
		matrix(fmt.Sprint(fromBelow, l), n.up[l], units[l-1], units[l])
	}
	for l := 1; l < len(n.side); l++ {
		matrix(fmt.Sprint(fromAbove, l), n.side[l], units[l+1], units[l])
	}
	for l := 1; l < len(n.bias); l++ {
		all = append(all, Array{fmt.Sprint(biases, l), []int{units[l]}, slices.Clone(n.bias[l].w[:units[l]])})
	}
	return all
}

// Parameters returns a copy of all weights and biases in the order of vectors, packed.
func (n *Network) Parameters() (all []float32) {
	for _, v := range n.vectors() {
		all = append(all, v.w...)
	}
	return all
}

// restore is the inverse of Parameters.
func (n *Network) restore(all []float32) {
	for _, v := range n.vectors() {
		copy(v.w, all)
		all = all[len(v.w):]
	}
	for _, m := range append(n.up[1:], n.side[1:]...) {
		m.refresh(n.set, 0, kernel.Panels(m.Units))
	}
}

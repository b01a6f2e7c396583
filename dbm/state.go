package dbm

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"iter"
	"math"
)

// State is all that training carries from one update to the next, and so all that a
// checkpoint holds. Matrices are row-major and without padding.
type State struct {
	Updates uint64
	Weights [][]float32 // Weights[l-1]: units of layer l-1 × units of layer l, for l = 1…
	Biases  [][]float32 // Biases[l]: units of layer l, for l = 0…
	Mu      []float64   // Mu[l-1]: the mean norm that the spring pulls layer l to
	Chains  [][]float32 // Chains[l]: chains × units of layer l, each 0 or 1
	Offsets [][]float32 // Offsets[l]: of the units of layer l; none without centering
	Lower   [][]float32 // Lower[l-1]: biases of layer l as the lower layer of an RBM; see groups
}

// group is one kind of array, one for each of some layers.
type group struct {
	name    string // in files: W1, W2, …
	title   string // in messages: weights of layer 1
	float32 *[][]float32
	float64 *[]float64                           // of mu, which is one array for all layers
	layers  func(c *Config) (from, to int)       // that have one, to excluded
	shape   func(c *Config, layer int) (d []int) // of the array of a layer
	binary  bool                                 // each number is 0 or 1

	trainingOnly bool // no part of a model that is not trained on
}

// groups is the list of what a state consists of, in the order of the hash and of the
// checkpoint. All that handles a state as a whole works through this list.
func (s *State) groups() []group {
	all := func(c *Config) (from, to int) { return 0, len(c.Layers) }
	hidden := func(c *Config) (from, to int) { return 1, len(c.Layers) }
	units := func(c *Config, l int) []int { return []int{c.Layers[l]} }
	return []group{
		{name: "W", title: "weights", float32: &s.Weights, layers: hidden,
			shape: func(c *Config, l int) []int { return []int{c.Layers[l-1], c.Layers[l]} }},
		{name: "b", title: "biases", float32: &s.Biases, layers: all, shape: units},
		{name: "mu", title: "mu", float64: &s.Mu, layers: func(*Config) (from, to int) { return 0, 1 },
			shape: func(c *Config, _ int) []int { return []int{c.Hidden()} }},
		{name: "chains", title: "chains", float32: &s.Chains, layers: all, binary: true,
			shape: func(c *Config, l int) []int { return []int{c.Chains, c.Layers[l]} }},
		{name: "offsets", title: "offsets", float32: &s.Offsets, shape: units, trainingOnly: true,
			layers: func(c *Config) (from, to int) {
				if c.OffsetRate > 0 {
					return all(c)
				}
				return 0, 0
			}},
		// Pretraining has two biases for each layer between two others: as the upper
		// layer of one RBM, and as the lower layer of the next.
		{name: "lower", title: "lower biases", float32: &s.Lower, shape: units, trainingOnly: true,
			layers: func(c *Config) (from, to int) {
				if c.Pretrain > 0 {
					return 1, c.Hidden()
				}
				return 0, 0
			}},
	}
}

// Array is one array of a state.
type Array struct {
	Name    string // W1, b0, mu, chains0, offsets0, lower1
	Title   string // for messages: weights of layer 1
	Shape   []int  // row-major
	Float32 []float32
	Float64 []float64 // of mu, which has no Float32
	Binary  bool      // each number is 0 or 1

	TrainingOnly bool // no part of a model that is not trained on
	size         int  // of a number in bytes
}

// Len returns the number of elements that the shape asks for.
func (a *Array) Len() int {
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	return n
}

// Bytes returns the size of the numbers in bytes.
func (a *Array) Bytes() int64 {
	return int64(a.size) * int64(a.Len())
}

// Arrays yields the arrays that a configuration asks for, in the order of the hash
// and of the checkpoint: all weights from the first layer up, all biases from the
// visible layer up, mu, all chains, all offsets, all lower biases. An array that the
// state lacks has no numbers. The numbers are not copied.
func (s *State) Arrays(c *Config) iter.Seq[Array] {
	return func(yield func(Array) bool) {
		for _, g := range s.groups() {
			from, to := g.layers(c)
			for l := from; l < to; l++ {
				if !yield(g.array(c, l)) {
					return
				}
			}
		}
	}
}

// array returns the array of a layer, with the numbers that the state has.
func (g *group) array(c *Config, l int) Array {
	a := Array{Name: g.name, Title: g.title, Shape: g.shape(c, l), Binary: g.binary, TrainingOnly: g.trainingOnly,
		size: 4}
	if g.float64 != nil {
		a.Float64, a.size = *g.float64, 8
		return a
	}
	a.Name, a.Title = fmt.Sprintf("%s%d", g.name, l), fmt.Sprintf("%s of layer %d", g.title, l)
	from, _ := g.layers(c)
	if i := l - from; i < len(*g.float32) {
		a.Float32 = (*g.float32)[i]
	}
	return a
}

// NewState returns a zero state of the shapes that a configuration asks for.
func NewState(c *Config) *State {
	s := new(State)
	for _, g := range s.groups() {
		from, to := g.layers(c)
		for l := from; l < to; l++ {
			n := (&Array{Shape: g.shape(c, l)}).Len()
			if g.float64 != nil {
				*g.float64 = make([]float64, n)
			} else {
				*g.float32 = append(*g.float32, make([]float32, n))
			}
		}
	}
	return s
}

// StateFrom returns a state whose arrays come from read, which is called for one after the
// other in the order of Arrays and sets Float32, of mu too. An array that read leaves
// without numbers is missing in the state.
func StateFrom(c *Config, read func(a *Array) error) (*State, error) {
	s := new(State)
	for _, g := range s.groups() {
		from, to := g.layers(c)
		for l := from; l < to; l++ {
			a := g.array(c, l)
			if err := read(&a); err != nil {
				return nil, err
			}
			if g.float32 != nil && a.Float32 != nil {
				*g.float32 = append(*g.float32, a.Float32)
			}
			if g.float64 != nil {
				for _, x := range a.Float32 {
					*g.float64 = append(*g.float64, float64(x))
				}
			}
		}
	}
	return s, nil
}

// StateBytes returns the size in bytes of the arrays of a state.
func (c *Config) StateBytes() int64 {
	size := int64(0)
	for a := range new(State).Arrays(c) {
		size += a.Bytes()
	}
	return size
}

// HasChains reports whether a state has chains, without which no training continues. An
// exported model may be without.
func (s *State) HasChains() bool { return len(s.Chains) > 0 }

// fits returns an error that says how a state differs in shape from what a
// configuration asks for. Without all, only the parameters of the model must fit, and the
// chains if there are any.
func (s *State) fits(c *Config, all bool) error {
	for _, g := range s.groups() {
		if !all && (g.trainingOnly || g.binary && !s.HasChains()) {
			continue
		}
		from, to := g.layers(c)
		if g.float32 != nil && len(*g.float32) != to-from {
			return fmt.Errorf("state: %s of %d layers; the configuration asks for %d", g.title, len(*g.float32), to-from)
		}
		for l := from; l < to; l++ {
			a := g.array(c, l)
			if n := len(a.Float32) + len(a.Float64); n != a.Len() {
				return fmt.Errorf("state: %s: %d values; the configuration asks for %d", a.Title, n, a.Len())
			}
		}
	}
	return nil
}

// Check returns an error that names what no training can continue from: an array of
// another shape than the configuration asks for, a number that is not finite, a unit
// of a chain that is neither 0 nor 1.
func (s *State) Check(c *Config) error {
	if err := s.fits(c, true); err != nil {
		return err
	}
	for a := range s.Arrays(c) {
		if err := a.Check(); err != nil {
			return fmt.Errorf("%s: %w", a.Title, err)
		}
	}
	return nil
}

// Check returns an error that names the first number that is not valid.
func (a *Array) Check() error {
	for i, x := range a.Float64 {
		if x-x != 0 { // NaN for what is not finite
			return fmt.Errorf("value %d is %v; must be finite", i, x)
		}
	}
	for i, x := range a.Float32 {
		if x-x != 0 {
			return fmt.Errorf("value %d is %v; must be finite", i, x)
		}
		if a.Binary && (x != 0 && x != 1 || math.Signbit(float64(x))) {
			return fmt.Errorf("value %d is %v; must be 0 or 1", i, x)
		}
	}
	return nil
}

// copyFrom copies a state of the same configuration.
func (s *State) copyFrom(from *State) {
	s.Updates = from.Updates
	source := from.groups()
	for i, g := range s.groups() {
		if g.float64 != nil {
			copy(*g.float64, *source[i].float64)
			continue
		}
		for l, x := range *source[i].float32 {
			copy((*g.float32)[l], x)
		}
	}
}

// SHA256 returns the hash of all arrays of a state in the order of Arrays, in
// hexadecimal; every number little-endian. The number of updates is not part of it.
func (s *State) SHA256() string {
	h := sha256.New()
	for _, g := range s.groups() {
		if g.float64 != nil {
			for _, x := range *g.float64 {
				h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
			}
			continue
		}
		for _, x := range *g.float32 {
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

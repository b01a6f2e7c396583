package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"tandem/dbm/kernel"
	"tandem/mnist"
)

// Description is what examples are like.
type Description struct {
	Examples  int     `json:"examples"`
	Rows      int     `json:"rows"` // of an image; 1 of a table
	Columns   int     `json:"columns"`
	Kind      string  `json:"kind"`   // binary, grey levels or probabilities
	Levels    int     `json:"levels"` // distinct values, at most 256 of them counted
	Mean      float64 `json:"mean"`   // of all units: the share of ones
	Least     float64 `json:"least_mean"`
	Largest   float64 `json:"largest_mean"` // of the columns
	Constant  []int   `json:"constant_columns"`
	Empty     int     `json:"empty_examples"`     // all of whose units are 0
	Duplicate int     `json:"duplicate_examples"` // that another one before is the same as
	Classes   []Class `json:"classes,omitempty"`
}

// Class is one class of examples.
type Class struct {
	Label    string `json:"label"`
	Examples int    `json:"examples"`
}

// The kinds of examples.
const (
	Binary        = "binary"
	GreyLevels    = "grey levels"
	Probabilities = "probabilities"
)

// Describe looks at all examples of a set.
func Describe(s *mnist.Set) *Description {
	units := s.Rows() * s.Columns()
	d := &Description{Examples: s.N(), Rows: s.Rows(), Columns: s.Columns(), Constant: []int{}, Least: 1}
	v, first, row := make([]float32, units), make([]float32, units), make([]byte, 4*units)
	changes, values, seen := make([]bool, units), map[float32]bool{}, make(map[[sha256.Size]byte]bool, s.N())
	for i := range s.N() {
		s.Values(v, i, mnist.Grey, kernel.Draw{})
		if i == 0 {
			copy(first, v)
		}
		empty := true
		for j, x := range v {
			changes[j] = changes[j] || x != first[j]
			empty = empty && x == 0
			if len(values) < 256 {
				values[x] = true
			}
			binary.LittleEndian.PutUint32(row[4*j:], math.Float32bits(x))
		}
		if empty {
			d.Empty++
		}
		if sum := sha256.Sum256(row); seen[sum] {
			d.Duplicate++
		} else {
			seen[sum] = true
		}
	}
	for j, changed := range changes {
		if !changed {
			d.Constant = append(d.Constant, j)
		}
	}
	for _, p := range s.Mean(mnist.Grey) {
		d.Mean += p / float64(units)
		d.Least, d.Largest = min(d.Least, p), max(d.Largest, p)
	}
	d.Levels, d.Kind = len(values), kindOf(s, values)
	d.Classes = count(s)
	return d
}

// kindOf returns the kind of a set with some values.
func kindOf(s *mnist.Set, values map[float32]bool) string {
	for x := range values {
		if x != 0 && x != 1 {
			if s.Images.Numbers != nil {
				return Probabilities
			}
			return GreyLevels
		}
	}
	return Binary
}

// count counts the examples of each class.
func count(s *mnist.Set) (classes []Class) {
	counts := map[byte]int{}
	for _, l := range s.Labels {
		counts[l]++
	}
	for l := range 256 {
		if n := counts[byte(l)]; n > 0 {
			classes = append(classes, Class{s.ClassName(byte(l)), n})
		}
	}
	return slices.Clip(classes)
}

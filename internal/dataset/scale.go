package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"tandem/mnist"
)

// Levels decides which value stands for 1, from training examples, and says so where that is
// a guess. Zeros and ones are what they are, and so are numbers from 0 to 1: probabilities. Spins
// of −1 and 1 have become 0 and 1.
// Bytes with a maximum of 128 and more are greys up to 255. Whole numbers with a smaller maximum
// go up to that. All else is for a person to decide.
func Levels(t *Table) (levels float64, note string, err error) {
	switch {
	case t.Least < 0:
		return 0, "", fmt.Errorf("%s: values from %v to %v; units are 0 to 1: move or threshold the values first (spins, "+
			"-1 and 1 alone, become 0 and 1)", t.Source, t.Least, t.Largest)
	case t.Spins:
		return 1, t.Source + ": spins of -1 and 1, which become 0 and 1", nil
	case t.Largest <= 1:
		return 1, "", nil
	case t.Whole && t.Largest <= 127:
		note := fmt.Sprintf("%s: whole numbers up to %v, which stands for 1; --levels says otherwise", t.Source, t.Largest)
		return t.Largest, note + t.few(), nil
	case t.Whole && t.Largest <= 255:
		return 255, "", nil
	}
	return 0, "", fmt.Errorf("%s: values from %v to %v; --levels X says which value stands for 1 (%v makes the largest "+
		"one), and values between 0 and X become probabilities", t.Source, t.Least, t.Largest, t.Largest)
}

// few returns what to add to a note where most columns have 0 and 1 alone, which others then make
// small: a number for missing values, an age, labels that were not named.
func (t *Table) few() string {
	units := t.Units()
	large, first, rows, last := make([]bool, units), -1, 0, -1
	for i := range t.N * units {
		if t.at(i) <= 1 {
			continue
		}
		if large[i%units] = true; first < 0 {
			first = i
		}
		if i/units != last {
			last = i / units
			rows++
		}
	}
	if few := max(t.N/20, 1); rows <= few && t.N > 1 {
		return fmt.Sprintf("; only %d of %d examples have more than 1, the first is example %d with %v: a header, totals, "+
			"or a "+
			"number for missing values?", rows, t.N, first/units+1, t.at(first))
	}
	n := 0
	for _, is := range large {
		if is {
			n++
		}
	}
	if 2*n >= units {
		return ""
	}
	return fmt.Sprintf("; %d of %d columns have only 0 and 1, but %s has %v in example %d: is that a column of labels, "+
		"or "+
		"a number for missing values?", units-n, units, t.Column(first%units), t.at(first), first/units+1)
}

// Small returns a warning where examples look as if they were on another scale than that of a
// model, by which levels stands for 1; "" where they do not.
func (t *Table) Small(levels float64) string {
	if own, _, err := Levels(t); err != nil || own >= levels || levels <= 1 || t.Largest > levels/2 {
		return ""
	}
	return fmt.Sprintf("%s: the largest value is %v, where %v stands for 1 in the model; perhaps these examples have "+
		"another scale", t.Source, t.Largest, levels)
}

// FromImages returns the table of a set of images, whose bytes it shares.
func FromImages(s *mnist.Set) *Table {
	t := &Table{Source: s.Source, N: s.N(), Shape: []int{s.Rows(), s.Columns()}, Bytes: s.Images.Pixels, Whole: true}
	least, largest := t.Bytes[0], t.Bytes[0]
	for _, b := range t.Bytes {
		least, largest = min(least, b), max(largest, b)
	}
	t.Least, t.Largest = float64(least), float64(largest)
	for _, l := range s.Labels {
		t.Labels = append(t.Labels, strconv.Itoa(int(l)))
	}
	return t
}

// Images returns the examples with the values divided by levels. A value that is then not from
// 0 to 1 is an error.
func (t *Table) Images(levels float64) (*mnist.Images, error) {
	m := &mnist.Images{N: t.N, Rows: 1, Columns: t.Shape[0]}
	if len(t.Shape) == 2 {
		m.Rows, m.Columns = t.Shape[0], t.Shape[1]
	}
	if t.Least < 0 || t.Largest > levels {
		return nil, t.beyond(levels)
	}
	if t.Bytes != nil && levels <= 255 && levels == math.Floor(levels) {
		if m.Pixels = t.Bytes; levels != 255 {
			m.SetMost(byte(levels))
		}
		return m, nil
	}
	m.Numbers = make([]float32, t.N*m.Rows*m.Columns)
	for i := range m.Numbers {
		m.Numbers[i] = float32(t.at(i) / levels)
	}
	return m, nil
}

// at returns value i of all.
func (t *Table) at(i int) float64 {
	if t.Bytes != nil {
		return float64(t.Bytes[i])
	}
	return float64(t.Floats[i])
}

// beyond returns the error of the first value that is not from 0 to levels.
func (t *Table) beyond(levels float64) error {
	units := t.Units()
	for i := range t.N * units {
		if x := t.at(i); x < 0 || x > levels {
			return fmt.Errorf("%s: example %d, %s: %v is not between 0 and %v, which stands for 1", t.Source, i/units+1,
				t.Column(i%units), x, levels)
		}
	}
	return fmt.Errorf("%s: values from %v to %v; must be between 0 and %v", t.Source, t.Least, t.Largest, levels)
}

// Column returns what a message calls column i, counted from 0.
func (t *Table) Column(i int) string {
	switch {
	case i < len(t.Names):
		return fmt.Sprintf("column %d (%s)", i+1, t.Names[i])
	case len(t.Shape) == 2:
		return fmt.Sprintf("pixel %d, %d", i/t.Shape[1]+1, i%t.Shape[1]+1)
	}
	return fmt.Sprintf("column %d", i+1)
}

// mostClasses is how many classes there may be.
const mostClasses = 256

// Classes returns the number of each label's class. Whole numbers from 0 to 255 are their own,
// and have no names; other labels are numbered in their order. known, if not nil, are the names
// that the classes of a model have; labels of others are errors.
func Classes(labels []string, known []string) (classes []byte, names []string, err error) {
	classes = make([]byte, len(labels))
	if known == nil && small(labels, classes) {
		return classes, nil, nil
	}
	if names = known; names == nil {
		names = ordered(labels)
	}
	if len(names) > mostClasses {
		return nil, nil, fmt.Errorf("%d classes, such as %q; at most %d are allowed, so these may be no labels", len(names),
			names[0], mostClasses)
	}
	number := map[string]byte{}
	for i, name := range names {
		number[name] = byte(i)
	}
	for i, label := range labels {
		class, ok := number[label]
		if !ok {
			return nil, nil, fmt.Errorf("example %d: label %q is none of those that the model knows: %s", i+1, label,
				strings.Join(names[:min(len(names), 10)], ", "))
		}
		classes[i] = class
	}
	return classes, names, nil
}

// small writes labels that are whole numbers from 0 to 255, and reports whether all are.
func small(labels []string, classes []byte) bool {
	for i, label := range labels {
		x, err := strconv.ParseFloat(label, 64)
		if err != nil || x != math.Floor(x) || x < 0 || x > 255 {
			return false
		}
		classes[i] = byte(x)
	}
	return true
}

// ordered returns the labels that there are, in the order of numbers if all are numbers.
func ordered(labels []string) []string {
	number, numbers := map[string]float64{}, true
	for _, label := range labels {
		if _, seen := number[label]; seen {
			continue
		}
		x, err := strconv.ParseFloat(label, 64)
		number[label], numbers = x, numbers && err == nil
	}
	return slices.SortedFunc(maps.Keys(number), func(a, b string) int {
		if numbers {
			return cmp.Or(cmp.Compare(number[a], number[b]), cmp.Compare(a, b))
		}
		return cmp.Compare(a, b)
	})
}

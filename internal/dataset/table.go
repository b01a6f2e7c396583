// Package dataset reads a person's files of examples and labels: IDX, NumPy's arrays,
// SciPy's sparse matrices, tables as text and rows of index:value.
//
// A file becomes a Table of the numbers as they stand there. Nothing here decides what
// number stands for 1. Files are read without trust: the memory taken grows with what
// arrives, not with what a header claims.
package dataset

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

const (
	maxColumns  = 1 << 20       // the most units that package dbm allows a layer
	maxExamples = math.MaxInt32 // as in package mnist
)

// Table is examples as a file has them. The same examples give the same Table, whatever the
// format and the type of their file. Numbers are those of float32: the nearest one where the
// file has more digits.
type Table struct {
	Source string   // the file, for messages
	N      int      // examples
	Shape  []int    // of an example: {columns}, or {rows, columns} of an image
	Names  []string // of the columns, where a header has them; nil: none
	// One of the two is not nil: examples × units, row-major.
	Bytes   []uint8   // where all values are whole numbers from 0 to 255, whatever the type of the file
	Floats  []float32 // otherwise; finite
	Largest float64   // of all values
	Least   float64   // of all values
	Whole   bool      // all values are whole numbers
	Spins   bool      // the file has −1 and 1, which became 0 and 1
	Labels  []string  // one an example, as the file has them; nil: none
	Missing []bool    // examples × units: there is no value, and 0 stands for it; nil: all are there
}

// Units returns the number of values of an example.
func (t *Table) Units() int {
	units := 1
	for _, n := range t.Shape {
		units *= n
	}
	return units
}

// fromSpins turns values that are all −1 or 1 into 0 and 1.
func (t *Table) fromSpins() {
	if t.Floats == nil || t.Least != -1 || t.Largest > 1 {
		return
	}
	for i, x := range t.Floats {
		if x != -1 && x != 1 && (t.Missing == nil || !t.Missing[i]) {
			return
		}
	}
	t.Bytes = make([]uint8, len(t.Floats))
	for i, x := range t.Floats {
		if x == 1 {
			t.Bytes[i] = 1
		}
	}
	t.Floats, t.Spins = nil, true
	t.Least, t.Largest = 0, max(t.Largest, 0)
}

// ColumnNames returns the names of the columns as text that JSON keeps; nil: none.
func (t *Table) ColumnNames() (names []string) {
	for _, name := range t.Names {
		names = append(names, string([]rune(name))) // each byte that is not UTF-8 becomes U+FFFD
	}
	return names
}

// HasColumns returns an error where a table has names of columns and they are not those that
// they should be, in this order. nil: any.
func (t *Table) HasColumns(names []string) error {
	found := t.ColumnNames()
	if found == nil || names == nil || slices.Equal(found, names) {
		return nil
	}
	for _, name := range names {
		if !slices.Contains(found, name) {
			return fmt.Errorf("%s: no column is named %q, as one of the model's is; it has %s", t.Source, name,
				listNames(found))
		}
	}
	for i, name := range found {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%s: column %d (%s) is none of those of the model: %s", t.Source, i+1, shown([]byte(name)),
				listNames(names))
		}
		if name != names[min(i, len(names)-1)] {
			return fmt.Errorf("%s: column %d is %s, where the model has %s; put the columns in the model's order", t.Source, i+1,
				shown([]byte(name)), shown([]byte(names[min(i, len(names)-1)])))
		}
	}
	return fmt.Errorf("%s: %d named columns for the %d of the model", t.Source, len(found), len(names))
}

// Options say how a file is to be read where that cannot be told from the file.
type Options struct {
	// Header is of a table in text: "yes", "no", or "" for a header where any cell of the
	// first row is not a number.
	Header string
	// LabelColumn is the column that has the labels: its name, or its number from 1. A
	// table in text or a two-dimensional array may have one; "": none.
	LabelColumn string
	Columns     int  // width of rows of index:value; 0: the largest index
	ZeroBased   bool // these indices count from 0

	// Gaps allows values that are missing, in a table in text or an array. They are errors
	// otherwise.
	Gaps bool
}

// check returns an error where an option is not one of those above.
func (o Options) check() error {
	if o.Header != "" && o.Header != "yes" && o.Header != "no" {
		return fmt.Errorf("header: %q is not one of yes, no", o.Header)
	}
	if o.Columns < 0 || o.Columns > maxColumns {
		return fmt.Errorf("columns: %d must be 0 to %d", o.Columns, maxColumns)
	}
	return nil
}

// columnNumber returns the label column as a number from 0; ok is false where it is no
// number.
func (o Options) columnNumber() (column int, ok bool) {
	n, err := strconv.Atoi(o.LabelColumn)
	return n - 1, err == nil
}

// numbers collects values: as bytes as long as all are whole numbers from 0 to 255, from
// the first other one on as floats.
type numbers struct {
	bytes          []uint8
	floats         []float32 // nil: bytes has all
	largest, least float32   // of floats
	whole          bool      // floats are whole numbers
	gaps           bool      // a value may be missing
	missing        []int     // which are
}

// add appends the float32 nearest to x. It reports false, and appends nothing, where that
// is not finite.
func (v *numbers) add(x float64) bool {
	f := float32(x)
	if f == 0 {
		f = 0 // of either sign
	}
	b := uint8(0)
	if f >= 0 && f <= math.MaxUint8 {
		b = uint8(f)
	}
	switch {
	case float32(b) == f && v.floats == nil:
		v.bytes = append(v.bytes, b)
		return true
	case f != f || f > math.MaxFloat32 || f < -math.MaxFloat32:
		return false
	case v.floats == nil:
		v.toFloats(f)
	}
	v.floats = append(v.floats, f)
	v.largest, v.least = max(v.largest, f), min(v.least, f)
	v.whole = v.whole && f == float32(math.Trunc(float64(f)))
	return true
}

// skip appends a 0 for a value that is missing.
func (v *numbers) skip() {
	at := len(v.bytes)
	if v.floats != nil {
		at = len(v.floats)
	}
	v.missing = append(v.missing, at)
	v.addByte(0)
}

// addByte appends a byte.
func (v *numbers) addByte(b uint8) {
	if v.floats == nil {
		v.bytes = append(v.bytes, b)
	} else {
		v.add(float64(b))
	}
}

// toFloats turns the bytes into floats; next is what follows them.
func (v *numbers) toFloats(next float32) {
	v.floats = make([]float32, len(v.bytes), cap(v.bytes)+1)
	v.largest, v.least, v.whole = next, next, true
	for i, b := range v.bytes {
		v.floats[i] = float32(b)
	}
	if len(v.bytes) > 0 {
		v.largest = max(v.largest, float32(slices.Max(v.bytes)))
		v.least = min(v.least, float32(slices.Min(v.bytes)))
	}
	v.bytes = nil
}

// table returns the values as n examples of a shape. There must be as many.
func (v *numbers) table(source string, n int, shape ...int) *Table {
	t := &Table{Source: source, N: n, Shape: shape, Bytes: v.bytes, Floats: v.floats, Whole: true}
	if v.floats != nil {
		t.Largest, t.Least, t.Whole = float64(v.largest), float64(v.least), v.whole
	} else if len(v.bytes) > 0 {
		t.Largest, t.Least = float64(slices.Max(v.bytes)), float64(slices.Min(v.bytes))
	}
	if len(v.missing) > 0 {
		t.Missing = make([]bool, n*t.Units())
		for _, i := range v.missing {
			t.Missing[i] = true
		}
	}
	return t
}

// checkSize returns an error where there are no examples or no columns, or too many.
func checkSize(examples, columns int) error {
	switch {
	case examples == 0:
		return fmt.Errorf("no examples")
	case columns == 0:
		return fmt.Errorf("examples without columns")
	case examples > maxExamples:
		return fmt.Errorf("%d examples; must be at most %d", examples, maxExamples)
	case columns > maxColumns:
		return fmt.Errorf("examples of %d values; must be at most %d", columns, maxColumns)
	}
	return nil
}

package dataset

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/npz"
)

// errNoColumns is the error of a label column where examples are images or rows of
// index:value.
var errNoColumns = errors.New("a label column is only for tables: text and two-dimensional arrays; give a file of " +
	"labels instead")

// fromArray makes a table of an array of two or three dimensions.
func fromArray(a *npz.Array, o Options) (*Table, error) {
	if err := checkArray(a.Type, a.Shape); err != nil {
		return nil, err
	}
	shape := slices.Clone(a.Shape[1:])
	n, units := a.Shape[0], 1
	for _, k := range shape {
		units *= k
	}
	labels := -1
	if o.LabelColumn != "" {
		if len(shape) != 1 {
			return nil, errNoColumns
		}
		var ok bool
		if labels, ok = o.columnNumber(); !ok || labels < 0 || labels >= units {
			return nil, fmt.Errorf("label column %q: must be a number from 1 to %d, for an array has no names of columns",
				o.LabelColumn, units)
		}
		if units == 1 {
			return nil, errors.New("the only column is that of the labels")
		}
		shape[0]--
	}
	v := &numbers{gaps: o.Gaps}
	if a.Type == npz.Uint8 && labels < 0 {
		v.bytes = a.Data
		return v.table("", n, shape...), nil
	}
	names := make([]string, 0, max(n*min(labels+1, 1), 0))
	for i := range n * units {
		if labels >= 0 && i%units == labels {
			if err := checkWholeLabel(a, i, i/units); err != nil {
				return nil, err
			}
			names = append(names, a.Text(i))
			continue
		}
		x := a.At(i)
		if a.Type == npz.Bool && x != 0 {
			x = 1
		}
		if x != x && v.gaps {
			v.skip()
			continue
		}
		if !v.add(x) {
			return nil, fmt.Errorf("%s: %s", place(i, a.Shape), notFinite(x))
		}
	}
	t := v.table("", n, shape...)
	if labels >= 0 {
		t.Labels = names
	}
	return t, nil
}

// place names the element i of an array, counting from 1.
func place(i int, shape []int) string {
	if len(shape) == 3 {
		return fmt.Sprintf("example %d, row %d, column %d", i/(shape[1]*shape[2])+1, i/shape[2]%shape[1]+1, i%shape[2]+1)
	}
	return fmt.Sprintf("example %d, column %d", i/shape[1]+1, i%shape[1]+1)
}

// notFinite says what is wrong with a number that is no finite float32.
func notFinite(x float64) string {
	switch {
	case x != x:
		return "NaN: no value; leave the example out or fill the value in"
	case math.IsInf(x, 0):
		return "infinity; leave the example out or fill the value in"
	}
	return fmt.Sprintf("%g does not fit float32, which ends at %.4g; scale the column", x, math.MaxFloat32)
}

// checkArray returns an error unless an array can be examples.
func checkArray(t npz.Type, shape []int) error {
	switch {
	case !t.IsNumber():
		return fmt.Errorf("elements of type %s; examples must be numbers", t)
	case len(shape) == 1:
		return fmt.Errorf("one dimension, shape %s: must be examples × columns; reshape it: x.reshape(-1, 1) is %d "+
			"examples of one value, x.reshape(1, -1) one example", npz.Tuple(shape), shape[0])
	case len(shape) != 2 && len(shape) != 3:
		return fmt.Errorf("shape %s: must be examples × columns or examples × rows × columns; reshape it, as with "+
			"x.reshape(len(x), -1)", npz.Tuple(shape))
	}
	columns := 1
	for _, n := range shape[1:] {
		if n > maxColumns {
			return checkSize(shape[0], n)
		}
		columns *= n
		if columns > maxColumns {
			break
		}
	}
	return checkSize(shape[0], columns)
}

// labelNames are the names by which an archive's labels are known.
var labelNames = []string{"labels", "y", "label", "target"}

// described is an array of an archive that has not been read.
type described struct {
	name  string
	kind  npz.Type
	shape []int
	err   error // of its header
}

func (d described) String() string {
	if d.err != nil {
		return d.name + " (not a plain array)"
	}
	return fmt.Sprintf("%s %s %s", d.name, npz.Tuple(d.shape), d.kind)
}

// isLabels reports whether an array may be the labels of n examples; -1: of any number.
func (d described) isLabels(n int) bool {
	column := len(d.shape) == 1 || len(d.shape) == 2 && d.shape[1] == 1
	return d.err == nil && column && d.kind.Size() > 0 && (n < 0 || d.shape[0] == n)
}

// describe returns all arrays of an archive, and its description for messages.
func describe(r *npz.Reader) (arrays []described, list string, err error) {
	words := []string{}
	for _, name := range r.Names() {
		kind, shape, err := r.Describe(name)
		arrays = append(arrays, described{name, kind, shape, err})
		words = append(words, arrays[len(arrays)-1].String())
	}
	if len(arrays) == 0 {
		return nil, "", errors.New("an archive without arrays; an Excel workbook must be saved as CSV, arrays with " +
			"numpy.savez")
	}
	if len(words) > 20 {
		words = append(words[:20], fmt.Sprintf("and %d more", len(words)-20))
	}
	return arrays, strings.Join(words, ", "), nil
}

// readNPZ reads an array of an archive, or the sparse matrix that it is.
func (s *source) readNPZ(o Options) (*Table, error) {
	r, err := s.archive()
	if err != nil {
		return nil, err
	}
	arrays, list, err := describe(r)
	if err != nil {
		return nil, err
	}
	if s.array == "" && r.Has("shape") && (r.Has("format") || r.Has("indptr") && r.Has("indices")) {
		if o.LabelColumn != "" {
			return nil, errNoColumns
		}
		t, err := s.readCSR(r)
		if err != nil {
			return nil, err
		}
		return t, addLabels(t, r, arrays, s.limit)
	}
	var fit []string
	for _, d := range arrays {
		if slices.Contains(labelNames, d.name) && d.isLabels(-1) {
			continue
		}
		if d.err == nil && checkArray(d.kind, d.shape) == nil {
			fit = append(fit, d.name)
		}
	}
	name := s.array
	switch {
	case name != "" && !r.Has(name):
		return nil, fmt.Errorf("no array %q in it; it has %s", name, list)
	case name == "" && len(fit) == 0 && len(arrays) == 1:
		name = arrays[0].name // for its error
	case name == "" && len(fit) == 0:
		return nil, fmt.Errorf("no array in it has examples × columns or examples × rows × columns of numbers; it has %s",
			list)
	case name == "" && len(fit) > 1:
		return nil, fmt.Errorf("several arrays in it may be the examples; name one as FILE.npz:%s; it has %s", fit[0], list)
	case name == "":
		name = fit[0]
	}
	a, err := r.Array(name, s.limit)
	if err != nil {
		return nil, err
	}
	t, err := fromArray(a, o)
	if err != nil {
		return nil, fmt.Errorf("array %s: %w", name, err)
	}
	if t.Labels != nil || len(fit) != 1 || fit[0] != name {
		return t, nil
	}
	return t, addLabels(t, r, arrays, s.limit)
}

// addLabels gives a table the labels of its archive, where there is such an array.
func addLabels(t *Table, r *npz.Reader, arrays []described, limit int64) error {
	for _, name := range labelNames {
		at := slices.IndexFunc(arrays, func(d described) bool { return d.name == name && d.isLabels(t.N) })
		if at < 0 {
			continue
		}
		a, err := r.Array(name, limit)
		if err == nil {
			t.Labels, err = arrayLabels(a)
		}
		if err != nil {
			return fmt.Errorf("array %s: %w", name, err)
		}
		return nil
	}
	return nil
}

// arrayLabels returns the elements of an array as labels.
func arrayLabels(a *npz.Array) ([]string, error) {
	if !(described{kind: a.Type, shape: a.Shape}).isLabels(-1) {
		return nil, fmt.Errorf("shape %s; labels must have one dimension, one an example", npz.Tuple(a.Shape))
	}
	if err := checkSize(a.Shape[0], 1); err != nil {
		return nil, errors.New(strings.Replace(err.Error(), "example", "label", 1))
	}
	labels := make([]string, a.Len())
	for i := range labels {
		if err := checkWholeLabel(a, i, i); err != nil {
			return nil, err
		}
		if labels[i] = a.Text(i); labels[i] == "" {
			return nil, fmt.Errorf("the label of example %d is empty", i+1)
		}
	}
	return labels, nil
}

// checkWholeLabel returns an error where element i, the label of an example, is a number
// but no whole one.
func checkWholeLabel(a *npz.Array, i, example int) error {
	if !a.Type.IsNumber() || a.Type.IsWhole() {
		return nil
	}
	if x := a.At(i); x != math.Trunc(x) || math.IsInf(x, 0) {
		return fmt.Errorf("the label of example %d is %s; labels must be whole numbers or strings", example+1,
			strconv.FormatFloat(x, 'g', -1, 64))
	}
	return nil
}

package dataset

import (
	"errors"
	"fmt"
	"slices"

	"tandem/internal/memory"
	"tandem/internal/npz"
)

// sparse is examples of which most values are 0: the others, one example after the other.
type sparse struct {
	ends    []int // of each example in columns and values
	columns []int32
	values  numbers
}

// dense returns a table of all values. Its memory is checked first: few bytes of a file may
// stand for many examples of many columns.
func (s *sparse) dense(width int) (*Table, error) {
	n := len(s.ends)
	if err := checkSize(n, width); err != nil {
		return nil, err
	}
	size := uint64(1)
	if s.values.floats != nil {
		size = 4
	}
	if err := memory.Check(uint64(n)*uint64(width)*size, "fewer columns or examples need less"); err != nil {
		return nil, fmt.Errorf("%d examples × %d columns, with the zeros: %w", n, width, err)
	}
	v := &s.values
	filled := len(s.columns)
	t := v.table("", n, width) // for the range of the values
	if v.floats == nil {
		t.Bytes = spread(s, v.bytes, width)
	} else {
		t.Floats = spread(s, v.floats, width)
	}
	if filled < n*width {
		t.Largest, t.Least = max(t.Largest, 0), min(t.Least, 0)
	}
	return t, nil
}

func spread[T any](s *sparse, values []T, width int) []T {
	all := make([]T, len(s.ends)*width)
	from := 0
	for i, end := range s.ends {
		for at := from; at < end; at++ {
			all[i*width+int(s.columns[at])] = values[at]
		}
		from = end
	}
	return all
}

// doubles finds columns that an example has twice.
type doubles struct {
	last []int // the last example that had a column, counted from 1
}

// seen notes a column of an example, counted from 1, and reports whether it had it before.
// Memory grows with the largest column.
func (d *doubles) seen(example int, column int) bool {
	if column >= len(d.last) {
		d.last = append(d.last, make([]int, column+1-len(d.last))...)
	}
	before := d.last[column] == example
	d.last[column] = example
	return before
}

// readCSR reads a matrix as scipy.sparse.save_npz writes it, compressed by rows.
func (s *source) readCSR(r *npz.Reader) (*Table, error) {
	if err := s.checkCSR(r); err != nil {
		return nil, err
	}
	arrays := map[string]*npz.Array{}
	for _, name := range []string{"shape", "indptr", "indices", "data"} {
		a, err := r.Array(name, s.limit)
		if err != nil {
			return nil, err
		}
		if len(a.Shape) != 1 || !a.Type.IsNumber() || name != "data" && !a.Type.IsWhole() {
			return nil, fmt.Errorf("%s: type %s and shape %s are not those of a sparse matrix", name, a.Type,
				npz.Tuple(a.Shape))
		}
		arrays[name] = a
	}
	shape, starts, indices, data := arrays["shape"], arrays["indptr"], arrays["indices"], arrays["data"]
	if shape.Len() != 2 {
		return nil, fmt.Errorf("a sparse matrix of %d dimensions; must be examples × columns", shape.Len())
	}
	n, width := shape.At(0), shape.At(1)
	if n < 0 || n > maxExamples || width < 0 || width > maxColumns {
		return nil, fmt.Errorf("a sparse matrix of %.0f × %.0f; at most %d × %d are allowed", n, width, maxExamples,
			maxColumns)
	}
	if starts.Len() != int(n)+1 || starts.At(0) != 0 {
		return nil, fmt.Errorf("indptr has %d numbers for %.0f examples, or does not begin with 0", starts.Len(), n)
	}
	m, known := &sparse{ends: make([]int, 0, int(n))}, &doubles{}
	filled := min(indices.Len(), data.Len())
	at := 0
	for i := range int(n) {
		end := starts.At(i + 1)
		if end < float64(at) || end > float64(filled) {
			return nil, fmt.Errorf("indptr: example %d ends at %.0f of %d values", i+1, end, filled)
		}
		for ; at < int(end); at++ {
			column := indices.At(at)
			if column < 0 || column >= width {
				return nil, fmt.Errorf("indices: example %d has column %.0f, counted from 0, of %.0f", i+1, column, width)
			}
			if known.seen(i+1, int(column)) {
				return nil, fmt.Errorf("example %d has column %.0f twice; call x.sum_duplicates() before saving", i+1, column+1)
			}
			if x := data.At(at); !m.values.add(x) {
				return nil, fmt.Errorf("example %d, column %.0f: %s", i+1, column+1, notFinite(x))
			}
			m.columns = append(m.columns, int32(column))
		}
		m.ends = append(m.ends, at)
	}
	return m.dense(int(width))
}

// checkCSR returns an error where a sparse matrix is in another form than rows.
func (s *source) checkCSR(r *npz.Reader) error {
	form := "csr"
	if r.Has("format") {
		a, err := r.Array("format", 1<<10)
		if err != nil {
			return err
		}
		if a.Type.IsNumber() || a.Len() != 1 {
			return errors.New("format: must be one string, as scipy.sparse.save_npz writes it")
		}
		form = a.Text(0)
	}
	if form != "csr" {
		return fmt.Errorf("a sparse matrix in format %q; save it by rows, with x.tocsr()", form)
	}
	if missing := slices.DeleteFunc([]string{"data", "indices", "indptr"}, r.Has); len(missing) > 0 {
		return fmt.Errorf("a sparse matrix without %q; save it with scipy.sparse.save_npz", missing)
	}
	return nil
}

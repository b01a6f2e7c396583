package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/npz"
	"tandem/mnist"
)

// ReadLabels reads a file of labels: IDX of one dimension, QMNIST's IDX of int32 (N × 8, of
// which the first is the class), .npy or .npz of whole numbers or strings, or text, one label
// a line. A text named .csv or .tsv must have one column, and its first row is a header
// where o.Header is "yes"; or o.LabelColumn says which of its columns counts, and the header
// is found as in Read. name may be FILE.npz:ARRAY.
func ReadLabels(name string, o Options) ([]string, error) {
	return from(name, o, func(s *source) ([]string, error) { return s.labels(o) })
}

func (s *source) labels(o Options) ([]string, error) {
	f, err := s.format()
	if err != nil {
		return nil, err
	}
	switch f {
	case npzFormat:
		return s.labelsNPZ()
	case npyFormat:
		a, err := npz.Read(s.text, s.limit)
		if err != nil {
			return nil, err
		}
		return arrayLabels(a)
	case idxFormat:
		return s.labelsIDX()
	}
	return s.labelsText(o)
}

// labelsIDX reads labels of one dimension, or QMNIST's.
func (s *source) labelsIDX() ([]string, error) {
	if string(s.head[:4]) == idxLabels {
		classes, err := mnist.ReadLabels(s.text, uint64(s.limit), s.name)
		if err != nil {
			return nil, trimName(err, s.name)
		}
		labels := make([]string, len(classes))
		for i, class := range classes {
			labels[i] = strconv.Itoa(int(class))
		}
		return labels, nil
	}
	qmnist := string(s.head[:4]) == idxQMNIST
	if s.head[3] != 1 && !qmnist {
		return nil, fmt.Errorf("an IDX file of %d dimensions has examples, not labels", s.head[3])
	}
	a, err := s.idxArray()
	if err != nil {
		return nil, err
	}
	if qmnist {
		if a.Shape[1] != 8 {
			return nil, fmt.Errorf("shape %s; QMNIST's labels are 8 numbers each, of which the first is the class",
				npz.Tuple(a.Shape))
		}
		first := make([]byte, 0, 4*a.Shape[0])
		for at := 0; at < len(a.Data); at += 32 {
			first = append(first, a.Data[at:at+4]...)
		}
		a = &npz.Array{Type: a.Type, Shape: a.Shape[:1], Data: first}
	}
	return arrayLabels(a)
}

// labelsNPZ reads the array that is named, or the one that may be labels.
func (s *source) labelsNPZ() ([]string, error) {
	r, err := s.archive()
	if err != nil {
		return nil, err
	}
	arrays, list, err := describe(r)
	if err != nil {
		return nil, err
	}
	name := s.array
	if name == "" {
		var fit, known []string
		for _, d := range arrays {
			if d.isLabels(-1) {
				fit = append(fit, d.name)
			}
			if d.isLabels(-1) && slices.Contains(labelNames, d.name) {
				known = append(known, d.name)
			}
		}
		switch {
		case len(fit) == 1:
			name = fit[0]
		case len(known) == 1:
			name = known[0]
		case len(fit) == 0:
			return nil, fmt.Errorf("no array in it has labels, one an example; it has %s", list)
		default:
			return nil, fmt.Errorf("several arrays in it may be the labels; name one as FILE.npz:%s; it has %s", fit[0], list)
		}
	}
	if !r.Has(name) {
		return nil, fmt.Errorf("no array %q in it; it has %s", name, list)
	}
	a, err := r.Array(name, s.limit)
	if err != nil {
		return nil, err
	}
	labels, err := arrayLabels(a)
	if err != nil {
		return nil, fmt.Errorf("array %s: %w", name, err)
	}
	return labels, nil
}

// labelsText reads one label a line, or a column of a table.
func (s *source) labelsText(o Options) ([]string, error) {
	if o.LabelColumn == "" && !strings.HasSuffix(s.base, ".csv") && !strings.HasSuffix(s.base, ".tsv") {
		return s.labelLines(o)
	}
	r := &rows{lines: lines{r: s.text}, separator: separator(s.base, s.head)}
	switch _, isNumber := o.columnNumber(); {
	case o.Header != "":
	case o.LabelColumn == "":
		o.Header = "no" // labels are text as well: nothing tells a header from a label
	case !isNumber:
		o.Header = "yes"
	}
	c, err := r.begin(o)
	if err != nil {
		return nil, err
	}
	if c.labels < 0 && c.width > 1 {
		return nil, fmt.Errorf("%d columns; name the one with the labels with --label-column", c.width)
	}
	var labels []string
	at := max(c.labels, 0)
	for ; err == nil; err = r.next() {
		if err := r.check(c, len(labels)); err != nil {
			return nil, err
		}
		if len(r.cells[at]) == 0 {
			return nil, fmt.Errorf("line %d, %s: the label is empty", r.first, c.place(at))
		}
		labels = append(labels, string(r.cells[at]))
	}
	if err != io.EOF {
		return nil, err
	}
	return labels, nil
}

// labelLines reads one label a line, which may have spaces and commas in it.
func (s *source) labelLines(o Options) ([]string, error) {
	in, blank := &lines{r: s.text}, 0
	var labels []string
	for {
		line, err := in.next()
		switch {
		case err == io.EOF && len(labels) == 0:
			return nil, errors.New("no labels")
		case err == io.EOF:
			return labels, nil
		case err != nil:
			return nil, err
		case in.number == 1 && o.Header == "yes":
			continue
		}
		label := bytes.TrimSpace(line)
		if several(label) {
			return nil, fmt.Errorf("line %d: several numbers; write one label a line, or name the column with the "+
				"labels with --label-column", in.number)
		}
		if len(label) > 1 && label[0] == '"' && closing(label) == len(label)-1 {
			label = bytes.TrimSpace(bytes.ReplaceAll(label[1:len(label)-1], []byte(`""`), []byte(`"`)))
		}
		switch {
		case len(label) == 0 && blank == 0:
			blank = in.number
		case len(label) > 0 && blank > 0:
			return nil, fmt.Errorf("line %d: the label is empty", blank)
		case len(label) > 0 && len(labels) == maxExamples:
			return nil, fmt.Errorf("more than %d labels", maxExamples)
		case len(label) > 0:
			labels = append(labels, string(label))
		}
	}
}

// several reports whether a line is a row of several numbers.
func several(line []byte) bool {
	count := 0
	separates := func(c rune) bool { return c == ' ' || c == '\t' || c == ',' || c == ';' }
	for field := range bytes.FieldsFuncSeq(line, separates) {
		if _, err := parse(field); err != nil {
			return false
		}
		count++
	}
	return count > 1
}

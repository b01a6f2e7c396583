package cli

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"tandem/internal/format"
	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/mnist"
)

// which says which examples a verb looks at: a set of those of the model, or others.
type which struct {
	split  string // "": the test examples, or those held out where there are no others
	data   string // others; "": none
	other  session.Other
	labels bool // are needed
	gaps   bool // values may be missing
}

// splits are the sets of a model's examples.
var splits = []string{mnist.Test, mnist.Train, session.HeldOut}

// givenSet is the name of examples that are given by --data.
const givenSet = "data"

// flags defines the flags of a verb that looks at one set.
func (w *which) flags(f *flag.FlagSet) {
	f.StringVar(&w.split, "split", "",
		"examples to use: `test`, train or held-out (default test, or held-out where there "+
			"are no others)")
	w.dataFlags(f)
}

// dataFlags defines those of other examples.
func (w *which) dataFlags(f *flag.FlagSet) {
	f.StringVar(&w.data, "data", "", "`PATH` of other examples, a file or a folder as for train; they are read as the "+
		"model's own, with its scale")
	f.StringVar(&w.other.LabelFile, "label-file", "", "`FILE` of their labels")
	f.StringVar(&w.other.LabelColumn, "label-column", "", "`NAME` or number, from 1, of their column of labels; none: "+
		"there is none (default that of the model, if it is there)")
	f.StringVar(&w.other.Header, "header", "", "`yes` or no: their first row has the names of columns (default that of "+
		"the "+
		"model, or yes where it is no row of numbers)")
}

// validate returns an error that names the flag that is wrong.
func (w *which) validate() error {
	switch {
	case w.split != "" && !slices.Contains(splits, w.split):
		return fmt.Errorf("split: %q; must be %s", w.split, strings.Join(splits, ", "))
	case w.split != "" && w.data != "":
		return fmt.Errorf("split: %s; --data has examples of its own", w.split)
	case w.data == "" && w.other != (session.Other{}):
		return errors.New("label-file, label-column, header: go with --data")
	case w.other.Header != "" && w.other.Header != "yes" && w.other.Header != "no":
		return fmt.Errorf("header: %q; must be yes or no", w.other.Header)
	}
	return nil
}

// inputs returns the files that are read.
func (w *which) inputs() []string { return []string{w.data, w.other.LabelFile} }

// open opens the examples.
func (w *which) open(t *terminal, m *model) (*mnist.Set, error) {
	if w.data != "" {
		o := w.other
		o.Data, o.Labels, o.Gaps = w.data, w.labels, w.gaps
		return m.others(t, o)
	}
	if w.split != "" {
		set, err := m.images(t, w.split)
		return set, noSuchSet(err, w.split)
	}
	return m.standard(t)
}

// standard opens the test examples, or those held out where there are no others.
func (m *model) standard(t *terminal) (*mnist.Set, error) {
	set, err := m.images(t, mnist.Test)
	if errors.Is(err, fs.ErrNotExist) && m.Settings.HoldOut > 0 {
		return m.images(t, session.HeldOut)
	}
	return set, noSuchSet(err, mnist.Test)
}

// others opens examples that are not the model's own. Where nothing tells the scale of these,
// as of weights from elsewhere, it is that of a run which would begin with the others.
func (m *model) others(t *terminal, o session.Other) (*mnist.Set, error) {
	if m.fromElsewhere() {
		r := &runs.Reading{Data: o.Data, LabelFile: o.LabelFile, LabelColumn: o.LabelColumn, Header: o.Header}
		if r.LabelColumn == session.NoLabels {
			r.LabelColumn = ""
		}
		e, err := session.Begin(r)
		if err != nil {
			return nil, err
		}
		for _, note := range e.Notes {
			t.say("%s", note)
		}
		return e.Train, m.fits(e.Train)
	}
	set, notes, err := session.OpenOther(&m.Settings.Reading, m.Settings.Layers[0], o)
	if err != nil {
		return nil, err
	}
	for _, note := range notes {
		t.say("%s", note)
	}
	if err := m.fits(set); err != nil && m.Settings.LabelColumn != "" && o.LabelColumn == "" {
		return nil, hintedError{err, "--label-column NAME, or its number, says which column has labels there"}
	}
	return set, m.fits(set)
}

// fits returns an error where examples are of another size than the visible layer, or images of
// another shape than those of the model.
func (m *model) fits(set *mnist.Set) error {
	if n := set.Rows() * set.Columns(); n != m.Settings.Layers[0] {
		return fmt.Errorf("the model has %d visible units, but the examples of %s have %s", m.Settings.Layers[0], set.Source,
			sizeOf(set))
	}
	if m.rows > 1 && set.Rows() > 1 && set.Rows() != m.rows {
		return fmt.Errorf("the model is of images of %d × %d pixels, but those of %s have %d × %d", m.rows, m.columns,
			set.Source, set.Rows(), set.Columns())
	}
	return nil
}

// sizeOf returns how large an example is: 784 pixels, or 40 columns.
func sizeOf(set *mnist.Set) string {
	if set.Rows() > 1 {
		return format.Number(set.Rows()*set.Columns(), "pixel")
	}
	return format.Number(set.Columns(), "column")
}

// noSuchSet adds advice to the error of a set that is not there.
func noSuchSet(err error, name string) error {
	if name != mnist.Train && errors.Is(err, fs.ErrNotExist) {
		return hintedError{err, "--split train takes the training examples"}
	}
	return err
}

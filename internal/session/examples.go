package session

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tandem/internal/dataset"
	"tandem/internal/memory"
	"tandem/internal/runs"
	"tandem/mnist"
)

// HeldOut is the name of the set of training examples that a run does not learn from. The others
// are mnist.Train and mnist.Test.
const HeldOut = "held-out"

// splitSeed decides which examples are held out: the same for every run, so that runs of other
// seeds can be compared.
const splitSeed = 0

// Examples are the examples that a run learns from, and those that it holds out.
type Examples struct {
	Train, HeldOut *mnist.Set // HeldOut: nil where none are held out
	Notes          []string   // what a person should know of them
}

// Begin reads training examples for a run that begins, and settles what their reading leaves
// open: which value stands for 1, the names of the classes and of the columns, and the width of
// rows of index:value.
func Begin(r *runs.Reading) (*Examples, error) {
	t, credit, err := readTraining(r)
	if err != nil {
		return nil, err
	}
	e := new(Examples)
	if r.Levels == 0 {
		levels, note, err := dataset.Levels(t)
		if err != nil {
			return nil, err
		}
		if note != "" {
			e.Notes = append(e.Notes, note)
		}
		if levels != 255 { // which 0 stands for
			r.Levels = levels
		}
	}
	if err := settleWidth(r, t.Units()); err != nil {
		return nil, err
	}
	r.Names = t.ColumnNames()
	if t.Labels != nil {
		if _, r.Classes, err = dataset.Classes(t.Labels, r.Classes); err != nil {
			return nil, fmt.Errorf("labels of %s: %w", t.Source, err)
		}
	}
	return e, e.take(t, r, credit)
}

// settleWidth keeps the width of rows of index:value: other rows may not reach the last column.
func settleWidth(r *runs.Reading, units int) error {
	if r.Data == "" || isFolder(r.Data) {
		return nil
	}
	indexed, err := dataset.Indexed(r.Data)
	if indexed {
		r.Columns = units
	}
	return err
}

// Open reads training examples for a run that has begun.
func Open(r *runs.Reading) (*Examples, error) {
	t, credit, err := readTraining(r)
	if err != nil {
		return nil, err
	}
	e := new(Examples)
	return e, e.take(t, r, credit)
}

// take takes the examples of a table.
func (e *Examples) take(t *dataset.Table, r *runs.Reading, credit string) error {
	all, err := set(t, r, mnist.Train, credit)
	if err != nil {
		return err
	}
	e.Train, e.HeldOut, err = divide(all, r)
	return err
}

// noSet is the error of a set of examples that there is not. It is an fs.ErrNotExist.
type noSet string

func (e noSet) Error() string        { return string(e) }
func (e noSet) Is(target error) bool { return target == fs.ErrNotExist }

// OpenData opens a set of the examples of a run that has begun: mnist.Train, HeldOut or
// mnist.Test. Where there is no such set the error is an fs.ErrNotExist.
func OpenData(r *runs.Reading, name string) (*mnist.Set, error) {
	if name == mnist.Test {
		return openTest(r)
	}
	if name == HeldOut && r.HoldOut == 0 {
		return nil, noSet("no training examples are held out")
	}
	e, err := Open(r)
	if err != nil {
		return nil, err
	}
	if name == HeldOut {
		return e.HeldOut, nil
	}
	return e.Train, nil
}

// Other says which other examples are to be read as those of a run are.
type Other struct {
	Data, LabelFile string
	LabelColumn     string // "": that of the run, if there is one; NoLabels: none
	Header          string // "": that of the run
	Gaps            bool   // values may be missing
	Labels          bool   // labels are needed
}

// NoLabels is the name of a label column that is not there.
const NoLabels = "none"

// OpenOther opens other examples, of some units each. They have the scale and the classes of the
// run. A column of labels may be missing. A label that the run does not know is an error where
// labels are needed; otherwise all are left out. The notes are of these, and of a scale that may be
// another one.
func OpenOther(r *runs.Reading, units int, o Other) (_ *mnist.Set, notes []string, err error) {
	other := *r
	other.Data, other.LabelFile = o.Data, o.LabelFile
	other.LabelColumn, other.Header = cmp.Or(o.LabelColumn, r.LabelColumn), cmp.Or(o.Header, r.Header)
	if o.LabelColumn == NoLabels {
		other.LabelColumn = ""
	}
	read := func() (*dataset.Table, error) { return read(&other, other.Data, mnist.Train, other.LabelFile, o.Gaps) }
	t, err := read()
	if r.LabelColumn != "" && o.LabelColumn == "" && (err != nil || t.Units() != units) {
		other.LabelColumn = ""
		switch bare, failed := read(); {
		case failed == nil && (err != nil || bare.Units() == units):
			t, err = bare, nil
		case err != nil:
			err = failed // which is of the examples, not of labels that need not be there
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if small := t.Small(cmp.Or(r.Levels, 255)); small != "" {
		notes = append(notes, "warning: "+small)
	}
	if t.Labels != nil && !o.Labels {
		if _, _, unknown := dataset.Classes(t.Labels, r.Classes); unknown != nil {
			notes = append(notes, fmt.Sprintf("labels of %s are left out: %v", t.Source, unknown))
			t.Labels = nil
		}
	}
	found, err := set(t, r, mnist.Test, "")
	return found, notes, err
}

// readTraining reads the training examples.
func readTraining(r *runs.Reading) (t *dataset.Table, credit string, err error) {
	if r.Data == "" {
		return embedded(mnist.Train)
	}
	t, err = read(r, r.Data, mnist.Train, r.LabelFile, false)
	return t, "", err
}

// openTest opens the test examples.
func openTest(r *runs.Reading) (*mnist.Set, error) {
	var t *dataset.Table
	var err error
	credit := ""
	switch {
	case r.Test != "":
		t, err = read(r, r.Test, mnist.Test, r.TestLabelFile, false)
	case r.Data == "":
		t, credit, err = embedded(mnist.Test)
	case isFolder(r.Data):
		t, err = read(r, r.Data, mnist.Test, r.TestLabelFile, false)
	default:
		return nil, noSet(fmt.Sprintf("there are no test examples: %s has training examples alone", r.Data))
	}
	if err != nil {
		if r.Test != "" && errors.Is(err, fs.ErrNotExist) { // not as if there were no test examples
			err = fmt.Errorf("test: %s", err)
		}
		return nil, err
	}
	return set(t, r, mnist.Test, credit)
}

// embedded returns a set of the embedded images.
func embedded(name string) (t *dataset.Table, credit string, err error) {
	s, err := mnist.Open("", name)
	if err != nil {
		return nil, "", err
	}
	return dataset.FromImages(s), s.Credit, nil
}

// read reads examples from a file, or a set of those in a folder. gaps allows missing values.
func read(r *runs.Reading, name, of, labels string, gaps bool) (t *dataset.Table, err error) {
	if isFolder(name) {
		t, err = readFolder(name, of)
	} else {
		if info, failed := os.Stat(fileOf(name)); failed == nil {
			if err := memory.Check(uint64(info.Size()), "take fewer examples"); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		options := optionsOf(r)
		options.Gaps = gaps
		t, err = dataset.Read(name, options)
	}
	if err != nil {
		return nil, err
	}
	if labels == "" {
		return t, nil
	}
	if t.Labels, err = dataset.ReadLabels(labels, optionsOf(r)); err != nil {
		return nil, err
	}
	if len(t.Labels) != t.N {
		return nil, fmt.Errorf("%s: %d labels for the %d examples of %s", labels, len(t.Labels), t.N, t.Source)
	}
	return t, nil
}

// fileOf returns the file that a name is of, which may name an array in it, too.
func fileOf(name string) string {
	if files := (&runs.Reading{Data: name}).Files(); len(files) > 0 {
		return files[0]
	}
	return name
}

// readFolder reads a set of the images in a folder: under MNIST's names, or those of its kin.
func readFolder(dir, name string) (*dataset.Table, error) {
	size, err := mnist.Bytes(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		if runs.Has(dir, runs.SettingsFile) {
			return nil, fmt.Errorf("%s is the folder of a run, not of examples", dir)
		}
		t, other := dataset.Folder(dir, name)
		if errors.Is(other, fs.ErrNotExist) {
			other = err // of the names that most folders have
		}
		return t, other
	}
	if err != nil {
		return nil, err
	}
	if err := memory.Check(size, "take fewer images"); err != nil {
		return nil, fmt.Errorf("%s images of %s: %w", name, dir, err)
	}
	s, err := mnist.Open(dir, name)
	if err != nil {
		return nil, err
	}
	return dataset.FromImages(s), nil
}

// optionsOf returns how a file is read.
func optionsOf(r *runs.Reading) dataset.Options {
	return dataset.Options{Header: r.Header, LabelColumn: r.LabelColumn, Columns: r.Columns, ZeroBased: r.ZeroBased}
}

// set returns the examples of a table, by the scale and the classes of a run.
func set(t *dataset.Table, r *runs.Reading, name, credit string) (*mnist.Set, error) {
	levels := r.Levels
	if levels == 0 {
		levels = 255
	}
	if err := t.HasColumns(r.Names); err != nil {
		return nil, err
	}
	names := r.Names
	if names == nil { // as in runs of old versions
		names = t.ColumnNames()
	}
	m, err := t.Images(levels)
	if err != nil {
		return nil, err
	}
	s := &mnist.Set{Name: name, Source: t.Source, Credit: credit, Images: m, SHA256: m.SHA256(), Names: names,
		Classes: r.Classes, Missing: t.Missing}
	if t.Labels != nil {
		if s.Labels, _, err = dataset.Classes(t.Labels, r.Classes); err != nil {
			return nil, fmt.Errorf("labels of %s: %w", t.Source, err)
		}
	}
	return s, nil
}

// divide holds out some examples of all.
func divide(all *mnist.Set, r *runs.Reading) (train, held *mnist.Set, err error) {
	if r.HoldOut == 0 {
		return all, nil, nil
	}
	learn, out, err := dataset.HoldOut(all.N(), all.Labels, r.HoldOut, splitSeed)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", all.Source, err)
	}
	return all.Some(mnist.Train, learn), all.Some(HeldOut, out), nil
}

// Readable returns an error where there is nothing at a path, which may name an array of an
// archive.
func Readable(path string) error {
	_, err := os.Stat(fileOf(path))
	return err
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

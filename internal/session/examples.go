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

// OpenData opens a set of the examples of a run that has begun: mnist.Train, HeldOut or
// mnist.Test. Where there is no such set the error is an fs.ErrNotExist.
func OpenData(r *runs.Reading, name string) (*mnist.Set, error) {
	if name == mnist.Test {
		return openTest(r)
	}
	if name == HeldOut && r.HoldOut == 0 {
		return nil, fmt.Errorf("no training examples are held out: %w", fs.ErrNotExist)
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

// OpenOther opens the examples of another file or folder, of some units each, which are read as
// those of a run are. They have its scale and its classes. A column of labels may be missing. The
// warning is of a scale that may be another one; "": none.
func OpenOther(r *runs.Reading, units int, name, labels string) (_ *mnist.Set, warning string, err error) {
	other := *r
	other.Data, other.LabelFile = name, labels
	t, credit, err := readTraining(&other)
	if other.LabelColumn != "" && (err != nil || t.Units() != units) {
		other.LabelColumn = ""
		if bare, _, failed := readTraining(&other); failed == nil && (err != nil || bare.Units() == units) {
			t, err = bare, nil
		}
	}
	if err != nil {
		return nil, "", err
	}
	found, err := set(t, r, mnist.Test, credit)
	return found, t.Small(cmp.Or(r.Levels, 255)), err
}

// readTraining reads the training examples.
func readTraining(r *runs.Reading) (t *dataset.Table, credit string, err error) {
	if r.Data == "" {
		return embedded(mnist.Train)
	}
	t, err = read(r, r.Data, mnist.Train, r.LabelFile)
	return t, "", err
}

// openTest opens the test examples.
func openTest(r *runs.Reading) (*mnist.Set, error) {
	var t *dataset.Table
	var err error
	credit := ""
	switch {
	case r.Test != "":
		t, err = read(r, r.Test, mnist.Test, r.TestLabelFile)
	case r.Data == "":
		t, credit, err = embedded(mnist.Test)
	case isFolder(r.Data):
		t, err = read(r, r.Data, mnist.Test, r.TestLabelFile)
	default:
		return nil, fmt.Errorf("there are no test examples, for %s has training examples alone: %w", r.Data, fs.ErrNotExist)
	}
	if err != nil {
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

// read reads examples from a file, or a set of those in a folder.
func read(r *runs.Reading, name, of, labels string) (t *dataset.Table, err error) {
	if isFolder(name) {
		t, err = readFolder(name, of)
	} else {
		if info, failed := os.Stat(fileOf(name)); failed == nil {
			if err := memory.Check(uint64(info.Size()), "take fewer examples"); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		t, err = dataset.Read(name, optionsOf(r))
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
	m, err := t.Images(levels)
	if err != nil {
		return nil, err
	}
	s := &mnist.Set{Name: name, Source: t.Source, Credit: credit, Images: m, SHA256: m.SHA256(), Names: r.Names,
		Classes: r.Classes}
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

package cli

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tandem/dbm"
	"tandem/internal/format"
	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/mnist"
)

// model is a trained model with the size of its images.
type model struct {
	*runs.Checkpoint
	from          string // folder of the run, or exported file
	exported      bool   // from is a file
	rows, columns int
	measures      *dbm.FilterMeasures // of its filters; nil: not measured yet
	training      *mnist.Set          // nil: not read yet
	otherData     bool                // its training images are not those that it was trained on
	guard         *guard
}

// load reads the model of a run: the best one, where the run keeps it, and otherwise that of its
// checkpoint. Or it reads an exported model.
func load(t *terminal, name string) (*model, error) {
	m, err := loadLast(t, name)
	if err != nil || m.exported {
		return m, err
	}
	return m, m.takeBest(name)
}

// loadLast reads the checkpoint of a run, whatever its version of the numerics, or an exported
// model. A run is a folder; a file is a model whatever its name.
func loadLast(t *terminal, name string) (*model, error) {
	if err := roomForFile(name); err != nil {
		return nil, err
	}
	m := &model{from: name, exported: isFile(name), guard: &t.guard}
	var err error
	if m.exported {
		m.Checkpoint, err = readModel(name)
	} else if m.Checkpoint, err = runs.ReadCheckpoint(name); err == nil {
		m.Data = trainedOn(t, name)
	} else {
		err = suggest(err, name)
	}
	if err == nil {
		if _, unknown := mnist.ParsePixels(m.Settings.Pixels); unknown != nil {
			err = fmt.Errorf("%s: %w", name, unknown)
		}
	}
	if err != nil {
		return nil, err
	}
	m.rows, m.columns = m.imageSize(t)
	return m, t.guard.reads(m.Settings.Files()...)
}

// suggest adds to the error of a run that is not there one whose name is like it.
func suggest(err error, name string) error {
	if _, there := os.Lstat(name); there == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := filepath.Dir(name)
	entries, unread := os.ReadDir(dir)
	if unread != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && runs.Has(filepath.Join(dir, e.Name()), runs.SettingsFile) ||
			strings.HasSuffix(e.Name(), ".npz") {
			names = append(names, e.Name())
		}
	}
	like := format.Nearest(filepath.Base(name), names)
	if like == "" {
		return err
	}
	return hintedError{err, "did you mean " + format.Argument(filepath.Join(dir, like)) + "?"}
}

// takeBest makes the model the best one of its run, where that keeps it.
func (m *model) takeBest(dir string) error {
	best, err := runs.ReadBest(dir, &m.Settings)
	if err != nil || best == nil {
		return err
	}
	m.State, m.Updates = best.State, best.Updates
	return nil
}

// fromElsewhere reports whether the model is weights that another program wrote, which say
// nothing of how they were trained.
func (m *model) fromElsewhere() bool { return m.Version == "" }

// trainedOn returns what the manifest of a run says of its data, or nil where it says
// nothing.
func trainedOn(t *terminal, run string) *runs.Data {
	manifest, err := runs.ReadManifest(run)
	switch {
	case err == nil:
		return &manifest.Data
	case !errors.Is(err, fs.ErrNotExist):
		t.say("warning: %v; nothing tells on which data the model was trained", err)
	}
	return nil
}

// isFile reports whether something has a name and is not a folder.
func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

// readModel reads an exported model, and says of another file what it is.
func readModel(name string) (*runs.Checkpoint, error) {
	c, err := runs.ReadModel(name)
	if errors.Is(err, zip.ErrFormat) {
		if filepath.Base(name) == runs.CheckpointFile {
			return nil, hintedError{fmt.Errorf("%s is the checkpoint of a run, not a model", name),
				"name the run's folder: " + filepath.Dir(name)}
		}
		return nil, hintedError{fmt.Errorf("%s: neither the folder of a run nor a model that tandem export wrote: %w", name,
			zip.ErrFormat), "examples go behind --data"}
	}
	return c, err
}

// beside returns the name of a file beside a model: in the folder of its run, or with the
// name of an exported file before it.
func (m *model) beside(name string) string {
	if m.exported {
		return strings.TrimSuffix(m.from, ".npz") + "-" + name
	}
	return filepath.Join(m.from, name)
}

// images reads a set of the images that the model is of. It warns where the training
// images are no longer those that the model was trained on.
func (m *model) images(t *terminal, name string) (*mnist.Set, error) {
	set := m.training
	if name != mnist.Train || set == nil {
		var err error
		if set, err = session.OpenData(&m.Settings.Reading, name); err != nil {
			return nil, err
		}
	}
	if err := m.fits(set); err != nil {
		return nil, err
	}
	if m.training == nil {
		m.compareData(t, set)
	}
	return set, nil
}

// compareData compares the training images with what is recorded of those that the model
// was trained on. set is one of the sets. The embedded images are only what they are.
func (m *model) compareData(t *terminal, set *mnist.Set) {
	if set.Name != mnist.Train {
		if m.Settings.Data == "" {
			return
		}
		var err error
		if set, err = session.OpenData(&m.Settings.Reading, mnist.Train); err != nil {
			t.say("warning: nothing tells whether these are images like those that the model was trained on: %v", err)
			return
		}
	}
	m.training = set
	if m.Data != nil && m.Data.SHA256 != set.SHA256 {
		m.otherData = true
		t.say("warning: the training images of %s are not those that the model was trained on: their SHA-256 is %.12s…, "+
			"was %.12s…", set.Source, set.SHA256, m.Data.SHA256)
	}
}

// source returns where the images of a set come from, for an output.
func (m *model) source(set *mnist.Set) string {
	if m.otherData {
		return set.Source + ", whose training images are not those that the model was trained on"
	}
	return set.Source
}

// imageSize returns the size of the images that the model is of. Where nothing says it, as
// in runs of old versions whose data has gone, it is guessed, with a warning.
func (m *model) imageSize(t *terminal) (rows, columns int) {
	n := m.Settings.Layers[0]
	if d := m.Data; d != nil && d.Rows > 0 && d.Columns > 0 && d.Rows <= n && d.Rows*d.Columns == n {
		return d.Rows, d.Columns
	}
	if m.Settings.Data != "" {
		if set, err := session.OpenData(&m.Settings.Reading, mnist.Train); err == nil && set.Rows()*set.Columns() == n {
			return set.Rows(), set.Columns()
		}
	}
	rows, columns = 1, n
	if n == 28*28 {
		rows, columns = 28, 28
	}
	if m.Settings.Data != "" {
		t.say("warning: nothing tells the size of the images; pictures are drawn as %d × %d", rows, columns)
	}
	return rows, columns
}

// absolute makes the names of examples hold anywhere: a run may be resumed elsewhere.
func absolute(r *runs.Reading) error {
	for _, name := range []*string{&r.Data, &r.Test, &r.LabelFile, &r.TestLabelFile} {
		if *name == "" {
			continue
		}
		full, err := filepath.Abs(*name)
		if err != nil {
			return err
		}
		*name = full
	}
	return nil
}

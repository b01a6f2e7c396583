package cli

import (
	"archive/zip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tandem/dbm"
	"tandem/internal/runs"
	"tandem/mnist"
)

// model is a trained model with the size of its images.
type model struct {
	*runs.Checkpoint
	from          string // folder of the run, or exported file
	exported      bool   // from is a file
	rows, columns int
	measures      *dbm.FilterMeasures // of its filters; nil: not measured yet
}

// load reads the checkpoint of a run, whatever its version of the numerics, or an exported
// model. A run is a folder; a file is a model whatever its name.
func load(name string) (*model, error) {
	if err := roomForFile(name); err != nil {
		return nil, err
	}
	m := &model{from: name, exported: isFile(name)}
	var err error
	if m.exported {
		m.Checkpoint, err = readModel(name)
	} else {
		m.Checkpoint, err = runs.ReadCheckpoint(name)
	}
	if err != nil {
		return nil, err
	}
	m.rows, m.columns = imageSize(&m.Settings)
	return m, nil
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
		return nil, fmt.Errorf("%s: neither the folder of a run nor a model that tandem export wrote: %w", name,
			zip.ErrFormat)
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

// images reads a set of the images that the model is of.
func (m *model) images(name string) (*mnist.Set, error) {
	set, err := mnist.Open(m.Settings.Data, name)
	if err != nil {
		return nil, err
	}
	if n := set.Rows() * set.Columns(); n != m.Settings.Layers[0] {
		return nil, fmt.Errorf("the model has %d visible units, but the images of %s have %d pixels",
			m.Settings.Layers[0], set.Source, n)
	}
	return set, nil
}

// imageSize returns the size of a run's images: that of its data, or, where the data has
// gone, that of MNIST if it fits, else one row.
func imageSize(c *runs.Settings) (rows, columns int) {
	if c.Data != "" {
		if set, err := mnist.Open(c.Data, mnist.Train); err == nil && set.Rows()*set.Columns() == c.Layers[0] {
			return set.Rows(), set.Columns()
		}
	}
	if c.Layers[0] == 28*28 {
		return 28, 28
	}
	return 1, c.Layers[0]
}

// absolute returns the name of a folder of images that holds anywhere: a run may be
// resumed elsewhere. "" stands for the embedded images.
func absolute(data string) (string, error) {
	if data == "" {
		return "", nil
	}
	return filepath.Abs(data)
}

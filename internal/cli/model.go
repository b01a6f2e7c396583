package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"tandem/internal/runs"
	"tandem/mnist"
)

// model is a trained model with the size of its images.
type model struct {
	*runs.Checkpoint
	from          string // folder of the run, or exported file
	rows, columns int
}

// load reads the checkpoint of a run, whatever its version of the numerics, or an exported
// model.
func load(name string) (*model, error) {
	read := runs.ReadCheckpoint
	if strings.HasSuffix(name, ".npz") {
		read = runs.ReadModel
	}
	c, err := read(name)
	if err != nil {
		return nil, err
	}
	m := &model{Checkpoint: c, from: name}
	m.rows, m.columns = imageSize(&c.Settings)
	return m, nil
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

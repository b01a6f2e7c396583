package runs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"tandem/dbm"
	"tandem/internal/files"
	"tandem/internal/npz"
)

// InitFile is the model that a run began with, where it did not begin with random weights. The
// settings have the hash of its state.
const InitFile = "init.npz"

// WriteInit writes the model that the run begins with, with its chains if it has any.
func (r *Run) WriteInit(c *Checkpoint) error {
	if err := r.check(); err != nil {
		return err
	}
	return r.folder.Write(InitFile, func(w io.Writer) error { return c.WriteModel(w, c.State.HasChains()) })
}

// ReadInit reads the state that a run begins with, or returns nil where it begins with random
// weights.
func (r *Run) ReadInit() (*dbm.State, error) {
	if r.settings.Init == "" {
		return nil, nil
	}
	return inRun(r.dir, func(d *files.Folder) (*dbm.State, error) {
		data, err := d.Read(InitFile, maxModel)
		if err != nil {
			return nil, err
		}
		return DecodeInit(&r.settings, data)
	})
}

// DecodeInit returns the state of a model file that a run of some settings begins with. data is
// nil where there is no such file.
func DecodeInit(c *Settings, data []byte) (*dbm.State, error) {
	if data == nil {
		return nil, fmt.Errorf("%s, the model that the run began with: %w", InitFile, fs.ErrNotExist)
	}
	z, err := npz.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", InitFile, err)
	}
	found, err := decodeModel(z)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", InitFile, err)
	}
	if found.State.SHA256() != c.Init {
		return nil, errors.New(InitFile + " is not the model that the run began with")
	}
	return found.State, nil
}

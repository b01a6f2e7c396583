package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"tandem/dbm"
	"tandem/internal/npz"
)

// An exported model is an npz archive with the weights and biases of a state, mu, and its
// chains, all float32, and the header of the checkpoint.
//
// aboutModel is the file with that header. NumPy reads it as bytes.
const aboutModel = "tandem.json"

// WriteModel writes the model of a checkpoint, with or without its chains. The same
// training gives the same bytes: the seconds it took are left out.
func (c *Checkpoint) WriteModel(w io.Writer, chains bool) error {
	z := npz.NewWriter(w)
	about := c.Header
	about.Seconds = 0
	header, err := json.Marshal(&about)
	if err != nil {
		return err
	}
	f, err := z.File(aboutModel)
	if err != nil {
		return err
	}
	if _, err := f.Write(header); err != nil {
		return err
	}
	for a := range c.State.Arrays(&c.Settings.Config) {
		if a.TrainingOnly || a.Binary && !chains {
			continue
		}
		x := a.Float32
		if a.Float64 != nil {
			x = make([]float32, len(a.Float64))
			for i, v := range a.Float64 {
				x[i] = float32(v)
			}
		}
		if err := z.Floats(a.Name, x, a.Shape...); err != nil {
			return err
		}
	}
	return z.Close()
}

// ReadModel reads an exported model. Where it has no chains, they begin with fair coins,
// as in a new run. It lacks what only training needs, so that a run cannot continue from
// it.
func ReadModel(name string) (*Checkpoint, error) {
	z, err := npz.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer z.Close()
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	c, err := decodeModel(z, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// decodeModel reads a model from an archive of size bytes.
func decodeModel(z *npz.Reader, size int64) (*Checkpoint, error) {
	about, err := z.File(aboutModel, maxHeader)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no %s in it: not written by tandem export", aboutModel)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", aboutModel, err)
	}
	c := new(Checkpoint)
	if err := json.NewDecoder(strings.NewReader(string(about))).Decode(&c.Header); err != nil {
		return nil, fmt.Errorf("%s: %w", aboutModel, err)
	}
	if err := c.Settings.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", aboutModel, err)
	}
	config := &c.Settings.Config
	chains := slices.Contains(z.Names(), "chains0")
	if !chains { // a few are enough for pictures
		config.Chains = min(config.Chains, 100)
	}
	// No memory is taken for arrays that the archive does not hold: it is not compressed.
	need := int64(0)
	for a := range new(dbm.State).Arrays(config) {
		if !a.TrainingOnly && (chains || !a.Binary) {
			need += 4 * int64(a.Len()) // mu is float32 here
		}
	}
	if need > size {
		return nil, fmt.Errorf("truncated: %d bytes of arrays in a file of %d bytes", need, size)
	}
	if c.State, err = dbm.Initial(config, nil); err != nil {
		return nil, err
	}
	c.State.Updates = c.Updates
	for a := range c.State.Arrays(config) {
		if a.TrainingOnly {
			continue
		}
		err := readModelArray(z, &a)
		if errors.Is(err, npz.ErrNoArray) && a.Binary {
			continue
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// readModelArray reads the numbers of an array, which must be finite.
func readModelArray(z *npz.Reader, a *dbm.Array) error {
	read, err := z.Array(a.Name, 4*int64(a.Len()))
	if err != nil {
		return err
	}
	x := a.Float32
	if a.Float64 != nil {
		x = make([]float32, len(a.Float64))
	}
	if !slices.Equal(read.Shape, a.Shape) {
		return fmt.Errorf("%s: shape %v; must be %v", a.Name, read.Shape, a.Shape)
	}
	if err := read.Float32s(x); err != nil {
		return fmt.Errorf("%s: %w", a.Name, err)
	}
	for i, v := range x {
		if v-v != 0 { // NaN for what is not finite
			return fmt.Errorf("%s: number %d is %v; must be finite", a.Name, i, v)
		}
		if a.Float64 != nil {
			a.Float64[i] = float64(v)
		}
	}
	return nil
}

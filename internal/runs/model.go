package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"tandem/dbm"
	"tandem/internal/npz"
)

// An exported model is an npz archive with the weights and biases of a state, mu, and its
// chains, all float32, and the header of the checkpoint.
//
// aboutModel is the file with that header, and with the data that the model was trained
// on. NumPy reads it as bytes.
const aboutModel = "tandem.json"

// about is what that file says.
type about struct {
	Header
	Data *Data `json:"data,omitempty"`
}

// WriteModel writes the model of a checkpoint, with or without its chains, which it then
// must have. The same training gives the same bytes: the seconds it took are left out.
func (c *Checkpoint) WriteModel(w io.Writer, chains bool) error {
	if chains && !c.State.HasChains() {
		return dbm.ErrNoChains
	}
	z := npz.NewWriter(w)
	says := about{c.Header, c.Data}
	says.Seconds = 0
	header, err := json.Marshal(&says)
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

// ReadModel reads an exported model, or weights that come from elsewhere. Its state has no
// chains where the file has none, and lacks what only training needs, so that a run cannot
// continue from it. Arrays that a model does not have are passed over.
func ReadModel(name string) (*Checkpoint, error) {
	z, err := npz.Open(name)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	c, err := decodeModel(z)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// decodeModel reads a model. The headers of all arrays are looked at before numbers are
// read, so that memory is taken only for what the archive holds.
func decodeModel(z *npz.Reader) (*Checkpoint, error) {
	text, err := z.File(aboutModel, maxHeader)
	if errors.Is(err, npz.ErrMissing) && z.IsPlain() && z.Has("W1") {
		return decodeWeights(z)
	}
	if errors.Is(err, npz.ErrMissing) {
		return nil, fmt.Errorf("%w: neither written by tandem export nor weights W1, b0, b1, … alone", err)
	}
	if err != nil {
		return nil, err
	}
	h := new(about)
	if err := DecodeJSON(text, h); err != nil {
		return nil, fmt.Errorf("%s: %w", aboutModel, err)
	}
	err = h.validate()
	if err == nil && h.Data != nil {
		err = h.Data.validate()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", aboutModel, err)
	}
	chains := false
	for a := range new(dbm.State).Arrays(&h.Settings.Config) {
		chains = chains || a.Binary && z.Has(a.Name)
	}
	here := func(a *dbm.Array) bool { return !a.TrainingOnly && (chains || !a.Binary) }
	for a := range new(dbm.State).Arrays(&h.Settings.Config) {
		if here(&a) {
			if err := checkModelArray(z, &a); err != nil {
				return nil, err
			}
		}
	}
	s, err := dbm.StateFrom(&h.Settings.Config, func(a *dbm.Array) error {
		if !here(a) {
			return nil
		}
		return readModelArray(z, a)
	})
	if err != nil {
		return nil, err
	}
	s.Updates = h.Updates
	return &Checkpoint{h.Header, s, h.Data}, nil
}

// checkModelArray returns an error where an array is missing or has another type or shape
// than the model's.
func checkModelArray(z *npz.Reader, a *dbm.Array) error {
	kind, shape, err := z.Describe(a.Name)
	switch {
	case err != nil:
		return err
	case kind != npz.Float32 && kind != npz.Float64:
		return fmt.Errorf("%s: type %s; must be %s or %s", a.Name, kind, npz.Float32, npz.Float64)
	case !slices.Equal(shape, a.Shape):
		return fmt.Errorf("%s: shape %s; must be %s", a.Name, npz.Tuple(shape), npz.Tuple(a.Shape))
	}
	return nil
}

// readModelArray reads the numbers of an array, which must be such as a checkpoint has,
// and fit float32.
func readModelArray(z *npz.Reader, a *dbm.Array) error {
	read, err := z.Array(a.Name, 8*int64(a.Len()))
	if err != nil {
		return err
	}
	x := make([]float32, read.Len())
	for i := range x {
		v := read.At(i)
		x[i] = float32(v)
		if float64(x[i]) != v && v == v {
			return fmt.Errorf("%s: value %d is %v, which is no float32; save the array as float32", a.Name, i, v)
		}
	}
	a.Float32 = x
	if err := a.Check(); err != nil {
		return fmt.Errorf("%s: %w", a.Name, err)
	}
	return nil
}

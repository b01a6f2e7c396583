package runs

import (
	"fmt"
	"slices"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/npz"
)

// Weights that come from elsewhere are a model, too: W1, W2, … (units below × units), b0 and b1,
// b2, … as numpy.savez writes them, in float32 or float64. The numbers are rounded to float32.

// decodeWeights reads them.
func decodeWeights(z *npz.Reader) (*Checkpoint, error) {
	layers, err := layersOf(z)
	if err != nil {
		return nil, err
	}
	settings, err := Preset(FitPreset)
	if err != nil {
		return nil, err
	}
	settings.Layers, settings.Alpha = layers, make([]float64, len(layers)-1)
	settings.HoldOut, settings.KeepBest, settings.Preset = 0, false, ""
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	s := new(dbm.State)
	for a := range s.Arrays(&settings.Config) {
		if a.Name[0] != 'W' && (a.Name[0] != 'b' || a.TrainingOnly) {
			continue
		}
		x, err := rounded(z, &a)
		if err != nil {
			return nil, err
		}
		if a.Name[0] == 'W' {
			s.Weights = append(s.Weights, x)
		} else {
			s.Biases = append(s.Biases, x)
		}
	}
	for _, norm := range dbm.MeanNorms(&settings.Config, s) {
		s.Mu = append(s.Mu, float64(float32(norm))) // as in the file of a model
	}
	return &Checkpoint{Header: Header{Numerics: kernel.Version, Settings: settings}, State: s}, nil
}

// layersOf returns the units of each layer, by the shapes of the weights.
func layersOf(z *npz.Reader) (layers []int, err error) {
	for l := 1; ; l++ {
		name := fmt.Sprintf("W%d", l)
		if !z.Has(name) {
			break
		}
		_, shape, err := z.Describe(name)
		if err != nil {
			return nil, err
		}
		if len(shape) != 2 || shape[0] < 1 || shape[1] < 1 {
			return nil, fmt.Errorf("%s: shape %s; must be units below × units", name, npz.Tuple(shape))
		}
		if l == 1 {
			layers = []int{shape[0]}
		}
		if shape[0] != layers[l-1] {
			return nil, fmt.Errorf("%s: shape %s; must have %d rows, as W%d has columns", name, npz.Tuple(shape), layers[l-1],
				l-1)
		}
		layers = append(layers, shape[1])
	}
	return layers, nil
}

// rounded reads the numbers of an array, rounded to float32.
func rounded(z *npz.Reader, a *dbm.Array) ([]float32, error) {
	kind, shape, err := z.Describe(a.Name)
	switch {
	case err != nil:
		return nil, err
	case kind != npz.Float32 && kind != npz.Float64:
		return nil, fmt.Errorf("%s: type %s; must be %s or %s", a.Name, kind, npz.Float32, npz.Float64)
	case !slices.Equal(shape, a.Shape):
		return nil, fmt.Errorf("%s: shape %s; must be %s", a.Name, npz.Tuple(shape), npz.Tuple(a.Shape))
	}
	read, err := z.Array(a.Name, 8*int64(a.Len()))
	if err != nil {
		return nil, err
	}
	x := make([]float32, read.Len())
	for i := range x {
		x[i] = float32(read.At(i))
	}
	if err := (&dbm.Array{Float32: x}).Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", a.Name, err)
	}
	return x, nil
}

package dbm

import (
	"context"
	"math"
	"sync/atomic"

	"tandem/dbm/kernel"
)

// Thresholds of FilterMeasures.
const (
	deadAbove      = 0.5 // cosine with the initial weights
	noiseBelow     = 0.5 // correlation of neighbouring pixels
	duplicateAbove = 0.9 // cosine with another picture of the layer
)

// FilterMeasures describe the filters of each hidden layer, with one number for each
// layer; fractions are between 0 and 1.
type FilterMeasures struct {
	// Live is the fraction of filters that have left their initial weights. A filter is
	// dead while the cosine between the two is above 0.5.
	Live []float64
	// Noise is the fraction of filters whose picture is noise: neighbouring pixels
	// correlate by less than 0.5, so more than half of its variance is each pixel's own
	// (see Smoothness). Nil if the visible layer is not an image.
	Noise []float64
	// Duplicate is the fraction of filters whose picture is nearly that of another unit of
	// the layer: their cosine is above 0.9.
	Duplicate []float64
	// NormMean and NormSD are the mean and the standard deviation of the norms.
	NormMean, NormSD []float64
}

// FilterStats measures the filters of a run. The number of threads does not affect the
// numbers.
type FilterStats struct {
	config        Config
	set           *kernel.Set
	rows, columns int
	threads       int
	initial       [][]float32 // initial[l-1]: the initial weights of layer l
}

// NewFilterStats draws the initial weights of a run again from its seed. The visible
// layer is an image of rows × columns, or none if that is not its number of units.
func NewFilterStats(c *Config, set *kernel.Set, rows, columns, threads int) *FilterStats {
	f := &FilterStats{config: *c, set: set, rows: rows, columns: columns, threads: threads}
	for l := 1; l < len(c.Layers); l++ {
		n := c.Layers[l]
		w := make([]float32, c.Layers[l-1]*n)
		each(c.Layers[l-1], filterBlock, threads, func(_, from, to int) { initialRows(w, c, l, from, to) })
		clearOutside(w, c, l)
		f.initial = append(f.initial, w)
	}
	return f
}

// filterBlock is how many units, or rows of weights, a worker looks at in one go.
const filterBlock = 64

// each calls f for blocks of n items; see Blocks.
func each(n, size, threads int, f func(worker, from, to int)) {
	Blocks(context.Background(), n, size, threads, f) // fails only where a context ends
}

// Measure measures the filters of a state, whose shapes must be those that the
// configuration asks for.
func (f *FilterStats) Measure(s *State) FilterMeasures {
	var out FilterMeasures
	var pictures []float32
	for l := 1; l < len(f.config.Layers); l++ {
		live, mean, sd := f.norms(s, l)
		out.Live, out.NormMean, out.NormSD = append(out.Live, live), append(out.NormMean, mean), append(out.NormSD, sd)
		pictures = picturesAbove(&f.config, s, l, pictures, f.threads)
		out.Duplicate = append(out.Duplicate, f.duplicates(pictures, f.config.Layers[l]))
		if f.isImage() {
			out.Noise = append(out.Noise, f.noise(pictures, f.config.Layers[l]))
		}
	}
	return out
}

// isImage reports whether the visible layer is an image.
func (f *FilterStats) isImage() bool {
	return f.rows*f.columns == f.config.Layers[0] && f.rows > 1 && f.columns > 1
}

// norms returns the fraction of live filters of layer l, and the mean and the standard
// deviation of their norms. The chains of additions of a unit are its own, whichever
// worker has it.
func (f *FilterStats) norms(s *State, l int) (live, mean, sd float64) {
	below, n := f.config.Layers[l-1], f.config.Layers[l]
	norm, norm0, dot := make([]float64, n), make([]float64, n), make([]float64, n)
	each(n, filterBlock, f.threads, func(_, from, to int) {
		for i := range below {
			w, w0 := s.Weights[l-1][i*n:(i+1)*n], f.initial[l-1][i*n:(i+1)*n]
			for j := from; j < to; j++ {
				x, x0 := float64(w[j]), float64(w0[j])
				norm[j] += float64(x * x)
				norm0[j] += float64(x0 * x0)
				dot[j] += float64(x * x0)
			}
		}
	})
	count := 0
	for j := range norm {
		norm[j] = math.Sqrt(norm[j])
		if dot[j] <= float64(deadAbove*norm[j]*math.Sqrt(norm0[j])) && norm[j] > 0 {
			count++
		}
		mean += norm[j] / float64(n)
	}
	square := 0.0
	for _, x := range norm {
		square += float64((x - mean) * (x - mean))
	}
	return float64(count) / float64(n), mean, math.Sqrt(square / float64(n))
}

// noise returns the fraction of n pictures that are noise.
func (f *FilterStats) noise(pictures []float32, n int) float64 {
	size := f.config.Layers[0]
	var found atomic.Int64
	each(n, filterBlock, f.threads, func(_, from, to int) {
		for j := from; j < to; j++ {
			if Smoothness(pictures[j*size:][:size], f.columns) < noiseBelow {
				found.Add(1)
			}
		}
	})
	return float64(found.Load()) / float64(n)
}

// duplicates returns the fraction of n pictures that are nearly another's. A block of
// pictures meets those of its own block and of later ones: the product of two pictures is
// the same chain of additions from either side.
func (f *FilterStats) duplicates(pictures []float32, n int) float64 {
	packed, norm := f.packPictures(pictures, n)
	size, padded := f.config.Layers[0], kernel.Padded(n)
	none, found := make([]float32, padded), make([]atomic.Bool, n)
	dots := make([][]float32, Useful(f.threads, n, filterBlock)) // of each worker
	each(n, filterBlock, f.threads, func(worker, from, to int) {
		if dots[worker] == nil {
			dots[worker] = make([]float32, filterBlock*padded)
		}
		p := kernel.Pass{Rows: to - from, Panels: kernel.Panels(n) - from/kernel.Panel, Start: none,
			Out: dots[worker], Stride: padded}
		p.Below = kernel.Input{X: pictures[from*size:], Stride: size, K: size, W: packed[from*kernel.Padded(size):]}
		f.set.Linear(&p)
		for r := from; r < to; r++ {
			row := dots[worker][(r-from)*padded:][:n-from]
			for i, dot := range row[r-from+1:] {
				j := r + 1 + i
				if float64(dot) > float64(duplicateAbove*norm[j]*norm[r]) {
					found[r].Store(true)
				}
				if float64(dot) > float64(duplicateAbove*norm[r]*norm[j]) {
					found[j].Store(true)
				}
			}
		}
	})
	count := 0
	for j := range found {
		if found[j].Load() {
			count++
		}
	}
	return float64(count) / float64(n)
}

// packPictures returns n pictures as packed weights from the visible layer to the units,
// and their norms.
func (f *FilterStats) packPictures(pictures []float32, n int) (packed []float32, norm []float64) {
	size := f.config.Layers[0]
	padded := kernel.Padded(size)
	packed, norm = make([]float32, padded*kernel.Padded(n)), make([]float64, n)
	each(n, filterBlock, f.threads, func(_, from, to int) {
		for j := from; j < to; j++ {
			panel := packed[j/kernel.Panel*kernel.Panel*padded+j%kernel.Panel:]
			for i, x := range pictures[j*size : (j+1)*size] {
				norm[j] += float64(x) * float64(x) // exact products, so a fused sum is the same
				panel[i*kernel.Panel] = x
			}
			norm[j] = math.Sqrt(norm[j])
		}
	})
	return packed, norm
}

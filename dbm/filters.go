package dbm

import (
	"cmp"
	"math"
	"slices"

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

// FilterStats measures the filters of a run.
type FilterStats struct {
	config        Config
	set           *kernel.Set
	rows, columns int
	initial       [][]float32 // initial[l-1]: the initial weights of layer l
}

// NewFilterStats draws the initial weights of a run again from its seed. The visible
// layer is an image of rows × columns, or none if that is not its number of units.
func NewFilterStats(c *Config, set *kernel.Set, rows, columns int) *FilterStats {
	f := &FilterStats{config: *c, set: set, rows: rows, columns: columns}
	for l := 1; l < len(c.Layers); l++ {
		w := make([]float32, c.Layers[l-1]*c.Layers[l])
		initialWeights(w, c, l)
		f.initial = append(f.initial, w)
	}
	return f
}

// Measure measures the filters of a state, whose shapes must be those that the
// configuration asks for.
func (f *FilterStats) Measure(s *State) FilterMeasures {
	var out FilterMeasures
	size := f.config.Layers[0]
	image := f.rows*f.columns == size && f.rows > 1 && f.columns > 1
	for l := 1; l < len(f.config.Layers); l++ {
		n := f.config.Layers[l]
		live, mean, sd := f.norms(s, l)
		out.Live, out.NormMean, out.NormSD = append(out.Live, live), append(out.NormMean, mean), append(out.NormSD, sd)
		pictures := Pictures(&f.config, s, l)
		out.Duplicate = append(out.Duplicate, f.duplicates(pictures, n))
		if image {
			noise := 0
			for j := range n {
				if Smoothness(pictures[j*size:][:size], f.columns) < noiseBelow {
					noise++
				}
			}
			out.Noise = append(out.Noise, float64(noise)/float64(n))
		}
	}
	return out
}

// norms returns the fraction of live filters of layer l, and the mean and the standard
// deviation of their norms.
func (f *FilterStats) norms(s *State, l int) (live, mean, sd float64) {
	below, n := f.config.Layers[l-1], f.config.Layers[l]
	norm, norm0, dot := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range below {
		w, w0 := s.Weights[l-1][i*n:(i+1)*n], f.initial[l-1][i*n:(i+1)*n]
		for j := range n {
			x, x0 := float64(w[j]), float64(w0[j])
			norm[j] += float64(x * x)
			norm0[j] += float64(x0 * x0)
			dot[j] += float64(x * x0)
		}
	}
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

// duplicates returns the fraction of n pictures that are nearly another's.
func (f *FilterStats) duplicates(pictures []float32, n int) float64 {
	const block = 64
	size := f.config.Layers[0]
	norm := make([]float64, n)
	across := make([]float32, size*n) // visible × units
	for j := range n {
		for i, x := range pictures[j*size : (j+1)*size] {
			norm[j] += float64(x) * float64(x) // exact products, so a fused sum is the same
			across[i*n+j] = x
		}
		norm[j] = math.Sqrt(norm[j])
	}
	packed, none := kernel.Pack(nil, across, size, n), make([]float32, kernel.Padded(n))
	dots := make([]float32, block*kernel.Padded(n))
	found := 0
	for from := 0; from < n; from += block {
		rows := min(block, n-from)
		p := kernel.Pass{Rows: rows, Panels: kernel.Panels(n), Start: none, Out: dots, Stride: kernel.Padded(n)}
		p.Below = kernel.Input{X: pictures[from*size:], Stride: size, K: size, W: packed}
		f.set.Linear(&p)
		for r := range rows {
			for j := range n {
				if j != from+r && float64(dots[r*kernel.Padded(n)+j]) > float64(duplicateAbove*norm[j]*norm[from+r]) {
					found++
					break
				}
			}
		}
	}
	return float64(found) / float64(n)
}

// Strongest is the number of connections of a unit that its picture shows.
const Strongest = 20

// Pictures returns what the units of a hidden layer look for in the visible
// one: units × visible. For the first layer it is their weights; for a higher
// one the sum of the pictures below, by the unit's 20 strongest weights.
func Pictures(c *Config, s *State, layer int) []float32 {
	visible := c.Layers[0]
	below := make([]float32, 0)
	for l := 1; l <= layer; l++ {
		k, n := c.Layers[l-1], c.Layers[l]
		w := s.Weights[l-1]
		pictures := make([]float32, n*visible)
		order := make([]int, k)
		for j := range n {
			p := pictures[j*visible : (j+1)*visible]
			if l == 1 {
				for i := range p {
					p[i] = w[i*n+j]
				}
				continue
			}
			for i := range order {
				order[i] = i
			}
			slices.SortStableFunc(order, func(a, b int) int {
				return cmp.Compare(math.Abs(float64(w[b*n+j])), math.Abs(float64(w[a*n+j])))
			})
			for _, i := range order[:min(Strongest, k)] {
				for v, x := range below[i*visible : (i+1)*visible] {
					p[v] += float32(w[i*n+j] * x)
				}
			}
		}
		below = pictures
	}
	return below
}

// Smoothness returns the correlation of pixels of a picture with their neighbours
// below and to the right: near 0 for noise, near 1 for strokes. It is Moran's I:
// the mean product of the deviations of neighbours from the picture's mean, over
// the mean squared deviation of a pixel. A picture of one grey has 0.
func Smoothness(picture []float32, columns int) float64 {
	mean := 0.0
	for _, x := range picture {
		mean += float64(x)
	}
	mean /= float64(len(picture))
	var square, product float64
	pairs := 0
	for i, x := range picture {
		d := float64(x) - mean
		square += float64(d * d)
		if i%columns != columns-1 {
			product += float64(d * (float64(picture[i+1]) - mean))
			pairs++
		}
		if i+columns < len(picture) {
			product += float64(d * (float64(picture[i+columns]) - mean))
			pairs++
		}
	}
	if square == 0 || pairs == 0 {
		return 0
	}
	return (product / float64(pairs)) / (square / float64(len(picture)))
}

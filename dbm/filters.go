package dbm

import (
	"cmp"
	"math"
	"slices"

	"tandem/dbm/kernel"
)

// Thresholds of the measures in Assessment.
const (
	deadAbove      = 0.5 // cosine with the initial weights
	noiseBelow     = 0.5 // correlation of neighbouring pixels
	duplicateAbove = 0.9 // cosine with another picture of the layer
)

// Assessment tells how the filters of each hidden layer are doing; one number a
// layer, shares between 0 and 1.
type Assessment struct {
	// Live is the share of filters that have left their initial weights: a
	// filter is dead while the cosine between the two is above 0.5.
	Live []float64
	// Noise is the share of filters whose picture is noise: neighbouring pixels
	// correlate by less than 0.5, so more than half of its variance is each pixel's
	// own, see Smoothness. Nil if the visible layer is no image.
	Noise []float64
	// Duplicate is the share of filters whose picture is nearly that of another
	// unit of the layer: their cosine is above 0.9.
	Duplicate []float64
	// NormMean and NormSD are the mean and the standard deviation of the norms.
	NormMean, NormSD []float64
}

// Assessor assesses the filters of a run.
type Assessor struct {
	config        Config
	kernels       *kernel.Set
	rows, columns int
	initial       [][]float32 // initial[l-1]: the initial weights of layer l
}

// NewAssessor draws the initial weights of a run anew from its seed. The visible
// layer is an image of rows × columns, or none if these are not its units.
func NewAssessor(c *Config, k *kernel.Set, rows, columns int) *Assessor {
	a := &Assessor{config: *c, kernels: k, rows: rows, columns: columns}
	for l := 1; l < len(c.Layers); l++ {
		w := make([]float32, c.Layers[l-1]*c.Layers[l])
		initialWeights(w, c, l)
		a.initial = append(a.initial, w)
	}
	return a
}

// Assess looks at the filters of a state, whose shapes must be those that the
// configuration asks for.
func (a *Assessor) Assess(s *State) Assessment {
	var out Assessment
	image := a.rows*a.columns == a.config.Layers[0] && a.rows > 1 && a.columns > 1
	for l := 1; l < len(a.config.Layers); l++ {
		below, n := a.config.Layers[l-1], a.config.Layers[l]
		w, w0 := s.Weights[l-1], a.initial[l-1]
		norm, norm0, dot := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range below {
			for j := range n {
				x, x0 := float64(w[i*n+j]), float64(w0[i*n+j])
				norm[j] += float64(x * x)
				norm0[j] += float64(x0 * x0)
				dot[j] += float64(x * x0)
			}
		}
		live, mean, square := 0, 0.0, 0.0
		for j := range n {
			norm[j] = math.Sqrt(norm[j])
			if dot[j] <= float64(deadAbove*norm[j]*math.Sqrt(norm0[j])) && norm[j] > 0 {
				live++
			}
			mean += norm[j] / float64(n)
		}
		for _, x := range norm {
			square += float64((x - mean) * (x - mean))
		}
		out.Live = append(out.Live, float64(live)/float64(n))
		out.NormMean = append(out.NormMean, mean)
		out.NormSD = append(out.NormSD, math.Sqrt(square/float64(n)))
		pictures := Pictures(&a.config, s, l)
		out.Duplicate = append(out.Duplicate, a.duplicates(pictures, n))
		if image {
			noise := 0
			for j := range n {
				if Smoothness(pictures[j*a.rows*a.columns:][:a.rows*a.columns], a.columns) < noiseBelow {
					noise++
				}
			}
			out.Noise = append(out.Noise, float64(noise)/float64(n))
		}
	}
	return out
}

// duplicates returns the share of n pictures that are nearly another's.
func (a *Assessor) duplicates(pictures []float32, n int) float64 {
	const block = 64
	size := a.config.Layers[0]
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
		a.kernels.Linear(&kernel.Pass{Rows: rows, Panels: kernel.Panels(n), Start: none, Out: dots, Stride: kernel.Padded(n),
			Below: kernel.Input{X: pictures[from*size:], Stride: size, K: size, W: packed}})
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

// Smoothness is the correlation of pixels of a picture with their neighbours
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

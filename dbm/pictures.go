package dbm

import (
	"cmp"
	"math"
)

// Strongest is the number of connections of a unit that its picture shows.
const Strongest = 20

// Pictures returns what the units of a hidden layer look for in the visible
// one: units × visible. For the first layer it is their weights; for a higher
// one the sum of the pictures below, by the unit's 20 strongest weights. The number of
// threads does not affect the numbers.
func Pictures(c *Config, s *State, layer, threads int) []float32 {
	var pictures []float32
	for l := 1; l <= layer; l++ {
		pictures = picturesAbove(c, s, l, pictures, threads)
	}
	return pictures
}

// picturesAbove returns the pictures of layer l, given those of the layer below if that
// is a hidden one.
func picturesAbove(c *Config, s *State, l int, below []float32, threads int) []float32 {
	visible, n, w := c.Layers[0], c.Layers[l], s.Weights[l-1]
	pictures := make([]float32, n*visible)
	each(n, filterBlock, threads, func(_, from, to int) {
		for j := from; j < to; j++ {
			p := pictures[j*visible : (j+1)*visible]
			if l == 1 {
				for i := range p {
					p[i] = w[i*n+j]
				}
				continue
			}
			for _, i := range strongest(w, n, j) {
				for v, x := range below[i*visible : (i+1)*visible] {
					p[v] += float32(w[i*n+j] * x)
				}
			}
		}
	})
	return pictures
}

// strongest returns the rows in which column j of w (rows × n) has its largest absolute
// values, the largest first; of equal ones, the upper row.
func strongest(w []float32, n, j int) []int {
	order := make([]int, 0, Strongest+1)
	size := func(i int) float64 { return math.Abs(float64(w[i*n+j])) }
	for i := range len(w) / n {
		x := size(i)
		if len(order) == Strongest && cmp.Compare(x, size(order[Strongest-1])) <= 0 {
			continue
		}
		at := len(order)
		for at > 0 && cmp.Compare(x, size(order[at-1])) > 0 {
			at--
		}
		order = append(order, 0)
		copy(order[at+1:], order[at:])
		order[at] = i
		order = order[:min(len(order), Strongest)]
	}
	return order
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

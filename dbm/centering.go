package dbm

import "tandem/dbm/kernel"

// Centering (Montavon and Müller 2012; Melchior, Fischer and Wiskott 2016) learns as if
// every unit were measured from an offset near its mean, which makes the gradients of
// weights and biases nearly independent of each other. The energy stays as it is; the
// direction of an update changes. With offsets c_l of layer l, and
// a_l = ⟨x_l⟩_minibatch − ⟨x_l⟩_chains,
//
//	ΔW_l = ⟨(x_{l-1}−c_{l-1})(x_l−c_l)ᵀ⟩_minibatch − ⟨(x_{l-1}−c_{l-1})(x_l−c_l)ᵀ⟩_chains
//	     = ⟨x_{l-1} x_lᵀ⟩_minibatch − ⟨x_{l-1} x_lᵀ⟩_chains − c_{l-1} a_lᵀ − a_{l-1} c_lᵀ
//	Δb_l = a_l − ΔW_{l+1} c_{l+1} − ΔW_lᵀ c_{l-1}
//
// So two more rows, with factors (c_{l-1}, −a_l) and (a_{l-1}, −c_l), are all that the
// weights need. Δb_l is a sum over the same rows of x_l, each times a number made of the
// products of its neighbours with their offsets. A pixel that never changes has offset
// 0, and is learnt as without centering. Where layers learn at rates of their own, that
// of layer l stands before a_l and ΔW_l.
//
// Where the rows of a layer are apart (positive.go), it has an a_l of each kind. Δb_l is
// then a sum over its rows as the upper layer, with a_l and ΔW_l, and a sum over its
// rows as the lower layer, with ΔW_{l+1}.
//
// Afterwards the offsets move towards the means of the minibatch:
// c_l += rate·(⟨x_l⟩_minibatch − c_l).

// centering is the offsets, and the products of all rows with them. All methods accept
// nil, which stands for training without centering.
type centering struct {
	rate    float64      // of the offsets
	offsets [][]float32  // c_l: units
	mean    [][]float32  // ⟨x_l⟩_minibatch
	lower   [][]float64  // lower[l][r] = x·c_l of row r of layer l as the lower layer
	upper   [][]float64  // the same as the upper layer: the same numbers, unless apart
	pixels  kernel.Lists // the nonzero visible units of the two rows
}

// newCentering returns the centering that a configuration asks for, or nil.
func newCentering(u *updater, s *State) *centering {
	if u.config.OffsetRate == 0 {
		return nil
	}
	z := &centering{rate: u.config.OffsetRate}
	for l := range u.layers {
		x := &u.layers[l]
		z.offsets = append(z.offsets, append([]float32(nil), s.Offsets[l]...))
		z.mean = append(z.mean, make([]float32, x.units))
		z.lower = append(z.lower, make([]float64, len(u.weight)))
		z.upper = append(z.upper, z.lower[l])
		if x.apart {
			z.upper[l] = make([]float64, len(u.weight))
		}
	}
	return z
}

// biasTerms sets from which rows the biases learn: without centering from those as the
// upper layer, by the rows' weights; with it by numbers that centre computes.
func (z *centering) biasTerms(u *updater) {
	for l := range u.layers {
		x := &u.layers[l]
		if z == nil {
			x.bias = []biasTerm{{x.asUpper, u.weight, u.config.relativeRate(l)}}
			continue
		}
		x.bias = []biasTerm{{x.asUpper, make([]float32, len(u.weight)), 1}}
		if x.apart {
			x.bias = append(x.bias, biasTerm{x.asLower, make([]float32, len(u.weight)), 1})
		}
	}
}

// save copies the offsets into a state.
func (z *centering) save(s *State) {
	if z == nil {
		return
	}
	for l, c := range z.offsets {
		copy(s.Offsets[l], c)
	}
}

// measure multiplies rows [from, to) by the offsets.
func (z *centering) measure(u *updater, from, to int) {
	if z == nil {
		return
	}
	for l := range u.layers {
		x := &u.layers[l]
		for r := from; r < to; r++ {
			z.lower[l][r] = kernel.Dot(x.row(x.asLower, r), z.offsets[l])
			if x.apart {
				z.upper[l][r] = kernel.Dot(x.row(x.asUpper, r), z.offsets[l])
			}
		}
	}
}

// centre makes the two rows of every layer and the factors of the biases, once the
// other rows are there, and moves the offsets.
func (z *centering) centre(u *updater) {
	if z == nil {
		return
	}
	rows := len(u.weight) - 2
	for l := range u.layers {
		z.lastRows(u, l, rows)
	}
	z.measure(u, rows, rows+2)
	for l := range u.layers {
		z.biasFactors(u, l, rows)
	}
	for l, c := range z.offsets {
		for i, x := range c {
			c[i] = float32(float64(x) + float64(z.rate*(float64(z.mean[l][i])-float64(x))))
		}
	}
	v := &u.layers[0]
	z.pixels.Reset()
	z.pixels.AddRows(u.set, v.asLower[rows*v.stride:], v.stride, 2, v.units)
}

// lastRows makes the two rows of layer l, behind rows others, and the means of its
// minibatch.
func (z *centering) lastRows(u *updater, l, rows int) {
	x := &u.layers[l]
	fill := func(block []float32) (offset, a []float32) {
		offset, a = x.row(block, rows), x.row(block, rows+1)
		copy(offset, z.offsets[l])
		clear(a)
		u.set.LearnBias(a, block, x.stride, u.weight[:rows], 1)
		return offset, a
	}
	offset, a := fill(x.asLower)
	if x.apart {
		offset, a = fill(x.asUpper)
	}
	if l > 0 {
		u.set.Scale(x.row(x.scaled, rows), a, -1)
		u.set.Scale(x.row(x.scaled, rows+1), offset, -1)
	}
	clear(z.mean[l])
	u.set.LearnBias(z.mean[l], x.asUpper, x.stride, u.weight[:u.config.Batch], 1)
}

// biasFactors computes what each row counts for in the biases of layer l.
func (z *centering) biasFactors(u *updater, l, rows int) {
	c, x := &u.config, &u.layers[l]
	below := func(r int) float64 { // the part of ΔW_lᵀ c_{l-1}
		if l == 0 {
			return 0
		}
		return float64(c.relativeRate(l) * z.lower[l-1][r])
	}
	above := func(r int) float64 { // the part of ΔW_{l+1} c_{l+1}
		if l+1 == len(c.Layers) {
			return 0
		}
		return float64(c.relativeRate(l+1) * z.upper[l+1][r])
	}
	if !x.apart {
		biasFactors(x.bias[0].weight, u.weight[:rows], c.relativeRate(l), func(r int) float64 { return below(r) + above(r) })
		return
	}
	biasFactors(x.bias[0].weight, u.weight[:rows], c.relativeRate(l), below)
	biasFactors(x.bias[1].weight, u.weight[:rows], 0, above)
}

// biasFactors writes what the rows of weight, and the two behind them, count for, given
// the rate of a_l and the sums of x·c over neighbouring layers.
func biasFactors(factor, weight []float32, rate float64, beside func(r int) float64) {
	rows := len(weight)
	for r, x := range weight {
		factor[r] = float32(float64(x) * (rate - beside(r)))
	}
	factor[rows] = float32(beside(rows + 1))
	factor[rows+1] = float32(beside(rows))
}

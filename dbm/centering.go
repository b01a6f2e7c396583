package dbm

import "tandem/dbm/kernel"

// Centering (Montavon and Müller 2012; Melchior, Fischer and Wiskott 2016) learns
// as if every unit were measured from an offset near its mean, which makes the
// gradients of weights and biases nearly independent of each other. The energy
// stays as it is; what changes is the direction of an update. With offsets c_l of
// layer l, and a_l = ⟨x_l⟩_minibatch − ⟨x_l⟩_chains,
//
//	ΔW_l = ⟨(x_{l-1}−c_{l-1})(x_l−c_l)ᵀ⟩_minibatch − ⟨(x_{l-1}−c_{l-1})(x_l−c_l)ᵀ⟩_chains
//	     = ⟨x_{l-1} x_lᵀ⟩_minibatch − ⟨x_{l-1} x_lᵀ⟩_chains − c_{l-1} a_lᵀ − a_{l-1} c_lᵀ
//	Δb_l = a_l − ΔW_{l+1} c_{l+1} − ΔW_lᵀ c_{l-1}
//
// So two more rows for the kernels, of factors (c_{l-1}, −a_l) and (a_{l-1}, −c_l),
// are all that the weights need. Δb_l is a sum over the same rows of x_l, each times
// a number made of the products of its neighbours with their offsets. A pixel that
// never changes has offset 0, and is learnt as without centering. Where layers
// learn at rates of their own, that of layer l stands before a_l and ΔW_l.
//
// Where the posterior is drawn (posterior.go), layer 1 has other rows for W_1 than
// for W_2, and an a_1 of each; Δb_1 is a sum over the one, which has a_1 and ΔW_1,
// and a sum over the other, which has ΔW_2.
//
// Afterwards the offsets move towards the means of the minibatch:
// c_l += rate·(⟨x_l⟩_minibatch − c_l).

// centering is what a Trainer needs for it.
type centering struct {
	offsets [][]float32  // c_l: Stride(layers[l])
	mean    [][]float32  // ⟨x_l⟩_minibatch
	along   [][]float64  // along[l][r] = x_l·c_l of row r, the last two rows included
	first   []float64    // along[1] for the layer below it, as Trainer.first is x[1]
	scale   [][]float32  // for the biases of layer l, the factor of each row
	upper   []float32    // where the posterior is drawn: what of scale[1] is of the layer above, and is the factor of x[1], not of Trainer.first
	rows    kernel.Lists // the pixels of the last two rows that are not 0
}

// rowsMore is the number of rows that centering adds: the offsets, then a_l.
const rowsMore = 2

func newCentering(c *Config, s *State) *centering {
	rows := c.Batch + c.Chains + rowsMore
	z := &centering{}
	for l, n := range c.Layers {
		z.offsets = append(z.offsets, make([]float32, n))
		copy(z.offsets[l], s.Offsets[l])
		z.mean = append(z.mean, make([]float32, n))
		z.along = append(z.along, make([]float64, rows))
		z.scale = append(z.scale, make([]float32, rows))
	}
	if z.first = z.along[1]; c.SamplePosterior {
		z.first, z.upper = make([]float64, rows), make([]float32, rows)
	}
	return z
}

// measure multiplies rows [from, to) by the offsets.
func (t *Trainer) measure(from, to int) {
	for l, n := range t.config.Layers {
		for r := from; r < to; r++ {
			t.centering.along[l][r] = kernel.Dot(t.x[l][r*kernel.Stride(n):][:n], t.centering.offsets[l])
			if l == 1 && t.config.SamplePosterior {
				t.centering.first[r] = kernel.Dot(t.first[r*kernel.Stride(n):][:n], t.centering.offsets[l])
			}
		}
	}
}

// centre makes the last two rows of every layer and the factors of the biases,
// once the other rows are there, and moves the offsets.
func (t *Trainer) centre() {
	z, layers := t.centering, t.config.Layers
	batch, rows := t.config.Batch, t.config.Batch+t.config.Chains
	for l, n := range layers {
		stride := kernel.Stride(n)
		lastRows := func(x []float32) (offset, a []float32) {
			offset, a = x[rows*stride:][:n], x[(rows+1)*stride:][:n]
			copy(offset, z.offsets[l])
			clear(a)
			t.kernels.LearnBias(a, x, stride, t.scale[:rows], 1)
			return offset, a
		}
		offset, a := lastRows(t.x[l])
		if l == 1 && t.config.SamplePosterior {
			offset, a = lastRows(t.first)
		}
		if l > 0 {
			t.kernels.Scale(t.y[l][rows*stride:][:n], a, -1)
			t.kernels.Scale(t.y[l][(rows+1)*stride:][:n], offset, -1)
		}
		clear(z.mean[l])
		t.kernels.LearnBias(z.mean[l], t.toBelow(l), stride, t.scale[:batch], 1)
	}
	t.measure(rows, rows+rowsMore)
	for l := range layers {
		if l == 1 && t.config.SamplePosterior {
			z.factors(z.scale[l], t.scale[:rows], t.config.rateShare(l), func(r int) float64 { return t.below(l, r) })
			z.factors(z.upper, t.scale[:rows], 0, func(r int) float64 { return t.above(l, r) })
			continue
		}
		z.factors(z.scale[l], t.scale[:rows], t.config.rateShare(l), func(r int) float64 { return t.below(l, r) + t.above(l, r) })
	}
	for l := range layers {
		for i, c := range z.offsets[l] {
			z.offsets[l][i] = float32(float64(c) + float64(t.config.OffsetRate*(float64(z.mean[l][i])-float64(c))))
		}
	}
	z.rows.Reset()
	for r := rows; r < rows+rowsMore; r++ {
		z.rows.Add(t.kernels, t.x[0][r*kernel.Stride(layers[0]):][:layers[0]])
	}
}

// factors are what the rows of x_l count for in the biases of layer l: scale of the
// rows, and beside, the sum of x·c over layers next to l.
func (z *centering) factors(out, scale []float32, share float64, beside func(r int) float64) {
	rows := len(scale)
	for r, x := range scale {
		out[r] = float32(float64(x) * (share - beside(r)))
	}
	out[rows] = float32(beside(rows + 1))
	out[rows+1] = float32(beside(rows))
}

// below is x·c of the layer below l, for a row, times the share of the rate which
// the weights between the two have; 0 of the visible layer.
func (t *Trainer) below(l, r int) float64 {
	if l == 0 {
		return 0
	}
	return float64(t.config.rateShare(l) * t.centering.along[l-1][r])
}

// above is the same of the layer above l.
func (t *Trainer) above(l, r int) float64 {
	switch {
	case l+1 == len(t.config.Layers):
		return 0
	case l == 0:
		return float64(t.config.rateShare(1) * t.centering.first[r])
	}
	return float64(t.config.rateShare(l+1) * t.centering.along[l+1][r])
}

package dbm

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
// Afterwards the offsets move towards the means of the minibatch:
// c_l += rate·(⟨x_l⟩_minibatch − c_l).

// centering is what a Trainer needs for it.
type centering struct {
	offsets [][]float32 // c_l: Stride(layers[l])
	mean    [][]float32 // ⟨x_l⟩_minibatch
	along   [][]float64 // along[l][r] = x_l·c_l of row r, the last two rows included
	scale   [][]float32 // for the biases of layer l, the factor of each row
	rows    Lists       // the pixels of the last two rows that are not 0
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
	return z
}

// measure multiplies rows [from, to) by the offsets.
func (t *Trainer) measure(from, to int) {
	for l, n := range t.config.Layers {
		for r := from; r < to; r++ {
			t.centering.along[l][r] = dot(t.x[l][r*Stride(n):][:n], t.centering.offsets[l])
		}
	}
}

// dot is x·y in float64, in four lanes, element i in lane i mod 4, which end as
// (lane 0 + lane 1) + (lane 2 + lane 3). The products are exact.
func dot(x, y []float32) float64 {
	var a, b, c, d float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		x, y := x[i:i+4:i+4], y[i:i+4:i+4]
		a += float64(x[0]) * float64(y[0])
		b += float64(x[1]) * float64(y[1])
		c += float64(x[2]) * float64(y[2])
		d += float64(x[3]) * float64(y[3])
	}
	for lane := [3]*float64{&a, &b, &c}; i < len(x); i++ {
		*lane[i%4] += float64(x[i]) * float64(y[i])
	}
	return (a + b) + (c + d)
}

// centre makes the last two rows of every layer and the factors of the biases,
// once the other rows are there, and moves the offsets.
func (t *Trainer) centre() {
	z, layers := t.centering, t.config.Layers
	batch, rows := t.config.Batch, t.config.Batch+t.config.Chains
	for l, n := range layers {
		stride := Stride(n)
		offset, a := t.x[l][rows*stride:][:n], t.x[l][(rows+1)*stride:][:n]
		copy(offset, z.offsets[l])
		clear(a)
		t.kernels.LearnBias(a, t.x[l], stride, t.scale[:rows], 1)
		if l > 0 {
			t.kernels.Scale(t.y[l][rows*stride:][:n], a, -1)
			t.kernels.Scale(t.y[l][(rows+1)*stride:][:n], offset, -1)
		}
		clear(z.mean[l])
		t.kernels.LearnBias(z.mean[l], t.x[l], stride, t.scale[:batch], 1)
	}
	t.measure(rows, rows+rowsMore)
	for l := range layers {
		for r := range rows {
			z.scale[l][r] = float32(float64(t.scale[r]) * (t.config.rateShare(l) - t.beside(l, r)))
		}
		z.scale[l][rows] = float32(t.beside(l, rows+1))
		z.scale[l][rows+1] = float32(t.beside(l, rows))
	}
	for l := range layers {
		for i, c := range z.offsets[l] {
			z.offsets[l][i] = float32(float64(c) + float64(t.config.OffsetRate*(float64(z.mean[l][i])-float64(c))))
		}
	}
	z.rows.Reset()
	for r := rows; r < rows+rowsMore; r++ {
		z.rows.Add(t.kernels, t.x[0][r*Stride(layers[0]):][:layers[0]])
	}
}

// beside is the sum of x·c over the layers next to l, for a row, each times the
// share of the rate which the weights between the two have.
func (t *Trainer) beside(l, r int) float64 {
	sum := 0.0
	if l > 0 {
		sum += float64(t.config.rateShare(l) * t.centering.along[l-1][r])
	}
	if l+1 < len(t.config.Layers) {
		sum += float64(t.config.rateShare(l+1) * t.centering.along[l+1][r])
	}
	return sum
}

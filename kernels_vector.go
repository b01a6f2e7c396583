//go:build amd64 || arm64

package main

// The kernels over assembly: loops over panels, tiles and blocks, alike for every
// set of vector instructions, around a few loops that each set has of its own:
//
//	product               a tile of rows × one or two panels of a product
//	nonzero               one row × some panels of a product with a list of nonzeros
//	sigmoidBlock          rows × panels
//	sampleBlock           rows × panels
//	learnTile             a tile of units × one or two panels of the gradient, and the step
//	learnNonzero          all units × some panels of the same, with lists
//	squares               the sums of squares of one panel
//	transpose             one panel
//	bias, scale           vectors
//	softplusRow           one row × panels
//
// and lists and adam, which are in Go where there is no assembly for them.
//
// Assembly cannot be preempted, so products and gradients, where the work is, are
// called for a fraction of a millisecond at a time: dense chains are cut every
// maxChain terms, those of lists every few stretches, which costs a store and a load
// but no rounding, and rows every maxRows.

import "tandem/dbm/kernel"

const (
	maxChain = 2048 // terms of a chain in one call
	maxRows  = 64   // rows of a pass in one call
	maxGroup = 8    // panels worked on together, at most
)

// vector is a set of vector instructions.
type vector struct {
	name    string
	wide    bool // AVX-512, where amd64 has a choice
	group   int  // panels worked on together
	abreast int  // panels of a tile, where there are so many
	tallest int  // rows, or units, of the tallest such tile

	stretches int // of the input that lists are followed through at a time: 64 KiB of a group's weights, by measurement
}

// kernels are the kernels in these instructions.
func (v *vector) kernels() kernel.Set {
	return kernel.Set{
		Name:      v.name,
		Linear:    v.linear,
		Sigmoid:   v.sigmoidPass,
		Sample:    v.samplePass,
		Learn:     v.learn,
		Refresh:   refresh,
		List:      v.lists,
		LearnBias: learnBias,
		Scale:     scaleBy,
		Softplus:  v.softplusPass,
		Adam:      v.adam,
	}
}

// pre computes rows [row, row+rows) × panels [panel, panel+panels) of a pass
// into out, with stride floats a row. panels is at most v.group.
func (v *vector) pre(p *kernel.Pass, row, rows, panel, panels int, out []float32, stride int) {
	start, startStride := p.Start[row*p.StartStride+panel*kernel.Panel:], p.StartStride
	for _, in := range [2]*kernel.Input{&p.Below, &p.Above} {
		if in.K == 0 {
			continue
		}
		size := kernel.Padded(in.K) * kernel.Panel
		if in.Nonzero != nil {
			v.preNonzero(in, row, rows, panel, panels, start, startStride, out, stride)
		} else {
			for i, n := 0, 0; i < panels; i += n {
				n = min(v.abreast, panels-i)
				v.preDense(in, row, rows, n, in.W[(panel+i)*size:][:n*size], start[i*kernel.Panel:], startStride, out[i*kernel.Panel:], stride)
			}
		}
		start, startStride = out, stride
	}
	if p.Below.K == 0 && p.Above.K == 0 {
		for r := range rows {
			for j := range panels * kernel.Panel {
				out[r*stride+j] = start[r*startStride+j] + 0
			}
		}
	}
}

// preDense computes a tile's width of panels from dense rows.
func (v *vector) preDense(in *kernel.Input, row, rows, panels int, w, start []float32, startStride int, out []float32, stride int) {
	size := len(w) / panels
	for k := 0; k < in.K; k += maxChain {
		n := min(maxChain, in.K-k)
		x := in.X[row*in.Stride+k:]
		_ = x[(rows-1)*in.Stride+n-1]
		_ = start[(rows-1)*startStride+panels*kernel.Panel-1]
		_ = out[(rows-1)*stride+panels*kernel.Panel-1]
		tall, tiles, rest := tile(rows, v.height(panels))
		v.product(panels, tall, &out[0], stride, &start[0], startStride, &x[0], in.Stride, &w[k*kernel.Panel], size, n, tiles)
		if rest > 0 {
			r := tall * tiles
			v.product(panels, tall-1, &out[r*stride], stride, &start[r*startStride], startStride, &x[r*in.Stride], in.Stride, &w[k*kernel.Panel], size, n, rest)
		}
		start, startStride = out, stride
	}
}

// tile cuts n rows into as few tiles of height most as can be, as even as can
// be: some of height tall, and rest of them one lower.
func tile(n, most int) (tall, tiles, rest int) {
	count := (n + most - 1) / most
	tall = (n + count - 1) / count
	tiles = n - count*(tall-1)
	return tall, tiles, count - tiles
}

// preNonzero computes some panels from lists of the nonzeros of rows, for so few
// units of the input at a time that their weights stay near while all rows use them.
func (v *vector) preNonzero(in *kernel.Input, row, rows, panel, panels int, start []float32, startStride int, out []float32, stride int) {
	size, all := kernel.Padded(in.K)*kernel.Panel, kernel.Stretches(in.K)
	w, lists := in.W[panel*size:][:panels*size], in.Nonzero
	for from, to := 0, 0; from < all; from = to {
		to = min(from+v.stretches, all)
		for r := range rows {
			a, b := lists.Cuts[(row+r)*all+from], lists.Cuts[(row+r)*all+to]
			start, out := start[r*startStride:][:panels*kernel.Panel], out[r*stride:][:panels*kernel.Panel]
			if a == b {
				if from == 0 {
					for j, x := range start {
						out[j] = x + 0
					}
				}
				continue
			}
			index, value := lists.Index[a:b], lists.Value[a:b]
			for i, some := 0, 0; i < panels; i += some {
				some = v.some(panels - i)
				v.nonzero(some, &out[i*kernel.Panel], &start[i*kernel.Panel], &index[0], &value[0], len(index), &w[i*size], size)
			}
		}
		start, startStride = out, stride
	}
}

// linear is Kernels.Linear.
func (v *vector) linear(p *kernel.Pass) {
	for panel := 0; panel < p.Panels; panel += v.group {
		panels := min(v.group, p.Panels-panel)
		for row := 0; row < p.Rows; row += maxRows {
			rows := min(maxRows, p.Rows-row)
			v.pre(p, row, rows, panel, panels, p.Out[row*p.Stride+panel*kernel.Panel:], p.Stride)
		}
	}
}

// block is room for what a group of panels has computed before it is squashed.
// Its rows are a panel longer than need be, so as not to share sets of the cache.
type block [maxRows * blockStride]float32

const blockStride = (maxGroup + 1) * kernel.Panel

// sigmoidPass is Kernels.Sigmoid.
func (v *vector) sigmoidPass(p *kernel.Pass, change []float32) {
	var b block
	var none [maxRows]float32
	for panel := 0; panel < p.Panels; panel += v.group {
		panels := min(v.group, p.Panels-panel)
		for row := 0; row < p.Rows; row += maxRows {
			rows := min(maxRows, p.Rows-row)
			v.pre(p, row, rows, panel, panels, b[:], blockStride)
			out := p.Out[row*p.Stride+panel*kernel.Panel:]
			_ = out[(rows-1)*p.Stride+panels*kernel.Panel-1]
			largest := none[:rows]
			if change != nil {
				largest = change[row:][:rows]
			}
			v.sigmoidBlock(&out[0], p.Stride, &b[0], blockStride, rows, panels, &largest[0])
		}
	}
}

// samplePass is Kernels.Sample.
func (v *vector) samplePass(p *kernel.Pass, d kernel.Draw) {
	var b block
	for panel := 0; panel < p.Panels; panel += v.group {
		panels := min(v.group, p.Panels-panel)
		for row := 0; row < p.Rows; row += maxRows {
			rows := min(maxRows, p.Rows-row)
			v.pre(p, row, rows, panel, panels, b[:], blockStride)
			out := p.Out[row*p.Stride+panel*kernel.Panel:]
			_ = out[(rows-1)*p.Stride+panels*kernel.Panel-1]
			v.sampleBlock(&out[0], p.Stride, &b[0], blockStride, rows, panels,
				uint32(d.Seed), uint32(d.Seed>>32), uint32(panel*kernel.Panel/4), d.Row+uint32(row), d.Update, d.Tag)
		}
	}
}

// learn is Kernels.Learn.
func (v *vector) learn(s *kernel.Step) {
	size := kernel.Padded(s.Below) * kernel.Panel
	for from := s.From; from < s.To; from += v.group {
		panels := min(v.group, s.To-from)
		w := s.W[from*size:][:panels*size]
		pull := s.Pull[from*kernel.Panel:][:panels*kernel.Panel]
		y := s.Y[from*kernel.Panel:]
		_ = y[(s.Rows-1)*s.YStride+panels*kernel.Panel-1]
		if s.Nonzero != nil {
			v.learnLists(s, w, y, pull, panels, size)
		} else {
			for i, n := 0, 0; i < panels; i += n {
				n = min(v.abreast, panels-i)
				v.learnDense(s, n, w[i*size:], y[i*kernel.Panel:], pull[i*kernel.Panel:])
			}
		}
	}
}

// refresh is Kernels.Refresh.
func refresh(s *kernel.Step) {
	below, units := kernel.Padded(s.Below), kernel.Padded(s.Units)
	size := below * kernel.Panel
	_ = s.Back[below*units-1]
	for panel := s.From; panel < s.To; panel++ {
		w := s.W[panel*size:][:size]
		squares(&s.Squares[panel*kernel.Panel:][:kernel.Panel][0], &w[0], below)
		transpose(&s.Back[panel*kernel.Panel*kernel.Panel], units*kernel.Panel, &w[0], below/kernel.Panel)
	}
}

// learnDense learns a tile's width of panels from dense rows. Every call works on
// a run of units that keeps it short.
func (v *vector) learnDense(s *kernel.Step, panels int, w, y, pull []float32) {
	height, size := v.height(panels), kernel.Padded(s.Below)*kernel.Panel
	most := max(height, 1<<16/s.Rows/height*height)
	for i := 0; i < s.Below; i += most {
		n := min(most, s.Below-i)
		x := s.X[i:]
		_ = x[(s.Rows-1)*s.XStride+n-1]
		tall, tiles, rest := tile(n, height)
		v.learnTile(panels, tall, &w[i*kernel.Panel], size, &x[0], s.XStride, &y[0], s.YStride, s.Rows, &pull[0], s.Rate, tiles)
		if rest > 0 {
			r := tall * tiles
			v.learnTile(panels, tall-1, &w[(i+r)*kernel.Panel], size, &x[r], s.XStride, &y[0], s.YStride, s.Rows, &pull[0], s.Rate, rest)
		}
	}
}

// learnLists learns some panels from lists of the rows in which each unit is not 0.
func (v *vector) learnLists(s *kernel.Step, w, y, pull []float32, panels, size int) {
	most := max(1, 1<<16/s.Rows)
	for i := 0; i < s.Below; i += most {
		n := min(most, s.Below-i)
		start := s.Nonzero.Start[i:][:n+1]
		index, value := s.Nonzero.Index[:start[n]], s.Nonzero.Value[:start[n]]
		if len(index) == 0 {
			index, value = []int32{0}, []float32{0} // never read
		}
		for p, some := 0, 0; p < panels; p += some {
			some = v.some(panels - p)
			v.learnNonzero(some, &w[p*size+i*kernel.Panel], size, &start[0], &index[0], &value[0], &y[p*kernel.Panel], s.YStride, &pull[p*kernel.Panel], s.Rate, n)
		}
	}
}

// learnBias is Kernels.LearnBias. Whole panels go to the vectors, the rest of
// the bias to the definition.
func learnBias(b, x []float32, stride int, scale []float32, rate float32) {
	whole := len(b) / kernel.Panel * kernel.Panel
	if whole > 0 {
		_ = x[(len(scale)-1)*stride+whole-1]
		bias(&b[0], whole/kernel.Panel, &x[0], stride, &scale[0], len(scale), rate)
	}
	learnBiasGeneric(b[whole:], x[whole:], stride, scale, rate)
}

// scaleBy is Kernels.Scale.
func scaleBy(dst, src []float32, by float32) {
	whole := len(src) / kernel.Panel * kernel.Panel
	if whole > 0 {
		_ = dst[whole-1]
		scale(&dst[0], &src[0], whole/kernel.Panel, by)
	}
	scaleGeneric(dst[whole:], src[whole:], by)
}

// softplusPass is Kernels.Softplus.
func (v *vector) softplusPass(pre, a []float32, to, from kernel.Tempered, sums *[kernel.Panel]float32) {
	if len(a) == 0 {
		return
	}
	last := len(a) - 1
	_, _, _ = pre[last], to.Bias[last], from.Bias[last]
	v.softplusRow(&pre[0], &a[0], &to.Bias[0], &from.Bias[0], to.Beta, from.Beta, len(a)/kernel.Panel, &sums[0])
}

// In the stubs below, those that AVX2 and NEON share, strides count float32.

//go:noescape
func product(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int,
	w *float32, panelStride, k, tiles int)

//go:noescape
func nonzero1(out, start *float32, index *int32, value *float32, n int, w *float32, rowStride int)

//go:noescape
func nonzero4(out, start *float32, index *int32, value *float32, n int, w *float32, panelStride, rowStride int)

//go:noescape
func sigmoidBlock(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32)

//go:noescape
func sampleBlock(out *float32, outStride int, pre *float32, preStride, rows, panels int, key0, key1, counter, row, update, tag uint32)

//go:noescape
func learn(height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int,
	pull *float32, rate float32, tiles int)

//go:noescape
func learnNonzero1(w *float32, start, index *int32, value, y *float32, yStride int, pull *float32, rate float32, units int)

//go:noescape
func learnNonzero4(w *float32, panelStride int, start, index *int32, value, y *float32, yStride int, pull *float32, rate float32, units int)

//go:noescape
func squares(sums, w *float32, rows int)

//go:noescape
func transpose(dst *float32, dstStride int, src *float32, blocks int)

//go:noescape
func bias(b *float32, panels int, x *float32, stride int, scale *float32, rows int, rate float32)

//go:noescape
func scale(dst, src *float32, panels int, by float32)

//go:noescape
func softplusRow(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32)

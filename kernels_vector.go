//go:build amd64 || arm64

package main

// The kernels over assembly: loops over panels, tiles and blocks, alike on
// amd64 and arm64, around a few loops of each machine's own:
//
//	product1 … product6   a tile of rows × one panel of a product
//	nonzero1, nonzero4    one row × one or four panels of a product with a list of nonzeros
//	sigmoidBlock          rows × panels
//	sampleBlock           rows × panels
//	learn1 … learn6       a tile of units × one panel of the gradient, and the step
//	learnNonzero1, 4      all units × one or four panels of the same, with lists
//	squares               the sums of squares of one panel
//	transpose             one panel
//	bias, scale           vectors
//	softplusRow           one row × panels
//
// and lists, which is in Go where there is no assembly for it.
//
// Assembly cannot be preempted, so products and gradients, where the work is, are
// called for a fraction of a millisecond at a time: chains are cut every maxChain
// terms, which costs a store and a load but no rounding, and rows every maxRows.

import "tandem/dbm"

const (
	maxChain = 2048 // terms of a chain in one call
	maxRows  = 64   // rows of a pass in one call
	group    = 4    // panels worked on together
)

// pre computes rows [row, row+rows) × panels [panel, panel+panels) of a pass
// into out, with stride floats a row. panels is at most group.
func pre(p *dbm.Pass, row, rows, panel, panels int, out []float32, stride int) {
	start, startStride := p.Start[row*p.StartStride+panel*dbm.Panel:], p.StartStride
	for _, in := range [2]*dbm.Input{&p.Below, &p.Above} {
		if in.K == 0 {
			continue
		}
		size := dbm.Padded(in.K) * dbm.Panel
		if in.Nonzero != nil {
			preNonzero(in, row, rows, panel, panels, start, startStride, out, stride)
		} else {
			for i := range panels {
				preDense(in, row, rows, in.W[(panel+i)*size:][:size], start[i*dbm.Panel:], startStride, out[i*dbm.Panel:], stride)
			}
		}
		start, startStride = out, stride
	}
	if p.Below.K == 0 && p.Above.K == 0 {
		for r := range rows {
			for j := range panels * dbm.Panel {
				out[r*stride+j] = start[r*startStride+j] + 0
			}
		}
	}
}

// preDense computes one panel from dense rows.
func preDense(in *dbm.Input, row, rows int, w, start []float32, startStride int, out []float32, stride int) {
	for k := 0; k < in.K; k += maxChain {
		n := min(maxChain, in.K-k)
		x := in.X[row*in.Stride+k:]
		_ = x[(rows-1)*in.Stride+n-1]
		_ = start[(rows-1)*startStride+dbm.Panel-1]
		_ = out[(rows-1)*stride+dbm.Panel-1]
		tall, tiles, rest := tile(rows)
		product(tall, &out[0], stride, &start[0], startStride, &x[0], in.Stride, &w[k*dbm.Panel], n, tiles)
		if rest > 0 {
			r := tall * tiles
			product(tall-1, &out[r*stride], stride, &start[r*startStride], startStride, &x[r*in.Stride], in.Stride, &w[k*dbm.Panel], n, rest)
		}
		start, startStride = out, stride
	}
}

// tile cuts n rows into as few tiles as can be, as even as can be: some of
// height tall, and rest of them one lower.
func tile(n int) (tall, tiles, rest int) {
	count := (n + maxTile - 1) / maxTile
	tall = (n + count - 1) / count
	tiles = n - count*(tall-1)
	return tall, tiles, count - tiles
}

// preNonzero computes some panels from lists of the nonzeros of rows.
func preNonzero(in *dbm.Input, row, rows, panel, panels int, start []float32, startStride int, out []float32, stride int) {
	size := dbm.Padded(in.K) * dbm.Panel
	w := in.W[panel*size:][:panels*size]
	for r := range rows {
		from, to := in.Nonzero.Start[row+r], in.Nonzero.Start[row+r+1]
		index, value := in.Nonzero.Index[from:to], in.Nonzero.Value[from:to]
		start, out := start[r*startStride:][:panels*dbm.Panel], out[r*stride:][:panels*dbm.Panel]
		if len(index) == 0 {
			for j, x := range start {
				out[j] = x + 0
			}
			continue
		}
		for k := 0; k < len(index); k += maxChain {
			n := min(maxChain, len(index)-k)
			if panels == group {
				nonzero4(&out[0], &start[0], &index[k], &value[k], n, &w[0], size, dbm.Panel)
			} else {
				for i := range panels {
					nonzero1(&out[i*dbm.Panel], &start[i*dbm.Panel], &index[k], &value[k], n, &w[i*size], dbm.Panel)
				}
			}
			start = out
		}
	}
}

// vector is the kernels in assembly.
var vector = dbm.Kernels{
	Name:      vectorName,
	Linear:    linear,
	Sigmoid:   sigmoidPass,
	Sample:    samplePass,
	Learn:     learn,
	Refresh:   refresh,
	List:      lists,
	LearnBias: learnBias,
	Scale:     scaleBy,
	Softplus:  softplusPass,
}

// linear is Kernels.Linear.
func linear(p *dbm.Pass) {
	for panel := 0; panel < p.Panels; panel += group {
		panels := min(group, p.Panels-panel)
		for row := 0; row < p.Rows; row += maxRows {
			rows := min(maxRows, p.Rows-row)
			pre(p, row, rows, panel, panels, p.Out[row*p.Stride+panel*dbm.Panel:], p.Stride)
		}
	}
}

// block is room for what a group of panels has computed before it is squashed.
// Its rows are a panel longer than need be, so as not to share sets of the cache.
type block [maxRows * blockStride]float32

const blockStride = (group + 1) * dbm.Panel

// sigmoidPass is Kernels.Sigmoid.
func sigmoidPass(p *dbm.Pass, change []float32) {
	var b block
	var none [maxRows]float32
	for panel := 0; panel < p.Panels; panel += group {
		panels := min(group, p.Panels-panel)
		for row := 0; row < p.Rows; row += maxRows {
			rows := min(maxRows, p.Rows-row)
			pre(p, row, rows, panel, panels, b[:], blockStride)
			out := p.Out[row*p.Stride+panel*dbm.Panel:]
			_ = out[(rows-1)*p.Stride+panels*dbm.Panel-1]
			largest := none[:rows]
			if change != nil {
				largest = change[row:][:rows]
			}
			sigmoidBlock(&out[0], p.Stride, &b[0], blockStride, rows, panels, &largest[0])
		}
	}
}

// samplePass is Kernels.Sample.
func samplePass(p *dbm.Pass, d dbm.Draw) {
	var b block
	for panel := 0; panel < p.Panels; panel += group {
		panels := min(group, p.Panels-panel)
		for row := 0; row < p.Rows; row += maxRows {
			rows := min(maxRows, p.Rows-row)
			pre(p, row, rows, panel, panels, b[:], blockStride)
			out := p.Out[row*p.Stride+panel*dbm.Panel:]
			_ = out[(rows-1)*p.Stride+panels*dbm.Panel-1]
			sampleBlock(&out[0], p.Stride, &b[0], blockStride, rows, panels,
				uint32(d.Seed), uint32(d.Seed>>32), uint32(panel*dbm.Panel/4), d.Row+uint32(row), d.Update, d.Tag)
		}
	}
}

// learn is Kernels.Learn.
func learn(s *dbm.Step) {
	size := dbm.Padded(s.Below) * dbm.Panel
	for from := s.From; from < s.To; from += group {
		panels := min(group, s.To-from)
		w := s.W[from*size:][:panels*size]
		pull := s.Pull[from*dbm.Panel:][:panels*dbm.Panel]
		y := s.Y[from*dbm.Panel:]
		_ = y[(s.Rows-1)*s.YStride+panels*dbm.Panel-1]
		if s.Nonzero != nil {
			learnLists(s, w, y, pull, panels, size)
		} else {
			for i := range panels {
				learnDense(s, w[i*size:], y[i*dbm.Panel:], pull[i*dbm.Panel:])
			}
		}
	}
}

// refresh is Kernels.Refresh.
func refresh(s *dbm.Step) {
	below, units := dbm.Padded(s.Below), dbm.Padded(s.Units)
	size := below * dbm.Panel
	_ = s.Back[below*units-1]
	for panel := s.From; panel < s.To; panel++ {
		w := s.W[panel*size:][:size]
		squares(&s.Squares[panel*dbm.Panel:][:dbm.Panel][0], &w[0], below)
		transpose(&s.Back[panel*dbm.Panel*dbm.Panel], units*dbm.Panel, &w[0], below/dbm.Panel)
	}
}

// learnDense learns one panel from dense rows. Every call works on a run of
// units that keeps it short.
func learnDense(s *dbm.Step, w, y, pull []float32) {
	most := max(maxTile, 1<<16/s.Rows/maxTile*maxTile)
	for i := 0; i < s.Below; i += most {
		n := min(most, s.Below-i)
		x := s.X[i:]
		_ = x[(s.Rows-1)*s.XStride+n-1]
		tall, tiles, rest := tile(n)
		learnTile(tall, &w[i*dbm.Panel], &x[0], s.XStride, &y[0], s.YStride, s.Rows, &pull[0], s.Rate, tiles)
		if rest > 0 {
			r := tall * tiles
			learnTile(tall-1, &w[(i+r)*dbm.Panel], &x[r], s.XStride, &y[0], s.YStride, s.Rows, &pull[0], s.Rate, rest)
		}
	}
}

// learnLists learns some panels from lists of the rows in which each unit is not 0.
func learnLists(s *dbm.Step, w, y, pull []float32, panels, size int) {
	most := max(1, 1<<16/s.Rows)
	for i := 0; i < s.Below; i += most {
		n := min(most, s.Below-i)
		start := s.Nonzero.Start[i:][:n+1]
		index, value := s.Nonzero.Index[:start[n]], s.Nonzero.Value[:start[n]]
		if len(index) == 0 {
			index, value = []int32{0}, []float32{0} // never read
		}
		if panels == group {
			learnNonzero4(&w[i*dbm.Panel], size, &start[0], &index[0], &value[0], &y[0], s.YStride, &pull[0], s.Rate, n)
			continue
		}
		for p := range panels {
			learnNonzero1(&w[p*size+i*dbm.Panel], &start[0], &index[0], &value[0], &y[p*dbm.Panel], s.YStride, &pull[p*dbm.Panel], s.Rate, n)
		}
	}
}

// learnBias is Kernels.LearnBias. Whole panels go to the vectors, the rest of
// the bias to the definition.
func learnBias(b, x []float32, stride int, scale []float32, rate float32) {
	whole := len(b) / dbm.Panel * dbm.Panel
	if whole > 0 {
		_ = x[(len(scale)-1)*stride+whole-1]
		bias(&b[0], whole/dbm.Panel, &x[0], stride, &scale[0], len(scale), rate)
	}
	learnBiasGeneric(b[whole:], x[whole:], stride, scale, rate)
}

// scaleBy is Kernels.Scale.
func scaleBy(dst, src []float32, by float32) {
	whole := len(src) / dbm.Panel * dbm.Panel
	if whole > 0 {
		_ = dst[whole-1]
		scale(&dst[0], &src[0], whole/dbm.Panel, by)
	}
	scaleGeneric(dst[whole:], src[whole:], by)
}

// softplusPass is Kernels.Softplus.
func softplusPass(pre, a []float32, to, from dbm.Tempered, sums *[dbm.Panel]float32) {
	if len(a) == 0 {
		return
	}
	last := len(a) - 1
	_, _, _ = pre[last], to.Bias[last], from.Bias[last]
	softplusRow(&pre[0], &a[0], &to.Bias[0], &from.Bias[0], to.Beta, from.Beta, len(a)/dbm.Panel, &sums[0])
}

// In the stubs below strides count float32.

//go:noescape
func product1(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, k, tiles int)

//go:noescape
func product2(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, k, tiles int)

//go:noescape
func product3(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, k, tiles int)

//go:noescape
func product4(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, k, tiles int)

//go:noescape
func product5(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, k, tiles int)

//go:noescape
func nonzero1(out, start *float32, index *int32, value *float32, n int, w *float32, rowStride int)

//go:noescape
func nonzero4(out, start *float32, index *int32, value *float32, n int, w *float32, panelStride, rowStride int)

//go:noescape
func sigmoidBlock(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32)

//go:noescape
func sampleBlock(out *float32, outStride int, pre *float32, preStride, rows, panels int, key0, key1, counter, row, update, tag uint32)

//go:noescape
func learn1(w, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func learn2(w, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func learn3(w, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func learn4(w, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func learn5(w, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

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

//go:build amd64 || arm64

package main

// The kernels over assembly. Loops over groups of panels, over tiles and over blocks of
// rows are here, once for all instruction sets. The innermost loops are in assembly,
// once for each: the functions of type vector.
//
// A product is computed in tiles: some rows × one or two panels, whose sums stay in
// registers from the first unit of the input to the last. For each unit, a tile of h
// rows × p registers loads p registers of weights and h numbers, and makes h·p
// multiply-adds. The larger the tile, the fewer loads for each multiply-add, until the
// registers run out:
//
//	         registers  tile     sums  weights  rows
//	AVX2     16         6 × 16   12    2        2
//	AVX-512  32         13 × 32  26    2        4
//	NEON     32         5 × 16   20    4        5
//
// A register of a row holds one number on amd64, which multiplies a vector by a vector,
// and four on arm64, which multiplies a vector by a lane.
//
// Go cannot preempt assembly. So products and gradients, where the work is, are called
// for a fraction of a millisecond at a time. Dense chains are cut every maxChain terms,
// those of lists every few stretches, and rows every maxRows. A cut costs a store and a
// load, but no rounding.

import (
	"sync"

	"tandem/dbm/kernel"
)

const (
	maxChain = 2048 // terms of a chain in one call
	maxRows  = 64   // rows of a pass in one call
	maxGroup = 8    // panels of the largest group
)

// vector is a set of vector instructions: its sizes and its loops. Strides count float32.
type vector struct {
	name  string
	group int // panels worked on together

	// stretches is how many stretches of the input the lists of all rows are followed
	// through before the next: 64 KiB of a group's weights, by measurement.
	stretches int

	// tiles has the loops over dense rows, the widest tile first. The last one is one
	// panel wide.
	tiles []tile

	// nonzero computes one row × 1, 4 or 8 panels of a product from a list of n nonzeros.
	nonzero func(panels int, out, start *float32, index *int32, value *float32, n int,
		w *float32, panelStride int)

	// learnNonzero computes the gradient of all units × 1, 4 or 8 panels from lists, and
	// takes the step.
	learnNonzero func(panels int, w *float32, panelStride int, start, index *int32, value, y *float32,
		yStride int, pull *float32, rate float32, units int)

	// sigmoid computes out = σ(pre) and raises change, one number for each row.
	sigmoid func(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32)

	// sample computes out = 1 where a uniform number is below σ(pre), else 0.
	sample func(out *float32, outStride int, pre *float32, preStride, rows, panels int,
		key0, key1, counter, row, update, tag uint32)

	// softplus is Softplus of kernel.Set for whole panels.
	softplus func(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32)

	// squares computes the sums of squares of the columns of a panel.
	squares func(sums, w *float32, rows int)

	// transpose transposes a panel, in blocks of 16 × 16.
	transpose func(dst *float32, dstStride int, src *float32, blocks int)

	// bias, scale, list and adam are LearnBias, Scale, List and Adam of kernel.Set for
	// whole panels. list and adam may be nil.
	bias  func(b *float32, panels int, x *float32, stride int, scale *float32, rows int, rate float32)
	scale func(dst, src *float32, panels int, by float32)
	list  func(index *int32, value, x *float32, panels int, first int32) int
	adam  func(w, grad, mean, square *float32, panels int, rate float32)
}

// tile is the loops over tiles of a given width, and the height of the tallest.
type tile struct {
	panels, height int

	// product computes tiles of a product, one below the other.
	product func(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int,
		w *float32, panelStride, k, tiles int)

	// learn computes tiles of a gradient, one below the other, and takes the step.
	learn func(height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int,
		pull *float32, rate float32, tiles int)
}

// kernels returns the kernels in these instructions.
func (v *vector) kernels() kernel.Set {
	set := kernel.Set{
		Name:      v.name,
		Linear:    v.linearPass,
		Sigmoid:   v.sigmoidPass,
		Sample:    v.samplePass,
		Learn:     v.learn,
		Refresh:   v.refresh,
		List:      listGeneric,
		LearnBias: v.learnBias,
		Scale:     v.scaleBy,
		Softplus:  v.softplusPass,
		Adam:      adamGeneric,
	}
	if v.list != nil {
		set.List = v.listNonzero
	}
	if v.adam != nil {
		set.Adam = v.adamStep
	}
	return set
}

// widest returns the widest tile for a number of panels.
func (v *vector) widest(panels int) *tile {
	if v.tiles[0].panels <= panels {
		return &v.tiles[0]
	}
	return &v.tiles[1]
}

// cut divides n rows into as few tiles of a height up to most as possible, and as
// evenly as possible: some of the returned height, and rest of them one row lower.
func cut(n, most int) (height, tiles, rest int) {
	count := (n + most - 1) / most
	height = (n + count - 1) / count
	tiles = n - count*(height-1)
	return height, tiles, count - tiles
}

// listed returns how many of the remaining panels of a group nonzero and learnNonzero
// take at once. Only groups of AVX-512 have eight.
func listed(panels int) int {
	switch {
	case panels >= 8:
		return 8
	case panels >= 4:
		return 4
	}
	return 1
}

// pre computes rows [row, row+rows) × panels [panel, panel+panels) of a pass into out,
// which has the given stride. panels is at most v.group.
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
			for i := 0; i < panels; {
				t := v.widest(panels - i)
				w := in.W[(panel+i)*size:][:t.panels*size]
				t.pre(in, row, rows, w, start[i*kernel.Panel:], startStride, out[i*kernel.Panel:], stride)
				i += t.panels
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

// pre computes a tile's width of panels from dense rows.
func (t *tile) pre(in *kernel.Input, row, rows int, w, start []float32, startStride int, out []float32, stride int) {
	size, width := len(w)/t.panels, t.panels*kernel.Panel
	height, tiles, rest := cut(rows, t.height)
	for k := 0; k < in.K; k += maxChain {
		n := min(maxChain, in.K-k)
		x, w := in.X[row*in.Stride+k:], w[k*kernel.Panel:]
		_ = x[(rows-1)*in.Stride+n-1]
		_ = start[(rows-1)*startStride+width-1]
		_ = out[(rows-1)*stride+width-1]
		t.product(height, &out[0], stride, &start[0], startStride, &x[0], in.Stride, &w[0], size, n, tiles)
		if rest > 0 {
			r := height * tiles
			t.product(height-1, &out[r*stride], stride, &start[r*startStride], startStride, &x[r*in.Stride], in.Stride,
				&w[0], size, n, rest)
		}
		start, startStride = out, stride
	}
}

// preNonzero computes some panels from lists of the nonzeros of rows. It takes so few
// units of the input at a time that their weights stay cached while all rows use them.
func (v *vector) preNonzero(in *kernel.Input, row, rows, panel, panels int, start []float32, startStride int,
	out []float32, stride int) {
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
			for i, n := 0, 0; i < panels; i += n {
				n = listed(panels - i)
				v.nonzero(n, &out[i*kernel.Panel], &start[i*kernel.Panel], &index[0], &value[0], len(index), &w[i*size], size)
			}
		}
		start, startStride = out, stride
	}
}

// linearPass is Linear of kernel.Set.
func (v *vector) linearPass(p *kernel.Pass) {
	for panel := 0; panel < p.Panels; panel += v.group {
		panels := min(v.group, p.Panels-panel)
		for row := 0; row < p.Rows; row += maxRows {
			rows := min(maxRows, p.Rows-row)
			v.pre(p, row, rows, panel, panels, p.Out[row*p.Stride+panel*kernel.Panel:], p.Stride)
		}
	}
}

// block is scratch memory for a group of panels: pre of each unit, and the changes of
// rows when the caller does not ask for them. Its rows are a panel longer than a group,
// so that they do not compete for the same sets of the cache.
type block struct {
	pre    [maxRows * blockStride]float32
	change [maxRows]float32
}

const blockStride = (maxGroup + 1) * kernel.Panel

// blocks is a pool, because a block on the stack would escape from it: the compiler
// cannot see what the functions of a vector do with their arguments.
var blocks = sync.Pool{New: func() any { return new(block) }}

// sigmoidPass is Sigmoid of kernel.Set.
func (v *vector) sigmoidPass(p *kernel.Pass, change []float32) {
	b := blocks.Get().(*block)
	defer blocks.Put(b)
	for panel := 0; panel < p.Panels; panel += v.group {
		panels := min(v.group, p.Panels-panel)
		for row := 0; row < p.Rows; row += maxRows {
			rows := min(maxRows, p.Rows-row)
			v.pre(p, row, rows, panel, panels, b.pre[:], blockStride)
			out := p.Out[row*p.Stride+panel*kernel.Panel:]
			_ = out[(rows-1)*p.Stride+panels*kernel.Panel-1]
			largest := b.change[:rows]
			if change != nil {
				largest = change[row:][:rows]
			}
			v.sigmoid(&out[0], p.Stride, &b.pre[0], blockStride, rows, panels, &largest[0])
		}
	}
}

// samplePass is Sample of kernel.Set.
func (v *vector) samplePass(p *kernel.Pass, d kernel.Draw) {
	b := blocks.Get().(*block)
	defer blocks.Put(b)
	for panel := 0; panel < p.Panels; panel += v.group {
		panels := min(v.group, p.Panels-panel)
		for row := 0; row < p.Rows; row += maxRows {
			rows := min(maxRows, p.Rows-row)
			v.pre(p, row, rows, panel, panels, b.pre[:], blockStride)
			out := p.Out[row*p.Stride+panel*kernel.Panel:]
			_ = out[(rows-1)*p.Stride+panels*kernel.Panel-1]
			v.sample(&out[0], p.Stride, &b.pre[0], blockStride, rows, panels,
				uint32(d.Seed), uint32(d.Seed>>32), uint32(panel*kernel.Panel/4), d.Row+uint32(row), d.Update, d.Tag)
		}
	}
}

// learn is Learn of kernel.Set.
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
			continue
		}
		for i := 0; i < panels; {
			t := v.widest(panels - i)
			t.learnRows(s, w[i*size:], y[i*kernel.Panel:], pull[i*kernel.Panel:], size)
			i += t.panels
		}
	}
}

// learnRows learns a tile's width of panels from dense rows. It gives each call so few
// units that the call is short.
func (t *tile) learnRows(s *kernel.Step, w, y, pull []float32, size int) {
	most := max(t.height, 1<<16/s.Rows/t.height*t.height)
	for i := 0; i < s.Below; i += most {
		n := min(most, s.Below-i)
		x := s.X[i:]
		_ = x[(s.Rows-1)*s.XStride+n-1]
		height, tiles, rest := cut(n, t.height)
		t.learn(height, &w[i*kernel.Panel], size, &x[0], s.XStride, &y[0], s.YStride, s.Rows, &pull[0], s.Rate, tiles)
		if rest > 0 {
			r := height * tiles
			t.learn(height-1, &w[(i+r)*kernel.Panel], size, &x[r], s.XStride, &y[0], s.YStride, s.Rows,
				&pull[0], s.Rate, rest)
		}
	}
}

// learnLists learns some panels from lists of the rows in which each unit is not 0.
func (v *vector) learnLists(s *kernel.Step, w, y, pull []float32, panels, size int) {
	most := max(1, 1<<16/s.Rows)
	for i := 0; i < s.Below; i += most {
		units := min(most, s.Below-i)
		start := s.Nonzero.Start[i:][:units+1]
		index, value := s.Nonzero.Index[:start[units]], s.Nonzero.Value[:start[units]]
		if len(index) == 0 {
			index, value = []int32{0}, []float32{0} // never read
		}
		for p, n := 0, 0; p < panels; p += n {
			n = listed(panels - p)
			v.learnNonzero(n, &w[p*size+i*kernel.Panel], size, &start[0], &index[0], &value[0],
				&y[p*kernel.Panel], s.YStride, &pull[p*kernel.Panel], s.Rate, units)
		}
	}
}

// refresh is Refresh of kernel.Set.
func (v *vector) refresh(s *kernel.Step) {
	below, units := kernel.Padded(s.Below), kernel.Padded(s.Units)
	size := below * kernel.Panel
	_ = s.Back[below*units-1]
	for panel := s.From; panel < s.To; panel++ {
		w := s.W[panel*size:][:size]
		v.squares(&s.Squares[panel*kernel.Panel:][:kernel.Panel][0], &w[0], below)
		v.transpose(&s.Back[panel*kernel.Panel*kernel.Panel], units*kernel.Panel, &w[0], below/kernel.Panel)
	}
}

// In the rest of the kernels, assembly takes whole panels, and the definition takes
// what follows them.

// learnBias is LearnBias of kernel.Set.
func (v *vector) learnBias(bias, x []float32, stride int, scale []float32, rate float32) {
	whole := len(bias) / kernel.Panel * kernel.Panel
	if whole > 0 {
		_ = x[(len(scale)-1)*stride+whole-1]
		v.bias(&bias[0], whole/kernel.Panel, &x[0], stride, &scale[0], len(scale), rate)
	}
	learnBiasGeneric(bias[whole:], x[whole:], stride, scale, rate)
}

// scaleBy is Scale of kernel.Set.
func (v *vector) scaleBy(dst, src []float32, by float32) {
	whole := len(src) / kernel.Panel * kernel.Panel
	if whole > 0 {
		_ = dst[whole-1]
		v.scale(&dst[0], &src[0], whole/kernel.Panel, by)
	}
	scaleGeneric(dst[whole:], src[whole:], by)
}

// softplusPass is Softplus of kernel.Set.
func (v *vector) softplusPass(pre, a []float32, to, from kernel.Tempered, sums *[kernel.Panel]float32) {
	if len(a) == 0 {
		return
	}
	last := len(a) - 1
	_, _, _ = pre[last], to.Bias[last], from.Bias[last]
	v.softplus(&pre[0], &a[0], &to.Bias[0], &from.Bias[0], to.Beta, from.Beta, len(a)/kernel.Panel, &sums[0])
}

// listNonzero is List of kernel.Set.
func (v *vector) listNonzero(index []int32, value, x []float32, first int32) int {
	_, _ = index[len(x)+7], value[len(x)+7]
	n, whole := 0, len(x)/kernel.Panel*kernel.Panel
	if whole > 0 {
		n = v.list(&index[0], &value[0], &x[0], whole/kernel.Panel, first)
	}
	for i := whole; i < len(x); i++ {
		index[n], value[n] = first+int32(i), x[i]
		if x[i] != 0 {
			n++
		}
	}
	return n
}

// adamStep is Adam of kernel.Set.
func (v *vector) adamStep(w, g, mean, square []float32, rate float32) {
	const most = 1 << 16 // in one call
	whole := len(g) / kernel.Panel * kernel.Panel
	for i := 0; i < whole; i += most {
		n := min(most, whole-i)
		w, g, mean, square := w[i:][:n], g[i:][:n], mean[i:][:n], square[i:][:n]
		v.adam(&w[0], &g[0], &mean[0], &square[0], n/kernel.Panel, rate)
	}
	adamGeneric(w[whole:], g[whole:], mean[whole:], square[whole:], rate)
}

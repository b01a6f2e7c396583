package main

import (
	"github.com/klauspost/cpuid/v2"

	"tandem/dbm/kernel"
)

// avx2: a tile of 6 rows × 16 columns takes 12 of the 16 registers for sums, 2 for
// the weights and 2 for the rows.
var avx2 = vector{name: "avx2", group: 4, abreast: 1, tallest: 6, stretches: 4}

// avx512: a tile of 13 rows × 32 columns takes 26 of the 32 registers for sums, 2 for
// the weights and 4 for the rows. What it has no loop for is left to those of AVX2.
var avx512 = vector{name: "avx512", wide: true, group: 8, abreast: 2, tallest: 13, stretches: 2}

// vectorKernels are the kernels in assembly that this machine runs, the fastest first.
func vectorKernels() (found []kernel.Set) {
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.POPCNT) {
			found = append(found, avx512.kernels())
		}
		found = append(found, avx2.kernels())
	}
	return found
}

// height is the height of the tallest tile of so many panels.
func (v *vector) height(panels int) int {
	if panels == v.abreast {
		return v.tallest
	}
	return avx2.tallest
}

// some is how many of so many panels nonzero and learnNonzero take at once.
func (v *vector) some(panels int) int {
	switch {
	case v.wide && panels >= 8:
		return 8
	case panels >= 4:
		return 4
	}
	return 1
}

// lists is Kernels.List. Whole panels go to the vectors, the rest of the row to
// the definition.
func (v *vector) lists(index []int32, value, x []float32, first int32) int {
	_, _ = index[len(x)+7], value[len(x)+7]
	n, whole := 0, len(x)/kernel.Panel*kernel.Panel
	switch {
	case whole > 0 && v.wide:
		n = wideList(&index[0], &value[0], &x[0], whole/kernel.Panel, first)
	case whole > 0:
		n = list(&index[0], &value[0], &x[0], whole/kernel.Panel, first, &places)
	}
	for i := whole; i < len(x); i++ {
		index[n], value[n] = first+int32(i), x[i]
		if x[i] != 0 {
			n++
		}
	}
	return n
}

// places holds, for each mask of eight bits, the places of its ones, a byte each.
var places = func() (p [256][8]byte) {
	for mask := range p {
		n := 0
		for bit := range 8 {
			if mask>>bit&1 == 1 {
				p[mask][n] = byte(bit)
				n++
			}
		}
	}
	return p
}()

// adam is Kernels.Adam. Whole panels go to the vectors, the rest to the definition.
func (v *vector) adam(w, g, mean, square []float32, rate float32) {
	const most = 1 << 16 // in one call
	whole := len(g) / kernel.Panel * kernel.Panel
	for i := 0; i < whole; i += most {
		n := min(most, whole-i)
		w, g, mean, square := w[i:][:n], g[i:][:n], mean[i:][:n], square[i:][:n]
		if v.wide {
			wideAdam(&w[0], &g[0], &mean[0], &square[0], n/kernel.Panel, rate)
		} else {
			adam(&w[0], &g[0], &mean[0], &square[0], n/kernel.Panel, rate)
		}
	}
	adamGeneric(w[whole:], g[whole:], mean[whole:], square[whole:], rate)
}

func (v *vector) product(panels, height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int) {
	if panels == 2 {
		wideProduct(height, out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
		return
	}
	product(height, out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
}

func (v *vector) learnTile(panels, height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int) {
	if panels == 2 {
		wideLearn(height, w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
		return
	}
	learn(height, w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
}

func (v *vector) nonzero(panels int, out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int) {
	switch {
	case panels == 8:
		wideNonzero8(out, start, index, value, n, w, panelStride)
	case panels == 4 && v.wide:
		wideNonzero4(out, start, index, value, n, w, panelStride)
	case panels == 4:
		nonzero4(out, start, index, value, n, w, panelStride, kernel.Panel)
	default:
		nonzero1(out, start, index, value, n, w, kernel.Panel)
	}
}

func (v *vector) learnNonzero(panels int, w *float32, panelStride int, start, index *int32, value, y *float32, yStride int, pull *float32, rate float32, units int) {
	switch {
	case panels == 8:
		wideLearnNonzero8(w, panelStride, start, index, value, y, yStride, pull, rate, units)
	case panels == 4 && v.wide:
		wideLearnNonzero4(w, panelStride, start, index, value, y, yStride, pull, rate, units)
	case panels == 4:
		learnNonzero4(w, panelStride, start, index, value, y, yStride, pull, rate, units)
	default:
		learnNonzero1(w, start, index, value, y, yStride, pull, rate, units)
	}
}

func (v *vector) sigmoidBlock(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32) {
	if v.wide {
		wideSigmoidBlock(out, outStride, pre, preStride, rows, panels, change)
	} else {
		sigmoidBlock(out, outStride, pre, preStride, rows, panels, change)
	}
}

func (v *vector) sampleBlock(out *float32, outStride int, pre *float32, preStride, rows, panels int, key0, key1, counter, row, update, tag uint32) {
	if v.wide {
		wideSampleBlock(out, outStride, pre, preStride, rows, panels, key0, key1, counter, row, update, tag)
	} else {
		sampleBlock(out, outStride, pre, preStride, rows, panels, key0, key1, counter, row, update, tag)
	}
}

func (v *vector) softplusRow(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32) {
	if v.wide {
		wideSoftplusRow(pre, a, to, from, betaTo, betaFrom, panels, sums)
	} else {
		softplusRow(pre, a, to, from, betaTo, betaFrom, panels, sums)
	}
}

//go:noescape
func list(index *int32, value, x *float32, panels int, first int32, places *[256][8]byte) int

//go:noescape
func adam(w, grad, mean, square *float32, panels int, rate float32)

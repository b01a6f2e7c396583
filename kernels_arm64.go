package main

import "tandem/dbm/kernel"

// neon: a tile of 5 rows × 16 columns takes 20 of the 32 registers for sums, 4 for
// the weights and 5 for four units of each row.
var neon = vector{name: "neon", group: 4, abreast: 1, tallest: 5, stretches: 4}

// vectorKernels are the kernels in assembly that this machine runs, the fastest
// first: NEON is part of every 64-bit Arm.
func vectorKernels() []kernel.Set { return []kernel.Set{neon.kernels()} }

// height is the height of the tallest tile of so many panels.
func (v *vector) height(panels int) int { return v.tallest }

// some is how many of so many panels nonzero and learnNonzero take at once.
func (v *vector) some(panels int) int {
	if panels >= 4 {
		return 4
	}
	return 1
}

// lists is Kernels.List. NEON cannot compress a vector, so it is in Go.
func (v *vector) lists(index []int32, value, x []float32, first int32) int {
	return listGeneric(index, value, x, first)
}

// adam is Kernels.Adam, which only fine-tuning needs.
func (v *vector) adam(w, g, mean, square []float32, rate float32) {
	adamGeneric(w, g, mean, square, rate)
}

func (v *vector) product(panels, height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int) {
	product(height, out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
}

func (v *vector) learnTile(panels, height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int) {
	learn(height, w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
}

func (v *vector) nonzero(panels int, out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int) {
	if panels == 4 {
		nonzero4(out, start, index, value, n, w, panelStride, kernel.Panel)
	} else {
		nonzero1(out, start, index, value, n, w, kernel.Panel)
	}
}

func (v *vector) learnNonzero(panels int, w *float32, panelStride int, start, index *int32, value, y *float32, yStride int, pull *float32, rate float32, units int) {
	if panels == 4 {
		learnNonzero4(w, panelStride, start, index, value, y, yStride, pull, rate, units)
	} else {
		learnNonzero1(w, start, index, value, y, yStride, pull, rate, units)
	}
}

func (v *vector) sigmoidBlock(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32) {
	sigmoidBlock(out, outStride, pre, preStride, rows, panels, change)
}

func (v *vector) sampleBlock(out *float32, outStride int, pre *float32, preStride, rows, panels int, key0, key1, counter, row, update, tag uint32) {
	sampleBlock(out, outStride, pre, preStride, rows, panels, key0, key1, counter, row, update, tag)
}

func (v *vector) softplusRow(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32) {
	softplusRow(pre, a, to, from, betaTo, betaFrom, panels, sums)
}

package main

import (
	"github.com/klauspost/cpuid/v2"

	"tandem/dbm"
)

const vectorName = "avx2"

// maxTile is the height of the tallest tile: 6 rows × 16 columns take 12 of the
// 16 registers for sums, 2 for the weights and 2 for the rows.
const maxTile = 6

// lists is Kernels.List. Whole panels go to the vectors, the rest of the row to
// the definition.
func lists(index []int32, value, x []float32) int {
	_, _ = index[len(x)+7], value[len(x)+7]
	n, whole := 0, len(x)/dbm.Panel*dbm.Panel
	if whole > 0 {
		n = list(&index[0], &value[0], &x[0], whole/dbm.Panel, &places)
	}
	for i := whole; i < len(x); i++ {
		index[n], value[n] = int32(i), x[i]
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

// hasVector says whether this machine runs the kernels in assembly.
func hasVector() bool { return cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) }

// product calls product1 … 6 by the height of the tile.
func product(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, k, tiles int) {
	switch height {
	case 1:
		product1(out, outStride, start, startStride, x, xStride, w, k, tiles)
	case 2:
		product2(out, outStride, start, startStride, x, xStride, w, k, tiles)
	case 3:
		product3(out, outStride, start, startStride, x, xStride, w, k, tiles)
	case 4:
		product4(out, outStride, start, startStride, x, xStride, w, k, tiles)
	case 5:
		product5(out, outStride, start, startStride, x, xStride, w, k, tiles)
	case 6:
		product6(out, outStride, start, startStride, x, xStride, w, k, tiles)
	}
}

// learnTile calls learn1 … 6 by the height of the tile.
func learnTile(height int, w, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int) {
	switch height {
	case 1:
		learn1(w, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 2:
		learn2(w, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 3:
		learn3(w, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 4:
		learn4(w, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 5:
		learn5(w, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 6:
		learn6(w, x, xStride, y, yStride, rows, pull, rate, tiles)
	}
}

//go:noescape
func list(index *int32, value, x *float32, panels int, places *[256][8]byte) int

//go:noescape
func product6(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, k, tiles int)

//go:noescape
func learn6(w, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

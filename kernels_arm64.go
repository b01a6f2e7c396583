package main

const vectorName = "neon"

// maxTile is the height of the tallest tile: 5 rows × 16 columns take 20 of the
// 32 registers for sums, 4 for the weights and 5 for four units of each row.
const maxTile = 5

// lists is Kernels.List. NEON cannot compress a vector, so it is in Go.
func lists(index []int32, value, x []float32) int { return listGeneric(index, value, x) }

// hasVector says whether this machine runs the kernels in assembly: NEON is part
// of every 64-bit Arm.
func hasVector() bool { return true }

// product calls product1 … 5 by the height of the tile.
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
	}
}

// learnTile calls learn1 … 5 by the height of the tile.
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
	}
}

package main

// The loops of kernels_avx512_amd64.s. Strides count float32.

// wideProduct calls wideProduct1 … 13 by the height of the tile.
func wideProduct(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int) {
	switch height {
	case 1:
		wideProduct1(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 2:
		wideProduct2(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 3:
		wideProduct3(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 4:
		wideProduct4(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 5:
		wideProduct5(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 6:
		wideProduct6(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 7:
		wideProduct7(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 8:
		wideProduct8(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 9:
		wideProduct9(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 10:
		wideProduct10(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 11:
		wideProduct11(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 12:
		wideProduct12(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	case 13:
		wideProduct13(out, outStride, start, startStride, x, xStride, w, panelStride, k, tiles)
	}
}

// wideLearn calls wideLearn1 … 13 by the height of the tile.
func wideLearn(height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int) {
	switch height {
	case 1:
		wideLearn1(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 2:
		wideLearn2(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 3:
		wideLearn3(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 4:
		wideLearn4(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 5:
		wideLearn5(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 6:
		wideLearn6(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 7:
		wideLearn7(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 8:
		wideLearn8(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 9:
		wideLearn9(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 10:
		wideLearn10(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 11:
		wideLearn11(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 12:
		wideLearn12(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	case 13:
		wideLearn13(w, panelStride, x, xStride, y, yStride, rows, pull, rate, tiles)
	}
}

//go:noescape
func wideProduct1(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct2(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct3(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct4(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct5(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct6(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct7(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct8(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct9(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct10(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct11(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct12(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideProduct13(out *float32, outStride int, start *float32, startStride int, x *float32, xStride int, w *float32, panelStride, k, tiles int)

//go:noescape
func wideLearn1(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn2(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn3(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn4(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn5(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn6(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn7(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn8(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn9(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn10(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn11(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn12(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideLearn13(w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int, pull *float32, rate float32, tiles int)

//go:noescape
func wideNonzero4(out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int)

//go:noescape
func wideNonzero8(out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int)

//go:noescape
func wideLearnNonzero4(w *float32, panelStride int, start, index *int32, value, y *float32, yStride int, pull *float32, rate float32, units int)

//go:noescape
func wideLearnNonzero8(w *float32, panelStride int, start, index *int32, value, y *float32, yStride int, pull *float32, rate float32, units int)

//go:noescape
func wideSigmoidBlock(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32)

//go:noescape
func wideSampleBlock(out *float32, outStride int, pre *float32, preStride, rows, panels int, key0, key1, counter, row, update, tag uint32)

//go:noescape
func wideSoftplusRow(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32)

//go:noescape
func wideAdam(w, grad, mean, square *float32, panels int, rate float32)

//go:noescape
func wideList(index *int32, value, x *float32, panels int, first int32) int

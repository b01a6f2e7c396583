package main

// The loops of kernels_avx512_amd64.s. Strides count float32.

//go:noescape
func wideProduct(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int,
	w *float32, panelStride, k, tiles int)

//go:noescape
func wideLearn(height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int,
	pull *float32, rate float32, tiles int)

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

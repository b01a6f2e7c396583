package main

// avx512 leaves to AVX2 what gains nothing from longer vectors.
var avx512 = vector{
	name:         "avx512",
	group:        8,
	stretches:    2,
	tiles:        []tile{{2, 13, productAVX512, learnAVX512}, {1, 6, productAVX2, learnAVX2}},
	nonzero:      nonzeroAVX512,
	learnNonzero: learnNonzeroAVX512,
	sigmoid:      sigmoidAVX512,
	sample:       sampleAVX512,
	softplus:     softplusAVX512,
	squares:      squaresAVX2,
	transpose:    transposeAVX2,
	bias:         biasAVX2,
	scale:        scaleAVX2,
	adam:         adamAVX512,
	list:         listAVX512,
}

// The loops of kernels_avx512_amd64.s.

//go:noescape
func productAVX512(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int,
	w *float32, panelStride, k, tiles int)

//go:noescape
func learnAVX512(height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int,
	pull *float32, rate float32, tiles int)

//go:noescape
func nonzeroAVX512(panels int, out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int)

//go:noescape
func learnNonzeroAVX512(panels int, w *float32, panelStride int, start, index *int32, value, y *float32, yStride int,
	pull *float32, rate float32, units int)

//go:noescape
func sigmoidAVX512(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32)

//go:noescape
func sampleAVX512(out *float32, outStride int, pre *float32, preStride, rows, panels int,
	key0, key1, counter, row, update, tag uint32)

//go:noescape
func softplusAVX512(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32)

//go:noescape
func adamAVX512(w, grad, mean, square *float32, panels int, rate float32)

//go:noescape
func listAVX512(index *int32, value, x *float32, panels int, first int32) int

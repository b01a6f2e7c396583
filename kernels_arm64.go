package main

import "tandem/dbm/kernel"

// neon lists nonzeros in Go, because NEON cannot compress a vector, and does Adam in
// Go, because only fine-tuning a classifier needs it.
var neon = vector{
	name:         "neon",
	group:        4,
	stretches:    4,
	tiles:        []tile{{1, 5, productNEON, learnNEON}},
	nonzero:      nonzeroNEON,
	learnNonzero: learnNonzeroNEON,
	sigmoid:      sigmoidNEON,
	sample:       sampleNEON,
	softplus:     softplusNEON,
	squares:      squaresNEON,
	transpose:    transposeNEON,
	bias:         biasNEON,
	scale:        scaleNEON,
}

// vectorKernels returns the kernels in assembly that this machine runs. NEON is part of
// every 64-bit Arm.
func vectorKernels() []kernel.Set { return []kernel.Set{neon.kernels()} }

// The loops of kernels_arm64.s.

//go:noescape
func productNEON(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int,
	w *float32, panelStride, k, tiles int)

//go:noescape
func learnNEON(height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int,
	pull *float32, rate float32, tiles int)

//go:noescape
func nonzeroNEON(panels int, out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int)

//go:noescape
func learnNonzeroNEON(panels int, w *float32, panelStride int, start, index *int32, value, y *float32, yStride int,
	pull *float32, rate float32, units int)

//go:noescape
func sigmoidNEON(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32)

//go:noescape
func sampleNEON(out *float32, outStride int, pre *float32, preStride, rows, panels int,
	key0, key1, counter, row, update, tag uint32)

//go:noescape
func softplusNEON(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32)

//go:noescape
func squaresNEON(sums, w *float32, rows int)

//go:noescape
func transposeNEON(dst *float32, dstStride int, src *float32, blocks int)

//go:noescape
func biasNEON(b *float32, panels int, x *float32, stride int, scale *float32, rows int, rate float32)

//go:noescape
func scaleNEON(dst, src *float32, panels int, by float32)

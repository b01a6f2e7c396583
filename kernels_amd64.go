package main

import (
	"github.com/klauspost/cpuid/v2"

	"tandem/dbm/kernel"
)

var avx2 = vector{
	name:         "avx2",
	group:        4,
	stretches:    4,
	tiles:        []tile{{1, 6, productAVX2, learnAVX2}},
	nonzero:      nonzeroAVX2,
	learnNonzero: learnNonzeroAVX2,
	sigmoid:      sigmoidAVX2,
	sample:       sampleAVX2,
	softplus:     softplusAVX2,
	squares:      squaresAVX2,
	transpose:    transposeAVX2,
	bias:         biasAVX2,
	scale:        scaleAVX2,
	adam:         adamAVX2,
	list:         listAVX2,
}

// vectorKernels returns the kernels in assembly that this machine runs, fastest first.
func vectorKernels() (found []kernel.Set) {
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.POPCNT) {
			found = append(found, avx512.kernels())
		}
		found = append(found, avx2.kernels())
	}
	return found
}

// places lists, for each mask of eight bits, the places of its ones.
//
//lint:ignore U1000 only the assembly reads it
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

// The loops of kernels_amd64.s.

//go:noescape
func productAVX2(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int,
	w *float32, panelStride, k, tiles int)

//go:noescape
func learnAVX2(height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int,
	pull *float32, rate float32, tiles int)

//go:noescape
func nonzeroAVX2(panels int, out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int)

//go:noescape
func learnNonzeroAVX2(panels int, w *float32, panelStride int, start, index *int32, value, y *float32, yStride int,
	pull *float32, rate float32, units int)

//go:noescape
func sigmoidAVX2(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32)

//go:noescape
func sampleAVX2(out *float32, outStride int, pre *float32, preStride, rows, panels int,
	key0, key1, counter, row, update, tag uint32)

//go:noescape
func softplusAVX2(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32)

//go:noescape
func squaresAVX2(sums, w *float32, rows int)

//go:noescape
func transposeAVX2(dst *float32, dstStride int, src *float32, blocks int)

//go:noescape
func biasAVX2(b *float32, panels int, x *float32, stride int, scale *float32, rows int, rate float32)

//go:noescape
func scaleAVX2(dst, src *float32, panels int, by float32)

//go:noescape
func adamAVX2(w, grad, mean, square *float32, panels int, rate float32)

//go:noescape
func listAVX2(index *int32, value, x *float32, panels int, first int32) int

package bench

import "github.com/klauspost/cpuid/v2"

// widest is the loop of the widest vectors that this machine has, and the arithmetic
// of one turn of it: 12 or 24 fused multiply-adds of 8 or 16 float32, of 2 operations
// each.
func widest() (loop func(n int), flops float64) {
	switch {
	case cpuid.CPU.Supports(cpuid.AVX512F):
		return multiplyAddWide, 24 * 16 * 2
	case cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3):
		return multiplyAdd, 12 * 8 * 2
	}
	return nil, 0
}

// multiplyAdd makes n turns of the loop in AVX2.
//
//go:noescape
func multiplyAdd(n int)

// multiplyAddWide makes n turns of the loop in AVX-512.
//
//go:noescape
func multiplyAddWide(n int)

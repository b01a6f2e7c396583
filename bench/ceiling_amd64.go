package bench

import "github.com/klauspost/cpuid/v2"

// flops is the arithmetic of one turn of the loop: 12 fused multiply-adds of 8
// float32, of 2 operations each.
const flops = 12 * 8 * 2

func hasCeiling() bool { return cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) }

// multiplyAdd makes n turns of the loop.
//
//go:noescape
func multiplyAdd(n int)

//go:build amd64 || arm64

package main

import "tandem/dbm/kernel"

// constant lists the numbers that the assembly reads, each as often as a vector needs
// it. The assembly names them by go_asm.h, which the compiler writes from this type:
// ·constants+constant_log2e(SB).
type constant struct {
	// The sigmoid and softplus.
	sign                              [4]uint64 // the sign bits of eight float32
	log2e, rounds, ln2Hi, ln2Lo       [8]float32
	expC2, expC3, expC4, expC5, expC6 [8]float32
	one, expLow                       [8]float32
	logC1, logC2, logC3, logC4        [8]float32
	logC5, logC6, logC7, logC8        [8]float32

	// Sampling. The lanes of Philox are 64 bits wide, with a word in each low half.
	philoxM0, philoxM1, philoxW0, philoxW1 [4]uint64
	uniformUnit                            [8]float32

	// Adam: what it keeps of an average, and what it adds to it.
	keepMean, addMean, keepSquare, addSquare, epsilon [8]float32

	// The numbers from 0, as bytes, 32-bit words and 64-bit words.
	iota8  [16]uint8
	iota32 [4]uint32
	iota64 [4]uint64
}

//lint:ignore U1000 only the assembly reads it
var constants = constant{
	sign:   four(1<<63 | 1<<31),
	log2e:  eight(kernel.Log2E),
	rounds: eight(kernel.Rounds),
	ln2Hi:  eight(kernel.Ln2Hi),
	ln2Lo:  eight(kernel.Ln2Lo),
	expC2:  eight(kernel.ExpC2),
	expC3:  eight(kernel.ExpC3),
	expC4:  eight(kernel.ExpC4),
	expC5:  eight(kernel.ExpC5),
	expC6:  eight(kernel.ExpC6),
	one:    eight(1),
	expLow: eight(kernel.ExpLow),
	logC1:  eight(kernel.LogC1),
	logC2:  eight(kernel.LogC2),
	logC3:  eight(kernel.LogC3),
	logC4:  eight(kernel.LogC4),
	logC5:  eight(kernel.LogC5),
	logC6:  eight(kernel.LogC6),
	logC7:  eight(kernel.LogC7),
	logC8:  eight(kernel.LogC8),

	philoxM0:    four(kernel.PhiloxM0),
	philoxM1:    four(kernel.PhiloxM1),
	philoxW0:    four(kernel.PhiloxW0),
	philoxW1:    four(kernel.PhiloxW1),
	uniformUnit: eight(kernel.UniformUnit),

	keepMean:   eight(kernel.AdamKeepMean),
	addMean:    eight(1 - kernel.AdamKeepMean),
	keepSquare: eight(kernel.AdamKeepSquare),
	addSquare:  eight(1 - kernel.AdamKeepSquare),
	epsilon:    eight(kernel.AdamEpsilon),

	iota8:  [16]uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	iota32: [4]uint32{0, 1, 2, 3},
	iota64: [4]uint64{0, 1, 2, 3},
}

func eight(x float32) [8]float32 { return [8]float32{x, x, x, x, x, x, x, x} }

func four(x uint64) [4]uint64 { return [4]uint64{x, x, x, x} }

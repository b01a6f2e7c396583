package bench

// flops is the arithmetic of one turn of the loop: 24 fused multiply-adds of 4
// float32, of 2 operations each.
const flops = 24 * 4 * 2

func hasCeiling() bool { return true }

// multiplyAdd makes n turns of the loop.
//
//go:noescape
func multiplyAdd(n int)

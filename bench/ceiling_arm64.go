package bench

// widest is the loop of this machine's vectors, and the arithmetic of one turn of
// it: 24 fused multiply-adds of 4 float32, of 2 operations each.
func widest() (loop func(n int), flops float64) { return multiplyAdd, 24 * 4 * 2 }

// multiplyAdd makes n turns of the loop.
//
//go:noescape
func multiplyAdd(n int)

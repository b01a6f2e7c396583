//go:build !amd64 && !arm64

package bench

// widest is nothing: there is no assembly for this architecture.
func widest() (loop func(n int), flops float64) { return nil, 0 }

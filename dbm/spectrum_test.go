package dbm

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Eigenvalues are those that are known, and have the trace and the norm of the matrix.
func TestSpectrum(t *testing.T) {
	const n = 30
	chain := make([]float64, n*n) // of springs
	for i := range n {
		chain[i*n+i] = 2
		if i > 0 {
			chain[i*n+i-1], chain[(i-1)*n+i] = -1, -1
		}
	}
	for i, x := range spectrum(chain, n) {
		if want := 2 - 2*math.Cos(math.Pi*float64(n-i)/(n+1)); math.Abs(x-want) > 1e-12 {
			t.Errorf("eigenvalue %d of a chain is %v, want %v", i, x, want)
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3, 8, 40, 90} {
		// A matrix with a known spectrum, reflected a few times: some eigenvalues are alike, some 0.
		want, a := make([]float64, n), make([]float64, n*n)
		for i := range n {
			if want[i] = float64(i / 3); i%5 == 4 {
				want[i] = -want[i] * 1e-3
			}
			a[i*n+i] = want[i]
		}
		for range 5 {
			u, norm := make([]float64, n), 0.0
			for i := range u {
				u[i] = rng.NormFloat64()
				norm += u[i] * u[i]
			}
			reflect := func(at func(i int) *float64) {
				dot := 0.0
				for i := range u {
					dot += u[i] * *at(i)
				}
				for i := range u {
					*at(i) -= 2 * dot / norm * u[i]
				}
			}
			for k := range n {
				reflect(func(i int) *float64 { return &a[i*n+k] })
			}
			for k := range n {
				reflect(func(i int) *float64 { return &a[k*n+i] })
			}
		}
		slices.Sort(want)
		slices.Reverse(want)
		for i, x := range spectrum(a, n) {
			if math.Abs(x-want[i]) > 1e-12*float64(n) {
				t.Errorf("%d × %d: eigenvalue %d is %v, want %v", n, n, i, x, want[i])
			}
		}
	}
	if x := spectrum(make([]float64, 9), 3); !slices.Equal(x, []float64{0, 0, 0}) {
		t.Errorf("a matrix of zeros has %v", x)
	}
}

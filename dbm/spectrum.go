package dbm

import (
	"math"
	"slices"
)

// spectrum returns the eigenvalues of a symmetric matrix of n × n, the largest first. It
// overwrites the matrix. Householder's reflections make it tridiagonal, and then the QL
// algorithm with implicit shifts finds the eigenvalues (Wilkinson and Reinsch 1971). All
// products and sums are rounded one by one, so that they have the same bits everywhere.
func spectrum(a []float64, n int) []float64 {
	diagonal, beside := tridiagonal(a, n)
	for l := range n {
		for range mostShifts {
			m := l
			for m < n-1 && !negligible(beside[m], diagonal[m], diagonal[m+1]) {
				m++
			}
			if m == l {
				break
			}
			shift(diagonal, beside, l, m)
		}
	}
	slices.SortFunc(diagonal, func(x, y float64) int {
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return diagonal
}

// mostShifts is the most steps of QL that an eigenvalue takes; a few are enough.
const mostShifts = 60

// negligible reports whether an element beside the diagonal is nothing next to its neighbours.
func negligible(x, a, b float64) bool {
	size := math.Abs(a) + math.Abs(b)
	return size+math.Abs(x) == size
}

// tridiagonal returns the diagonal and the elements beside it, beside[i] between i and i+1, of
// the tridiagonal matrix that is similar to a.
func tridiagonal(a []float64, n int) (diagonal, beside []float64) {
	diagonal, beside = make([]float64, n), make([]float64, n)
	u, p := make([]float64, n), make([]float64, n)
	for k := range n {
		diagonal[k] = a[k*n+k]
		if k+1 == n {
			break
		}
		norm := 0.0
		for i := k + 1; i < n; i++ {
			u[i] = a[i*n+k]
			norm += float64(u[i] * u[i])
		}
		norm = math.Sqrt(norm)
		if u[k+1] > 0 {
			norm = -norm
		}
		if beside[k] = norm; norm == 0 {
			continue
		}
		// The reflection 1 − u·uᵀ/h takes the column below the diagonal to norm and zeros.
		u[k+1] -= norm
		h := -float64(norm * u[k+1])
		scale := 0.0
		for i := k + 1; i < n; i++ {
			p[i] = 0
			for j := k + 1; j < n; j++ {
				p[i] += float64(a[i*n+j] * u[j])
			}
			p[i] /= h
			scale += float64(p[i] * u[i])
		}
		for i := k + 1; i < n; i++ {
			p[i] -= float64(scale*u[i]) / (2 * h)
		}
		for i := k + 1; i < n; i++ {
			row := a[i*n:][:n]
			for j := k + 1; j < n; j++ {
				row[j] -= float64(u[i]*p[j]) + float64(p[i]*u[j])
			}
		}
	}
	return diagonal, beside
}

// shift makes one step of QL with an implicit shift on rows l to m.
func shift(diagonal, beside []float64, l, m int) {
	g := (diagonal[l+1] - diagonal[l]) / (2 * beside[l])
	r := hypotenuse(g, 1)
	g = diagonal[m] - diagonal[l] + beside[l]/(g+math.Copysign(r, g))
	sine, cosine, p := 1.0, 1.0, 0.0
	for i := m - 1; i >= l; i-- {
		f, b := float64(sine*beside[i]), float64(cosine*beside[i])
		r = hypotenuse(f, g)
		if beside[i+1] = r; r == 0 {
			diagonal[i+1] -= p
			beside[m] = 0
			return
		}
		sine, cosine = f/r, g/r
		g = diagonal[i+1] - p
		r = float64((diagonal[i]-g)*sine) + float64(2*cosine*b)
		p = float64(sine * r)
		diagonal[i+1] = g + p
		g = float64(cosine*r) - b
	}
	diagonal[l] -= p
	beside[l], beside[m] = g, 0
}

func hypotenuse(x, y float64) float64 { return math.Sqrt(float64(x*x) + float64(y*y)) }

package likelihood

import (
	"math"

	"tandem/dbm"
)

// General is the paper's Boltzmann machine (Eq. 1), in which any two units may be
// connected:
//
//	E(v, h) = −½ vᵀUv − ½ hᵀVh − vᵀWh − bᵀv − cᵀh
//
// U and V are symmetric with zeros in the diagonal. Nothing about it is quick: it
// is the truth that all else is compared with, on a few units.
type General struct {
	U [][]float64 // visible × visible
	V [][]float64 // hidden × hidden
	W [][]float64 // visible × hidden
	B []float64   // visible
	C []float64   // hidden
}

// NewGeneral is a deep Boltzmann machine as a general one: its hidden layers stand
// side by side in h, from the first up.
func NewGeneral(c *dbm.Config, s *dbm.State) *General {
	hidden := 0
	first := make([]int, len(c.Layers)) // place of a layer's first unit in h
	for l := 1; l < len(c.Layers); l++ {
		first[l] = hidden
		hidden += c.Layers[l]
	}
	matrix := func(n, m int) [][]float64 {
		x := make([][]float64, n)
		for i := range x {
			x[i] = make([]float64, m)
		}
		return x
	}
	g := &General{U: matrix(c.Layers[0], c.Layers[0]), V: matrix(hidden, hidden), W: matrix(c.Layers[0], hidden)}
	for l, biases := range s.Biases {
		for _, b := range biases {
			if l == 0 {
				g.B = append(g.B, float64(b))
			} else {
				g.C = append(g.C, float64(b))
			}
		}
	}
	for l := 1; l < len(c.Layers); l++ {
		n := c.Layers[l]
		for at, w := range s.Weights[l-1] {
			i, j := at/n, first[l]+at%n
			if l == 1 {
				g.W[i][j] = float64(w)
				continue
			}
			i += first[l-1]
			g.V[i][j], g.V[j][i] = float64(w), float64(w)
		}
	}
	return g
}

// Energy is E(v, h).
func (g *General) Energy(v, h []float64) float64 {
	e := 0.0
	for i, x := range v {
		e -= x * g.B[i]
		for j, y := range v {
			e -= x * y * g.U[i][j] / 2
		}
		for j, y := range h {
			e -= x * y * g.W[i][j]
		}
	}
	for i, x := range h {
		e -= x * g.C[i]
		for j, y := range h {
			e -= x * y * g.V[i][j] / 2
		}
	}
	return e
}

// LogZ is the logarithm of the sum of exp(−E) over all states.
func (g *General) LogZ() float64 {
	sum := math.Inf(-1)
	binary(len(g.B), func(v []float64) { sum = logAdd(sum, g.logSum(v)) })
	return sum
}

// LogP is the log-likelihood of v (Eq. 2–3).
func (g *General) LogP(v []float64) float64 { return g.logSum(v) - g.LogZ() }

// logSum is the logarithm of the sum of exp(−E) over the hidden states.
func (g *General) logSum(v []float64) float64 {
	sum := math.Inf(-1)
	binary(len(g.C), func(h []float64) { sum = logAdd(sum, -g.Energy(v, h)) })
	return sum
}

// binary calls f with each vector of n zeros and ones.
func binary(n int, f func(x []float64)) {
	x := make([]float64, n)
	for state := range 1 << n {
		for i := range x {
			x[i] = float64(state >> i & 1)
		}
		f(x)
	}
}

// logAdd is log(exp(a) + exp(b)).
func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(a, -1) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}

package likelihood

import (
	"math"
	"slices"

	"tandem/dbm/kernel"
)

// Bennett's ratio uses the draws of two neighbours. The multistate ratio (MBAR; Shirts and
// Chodera 2008) uses those of all temperatures at once: with g_k = log Z_k and n draws of
// each, it is where the draws expect of each temperature as many as there are,
//
//	Σ over all draws of p_k = n, p_k = exp(u_k − g_k) / Σ_j exp(u_j − g_j)
//
// with u_k the log p* of a draw at temperature k. That is the minimum of a convex function,
// and Newton's steps find it from Bennett's ratios. It is another sum over other draws, so
// it is a check: it sees a bias that grows along the ladder. It cannot see mass that no draw
// has met.

const (
	// mbarBand is how many rungs up and down a draw is weighed. Beyond, the overlap is
	// below 10⁻⁸ on ladders of the pilot.
	mbarBand = 8
	// mostWeighed is how many draws of each temperature are weighed at most. When there are
	// so many, every second one goes, and half as many are weighed from then on.
	mostWeighed = 256
)

// weighed are draws of all temperatures with their log p* at temperatures nearby.
type weighed struct {
	every int       // so many steps from one to the next; 0: none are weighed
	gains []float32 // draws × temperatures × band: log p* at temperature i−mbarBand+b less that at i, or 0
}

// band is the number of temperatures at which a draw is weighed.
const band = 2*mbarBand + 1

// weigh weighs the states of an ensemble, in the steps whose turn it is. It follows look.
func (r *replicas) weigh() {
	w := &r.weighed
	if w.every == 0 || r.steps%w.every != 0 {
		return
	}
	if size := r.rows() * band; len(w.gains) == mostWeighed*size {
		for i := 1; 2*i < mostWeighed; i++ {
			copy(w.gains[i*size:(i+1)*size], w.gains[2*i*size:])
		}
		w.gains = w.gains[:mostWeighed/2*size]
		w.every *= 2
		if r.steps%w.every != 0 {
			return
		}
	}
	for i := range r.betas {
		sum := r.moreBias(i)
		for k := i - mbarBand; k <= i+mbarBand; k++ {
			gain := 0.0
			if k >= 0 && k < r.rows() {
				gain = float64((float64(r.betas[k]) - float64(r.betas[i])) * sum)
				for l := 1 - r.small; l < len(r.Layers) && k != i; l += 2 {
					gain -= r.activate(l, i, i, k)
				}
			}
			w.gains = append(w.gains, float32(gain))
		}
	}
}

// mbar returns log Z of the last temperature over that of the first, from log Z of each over
// that of the first by Bennett's ratio. It is NaN where the draws do not overlap. The first
// fifth of them does not count.
func (w *weighed) mbar(first []float64) float64 {
	temps := len(first)
	all := len(w.gains) / (temps * band)
	gains := w.gains[all/burnIn*temps*band:]
	n := float64(len(gains) / (temps * band))
	g, lower := slices.Clone(first), make([]float64, temps*temps)
	for range 30 {
		excess := multistate(gains, g, lower)
		for k := range excess {
			excess[k] -= n
		}
		// g of the first temperature stays 0.
		step, ok := solve(lower, excess, temps)
		if !ok {
			return math.NaN()
		}
		largest := 0.0
		for k := 1; k < temps; k++ {
			g[k] += step[k]
			largest = max(largest, math.Abs(step[k]))
		}
		if largest < 1e-9 {
			break
		}
	}
	return g[temps-1]
}

// multistate returns how many draws each temperature expects, and writes the lower half of
// minus the derivatives of these numbers by g: temperatures × temperatures.
func multistate(gains []float32, g, lower []float64) []float64 {
	temps := len(g)
	expected := make([]float64, temps)
	clear(lower)
	p := make([]float64, band)
	for row := range len(gains) / band {
		lowest := max(row%temps-mbarBand, 0) // temperature
		near := gains[row*band:][lowest-row%temps+mbarBand : min(temps-row%temps+mbarBand, band)]
		top, sum := math.Inf(-1), 0.0
		for b, gain := range near {
			p[b] = float64(gain) - g[lowest+b]
			top = max(top, p[b])
		}
		for b := range near {
			if p[b] = kernel.Exp(p[b] - top); p[b] < 1e-12 {
				p[b] = 0
			}
			sum += p[b]
		}
		for b := range near {
			p[b] /= sum
			k := lowest + b
			expected[k] += p[b]
			lower[k*temps+k] += p[b]
			for c := range b + 1 {
				lower[k*temps+lowest+c] -= float64(p[b] * p[c])
			}
		}
	}
	return expected
}

// solve solves A·x = y by Cholesky's decomposition for a positive definite A, of which lower
// has the lower half, and which it overwrites; the first row, column and x are left out. ok
// is false if A is not positive definite.
func solve(lower, y []float64, n int) (x []float64, ok bool) {
	at := func(i, j int) *float64 { return &lower[i*n+j] }
	for i := 1; i < n; i++ {
		for j := 1; j <= i; j++ {
			sum := *at(i, j)
			for k := 1; k < j; k++ {
				sum -= float64(*at(i, k) * *at(j, k))
			}
			if i != j {
				*at(i, j) = sum / *at(j, j)
				continue
			}
			if !(sum > 1e-9) {
				return nil, false
			}
			*at(i, i) = math.Sqrt(sum)
		}
	}
	x = make([]float64, n)
	for i := 1; i < n; i++ {
		sum := y[i]
		for k := 1; k < i; k++ {
			sum -= float64(*at(i, k) * x[k])
		}
		x[i] = sum / *at(i, i)
	}
	for i := n - 1; i > 0; i-- {
		sum := x[i]
		for k := i + 1; k < n; k++ {
			sum -= float64(*at(k, i) * x[k])
		}
		x[i] = sum / *at(i, i)
	}
	return x, true
}

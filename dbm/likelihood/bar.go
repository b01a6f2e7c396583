package likelihood

import "math"

// Bennett's acceptance ratio (1976): of two unnormalised probabilities p₀* and p₁*, draws
// of each give log Z₁/Z₀ with the least variance that draws of the two can give. With
// u = log p₁* − log p₀*, and as many draws of each, C = log Z₁/Z₀ is where
//
//	Σ over draws of p₀ of σ(u − C) = Σ over draws of p₁ of σ(C − u)
//
// The left side is, on average, half of the overlap of the two: 1 if they are the same, 0
// if no draw of one can be one of the other.

// bennett returns log Z₁/Z₀ and the overlap, from u at draws of p₀, and −u at as many draws
// of p₁.
func bennett(up, down []float32) (ratio, overlap float64) {
	low, high := math.Inf(1), math.Inf(-1)
	for i := range up {
		low = min(low, float64(up[i]), -float64(down[i]))
		high = max(high, float64(up[i]), -float64(down[i]))
	}
	// Newton's steps, and halves of the bracket where they leave it.
	ratio = float64(0.5 * (low + high))
	for range 200 {
		excess, slope := 0.0, 0.0
		for i := range up {
			a, b := logistic(float64(up[i])-ratio), logistic(float64(down[i])+ratio)
			excess += a - b
			slope += float64(a*(1-a)) + float64(b*(1-b))
		}
		if excess > 0 {
			low = ratio
		} else {
			high = ratio
		}
		next := ratio + float64(excess/slope)
		if !(next > low && next < high) {
			next = float64(0.5 * (low + high))
		}
		if math.Abs(next-ratio) < 1e-10 || high-low < 1e-10 {
			ratio = next
			break
		}
		ratio = next
	}
	for _, u := range up {
		overlap += logistic(float64(u) - ratio)
	}
	return ratio, 2 * overlap / float64(len(up))
}

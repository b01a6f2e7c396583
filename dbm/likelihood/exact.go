package likelihood

import (
	"context"
	"fmt"
	"math"
	"math/bits"

	"tandem/dbm"
)

// softplus is log(1 + exp(x)).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// MostEnumerable is how many units are enumerated at most.
const MostEnumerable = 22

// Enumerable reports whether the smaller side of a model can be enumerated.
func Enumerable(layers []int) bool {
	units := 0
	for l := smallerSide(layers); l < len(layers); l += 2 {
		units += layers[l]
	}
	return units <= MostEnumerable
}

// LogZ returns the exact logarithm of the partition function, in float64. When ctx
// ends, it returns its cause.
func LogZ(ctx context.Context, c *dbm.Config, s *dbm.State) (float64, error) {
	if !Enumerable(c.Layers) {
		return 0, fmt.Errorf("layers: both sides of %v have more than %d units: too many to enumerate",
			c.Layers, MostEnumerable)
	}
	return enumerate(ctx, c.Layers, s, nil)
}

// LogP is the exact log-likelihood of an example of 0s and 1s, given log Z. The
// hidden layers fall into two sides again, of which the smaller is enumerated:
// none with one hidden layer.
func LogP(ctx context.Context, c *dbm.Config, s *dbm.State, v []float32, logZ float64) (float64, error) {
	if len(v) != c.Layers[0] {
		return 0, fmt.Errorf("an example of %d pixels for %d visible units", len(v), c.Layers[0])
	}
	hidden := append([]int{0}, c.Layers[1:]...) // the visible layer is given
	if !Enumerable(hidden) {
		return 0, fmt.Errorf("layers: both sides of the hidden layers %v have more than %d units: too many to enumerate",
			c.Layers[1:], MostEnumerable)
	}
	sum, err := enumerate(ctx, c.Layers, s, v)
	return sum - logZ, err
}

// enumerate is the logarithm of the sum of exp(−E) over all states, or over all
// hidden ones if v is given. It goes through the states of one side in Gray's
// order, in which one unit changes at a time, so that the other side's inputs
// change by a row of weights.
func enumerate(ctx context.Context, layers []int, s *dbm.State, v []float32) (float64, error) {
	sizes := append([]int(nil), layers...)
	constant := 0.0
	biases := make([][]float64, len(layers))
	for l, n := range layers {
		biases[l] = make([]float64, n)
		for j, b := range s.Biases[l] {
			biases[l][j] = float64(b)
		}
	}
	if v != nil {
		sizes[0] = 0
		for i, x := range v {
			constant += float64(x) * biases[0][i]
			for j := range layers[1] {
				biases[1][j] += float64(x) * float64(s.Weights[0][i*layers[1]+j])
			}
		}
	}
	small := smallerSide(sizes)
	type unit struct{ layer, j int }
	var units []unit
	for l := small; l < len(sizes); l += 2 {
		for j := range sizes[l] {
			units = append(units, unit{l, j})
		}
	}
	input := biases // of the other side it will have what comes from the units that are on
	on := make([]bool, len(units))
	sum, top := 0.0, math.Inf(-1) // the total is sum·exp(top)
	energy := constant
	for state := uint64(0); ; state++ {
		total := energy
		for l := 1 - small; l < len(sizes); l += 2 {
			for _, x := range input[l][:sizes[l]] {
				total += softplus(x)
			}
		}
		if total > top {
			sum, top = sum*math.Exp(top-total), total
		}
		sum += math.Exp(total - top)
		if state == 1<<len(units)-1 {
			return top + math.Log(sum), nil
		}
		if state%(1<<12) == 1<<12-1 && ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		i := bits.TrailingZeros64(^state) // the unit that changes
		u := units[i]
		on[i] = !on[i]
		sign := -1.0
		if on[i] {
			sign = 1
		}
		energy += sign * input[u.layer][u.j] // of this side it never changes
		if u.layer > 0 && sizes[u.layer-1] > 0 {
			n := layers[u.layer]
			for k := range sizes[u.layer-1] {
				input[u.layer-1][k] += sign * float64(s.Weights[u.layer-1][k*n+u.j])
			}
		}
		if u.layer+1 < len(sizes) {
			n := layers[u.layer+1]
			for k := range n {
				input[u.layer+1][k] += sign * float64(s.Weights[u.layer][u.j*n+k])
			}
		}
	}
}

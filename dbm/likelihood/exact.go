package likelihood

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"sync"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// softplus is log(1 + exp(x)).
func softplus(x float64) float64 { return max(x, 0) + logarithm(1+kernel.Exp(-math.Abs(x))) }

// logarithm is log x with the same bits everywhere, of zero and of what is not a number, too.
func logarithm(x float64) float64 {
	if x >= 0x1p-1022 && x <= math.MaxFloat64 {
		return kernel.Log(x)
	}
	return math.Log(x)
}

// MostEnumerable is how many units are enumerated at most.
const MostEnumerable = 22

// Enumerable reports whether the smaller side of a model can be enumerated.
func Enumerable(layers []int) bool { return SmallerSide(layers) <= MostEnumerable }

// SmallerSide returns the number of units of the smaller side of a model: the odd layers or the
// even ones.
func SmallerSide(layers []int) (units int) {
	for l := smallerSide(layers); l < len(layers); l += 2 {
		units += layers[l]
	}
	return units
}

// ExactLogZ returns the exact logarithm of the partition function, in float64. The number of
// threads does not affect it. progress, if not nil, receives the fraction done. When ctx
// ends, it returns its cause.
func ExactLogZ(ctx context.Context, c *dbm.Config, s *dbm.State, threads int,
	progress func(done float64)) (float64, error) {
	if !Enumerable(c.Layers) {
		return 0, fmt.Errorf("layers: both sides of %v have more than %d units: too many to enumerate",
			c.Layers, MostEnumerable)
	}
	return enumerate(ctx, c.Layers, s, nil, threads, progress)
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
	sum, err := enumerate(ctx, c.Layers, s, v, 1, nil)
	return sum - logZ, err
}

// enumerateBlock is how many states a worker enumerates in one go. The blocks, and the order
// in which their sums are added, do not depend on the number of threads.
const enumerateBlock = 1 << 12

// scaled is the number sum·exp(top).
type scaled struct{ sum, top float64 }

// add adds another one.
func (x *scaled) add(y scaled) {
	if y.top > x.top {
		x.sum, x.top = x.sum*kernel.Exp(x.top-y.top), y.top
	}
	if y.sum > 0 || y.sum != y.sum {
		x.sum += float64(y.sum * kernel.Exp(y.top-x.top))
	}
}

// enumerate returns the logarithm of the sum of exp(−E) over all states, or over all
// hidden ones if v is given. progress, if not nil, receives the fraction done.
func enumerate(ctx context.Context, layers []int, s *dbm.State, v []float32, threads int,
	progress func(done float64)) (float64, error) {
	states := 1 << len(newEnumeration(layers, s, v).units)
	blocks := make([]scaled, (states+enumerateBlock-1)/enumerateBlock)
	report := reporting(float64(states), progress)
	err := dbm.Blocks(ctx, states, enumerateBlock, threads, func(_, from, to int) {
		blocks[from/enumerateBlock] = newEnumeration(layers, s, v).part(uint64(from), uint64(to))
		report(to - from)
	})
	if err != nil {
		return 0, err
	}
	total := scaled{0, math.Inf(-1)}
	for _, b := range blocks {
		total.add(b)
	}
	return total.top + logarithm(total.sum), nil
}

// part returns the sum over states [from, to) in Gray's order.
func (e *enumeration) part(from, to uint64) scaled {
	for i := range e.units {
		if (from^from>>1)>>i&1 != 0 {
			e.flip(i)
		}
	}
	total := scaled{0, math.Inf(-1)}
	for state := from; ; state++ {
		total.add(scaled{1, e.logSum()})
		if state == to-1 {
			return total
		}
		e.flip(bits.TrailingZeros64(^state))
	}
}

// reporting returns what adds up the parts of all that are done, and reports the fraction.
func reporting(all float64, progress func(done float64)) func(part int) {
	var lock sync.Mutex
	done := 0
	return func(part int) {
		if progress == nil {
			return
		}
		lock.Lock()
		defer lock.Unlock()
		done += part
		progress(float64(done) / all)
	}
}

// enumeration is a state of the smaller side. It goes through all of them in Gray's
// order, in which one unit changes at a time, so that the inputs of the other side
// change by a row of weights.
type enumeration struct {
	layers, sizes []int // sizes[0] is 0 where the visible layer is given
	state         *dbm.State
	small         int // parity of the layers of the smaller side
	units         []unit
	on            []bool
	energy        float64     // −E of the smaller side alone
	input         [][]float64 // of each unit: its bias, and for the other side what comes from units that are on
}

// unit is unit j of a layer.
type unit struct{ layer, j int }

// newEnumeration returns the state in which all units of the smaller side are off.
func newEnumeration(layers []int, s *dbm.State, v []float32) *enumeration {
	e := &enumeration{layers: layers, sizes: append([]int(nil), layers...), state: s}
	for l, n := range layers {
		e.input = append(e.input, make([]float64, n))
		for j, b := range s.Biases[l] {
			e.input[l][j] = float64(b)
		}
	}
	if v != nil {
		e.give(v)
	}
	e.small = smallerSide(e.sizes)
	for l := e.small; l < len(e.sizes); l += 2 {
		for j := range e.sizes[l] {
			e.units = append(e.units, unit{l, j})
		}
	}
	e.on = make([]bool, len(e.units))
	return e
}

// give fixes the visible layer.
func (e *enumeration) give(v []float32) {
	e.sizes[0] = 0
	for i, x := range v {
		e.energy += float64(float64(x) * e.input[0][i])
		for j := range e.layers[1] {
			e.input[1][j] += float64(float64(x) * float64(e.state.Weights[0][i*e.layers[1]+j]))
		}
	}
}

// factors is how many factors between 1 and 2 a product may have without an overflow.
const factors = 1000

// logSum returns the logarithm of the sum of exp(−E) over the states of the other side.
func (e *enumeration) logSum() float64 {
	total := e.energy
	for l := 1 - e.small; l < len(e.sizes); l += 2 {
		for from := 0; from < e.sizes[l]; from += factors {
			product := 1.0
			for _, x := range e.input[l][from:min(from+factors, e.sizes[l])] {
				total += max(x, 0)
				product *= 1 + kernel.Exp(-math.Abs(x))
			}
			total += logarithm(product)
		}
	}
	return total
}

// flip changes a unit of the smaller side.
func (e *enumeration) flip(i int) {
	u := e.units[i]
	e.on[i] = !e.on[i]
	sign := -1.0
	if e.on[i] {
		sign = 1
	}
	e.energy += float64(sign * e.input[u.layer][u.j]) // which never changes on this side
	if u.layer > 0 && e.sizes[u.layer-1] > 0 {
		n := e.layers[u.layer]
		for k := range e.sizes[u.layer-1] {
			e.input[u.layer-1][k] += float64(sign * float64(e.state.Weights[u.layer-1][k*n+u.j]))
		}
	}
	if u.layer+1 < len(e.sizes) {
		n := e.layers[u.layer+1]
		for k := range n {
			e.input[u.layer+1][k] += float64(sign * float64(e.state.Weights[u.layer][u.j*n+k]))
		}
	}
}

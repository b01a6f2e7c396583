package dbm

import (
	"context"
	"math"

	"tandem/dbm/kernel"
)

// The weights of a layer say little of what its units do: filters may have moved far from where
// they began, and still give the same answer for every example. So a few examples are inferred
// by mean field, and the means q of each unit are looked at.

// ActivityExamples is how many examples tell what units do.
const ActivityExamples = 200

// Thresholds of Activity.
const (
	varyingAbove = 0.1  // standard deviation of q over examples
	stuckBelow   = 1e-3 // mean of q(1−q)
	heldVariance = 0.9  // share of the variance that the principal components hold
)

// Activity is what the units of each hidden layer do, with one number for each layer but
// where it is said otherwise; shares are between 0 and 1.
type Activity struct {
	// Varying is the share of units that answer examples differently: the standard deviation
	// of their q is above 0.1.
	Varying []float64
	// StuckOn and StuckOff are the shares of units that are on, or off, whatever the rest does:
	// their mean q(1−q) is below 10⁻³ over examples, and over chains, too.
	StuckOn, StuckOff []float64
	// Components is the number of principal components that hold 90% of the variance of q.
	Components []int
	// FromAbove is the mean input that the units of layer l receive from layer l+1, over
	// examples, for l = 0 … the last layer but one.
	FromAbove []float64
}

// MeasureActivity measures what units do on n examples, which row writes: 0s and 1s, or
// probabilities. The chains are those of the state; where it has none, examples alone tell what
// is stuck. The number of threads does not affect the numbers.
func MeasureActivity(c *Config, set *kernel.Set, s *State, n int, row func(i int, v []float32),
	threads int) (*Activity, error) {
	m, err := NewModel(c, set, s)
	if err != nil {
		return nil, err
	}
	x, err := activities(m, set, n, row, threads)
	if err != nil {
		return nil, err
	}
	a := new(Activity)
	for l, units := range c.Layers {
		if l+1 < len(c.Layers) {
			a.FromAbove = append(a.FromAbove, fromAbove(m, set, x, l, n))
		}
		if l == 0 {
			continue
		}
		q := columns{x[l], n, units}
		chains := columns{conditionals(m, set, s, l), c.Chains, units}
		varying, on, off := 0, 0, 0
		for j := range units {
			mean, sd, stays := q.unit(j)
			if sd > varyingAbove {
				varying++
			}
			if stays >= stuckBelow {
				continue
			}
			if s.HasChains() {
				if _, _, stays := chains.unit(j); stays >= stuckBelow {
					continue
				}
			}
			if mean > 0.5 {
				on++
			} else {
				off++
			}
		}
		of := float64(units)
		a.Varying = append(a.Varying, float64(varying)/of)
		a.StuckOn, a.StuckOff = append(a.StuckOn, float64(on)/of), append(a.StuckOff, float64(off)/of)
		a.Components = append(a.Components, q.components(threads))
	}
	return a, nil
}

// activities returns the examples and their means by mean field: [l] n × Stride(units).
func activities(m *Model, set *kernel.Set, n int, row func(i int, v []float32), threads int) ([][]float32, error) {
	const tolerance, most = 1e-3, 50
	x := make([][]float32, len(m.Layers))
	for l, units := range m.Layers {
		x[l] = make([]float32, n*kernel.Stride(units))
	}
	workers := make([]*Inference, Useful(threads, n, InferRows))
	for i := range workers {
		workers[i] = newInference(m, set, InferRows, tolerance, most)
	}
	return x, Blocks(context.Background(), n, InferRows, len(workers), func(worker, from, to int) {
		inference := workers[worker]
		for r := range to - from {
			row(from+r, inference.Visible(r))
		}
		inference.Infer(to - from)
		for l, units := range m.Layers {
			q := inference.v
			if l > 0 {
				q = inference.q[l]
			}
			copy(x[l][from*kernel.Stride(units):], q[:(to-from)*kernel.Stride(units)])
		}
	})
}

// conditionals returns the means of layer l in each chain, given the layers beside it: chains ×
// Stride(units); nil where the state has no chains.
func conditionals(m *Model, set *kernel.Set, s *State, l int) []float32 {
	if !s.HasChains() {
		return nil
	}
	rows := len(s.Chains[l]) / m.Layers[l]
	x := make([][]float32, len(m.Layers))
	for k, units := range m.Layers {
		x[k] = make([]float32, rows*kernel.Stride(units))
		for r := range rows {
			copy(x[k][r*kernel.Stride(units):][:units], s.Chains[k][r*units:])
		}
	}
	out := make([]float32, len(x[l]))
	p := m.Pass(l, rows, m.Bias[l], x, nil, out)
	m.kind(l).mean(set, &p, nil)
	return out
}

// fromAbove returns the mean input that layer l receives from the one above, of rows of means.
func fromAbove(m *Model, set *kernel.Set, x [][]float32, l, rows int) float64 {
	units := m.Layers[l]
	out := make([]float32, rows*kernel.Stride(units))
	p := kernel.NewPass(units, rows, make([]float32, kernel.Padded(units)), out)
	p.Above = m.FromAbove(l, x[l+1])
	set.Linear(&p)
	sum := 0.0
	for r := range rows {
		for _, in := range out[r*kernel.Stride(units):][:units] {
			sum += float64(in)
		}
	}
	return sum / float64(rows*units)
}

// columns are rows of the means of units: rows × Stride(units).
type columns struct {
	q           []float32
	rows, units int
}

// unit returns the mean and the standard deviation of q of unit j, and its mean q(1−q).
func (c *columns) unit(j int) (mean, sd, stays float64) {
	stride, n := kernel.Stride(c.units), float64(c.rows)
	for r := range c.rows {
		q := float64(c.q[r*stride+j])
		mean += q / n
		stays += float64(q*(1-q)) / n
	}
	square := 0.0
	for r := range c.rows {
		d := float64(c.q[r*stride+j]) - mean
		square += float64(d * d)
	}
	return mean, math.Sqrt(square / n), stays
}

// components returns how many principal components hold most of the variance: 0 where there
// is none.
func (c *columns) components(threads int) int {
	// The covariance of units and the products of rows have the same spectrum but for zeros.
	centred, n := c.centred(c.rows <= c.units)
	width := len(centred) / n
	products := make([]float64, n*n)
	each(n, componentBlock, threads, func(_, from, to int) {
		for i := from; i < to; i++ {
			for j := range i + 1 {
				products[i*n+j] = kernel.Dot(centred[i*width:][:width], centred[j*width:][:width])
				products[j*n+i] = products[i*n+j]
			}
		}
	})
	values, sum := spectrum(products, n), 0.0
	for _, x := range values {
		sum += max(x, 0)
	}
	held := 0.0
	for i, x := range values {
		if held >= float64(heldVariance*sum) {
			return i
		}
		held += max(x, 0)
	}
	return n
}

// componentBlock is how many rows of products a worker makes in one go.
const componentBlock = 16

// centred returns q less the mean of its unit, as rows × units or the other way round, and how
// many rows that has.
func (c *columns) centred(byRows bool) (x []float32, n int) {
	stride := kernel.Stride(c.units)
	x = make([]float32, c.rows*c.units)
	for j := range c.units {
		mean, _, _ := c.unit(j)
		for r := range c.rows {
			at := j*c.rows + r
			if byRows {
				at = r*c.units + j
			}
			x[at] = float32(float64(c.q[r*stride+j]) - mean)
		}
	}
	if byRows {
		return x, c.rows
	}
	return x, c.units
}

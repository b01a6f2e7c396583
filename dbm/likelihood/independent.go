package likelihood

import (
	"context"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Independent is the model of independent units, the least that a model must be better than.
// A unit that was on in k of n training examples has probability (k + ½)/(n + 1), so that none
// is 0 (Krichevsky and Trofimov 1981).
type Independent struct {
	on, off []float64 // log-probability of each unit's states
}

// NewIndependent returns the model of units that have a mean over n training examples of 0s
// and 1s.
func NewIndependent(mean []float64, n int) *Independent {
	m := &Independent{make([]float64, len(mean)), make([]float64, len(mean))}
	for i, p := range mean {
		ones := float64(p * float64(n))
		m.on[i] = kernel.Log((ones + 0.5) / float64(n+1))
		m.off[i] = kernel.Log((float64(n) - ones + 0.5) / float64(n+1))
	}
	return m
}

// LogP returns the log-probability of an example of 0s and 1s.
func (m *Independent) LogP(v []float32) (sum float64) {
	for i, x := range v {
		if x != 0 {
			sum += m.on[i]
		} else {
			sum += m.off[i]
		}
	}
	return sum
}

// LogPOfSome returns the log-probability of those units of an example that without leaves.
func (m *Independent) LogPOfSome(v []float32, without []bool) (sum float64) {
	for i, x := range v {
		switch {
		case without[i]:
		case x != 0:
			sum += m.on[i]
		default:
			sum += m.off[i]
		}
	}
	return sum
}

// Each returns the log-probability of each example of a set. When ctx ends, it returns its
// cause.
func (m *Independent) Each(ctx context.Context, x Examples, threads int) ([]float64, error) {
	const block = 100
	each := make([]float64, x.N)
	return each, dbm.Blocks(ctx, x.N, block, dbm.Useful(threads, x.N, block), func(_, from, to int) {
		v := make([]float32, len(m.on))
		for i := from; i < to; i++ {
			x.Row(i, v)
			each[i] = m.LogP(v)
		}
	})
}

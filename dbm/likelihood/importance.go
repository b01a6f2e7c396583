package likelihood

import (
	"context"
	"fmt"
	"math"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Importance weights close the gap between the mean-field bound and the truth (Burda,
// Grosse and Salakhutdinov 2016). Given an example v and states of the odd layers, the even
// hidden layers can be summed out exactly:
//
//	w = Σ over even layers of exp(−E(v, h)) / q(odd layers)
//
// With K draws of the odd layers from mean field, log mean w − log Z is below log P(v) on
// average, for any K, and comes up to it as K grows. With K = 1 it is above the mean-field
// bound already, for nothing of the even layers is lost. A few large weights say that K is
// too small: their effective number is (Σw)²/Σw².

// weighedTogether is how many draws of an example are weighed side by side.
const weighedTogether = 100

// Weighted is what importance weights say of an example.
type Weighted struct {
	LogMean   float64 // log mean w: the bound of log P(v) is this − log Z
	Effective float64 // number of draws that count, 1 to K
}

// MostDraws is the most draws of an example.
const MostDraws = 1 << 16

// Importance computes the importance weights of n examples, which row writes as for Bound,
// with a number of draws of each. The draws of an example follow from the seed and its
// number alone. When ctx ends, Importance returns its cause.
func Importance(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, n, draws int, seed uint64,
	row func(i int, v []float32), threads int, progress func(done float64)) ([]Weighted, error) {
	if draws < 1 || draws > MostDraws {
		return nil, fmt.Errorf("draws: %d; must be 1 to %d", draws, MostDraws)
	}
	m, err := dbm.NewModel(c, set, s)
	if err != nil {
		return nil, err
	}
	found := make([]Weighted, n)
	take := func(inference *dbm.Inference, first, rows int) {
		w := newWeigher(m, set, min(draws, weighedTogether))
		for r := range rows {
			found[first+r] = w.weigh(inference, r, draws, kernel.Draw{Seed: seed, Update: uint32(first + r)})
		}
	}
	return found, dbm.InferAll(ctx, c, set, s, n, threads, tolerance, most, row, take, progress)
}

// weigher draws states of the odd layers for one example, some rows at a time.
type weigher struct {
	*dbm.Model
	set  *kernel.Set
	rows int
	x    [][]float32 // of the odd layers: rows × Stride(units); the visible layer in every row
	pre  [][]float32 // of the even layers
	zero []float32
}

func newWeigher(m *dbm.Model, set *kernel.Set, rows int) *weigher {
	w := &weigher{Model: m, set: set, rows: rows}
	widest := 0
	for l, n := range m.Layers {
		widest = max(widest, kernel.Padded(n))
		w.x, w.pre = append(w.x, make([]float32, rows*kernel.Stride(n))), append(w.pre, nil)
		if l%2 == 0 && l > 0 {
			w.pre[l] = make([]float32, rows*kernel.Stride(n))
		}
	}
	w.zero = make([]float32, widest)
	return w
}

// weigh draws states for row r of an inference.
func (w *weigher) weigh(inference *dbm.Inference, r, draws int, d kernel.Draw) Weighted {
	given := w.given(inference, r)
	logs := make([]float64, 0, draws)
	for from := 0; from < draws; from += w.rows {
		n := min(w.rows, draws-from)
		weights := make([]float64, n)
		for i := range weights {
			weights[i] = given.visible
		}
		for l := 1; l < len(w.Layers); l += 2 {
			w.draw(weights, given, l, from, d)
		}
		for l := 2; l < len(w.Layers); l += 2 {
			w.sumOut(weights, l, n)
		}
		logs = append(logs, weights...)
	}
	return weightedOf(logs)
}

// weightedOf sums up log-weights.
func weightedOf(logs []float64) Weighted {
	top, sum, square := math.Inf(-1), 0.0, 0.0
	for _, x := range logs {
		top = max(top, x)
	}
	for _, x := range logs {
		e := kernel.Exp(x - top)
		sum += e
		square += float64(e * e)
	}
	return Weighted{top + kernel.Log(sum/float64(len(logs))), float64(sum*sum) / square}
}

// given is what is the same for all draws of an example.
type given struct {
	visible float64     // v·b₀
	q       [][]float32 // [l] of the odd layers
	gain    [][]float64 // [l] log p* that each unit adds when it is on, from v and biases
	on, off [][]float64 // [l] log q of each unit when it is on, and when it is off
}

// given computes it for row r of an inference.
func (w *weigher) given(inference *dbm.Inference, r int) *given {
	g := &given{q: make([][]float32, len(w.Layers)), gain: make([][]float64, len(w.Layers)),
		on: make([][]float64, len(w.Layers)), off: make([][]float64, len(w.Layers))}
	v := inference.Visible(r)
	for i, x := range v {
		g.visible += float64(x) * float64(w.Bias[0][i])
	}
	for l := 1; l < len(w.Layers); l += 2 {
		n := w.Layers[l]
		g.q[l] = inference.Hidden(l)[r*kernel.Stride(n):][:n]
		g.gain[l], g.on[l], g.off[l] = make([]float64, n), make([]float64, n), make([]float64, n)
		for j, q := range g.q[l] {
			g.gain[l][j] = float64(w.Bias[l][j])
			g.on[l][j], g.off[l][j] = logProbability(float64(q)), logProbability(1-float64(q))
		}
	}
	row := make([]float32, kernel.Stride(w.Layers[1]))
	visible := make([]float32, kernel.Stride(w.Layers[0]))
	copy(visible, v)
	p := kernel.NewPass(w.Layers[1], 1, make([]float32, kernel.Padded(w.Layers[1])), row)
	p.Below = w.FromBelow(1, visible)
	w.set.Linear(&p)
	for j := range g.gain[1] {
		g.gain[1][j] += float64(row[j])
	}
	return g
}

// logProbability returns log p, or something that no draw meets where p is 0.
func logProbability(p float64) float64 {
	if p < 0x1p-1000 {
		return 0
	}
	return kernel.Log(p)
}

// draw draws layer l from mean field, and adds what its units say.
func (w *weigher) draw(weights []float64, g *given, l, from int, d kernel.Draw) {
	n, stride := w.Layers[l], kernel.Stride(w.Layers[l])
	d.Tag = kernel.Tag(kernel.ForImportance, l, 0)
	for i := range weights {
		d.Row = uint32(from + i)
		x := w.x[l][i*stride:][:n]
		d.Bernoulli(x, g.q[l])
		sum := 0.0
		for j, on := range x {
			if on != 0 {
				sum += g.gain[l][j] - g.on[l][j]
			} else {
				sum -= g.off[l][j]
			}
		}
		weights[i] += sum
	}
}

// sumOut adds what an even layer says when it is summed out, given the odd ones. The kernel
// gives softplus less that of 0, which is log 2.
func (w *weigher) sumOut(weights []float64, l, rows int) {
	n, stride, width := w.Layers[l], kernel.Stride(w.Layers[l]), kernel.Padded(w.Layers[l])
	p := w.Pass(l, rows, w.zero[:width], w.x, nil, w.pre[l])
	w.set.Linear(&p)
	to, from := kernel.Tempered{Beta: 1, Bias: w.Bias[l]}, kernel.Tempered{Bias: w.zero[:width]}
	for i := range weights {
		var sums [kernel.Panel]float32
		a := w.pre[l][i*stride:][:width]
		w.set.Softplus(a, a, to, from, &sums)
		weights[i] += float64(float64(n) * math.Ln2)
		for _, x := range sums {
			weights[i] += float64(x)
		}
	}
}

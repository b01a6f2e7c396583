package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"tandem/dbm/kernel"
)

// Kernel is how fast a kernel runs at one shape.
type Kernel struct {
	Name      string  `json:"name"`
	Shape     string  `json:"shape"` // rows × units of the input × units of the layer
	Threads   int     `json:"threads"`
	GFLOPS    float64 `json:"gflops"`     // of the arithmetic asked for, padding not counted
	OfCeiling float64 `json:"of_ceiling"` // share of Ceiling for as many threads
}

// Kernels measures the kernels at the shapes of training 784-500-500 with a
// minibatch of 50, on one thread: for the whole minibatch, and for half of it, as
// each of two workers has it. ceiling is Ceiling(1), 0 if it is not known. When ctx ends,
// Kernels returns its cause.
func Kernels(ctx context.Context, k *kernel.Set, ceiling float64) ([]Kernel, error) {
	var found []Kernel
	add := func(name string, rows, below, units int, f func()) {
		if ctx.Err() != nil {
			return
		}
		g := 2 * float64(rows*below*units) * rate(f) / 1e9
		m := Kernel{Name: name, Shape: fmt.Sprintf("%d×%d×%d", rows, below, units), Threads: 1, GFLOPS: g}
		if ceiling > 0 {
			m.OfCeiling = g / ceiling
		}
		found = append(found, m)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, rows := range []int{50, 25} {
		for _, s := range [][2]int{{784, 500}, {500, 784}, {500, 500}} {
			p := pass(rng, rows, s[0], s[1], 1)
			add("product", rows, s[0], s[1], func() { k.Linear(p) })
		}
	}
	p := pass(rng, 25, 500, 500, 1)
	add("product, sigmoid", 25, 500, 500, func() { k.Sigmoid(p, nil) })
	add("product, sample", 25, 500, 500, func() { k.Sample(p, kernel.Draw{}) })
	p = pass(rng, 25, 784, 500, 0.19)
	lists := new(kernel.Lists)
	lists.Reset()
	for r := range 25 {
		lists.Add(k, p.Below.X[r*p.Below.Stride:][:784])
	}
	p.Below.Nonzero = lists
	add("product, 19% nonzero", 25, 784, 500, func() { k.Linear(p) })
	for _, s := range [][2]int{{500, 500}, {784, 500}} {
		g := step(rng, 100, s[0], s[1])
		add("gradient", 100, s[0], s[1], func() { k.Learn(g) })
	}
	return found, context.Cause(ctx)
}

// rate is how many times a second f runs: the median of some rounds.
func rate(f func()) float64 {
	f()
	n := 1
	for {
		start := time.Now()
		for range n {
			f()
		}
		if time.Since(start) > 5*time.Millisecond {
			break
		}
		n *= 2
	}
	var rounds []float64
	for range 25 {
		start := time.Now()
		for range n {
			f()
		}
		rounds = append(rounds, float64(n)/time.Since(start).Seconds())
	}
	return median(rounds)
}

// random returns n random numbers, of which the given share is not 0.
func random(rng *rand.Rand, n int, density float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		if rng.Float64() < density {
			x[i] = rng.Float32()
		}
	}
	return x
}

// pass is a pass from one layer to another.
func pass(rng *rand.Rand, rows, below, units int, density float64) *kernel.Pass {
	return &kernel.Pass{
		Rows: rows, Panels: kernel.Panels(units), Start: make([]float32, kernel.Padded(units)),
		Below: kernel.Input{X: random(rng, rows*kernel.Stride(below), density), Stride: kernel.Stride(below), K: below,
			W: kernel.Pack(nil, random(rng, below*units, 1), below, units)},
		Out: make([]float32, rows*kernel.Stride(units)), Stride: kernel.Stride(units),
	}
}

// step is a step between two layers that moves nothing.
func step(rng *rand.Rand, rows, below, units int) *kernel.Step {
	return &kernel.Step{
		Rows: rows, X: random(rng, rows*kernel.Stride(below), 1), XStride: kernel.Stride(below),
		Y: random(rng, rows*kernel.Stride(units), 1), YStride: kernel.Stride(units),
		Below: below, Units: units, To: kernel.Panels(units), Pull: make([]float32, kernel.Padded(units)),
		W: kernel.Pack(nil, random(rng, below*units, 1), below, units),
	}
}

package kerneltest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tandem/dbm/kernel"
)

// Benchmark measures a set at the shapes of 784-500-500, on one core, in GFLOP/s of
// the dense arithmetic.
func Benchmark(b *testing.B, set *kernel.Set) {
	measure := func(name string, rows, below, units int, f func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
			b.ReportMetric(2*float64(rows*below*units)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
	for _, c := range []passCase{
		{rows: 50, columns: 500, below: 784, bias: true, density: 1},
		{rows: 25, columns: 500, below: 784, bias: true, density: 1},
		{rows: 25, columns: 500, below: 500, bias: true, density: 1},
		{rows: 25, columns: 784, below: 500, bias: true, density: 1},
		{rows: 25, columns: 500, below: 784, bias: true, density: 0.19, nonzero: true},
	} {
		p, _ := c.pass(1)
		shape := fmt.Sprintf("%dx%dx%d/nonzero=%v", c.rows, c.below, c.columns, c.nonzero)
		measure("linear/"+shape, c.rows, c.below, c.columns, func() { set.Linear(p) })
		measure("sigmoid/"+shape, c.rows, c.below, c.columns, func() { set.Sigmoid(p, nil) })
		measure("sample/"+shape, c.rows, c.below, c.columns, func() { set.Sample(p, kernel.Draw{}) })
	}
	for _, c := range []stepCase{
		{rows: 100, below: 784, units: 500, nonzero: true}, {rows: 100, below: 784, units: 500},
		{rows: 100, below: 500, units: 500},
	} {
		s := c.step(rand.New(rand.NewPCG(1, 1)))
		s.Rate = 0
		measure(fmt.Sprintf("learn/%dx%dx%d/nonzero=%v", c.rows, c.below, c.units, c.nonzero), c.rows, c.below, c.units,
			func() { set.Learn(s) })
	}
}

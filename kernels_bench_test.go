package main

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tandem/dbm"
)

// The passes and steps at the shapes of the paper's model, on one core, in
// GFLOP/s of the dense arithmetic.
func BenchmarkKernels(b *testing.B) {
	kernels := append(vectorKernels(), genericKernels)
	for _, k := range kernels {
		for _, c := range []passCase{
			{rows: 50, columns: 500, below: 784, bias: true, density: 1},
			{rows: 25, columns: 500, below: 784, bias: true, density: 1},
			{rows: 25, columns: 500, below: 500, bias: true, density: 1},
			{rows: 25, columns: 784, below: 500, bias: true, density: 1},
			{rows: 25, columns: 500, below: 784, bias: true, density: 0.19, nonzero: true},
		} {
			c.run(1, func(p *dbm.Pass) {
				for what, f := range map[string]func(){
					"linear": func() { k.Linear(p) }, "sigmoid": func() { k.Sigmoid(p, nil) }, "sample": func() { k.Sample(p, dbm.Draw{}) },
				} {
					b.Run(fmt.Sprintf("%s/%s/%dx%dx%d/nonzero=%v", k.Name, what, c.rows, c.below, c.columns, c.nonzero), func(b *testing.B) {
						b.ReportAllocs()
						for b.Loop() {
							f()
						}
						b.ReportMetric(2*float64(c.rows*c.columns*c.below)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
					})
				}
			})
		}
		for _, c := range []stepCase{{rows: 100, below: 784, units: 500, nonzero: true}, {rows: 100, below: 784, units: 500}, {rows: 100, below: 500, units: 500}} {
			b.Run(fmt.Sprintf("%s/learn/%dx%dx%d/nonzero=%v", k.Name, c.rows, c.below, c.units, c.nonzero), func(b *testing.B) {
				s := c.step(rand.New(rand.NewPCG(1, 1)))
				b.ReportAllocs()
				for b.Loop() {
					s.Rate = 0
					k.Learn(s)
				}
				b.ReportMetric(2*float64(c.rows*c.below*c.units)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

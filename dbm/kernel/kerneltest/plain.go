// Package kerneltest checks sets of kernels against the contract of package kernel.
//
// Run is the whole test of a set: all shapes at the edges of tiles and panels, long
// chains, special numbers, and memory that ends where a block ends. It compares the
// bits with the contract written as plain loops, element by element. Reference is
// the same loops in float64, for tests of what is built upon kernels.
package kerneltest

import (
	"math"

	"tandem/dbm/kernel"
)

// Reference computes in float64 and stores float32. Tests of learning use it, so that
// they depend neither on a set in assembly nor on the rounding of float32.
var Reference = plain("reference", arithmetic{
	fma:      func(a, b, c float64) float64 { return a*b + c },
	round:    func(x float64) float64 { return x },
	sigmoid:  func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
	softplus: func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
})

// contract computes what the comments on kernel.Set say, to the bit, element by element.
// kernels_generic.go at the root of the module is the definition; this is the same text
// written a second time. Where the two differ, one has a bug.
var contract = plain("contract", arithmetic{
	fma:      func(a, b, c float64) float64 { return float64(kernel.FMA(float32(a), float32(b), float32(c))) },
	round:    func(x float64) float64 { return float64(float32(x)) },
	sigmoid:  func(x float64) float64 { return float64(kernel.Sigmoid(float32(x))) },
	softplus: func(x float64) float64 { return float64(kernel.Softplus(float32(x))) },
})

// arithmetic is how a plain set computes. A sum, difference, product, quotient or
// square root of float32 that is rounded to float64 and then to float32 has the bits
// of one rounding; a fused multiply-add has not, and needs kernel.FMA.
type arithmetic struct {
	fma               func(a, b, c float64) float64 // a·b + c, rounded once
	round             func(x float64) float64       // the result of any other operation
	sigmoid, softplus func(x float64) float64
}

// plain returns a set that follows the comments on kernel.Set word by word.
func plain(name string, a arithmetic) *kernel.Set {
	return &kernel.Set{
		Name: name, Linear: a.linear, Sigmoid: a.sigmoidPass, Sample: a.samplePass, Learn: a.learn, Refresh: a.refresh,
		List: list, LearnBias: a.learnBias, Scale: a.scale, Softplus: a.softplusSums, Adam: a.adam,
	}
}

// packedAt is the place of element (i, j) of a packed matrix of k rows.
func packedAt(k, i, j int) int {
	return (j/kernel.Panel*kernel.Padded(k)+i)*kernel.Panel + j%kernel.Panel
}

// pre computes pre[r][j] of a pass.
func (a arithmetic) pre(p *kernel.Pass, r, j int) float64 {
	sum := float64(p.Start[r*p.StartStride+j])
	for _, in := range []kernel.Input{p.Below, p.Above} {
		for k := range in.K {
			// The contract allows a factor of 0 to be left out, which matters where a
			// weight is not finite: lists leave it out.
			if x := in.X[r*in.Stride+k]; x != 0 {
				sum = a.fma(float64(x), float64(in.W[packedAt(in.K, k, j)]), sum)
			}
		}
	}
	return a.round(sum + 0)
}

// pass stores f of every pre of a pass.
func (a arithmetic) pass(p *kernel.Pass, f func(r, j int, pre float64) float64) {
	for r := range p.Rows {
		for j := range p.Panels * kernel.Panel {
			p.Out[r*p.Stride+j] = float32(f(r, j, a.pre(p, r, j)))
		}
	}
}

func (a arithmetic) linear(p *kernel.Pass) {
	a.pass(p, func(r, j int, pre float64) float64 { return pre })
}

func (a arithmetic) sigmoidPass(p *kernel.Pass, change []float32) {
	a.pass(p, func(r, j int, pre float64) float64 {
		q := a.sigmoid(pre)
		if change != nil {
			old := float64(p.Out[r*p.Stride+j])
			if d := float32(math.Abs(float64(float32(q)) - old)); d > change[r] {
				change[r] = d
			}
		}
		return q
	})
}

func (a arithmetic) samplePass(p *kernel.Pass, d kernel.Draw) {
	u := make([]float32, p.Panels*kernel.Panel)
	a.pass(p, func(r, j int, pre float64) float64 {
		if j == 0 {
			row := d
			row.Row += uint32(r)
			row.Uniforms(u)
		}
		if float64(u[j]) < a.sigmoid(pre) {
			return 1
		}
		return 0
	})
}

func (a arithmetic) learn(s *kernel.Step) {
	for i := range s.Below {
		for j := s.From * kernel.Panel; j < s.To*kernel.Panel; j++ {
			g := 0.0
			for r := range s.Rows {
				g = a.fma(float64(s.X[r*s.XStride+i]), float64(s.Y[r*s.YStride+j]), g)
			}
			w := &s.W[packedAt(s.Below, i, j)]
			g = a.fma(-float64(s.Pull[j]), float64(*w), g+0)
			*w = float32(a.fma(float64(s.Rate), g, float64(*w)))
		}
	}
}

func (a arithmetic) refresh(s *kernel.Step) {
	for j := s.From * kernel.Panel; j < s.To*kernel.Panel; j++ {
		var lanes [4]float64
		for i := range s.Below {
			w := s.W[packedAt(s.Below, i, j)]
			lanes[i%4] = a.fma(float64(w), float64(w), lanes[i%4])
			s.Back[packedAt(s.Units, j, i)] = w
		}
		s.Squares[j] = float32(a.round(lanes[0]+lanes[1]) + a.round(lanes[2]+lanes[3]))
	}
}

func list(index []int32, value, x []float32, first int32) int {
	n := 0
	for i, v := range x {
		if v != 0 {
			index[n], value[n] = first+int32(i), v
			n++
		}
	}
	return n
}

func (a arithmetic) learnBias(bias, x []float32, stride int, scale []float32, rate float32) {
	for j := range bias {
		g := 0.0
		for r, by := range scale {
			g = a.fma(float64(x[r*stride+j]), float64(by), g)
		}
		bias[j] = float32(a.fma(float64(rate), g+0, float64(bias[j])))
	}
}

func (a arithmetic) scale(dst, src []float32, by float32) {
	for i, x := range src {
		dst[i] = float32(float64(x) * float64(by))
	}
}

func (a arithmetic) softplusSums(pre, x []float32, to, from kernel.Tempered, sums *[kernel.Panel]float32) {
	for j, x := range x {
		pre[j] = float32(a.fma(float64(to.Beta), float64(x), float64(to.Bias[j])))
		more := a.softplus(float64(pre[j])) - a.softplus(a.fma(float64(from.Beta), float64(x), float64(from.Bias[j])))
		sums[j%kernel.Panel] = float32(float64(sums[j%kernel.Panel]) + a.round(more))
	}
}

func (a arithmetic) adam(w, g, mean, square []float32, rate float32) {
	keepMean, keepSquare := float64(float32(kernel.AdamKeepMean)), float64(float32(kernel.AdamKeepSquare))
	newMean, newSquare := float64(float32(1-kernel.AdamKeepMean)), float64(float32(1-kernel.AdamKeepSquare))
	for i, x := range g {
		x := float64(x)
		m := a.round(a.round(keepMean*float64(mean[i])) + a.round(newMean*x))
		s := a.round(a.round(keepSquare*float64(square[i])) + a.round(a.round(newSquare*x)*x))
		step := a.round(a.round(float64(rate)*m) / a.round(a.round(math.Sqrt(s))+float64(float32(kernel.AdamEpsilon))))
		mean[i], square[i], w[i] = float32(m), float32(s), float32(float64(w[i])+step)
	}
}

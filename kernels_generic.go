package main

// The kernels in plain Go. They define the numbers: every other set of kernels produces
// the same bits, so that a run does not depend on the machine.
//
// Each element of a product is one chain of fused multiply-adds. It starts from the bias,
// or from what the caller has computed so far. It runs over the units of the layer below
// in ascending order, then over those of the layer above. A chain is never split, so its
// result does not depend on the shape of a tile, the width of a vector or the number of
// threads. This costs nothing: a kernel that computes ten or more elements at the same
// time hides the latency of each.
//
// A kernel may leave out terms with a factor of 0. They can only change a sum of −0, so
// +0 is added at the end of every chain. (They would also matter if a weight were not
// finite, but then the run stops at the end of the update.)
//
// Sums of squares over the rows of a panel run in four lanes, row i in lane i mod 4. Each
// lane is a chain from +0, and the result is (lane 0 + lane 1) + (lane 2 + lane 3).
//
// The fused multiply-add, sigmoid, softplus and the random numbers are those of
// dbm/kernel.
//
// Go may fuse x*y + z on some machines and not on others. So no product here feeds an
// addition except through kernel.FMA, or through a float32 conversion, which forbids the
// fusion.

import (
	"math"

	"tandem/dbm/kernel"
)

// genericKernels is the set that every machine has.
var genericKernels = kernel.Set{
	Name:      "generic",
	Linear:    linearGeneric,
	Sigmoid:   sigmoidPassGeneric,
	Sample:    samplePassGeneric,
	Learn:     learnGeneric,
	Refresh:   refreshGeneric,
	List:      listGeneric,
	LearnBias: learnBiasGeneric,
	Scale:     scaleGeneric,
	Softplus:  softplusGeneric,
	Adam:      adamGeneric,
}

// panelPre returns pre of one row and one panel of a pass.
func panelPre(p *kernel.Pass, r, panel int) (acc [kernel.Panel]float32) {
	copy(acc[:], p.Start[r*p.StartStride+panel*kernel.Panel:])
	for _, in := range [2]*kernel.Input{&p.Below, &p.Above} {
		if in.K == 0 {
			continue
		}
		w := in.W[panel*kernel.Padded(in.K)*kernel.Panel:]
		for k, x := range in.X[r*in.Stride:][:in.K] {
			if x != 0 {
				axpy(&acc, x, (*[kernel.Panel]float32)(w[k*kernel.Panel:]))
			}
		}
	}
	for j := range acc {
		acc[j] += 0
	}
	return acc
}

// axpy computes acc = acc + x·w.
func axpy(acc *[kernel.Panel]float32, x float32, w *[kernel.Panel]float32) {
	for j, y := range w {
		acc[j] = kernel.FMA(x, y, acc[j])
	}
}

func linearGeneric(p *kernel.Pass) {
	for panel := range p.Panels {
		for r := range p.Rows {
			acc := panelPre(p, r, panel)
			copy(p.Out[r*p.Stride+panel*kernel.Panel:], acc[:])
		}
	}
}

func sigmoidPassGeneric(p *kernel.Pass, change []float32) {
	for panel := range p.Panels {
		for r := range p.Rows {
			acc := panelPre(p, r, panel)
			out := p.Out[r*p.Stride+panel*kernel.Panel:]
			for j, pre := range acc {
				s := kernel.Sigmoid(pre)
				if change != nil {
					if d := abs(s - out[j]); d > change[r] {
						change[r] = d
					}
				}
				out[j] = s
			}
		}
	}
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

func samplePassGeneric(p *kernel.Pass, d kernel.Draw) {
	u := make([]float32, p.Panels*kernel.Panel)
	for r := range p.Rows {
		d.Uniforms(u)
		d.Row++
		for panel := range p.Panels {
			acc := panelPre(p, r, panel)
			out := p.Out[r*p.Stride+panel*kernel.Panel:]
			for j, pre := range acc {
				if u[panel*kernel.Panel+j] < kernel.Sigmoid(pre) {
					out[j] = 1
				} else {
					out[j] = 0
				}
			}
		}
	}
}

func learnGeneric(s *kernel.Step) {
	for panel := s.From; panel < s.To; panel++ {
		w := s.W[panel*kernel.Padded(s.Below)*kernel.Panel:]
		pull := (*[kernel.Panel]float32)(s.Pull[panel*kernel.Panel:])
		for i := range s.Below {
			var g [kernel.Panel]float32
			for r := range s.Rows {
				if x := s.X[r*s.XStride+i]; x != 0 {
					axpy(&g, x, (*[kernel.Panel]float32)(s.Y[r*s.YStride+panel*kernel.Panel:]))
				}
			}
			for j, w := range w[i*kernel.Panel:][:kernel.Panel] {
				g[j] = kernel.FMA(-pull[j], w, g[j]+0)
				g[j] = kernel.FMA(s.Rate, g[j], w)
			}
			copy(w[i*kernel.Panel:], g[:])
		}
	}
}

func refreshGeneric(s *kernel.Step) {
	below, units := kernel.Padded(s.Below), kernel.Padded(s.Units)
	for panel := s.From; panel < s.To; panel++ {
		var lanes [4][kernel.Panel]float32
		for i := range s.Below {
			for j, w := range s.W[(panel*below+i)*kernel.Panel:][:kernel.Panel] {
				lanes[i%4][j] = kernel.FMA(w, w, lanes[i%4][j])
				s.Back[(i/kernel.Panel*units+panel*kernel.Panel+j)*kernel.Panel+i%kernel.Panel] = w
			}
		}
		for j := range kernel.Panel {
			s.Squares[panel*kernel.Panel+j] = (lanes[0][j] + lanes[1][j]) + (lanes[2][j] + lanes[3][j])
		}
	}
}

func listGeneric(index []int32, value, x []float32, first int32) int {
	n := 0
	for i, v := range x {
		index[n], value[n] = first+int32(i), v // no branch to predict
		if v != 0 {
			n++
		}
	}
	return n
}

func learnBiasGeneric(bias, x []float32, stride int, scale []float32, rate float32) {
	for j := range bias {
		var g float32
		for r, by := range scale {
			g = kernel.FMA(x[r*stride+j], by, g)
		}
		bias[j] = kernel.FMA(rate, g+0, bias[j])
	}
}

func scaleGeneric(dst, src []float32, by float32) {
	for i, x := range src {
		dst[i] = x * by
	}
}

func softplusGeneric(pre, a []float32, to, from kernel.Tempered, sums *[kernel.Panel]float32) {
	for j, x := range a {
		pre[j] = kernel.FMA(to.Beta, x, to.Bias[j])
		sums[j%kernel.Panel] += kernel.Softplus(pre[j]) - kernel.Softplus(kernel.FMA(from.Beta, x, from.Bias[j]))
	}
}

func adamGeneric(w, g, mean, square []float32, rate float32) {
	for i, x := range g {
		a := float32(kernel.AdamKeepMean*mean[i]) + float32((1-kernel.AdamKeepMean)*x)
		b := float32(kernel.AdamKeepSquare*square[i]) + float32(float32((1-kernel.AdamKeepSquare)*x)*x)
		mean[i], square[i] = a, b
		w[i] += float32(rate*a) / (float32(math.Sqrt(float64(b))) + kernel.AdamEpsilon)
	}
}

package dbm

import "math"

// naive computes in float64 what the kernels' comments say, element by element,
// and stores it as float32. It is what the tests of learning run on, so that
// they do not depend on the kernels under test elsewhere.
var naive = &Kernels{
	Name: "naive",
	Linear: func(p *Pass) {
		naivePass(p, func(r, j int, pre float64) float64 { return pre })
	},
	Sigmoid: func(p *Pass, change []float32) {
		naivePass(p, func(r, j int, pre float64) float64 {
			q := 1 / (1 + math.Exp(-pre))
			if change != nil {
				old := float64(p.Out[r*p.Stride+j])
				change[r] = max(change[r], float32(math.Abs(float64(float32(q))-old)))
			}
			return q
		})
	},
	Sample: func(p *Pass, d Draw) {
		u := make([]float32, p.Panels*Panel)
		naivePass(p, func(r, j int, pre float64) float64 {
			if j == 0 {
				e := d
				e.Row += uint32(r)
				e.Uniforms(u)
			}
			if float64(u[j]) < 1/(1+math.Exp(-pre)) {
				return 1
			}
			return 0
		})
	},
	Learn: func(s *Step) {
		for i := range s.Below {
			for j := s.From * Panel; j < s.To*Panel; j++ {
				g := 0.0
				for r := range s.Rows {
					g += float64(s.X[r*s.XStride+i]) * float64(s.Y[r*s.YStride+j])
				}
				w := &s.W[packedAt(s.Below, i, j)]
				*w = float32(float64(*w) + float64(s.Rate)*(g-float64(s.Pull[j])*float64(*w)))
			}
		}
	},
	Refresh: naiveRefresh,
	List: func(index []int32, value, x []float32, first int32) int {
		n := 0
		for i, v := range x {
			if v != 0 {
				index[n], value[n] = first+int32(i), v
				n++
			}
		}
		return n
	},
	LearnBias: func(bias, x []float32, stride int, scale []float32, rate float32) {
		for j := range bias {
			g := 0.0
			for r, by := range scale {
				g += float64(by) * float64(x[r*stride+j])
			}
			bias[j] = float32(float64(bias[j]) + float64(rate)*g)
		}
	},
	Scale: func(dst, src []float32, by float32) {
		for i := range src {
			dst[i] = src[i] * by
		}
	},
}

func packedAt(k, i, j int) int { return (j/Panel*Padded(k)+i)*Panel + j%Panel }

func naivePass(p *Pass, f func(r, j int, pre float64) float64) {
	for r := range p.Rows {
		for j := range p.Panels * Panel {
			pre := float64(p.Start[r*p.StartStride+j])
			for _, in := range []Input{p.Below, p.Above} {
				for k := range in.K {
					pre += float64(in.X[r*in.Stride+k]) * float64(in.W[packedAt(in.K, k, j)])
				}
			}
			p.Out[r*p.Stride+j] = float32(f(r, j, pre))
		}
	}
}

func naiveRefresh(s *Step) {
	for j := s.From * Panel; j < s.To*Panel; j++ {
		sum := 0.0
		for i := range s.Below {
			w := s.W[packedAt(s.Below, i, j)]
			sum += float64(w) * float64(w)
			s.Back[packedAt(s.Units, j, i)] = w
		}
		s.Squares[j] = float32(sum)
	}
}

package main

// The kernels in plain Go. They define the numbers: every other set of kernels
// equals them to the bit, so that a run does not depend on the machine.
//
// A dense product is one chain of fused multiply-adds an element: it starts at
// the bias, or at what the caller has computed so far, and goes over the units
// of the layer below upwards, then over those of the layer above. A chain is
// never split, so that the shape of a tile, the width of a vector or the number
// of threads cannot show. It costs nothing: a kernel that computes ten or more
// elements side by side hides the latency of each.
//
// A factor of 0 may be left out of a chain: only an accumulator of −0 could
// tell, and +0 is added at the end of every chain for its sake. (And a weight
// that is not finite could tell, which stops the run at the end of its update.)
//
// Sums of squares over the rows of a panel run in four lanes, row i in lane
// i mod 4, each a chain from +0, and end as (lane 0 + lane 1) + (lane 2 + lane 3).
//
// σ(x) is computed from e = exp(−|x|), as 1/(1+e) or, for a negative x, e/(1+e).
// With n the integer nearest to z·log₂e, z = −|x|, and t = z − n·ln 2, which
// takes two steps for ln 2 does not fit one number, exp(z) = 2ⁿ·exp(t). For
// |t| ≤ ln2/2 a polynomial of degree 6 is within 3.2·10⁻⁹ of exp(t), relatively;
// its coefficients were fitted by Remez's algorithm, one after the other, each
// rounded before the next. Adding 1.5·2²³ + 127 rounds to the integer and leaves
// n + 127 in the low bits, ready to be shifted into the exponent of 2ⁿ. Below
// −87, where 2ⁿ would soon be no normal number, exp is 0.
//
// softplus(x) = log(1 + exp(x)) is max(x, 0) + log(1+e), with the same e, and log(1+e)
// is e times a polynomial of degree 8, fitted by Chebyshev's: within 2.2·10⁻⁸.
//
// The random numbers are those of dbm.Draw.
//
// Go may fuse x*y + z on some machines and not on others. So no product here
// feeds an addition but through fma, or through a float32 conversion, which
// forbids the fusion.

import (
	"math"

	"tandem/dbm"
)

// genericKernels are the kernels that every machine has.
var genericKernels = dbm.Kernels{
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

// fma returns a·b + c, rounded once. The product of two float32 is exact as a
// float64, and so is nearly always the sum, for what follows: rounding it a
// second time goes wrong only where the float64 sum is itself rounded, to the
// middle between two float32 or to a number with fewer bits.
func fma(a, b, c float32) float32 {
	s := float64(a)*float64(b) + float64(c)
	if bits := math.Float64bits(s); bits&(1<<29-1) == 1<<28 || bits<<1 < 0x381<<53 {
		return fmaOdd(a, b, c)
	}
	return float32(s)
}

// fmaOdd rounds the float64 sum to odd first: a sum that is not exact is made
// to end in a 1 bit, on the side where the exact sum lies, so that the second
// rounding sees that something was there.
func fmaOdd(a, b, c float32) float32 {
	p, q := float64(a)*float64(b), float64(c)
	s := p + q
	t := s - p
	err := (p - (s - t)) + (q - t) // the exact sum is s + err
	if bits := math.Float64bits(s); err != 0 && bits&1 == 0 {
		if (err > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return float32(s)
}

// Constants of the sigmoid; see above.
const (
	log2e  = 0x1.715476p+0
	ln2Hi  = 0x1.62e4p-1
	ln2Lo  = 0x1.7f7d1cp-20
	expC2  = 0x1.fffffcp-2
	expC3  = 0x1.55548cp-3
	expC4  = 0x1.555858p-5
	expC5  = 0x1.123dep-7
	expC6  = 0x1.6ac74cp-10
	rounds = 0x1.8000fep+23
	expLow = -87
)

// sigmoid returns 1/(1+exp(−x)).
func sigmoid(x float32) float32 {
	e := expNegative(x)
	if math.Signbit(float64(x)) {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// The coefficients of log(1+e)/e.
const (
	logC1 = -0x1.fffeb2p-2
	logC2 = 0x1.553078p-2
	logC3 = -0x1.fcd00cp-3
	logC4 = 0x1.8766f0p-3
	logC5 = -0x1.180f2ep-3
	logC6 = 0x1.40f82ap-4
	logC7 = -0x1.e4c732p-6
	logC8 = 0x1.584a66p-8
)

// softplus returns log(1+exp(x)).
func softplus(x float32) float32 {
	e := expNegative(x)
	p := fma(logC8, e, logC7)
	p = fma(p, e, logC6)
	p = fma(p, e, logC5)
	p = fma(p, e, logC4)
	p = fma(p, e, logC3)
	p = fma(p, e, logC2)
	p = fma(p, e, logC1)
	p = fma(p, e, 1)
	return fma(e, p, max(x, 0))
}

// expNegative returns exp(−|x|).
func expNegative(x float32) float32 {
	z := math.Float32frombits(math.Float32bits(x) | 1<<31) // −|x|
	r := fma(z, log2e, rounds)
	scale := math.Float32frombits(math.Float32bits(r) << 23)
	n := r - rounds
	t := fma(n, -ln2Hi, z)
	t = fma(n, -ln2Lo, t)
	e := fma(expC6, t, expC5)
	e = fma(e, t, expC4)
	e = fma(e, t, expC3)
	e = fma(e, t, expC2)
	e = fma(e, t, 1)
	e = fma(e, t, 1)
	e = float32(e * scale)
	if z < expLow {
		e = 0
	}
	return e
}

// panelPre computes pre of one row and one panel of a pass.
func panelPre(p *dbm.Pass, r, panel int) (acc [dbm.Panel]float32) {
	copy(acc[:], p.Start[r*p.StartStride+panel*dbm.Panel:])
	for _, in := range [2]*dbm.Input{&p.Below, &p.Above} {
		if in.K == 0 {
			continue
		}
		w := in.W[panel*dbm.Padded(in.K)*dbm.Panel:]
		for k, x := range in.X[r*in.Stride:][:in.K] {
			if x != 0 {
				axpy(&acc, x, (*[dbm.Panel]float32)(w[k*dbm.Panel:]))
			}
		}
	}
	for j := range acc {
		acc[j] += 0
	}
	return acc
}

// axpy computes acc = acc + x·w.
func axpy(acc *[dbm.Panel]float32, x float32, w *[dbm.Panel]float32) {
	for j, y := range w {
		acc[j] = fma(x, y, acc[j])
	}
}

func linearGeneric(p *dbm.Pass) {
	for panel := range p.Panels {
		for r := range p.Rows {
			acc := panelPre(p, r, panel)
			copy(p.Out[r*p.Stride+panel*dbm.Panel:], acc[:])
		}
	}
}

func sigmoidPassGeneric(p *dbm.Pass, change []float32) {
	for panel := range p.Panels {
		for r := range p.Rows {
			acc := panelPre(p, r, panel)
			out := p.Out[r*p.Stride+panel*dbm.Panel:]
			for j, pre := range acc {
				s := sigmoid(pre)
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

func samplePassGeneric(p *dbm.Pass, d dbm.Draw) {
	u := make([]float32, p.Panels*dbm.Panel)
	for r := range p.Rows {
		d.Uniforms(u)
		d.Row++
		for panel := range p.Panels {
			acc := panelPre(p, r, panel)
			out := p.Out[r*p.Stride+panel*dbm.Panel:]
			for j, pre := range acc {
				if u[panel*dbm.Panel+j] < sigmoid(pre) {
					out[j] = 1
				} else {
					out[j] = 0
				}
			}
		}
	}
}

func learnGeneric(s *dbm.Step) {
	for panel := s.From; panel < s.To; panel++ {
		w := s.W[panel*dbm.Padded(s.Below)*dbm.Panel:]
		pull := (*[dbm.Panel]float32)(s.Pull[panel*dbm.Panel:])
		for i := range s.Below {
			var g [dbm.Panel]float32
			for r := range s.Rows {
				if x := s.X[r*s.XStride+i]; x != 0 {
					axpy(&g, x, (*[dbm.Panel]float32)(s.Y[r*s.YStride+panel*dbm.Panel:]))
				}
			}
			for j, w := range w[i*dbm.Panel:][:dbm.Panel] {
				g[j] = fma(-pull[j], w, g[j]+0)
				g[j] = fma(s.Rate, g[j], w)
			}
			copy(w[i*dbm.Panel:], g[:])
		}
	}
}

func refreshGeneric(s *dbm.Step) {
	below, units := dbm.Padded(s.Below), dbm.Padded(s.Units)
	for panel := s.From; panel < s.To; panel++ {
		var lanes [4][dbm.Panel]float32
		for i := range s.Below {
			for j, w := range s.W[(panel*below+i)*dbm.Panel:][:dbm.Panel] {
				lanes[i%4][j] = fma(w, w, lanes[i%4][j])
				s.Back[(i/dbm.Panel*units+panel*dbm.Panel+j)*dbm.Panel+i%dbm.Panel] = w
			}
		}
		for j := range dbm.Panel {
			s.Squares[panel*dbm.Panel+j] = (lanes[0][j] + lanes[1][j]) + (lanes[2][j] + lanes[3][j])
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
			g = fma(x[r*stride+j], by, g)
		}
		bias[j] = fma(rate, g+0, bias[j])
	}
}

func scaleGeneric(dst, src []float32, by float32) {
	for i, x := range src {
		dst[i] = x * by
	}
}

func softplusGeneric(pre, a []float32, to, from dbm.Tempered, sums *[dbm.Panel]float32) {
	for j, x := range a {
		pre[j] = fma(to.Beta, x, to.Bias[j])
		sums[j%dbm.Panel] += softplus(pre[j]) - softplus(fma(from.Beta, x, from.Bias[j]))
	}
}

func adamGeneric(w, g, mean, square []float32, rate float32) {
	for i, x := range g {
		a := float32(dbm.AdamKeepMean*mean[i]) + float32((1-dbm.AdamKeepMean)*x)
		b := float32(dbm.AdamKeepSquare*square[i]) + float32(float32((1-dbm.AdamKeepSquare)*x)*x)
		mean[i], square[i] = a, b
		w[i] += float32(rate*a) / (float32(math.Sqrt(float64(b))) + dbm.AdamEpsilon)
	}
}

package kernel

import "math"

// The elementary functions of training. Those of package math differ between
// architectures in the last place, so these are our own; the same operations in the
// same order give the same bits everywhere.
//
// Go may fuse x*y + z on some machines and not on others. So no product here feeds
// an addition except through FMA, or through a conversion, which forbids the fusion.
//
// σ(x) is computed from e = exp(−|x|), as 1/(1+e) or, for negative x, e/(1+e).
// With n the integer nearest to z·log₂e, z = −|x|, and t = z − n·ln 2, which takes
// two steps because ln 2 does not fit one number, exp(z) = 2ⁿ·exp(t). For
// |t| ≤ ln2/2 a polynomial of degree 6 is within 3.2·10⁻⁹ of exp(t), relatively. Its
// coefficients were fitted by Remez's algorithm, one after the other, each rounded
// before the next. Adding 1.5·2²³ + 127 rounds to the integer and leaves n + 127 in
// the low bits, ready to be shifted into the exponent of 2ⁿ. Below −87, where 2ⁿ
// would soon be subnormal, exp is 0.
//
// softplus(x) = log(1 + exp(x)) is max(x, 0) + log(1+e), with the same e. log(1+e)
// is e times a polynomial of degree 8, a Chebyshev fit within 2.2·10⁻⁸.

// Constants of the sigmoid, which sets in assembly share; see above.
const (
	Log2E  = 0x1.715476p+0
	Ln2Hi  = 0x1.62e4p-1
	Ln2Lo  = 0x1.7f7d1cp-20
	ExpC2  = 0x1.fffffcp-2
	ExpC3  = 0x1.55548cp-3
	ExpC4  = 0x1.555858p-5
	ExpC5  = 0x1.123dep-7
	ExpC6  = 0x1.6ac74cp-10
	Rounds = 0x1.8000fep+23
	ExpLow = -87
)

// The coefficients of log(1+e)/e, which sets in assembly share.
const (
	LogC1 = -0x1.fffeb2p-2
	LogC2 = 0x1.553078p-2
	LogC3 = -0x1.fcd00cp-3
	LogC4 = 0x1.8766f0p-3
	LogC5 = -0x1.180f2ep-3
	LogC6 = 0x1.40f82ap-4
	LogC7 = -0x1.e4c732p-6
	LogC8 = 0x1.584a66p-8
)

// FMA returns a·b + c, rounded once. The product of two float32 is exact as a
// float64, and the sum nearly always is exact enough for the second rounding.
// That rounding is wrong only if the float64 sum was itself rounded, to the middle
// between two float32 or to a number with fewer bits.
func FMA(a, b, c float32) float32 {
	s := float64(a)*float64(b) + float64(c)
	if bits := math.Float64bits(s); bits&(1<<29-1) == 1<<28 || bits<<1 < 0x381<<53 {
		return fmaOdd(a, b, c)
	}
	return float32(s)
}

// fmaOdd rounds the float64 sum to odd first: an inexact sum is made to end in a 1
// bit, on the side where the exact sum lies, so that the second rounding is correct.
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

// Sigmoid returns σ(x) = 1/(1+exp(−x)).
func Sigmoid(x float32) float32 {
	e := expNegative(x)
	if math.Signbit(float64(x)) {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// Softplus returns log(1+exp(x)).
func Softplus(x float32) float32 {
	e := expNegative(x)
	p := FMA(LogC8, e, LogC7)
	p = FMA(p, e, LogC6)
	p = FMA(p, e, LogC5)
	p = FMA(p, e, LogC4)
	p = FMA(p, e, LogC3)
	p = FMA(p, e, LogC2)
	p = FMA(p, e, LogC1)
	p = FMA(p, e, 1)
	return FMA(e, p, max(x, 0))
}

// expNegative returns exp(−|x|).
func expNegative(x float32) float32 {
	z := math.Float32frombits(math.Float32bits(x) | 1<<31) // −|x|
	r := FMA(z, Log2E, Rounds)
	scale := math.Float32frombits(math.Float32bits(r) << 23)
	n := r - Rounds
	t := FMA(n, -Ln2Hi, z)
	t = FMA(n, -Ln2Lo, t)
	e := FMA(ExpC6, t, ExpC5)
	e = FMA(e, t, ExpC4)
	e = FMA(e, t, ExpC3)
	e = FMA(e, t, ExpC2)
	e = FMA(e, t, 1)
	e = FMA(e, t, 1)
	e = float32(e * scale)
	if z < ExpLow {
		e = 0
	}
	return e
}

// Exp returns exp(x) for x not above 0. With x = n·ln 2 + t and |t| ≤ ln2/2, exp(t)
// is the first fourteen terms of its series.
func Exp(x float64) float64 {
	const ln2Hi, ln2Lo = 6.93147180369123816490e-01, 1.90821492927058770002e-10
	if x < -700 {
		return 0
	}
	n := math.Floor(float64(x*math.Log2E) + 0.5)
	t := math.FMA(-n, ln2Lo, math.FMA(-n, ln2Hi, x))
	sum := 1.0
	for k := 13.0; k >= 1; k-- {
		sum = math.FMA(sum, float64(t/k), 1)
	}
	return math.Ldexp(sum, int(n))
}

// Log returns the natural logarithm of a positive, normal x. With x = f·2ᵉ, f
// between √½ and √2, and s = (f−1)/(f+1), log f = 2·(s + s³/3 + s⁵/5 + …).
func Log(x float64) float64 {
	bits := math.Float64bits(x)
	e := int(bits>>52) - 1023
	f := math.Float64frombits(bits&(1<<52-1) | 1023<<52)
	if f > math.Sqrt2 {
		f /= 2
		e++
	}
	s := (f - 1) / (f + 1)
	square := float64(s * s)
	sum := 0.0
	for k := 25; k >= 1; k -= 2 { // s < 0.172: the remaining terms are below 10⁻²⁰
		sum = math.FMA(sum, square, 1/float64(k))
	}
	return math.FMA(float64(e), math.Ln2, float64(2*s*sum))
}

// LogOdds returns log(p/(1−p)).
func LogOdds(p float64) float64 { return Log(p) - Log(1-p) }

// Dot returns x·y in float64, in four lanes: element i is added to lane i mod 4, and
// the result is (lane 0 + lane 1) + (lane 2 + lane 3). The products are exact.
func Dot(x, y []float32) float64 {
	var a, b, c, d float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		x, y := x[i:i+4:i+4], y[i:i+4:i+4]
		a += float64(x[0]) * float64(y[0])
		b += float64(x[1]) * float64(y[1])
		c += float64(x[2]) * float64(y[2])
		d += float64(x[3]) * float64(y[3])
	}
	for lane := [3]*float64{&a, &b, &c}; i < len(x); i++ {
		*lane[i%4] += float64(x[i]) * float64(y[i])
	}
	return (a + b) + (c + d)
}

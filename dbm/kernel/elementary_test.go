package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"
)

func TestFMARoundsOnce(t *testing.T) {
	// The first of these is wrong by one unit in the last place when the sum is
	// rounded to float64 and then to float32.
	rng := rand.New(rand.NewPCG(5, 6))
	cases := [][3]float32{
		{0x1.000002p0, 0x1.fffffcp-25, 0x1.000002p0},
		{-0x1.000002p0, 0x1.fffffcp-25, -0x1.000002p0},
		{0x1.00001p-75, 0x1.ffffep-76, 0x1p-127 + 0x1p-149}, // a tie of subnormals, only once rounded
		{0x1p-75, 0x1p-75, 0x1p-149}, {0x1p-75, -0x1p-75, 0x1p-149}, {0x1p-75, 0x1p-75, 0}, {0x1.8p-75, 0x1p-75, 0},
		{0x1.fffffep-64, 0x1.000002p-64, 0x1p-126}, {0x1.fffffep127, 0x1p0, 0x1p103}, {0x1.fffffep127, 0x1p0, 0x1.8p102},
	}
	for range 200000 {
		// Sums whose low bits are few are those that end in ties.
		a := float32(rng.IntN(1<<uint(rng.IntN(25))) + 1)
		b := float32(rng.IntN(1<<uint(rng.IntN(25))) + 1)
		c := float32(math.Ldexp(float64(rng.IntN(1<<24)+1), rng.IntN(60)-30))
		if rng.IntN(2) == 0 {
			c = -c
		}
		scale := float32(math.Ldexp(1, rng.IntN(3)*-60))
		cases = append(cases, [3]float32{a * scale, b * scale, c * scale * scale})
	}
	for _, c := range cases {
		exact := new(big.Float).SetPrec(2000).Mul(big.NewFloat(float64(c[0])), big.NewFloat(float64(c[1])))
		exact.SetPrec(2000).Add(exact, big.NewFloat(float64(c[2])))
		want, _ := exact.Float32()
		if got := FMA(c[0], c[1], c[2]); got != want {
			t.Fatalf("fma(%x, %x, %x) = %x, want %x", c[0], c[1], c[2], got, want)
		}
	}
}

// The largest error of σ is stated in docs/numerics.md. TANDEM_TEST_ALL=1 looks at
// every float32 from −87 up, which takes a minute or so; else at some of them.
func TestSigmoidError(t *testing.T) {
	step := uint32(9973)
	if os.Getenv("TANDEM_TEST_ALL") != "" {
		step = 1
	}
	var worst float64
	var at float32
	for bits := uint64(0); bits < 1<<32; bits += uint64(step) {
		x := math.Float32frombits(uint32(bits))
		if !(x >= ExpLow) {
			continue
		}
		want := 1 / (1 + math.Exp(-float64(x)))
		_, exp := math.Frexp(want)
		ulp := math.Ldexp(1, max(exp-24, -149))
		if e := math.Abs(float64(Sigmoid(x))-want) / ulp; e > worst {
			worst, at = e, x
		}
	}
	t.Logf("largest error %.3f ulp, at %v", worst, at)
	if worst > 2.5 {
		t.Errorf("sigmoid(%v) is %.3f ulp off", at, worst)
	}
	if Sigmoid(-88) != 0 || Sigmoid(float32(math.Inf(-1))) != 0 || Sigmoid(float32(math.Inf(1))) != 1 ||
		Sigmoid(0) != 0.5 {
		t.Error("sigmoid is wrong at its ends or its middle")
	}
}

// How far softplus is from the truth, over all float32 whose value is not 0 or x itself.
func TestSoftplusError(t *testing.T) {
	step := uint32(9973)
	if os.Getenv("TANDEM_TEST_ALL") != "" {
		step = 1
	}
	var worst float64
	var at float32
	for bits := uint64(0); bits < 1<<32; bits += uint64(step) {
		x := math.Float32frombits(uint32(bits))
		if !(x >= ExpLow && x < 100) {
			continue
		}
		want := max(float64(x), 0) + math.Log1p(math.Exp(-math.Abs(float64(x))))
		_, exp := math.Frexp(want)
		ulp := math.Ldexp(1, max(exp-24, -149))
		if e := math.Abs(float64(Softplus(x))-want) / ulp; e > worst {
			worst, at = e, x
		}
	}
	t.Logf("largest error %.3f ulp, at %v", worst, at)
	if worst > 2.5 {
		t.Errorf("softplus(%v) is %.3f ulp off", at, worst)
	}
	if Softplus(-88) != 0 || Softplus(100) != 100 || Softplus(float32(math.Inf(-1))) != 0 ||
		!math.IsInf(float64(Softplus(float32(math.Inf(1)))), 1) {
		t.Error("softplus is wrong at its ends")
	}
}

func TestLog(t *testing.T) {
	worst := 0.0
	for x := 1e-300; x < 1e300; x *= 1.00717 {
		want := math.Log(x)
		if e := math.Abs(Log(x)-want) / max(math.Abs(want), 1e-3); e > worst {
			worst = e
		}
	}
	for x := 0.9; x < 1.1; x += 1e-5 {
		if e := math.Abs(Log(x) - math.Log(x)); e > worst {
			worst = e
		}
	}
	if worst > 1e-15 {
		t.Errorf("log is off by %g", worst)
	}
}

func TestExp(t *testing.T) {
	worst := 0.0
	for x := 0.0; x > -690; x -= 0.00717 {
		worst = max(worst, math.Abs(Exp(x)/math.Exp(x)-1))
	}
	if worst > 1e-15 {
		t.Errorf("exp is off by %g", worst)
	}
	if Exp(0) != 1 || Exp(-1000) != 0 {
		t.Errorf("exp(0) is %v and exp(−1000) is %v", Exp(0), Exp(-1000))
	}
}

func TestDot(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 20 {
		x, y, want := make([]float32, n), make([]float32, n), 0.0
		for i := range x {
			x[i], y[i] = rng.Float32(), rng.Float32()
			want += float64(x[i]) * float64(y[i])
		}
		if got := Dot(x, y); math.Abs(got-want) > 1e-12 {
			t.Errorf("the dot product of %d numbers is %v, want %v", n, got, want)
		}
	}
}

func TestPackAndUnpack(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {3, 17}, {20, 16}, {16, 33}} {
		k, n := size[0], size[1]
		w, back := make([]float32, k*n), make([]float32, k*n)
		for i := range w {
			w[i] = float32(i + 1)
		}
		packed := Pack(nil, w, k, n)
		for i := range packed {
			row, column := i/Panel%Padded(k), i/Panel/Padded(k)*Panel+i%Panel
			want := float32(0)
			if row < k && column < n {
				want = w[row*n+column]
			}
			if packed[i] != want {
				t.Fatalf("%d × %d: packed element %d is %v, want %v", k, n, i, packed[i], want)
			}
		}
		Unpack(back, packed, k, n)
		for i := range w {
			if back[i] != w[i] {
				t.Fatalf("%d × %d: element %d comes back as %v", k, n, i, back[i])
			}
		}
	}
}

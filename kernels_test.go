package main

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"unsafe"

	"tandem/dbm"
)

// underTest is every set of kernels that this machine runs, but the generic one.
func underTest(t testing.TB) []dbm.Kernels {
	kernels := vectorKernels()
	if len(kernels) == 0 {
		t.Log("this machine has the generic kernels only")
	}
	return kernels
}

// A green run proves nothing where there was no assembly to test, so a run that
// is there to test it says so: TANDEM_TEST_REQUIRE=avx2 go test .
func TestRequiredKernels(t *testing.T) {
	want := os.Getenv("TANDEM_TEST_REQUIRE")
	if want == "" {
		t.Skip("TANDEM_TEST_REQUIRE is not set")
	}
	if !slices.ContainsFunc(underTest(t), func(k dbm.Kernels) bool { return k.Name == want }) {
		t.Fatalf("the %s kernels are not under test on this machine", want)
	}
	t.Setenv("TANDEM_KERNEL", want)
	if k, err := chooseKernels(); err != nil || k.Name != want {
		t.Fatalf("chose %q (%v), want %q", k.Name, err, want)
	}
}

// hasKernels says whether this machine runs the kernels of a name.
func hasKernels(name string) bool {
	return slices.ContainsFunc(append(vectorKernels(), genericKernels), func(k dbm.Kernels) bool { return k.Name == name })
}

func TestChooseKernels(t *testing.T) {
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"", true}, {"generic", true}, {"avx2", hasKernels("avx2")}, {"avx512", hasKernels("avx512")},
		{"neon", hasKernels("neon")}, {"AVX2", false}, {"sse", false},
	} {
		t.Setenv("TANDEM_KERNEL", c.name)
		k, err := chooseKernels()
		if (err == nil) != c.ok {
			t.Errorf("TANDEM_KERNEL=%q: error %v", c.name, err)
		}
		if err == nil && c.name != "" && k.Name != c.name {
			t.Errorf("TANDEM_KERNEL=%q: chose %q", c.name, k.Name)
		}
		if vectors := vectorKernels(); c.name == "" && len(vectors) > 0 && k.Name != vectors[0].Name {
			t.Errorf("chose %q, want the fastest, %q", k.Name, vectors[0].Name)
		}
	}
}

// guard is a NaN that no computation makes.
var guard = math.Float32frombits(0x7fc0dead)

// padded returns a block of rows × columns with the given stride and offset
// from alignment, filled by f; everything else, before, between and behind the
// rows, is a guard.
func padded(rows, columns, stride, offset int, f func() float32) (x, whole []float32) {
	whole = make([]float32, offset+rows*stride+24)
	for i := range whole {
		whole[i] = guard
	}
	x = whole[offset:]
	for r := range rows {
		for c := range columns {
			x[r*stride+c] = f()
		}
	}
	return x, whole
}

// packed returns random weights in panels, k × columns, 0 where a column is
// padding and a guard where a row is, if guards are asked for.
func packed(rng *rand.Rand, k, columns, offset int, guards bool) []float32 {
	w := make([]float32, offset+dbm.Padded(k)*dbm.Padded(columns))[offset:]
	for i := range w {
		row, column := i/dbm.Panel%dbm.Padded(k), i/dbm.Panel/dbm.Padded(k)*dbm.Panel+i%dbm.Panel
		switch {
		case row >= k && guards:
			w[i] = guard
		case row < k && column < columns:
			w[i] = float32(rng.NormFloat64()) * 0.3
		}
	}
	return w
}

// sameBits reports the first difference between two blocks. Any NaN equals any
// other, but for guards, which must not move.
func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		g, w := math.Float32bits(got[i]), math.Float32bits(want[i])
		if g == w || got[i] != got[i] && want[i] != want[i] && w != math.Float32bits(guard) {
			continue
		}
		t.Fatalf("%s: element %d is %v (%08x), want %v (%08x)", what, i, got[i], g, want[i], w)
	}
}

// passCase is a pass of given sizes on random data, and a way to run it afresh.
type passCase struct {
	rows, columns, below, above int
	nonzero, bias               bool
	density                     float64
}

// passCases covers tile edges, panel edges, long chains, both inputs and none.
func passCases() []passCase {
	var cs []passCase
	for rows := 1; rows <= 14; rows++ {
		cs = append(cs, passCase{rows: rows, columns: 1 + rows*5%37, below: 1 + rows*3%11, bias: rows%2 == 0, density: 1})
	}
	cs = append(cs, passCase{rows: 3, columns: 40}, passCase{rows: 70, columns: 5, bias: true})
	for below := 0; below <= 9; below++ {
		for above := 0; above <= 9; above += 3 {
			cs = append(cs, passCase{rows: 3 + below%4, columns: 17, below: below, above: above, bias: true, density: 0.8})
		}
	}
	for columns := 1; columns <= 130; columns += 7 {
		cs = append(cs, passCase{rows: 7, columns: columns, below: 19, above: 5, nonzero: columns%2 == 0, density: 0.3})
	}
	return append(cs,
		passCase{rows: 67, columns: 100, below: 33, above: 20, bias: true, density: 1},
		passCase{rows: 130, columns: 33, below: 12, nonzero: true, density: 0.1},
		passCase{rows: 5, columns: 20, below: 2*maxChainForTest + 3, density: 1},
		passCase{rows: 5, columns: 70, below: 2*maxChainForTest + 3, nonzero: true, density: 0.9},
		passCase{rows: 6, columns: 70, below: 11, nonzero: true, density: 0},
		passCase{rows: 25, columns: 500, below: 784, above: 500, bias: true, density: 0.2},
	)
}

const maxChainForTest = 2048

// run makes the pass from a seed and hands it to f with the whole of Out.
func (c passCase) run(seed uint64, f func(p *dbm.Pass)) []float32 {
	rng := rand.New(rand.NewPCG(seed, 1))
	unit := func() float32 {
		if rng.Float64() >= c.density {
			return float32(math.Copysign(0, rng.Float64()-0.5))
		}
		return float32(rng.Float64())
	}
	normal := func() float32 { return float32(rng.NormFloat64()) }
	offset := func() int { return rng.IntN(8) }
	wide := dbm.Padded(c.columns)
	p := &dbm.Pass{Rows: c.rows, Panels: wide / dbm.Panel}
	if c.bias {
		p.Start, _ = padded(1, wide, wide, offset(), normal)
	} else {
		p.StartStride = wide + rng.IntN(9)
		p.Start, _ = padded(c.rows, wide, p.StartStride, offset(), normal)
	}
	for i, in := range [2]*dbm.Input{&p.Below, &p.Above} {
		in.K = [2]int{c.below, c.above}[i]
		if in.K == 0 {
			continue
		}
		in.Stride = in.K + rng.IntN(9)
		in.X, _ = padded(c.rows, in.K, in.Stride, offset(), unit)
		in.W = packed(rng, in.K, c.columns, offset(), true)
		if c.nonzero {
			in.Nonzero = new(dbm.Lists)
			in.Nonzero.Reset()
			for r := range c.rows {
				in.Nonzero.Add(&genericKernels, in.X[r*in.Stride:][:in.K])
			}
		}
	}
	p.Stride = wide + rng.IntN(20)
	var whole []float32
	p.Out, whole = padded(c.rows, wide, p.Stride, offset(), func() float32 { return float32(rng.Float64()) })
	f(p)
	return whole
}

func TestPasses(t *testing.T) {
	for _, k := range underTest(t) {
		for i, c := range passCases() {
			seed := uint64(i)
			run := func(k dbm.Kernels, f func(k dbm.Kernels, p *dbm.Pass)) []float32 {
				return c.run(seed, func(p *dbm.Pass) { f(k, p) })
			}
			for what, f := range map[string]func(k dbm.Kernels, p *dbm.Pass){
				"linear":  func(k dbm.Kernels, p *dbm.Pass) { k.Linear(p) },
				"sigmoid": func(k dbm.Kernels, p *dbm.Pass) { k.Sigmoid(p, nil) },
				"sample": func(k dbm.Kernels, p *dbm.Pass) {
					k.Sample(p, dbm.Draw{Seed: seed<<40 | 5, Row: 1<<32 - 3, Update: 77, Tag: dbm.Tag(dbm.ForChains, 2, 1)})
				},
			} {
				sameBits(t, fmt.Sprintf("%s %s %+v", k.Name, what, c), run(k, f), run(genericKernels, f))
			}
			largest := func(k dbm.Kernels) (change []float32) {
				change, whole := padded(c.rows, c.rows, c.rows, 3, func() float32 { return 0.25 })
				run(k, func(k dbm.Kernels, p *dbm.Pass) { k.Sigmoid(p, change[:c.rows]) })
				return whole
			}
			sameBits(t, fmt.Sprintf("%s change %+v", k.Name, c), largest(k), largest(genericKernels))
		}
	}
}

// The definition itself against float64: loops over units and layers are as
// they are written in the comment on dbm.Pass.
func TestLinearAgainstFloat64(t *testing.T) {
	for i, c := range passCases() {
		c.run(uint64(i), func(p *dbm.Pass) {
			genericKernels.Linear(p)
			for r := range c.rows {
				for j := range c.columns {
					want := float64(p.Start[r*p.StartStride+j])
					size := math.Abs(want)
					for _, in := range []dbm.Input{p.Below, p.Above} {
						for k := range in.K {
							term := float64(in.X[r*in.Stride+k]) * float64(in.W[(j/16*dbm.Padded(in.K)+k)*16+j%16])
							want += term
							size += math.Abs(term)
						}
					}
					if got := float64(p.Out[r*p.Stride+j]); math.Abs(got-want) > 1e-6*size+1e-7 {
						t.Fatalf("%+v: row %d column %d is %v, want %v", c, r, j, got, want)
					}
				}
			}
		})
	}
}

// specials are the numbers where kernels tend to part.
var specials = []float32{0, float32(math.Copysign(0, -1)), 1, -1, 1e-40, -1e-40, 1e-45, 3e38, -3e38,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 86.9, -86.9, -87, -87.1, 87.1, -88, 88,
	-104, 104, 16.6, -16.6, 0.34657, -0.34657, 0.34658, 1e-8, -1e-8, 1e10, -1e10}

func TestSpecialNumbers(t *testing.T) {
	for _, k := range underTest(t) {
		n := len(specials) * len(specials)
		wide := dbm.Padded(n)
		run := func(k dbm.Kernels, f func(p *dbm.Pass)) []float32 {
			p := &dbm.Pass{Rows: 3, Panels: wide / dbm.Panel, Stride: wide, Start: make([]float32, wide), Out: make([]float32, 3*wide)}
			p.Below = dbm.Input{X: []float32{1, -1, 1e-30, 1, -0.5, 0.25}, Stride: 2, K: 2, W: make([]float32, 16*wide)}
			for i := range n {
				p.Start[i] = specials[i%len(specials)]
				p.Below.W[(i/16*16)*16+i%16] = specials[i/len(specials)]
				p.Below.W[(i/16*16+1)*16+i%16] = specials[(i+i/len(specials))%len(specials)]
			}
			f(p)
			return p.Out
		}
		sameBits(t, k.Name+" linear", run(k, k.Linear), run(genericKernels, genericKernels.Linear))
		both := func(k dbm.Kernels) func(p *dbm.Pass) { return func(p *dbm.Pass) { k.Sigmoid(p, nil) } }
		sameBits(t, k.Name+" sigmoid", run(k, both(k)), run(genericKernels, both(genericKernels)))
		draw := func(k dbm.Kernels) func(p *dbm.Pass) { return func(p *dbm.Pass) { k.Sample(p, dbm.Draw{Seed: 3}) } }
		sameBits(t, k.Name+" sample", run(k, draw(k)), run(genericKernels, draw(genericKernels)))
	}
}

// A change that is not a number is none, wherever it stands.
func TestChangeOfNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, k := range append([]dbm.Kernels{genericKernels}, underTest(t)...) {
		for j := range 2 * dbm.Panel {
			p := &dbm.Pass{Rows: 1, Panels: 2, Start: slices.Repeat([]float32{nan}, 32), Out: slices.Repeat([]float32{0.25}, 32), Stride: 32}
			p.Start[j] = 0
			change := []float32{0.125}
			k.Sigmoid(p, change)
			if change[0] != 0.25 {
				t.Errorf("%s: the change of column %d among NaN is %v, want 0.25", k.Name, j, change[0])
			}
		}
	}
}

// Skipping zeros and multiplying by them must not differ, not even in the sign of 0.
func TestZerosMayBeSkipped(t *testing.T) {
	minus := float32(math.Copysign(0, -1))
	for _, k := range append([]dbm.Kernels{genericKernels}, underTest(t)...) {
		for _, list := range []bool{false, true} {
			for _, tiny := range []float32{0, 1e-30} {
				p := &dbm.Pass{Rows: 1, Panels: 1, Stride: 16, Start: slices.Repeat([]float32{minus}, 16), Out: make([]float32, 16)}
				p.Below = dbm.Input{X: []float32{0, tiny, 0}, Stride: 3, K: 3, W: slices.Repeat([]float32{-1e-30}, 256)}
				if list {
					p.Below.Nonzero = new(dbm.Lists)
					p.Below.Nonzero.Reset()
					p.Below.Nonzero.Add(&genericKernels, p.Below.X)
				}
				k.Linear(p)
				sameBits(t, fmt.Sprintf("%s: list %v: a chain of nothing from −0", k.Name, list), p.Out, make([]float32, 16))
				p.Below = dbm.Input{}
				k.Linear(p)
				sameBits(t, k.Name+": no chain from −0", p.Out, make([]float32, 16))
			}
			// −10⁻⁶⁰ is −0 in a gradient, and only a weight of −0 that is pulled
			// by a negative number tells it from +0.
			for height := 1; height <= 6; height++ {
				for panels := 1; panels <= 4; panels += 3 {
					wide := panels * dbm.Panel
					s := &dbm.Step{Rows: 1, X: slices.Repeat([]float32{1e-30}, height), XStride: height, Y: slices.Repeat([]float32{-1e-30}, wide), YStride: wide,
						Below: height, Units: wide, To: panels, Rate: 1, Pull: slices.Repeat([]float32{-1}, wide),
						W: slices.Repeat([]float32{minus}, 16*wide), Back: make([]float32, 16*wide), Squares: make([]float32, wide)}
					if list {
						s.Nonzero = new(dbm.Lists)
						s.Nonzero.Reset()
						for i := range height {
							s.Nonzero.Add(&genericKernels, s.X[i:][:1])
						}
					}
					k.Learn(s)
					for p := range panels {
						sameBits(t, fmt.Sprintf("%s: list %v: weights of −0", k.Name, list), s.W[p*256:][:height*16], make([]float32, height*16))
					}
				}
			}
		}
		b := slices.Repeat([]float32{minus}, 17)
		k.LearnBias(b, slices.Repeat([]float32{1e-30}, 17), 17, []float32{-1e-30}, 1)
		sameBits(t, k.Name+": biases of −0", b, make([]float32, 17))
	}
}

// A unit is on where u < σ(pre), and off where they are equal, which they can
// well be: above one half both are multiples of 2⁻²⁴.
func TestSampleAtEquality(t *testing.T) {
	d := dbm.Draw{Seed: 8, Tag: dbm.Tag(dbm.ForChains, 1, 1)}
	const panels = 20
	u := make([]float32, panels*dbm.Panel)
	d.Uniforms(u)
	start := slices.Repeat([]float32{-20}, len(u))
	var equal [dbm.Panel]int
	for j, u := range u {
		if u < 0.5 || u > 0.9 {
			continue
		}
		x := float32(math.Log(float64(u) / (1 - float64(u))))
		for range 20 {
			if p := sigmoid(x); p == u {
				start[j] = x
				equal[j%dbm.Panel]++
				break
			} else if p < u {
				x = math.Nextafter32(x, 3)
			} else {
				x = math.Nextafter32(x, -3)
			}
		}
	}
	if slices.Min(equal[:]) == 0 {
		t.Fatalf("equal numbers in each column of a panel: %v", equal)
	}
	for _, k := range append([]dbm.Kernels{genericKernels}, underTest(t)...) {
		p := &dbm.Pass{Rows: 1, Panels: panels, Start: start, Out: make([]float32, len(u)), Stride: len(u)}
		k.Sample(p, d)
		sameBits(t, k.Name+" sample", p.Out, make([]float32, len(u)))
	}
}

type stepCase struct {
	rows, below, units, from, to int
	nonzero                      bool
}

func stepCases() []stepCase {
	var cs []stepCase
	for n := 1; n <= 20; n++ {
		cs = append(cs, stepCase{rows: 1 + n%5, below: n, units: 1 + n*11%70, nonzero: n%3 == 0})
		cs = append(cs, stepCase{rows: n, below: 40 - n, units: 16 * (1 + n%6), nonzero: n%2 == 0})
	}
	return append(cs,
		stepCase{rows: 10, below: 50, units: 200, from: 3, to: 9},
		stepCase{rows: 10, below: 50, units: 200, from: 3, to: 9, nonzero: true},
		stepCase{rows: 100, below: 784, units: 130, nonzero: true},
		stepCase{rows: 100, below: 500, units: 130},
		stepCase{rows: 9000, below: 30, units: 17},
		stepCase{rows: 9000, below: 30, units: 70, nonzero: true},
	)
}

// step makes a step on random data; a to of 0 stands for all panels.
func (c stepCase) step(rng *rand.Rand) *dbm.Step {
	offset := func() int { return rng.IntN(8) }
	wide := dbm.Padded(c.units)
	s := &dbm.Step{Rows: c.rows, Below: c.below, Units: c.units, From: c.from, To: c.to, Rate: 0.037}
	if s.To <= 0 {
		s.To = wide / dbm.Panel
	}
	s.XStride = c.below + rng.IntN(9)
	s.X, _ = padded(c.rows, c.below, s.XStride, offset(), func() float32 {
		if c.nonzero && rng.Float64() < 0.8 {
			return 0
		}
		return float32(rng.Float64())
	})
	s.YStride = dbm.Stride(wide + rng.IntN(9))
	s.Y, _ = padded(c.rows, wide, s.YStride, offset(), func() float32 { return float32(rng.NormFloat64()) })
	for r := range c.rows {
		clear(s.Y[r*s.YStride+c.units : r*s.YStride+wide])
	}
	if c.nonzero {
		s.Nonzero = new(dbm.Lists)
		s.Nonzero.Reset()
		column := make([]float32, c.rows)
		for i := range c.below {
			for r := range c.rows {
				column[r] = s.X[r*s.XStride+i]
			}
			s.Nonzero.Add(&genericKernels, column)
		}
	}
	s.Pull, _ = padded(1, wide, wide, offset(), func() float32 { return float32(rng.NormFloat64()) })
	s.Squares = slices.Repeat([]float32{guard}, wide+6)[3:]
	w := packed(rng, c.below, c.units, 0, false)
	s.W = slices.Concat(guards, w, guards)[len(guards):]
	s.Back = slices.Concat(guards, make([]float32, len(w)), guards)[len(guards):]
	return s
}

// guards is what stands before and behind what a step writes.
var guards = slices.Repeat([]float32{guard}, 37)

// whole is a slice with the guards before it.
func whole(x []float32, before int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(&x[0]), -4*before)), before+len(x))
}

// run makes a step from a seed, and returns all that it may have written.
func (c stepCase) run(seed uint64, k dbm.Kernels) [][]float32 {
	s := c.step(rand.New(rand.NewPCG(seed, 2)))
	k.Learn(s)
	k.Refresh(s)
	return [][]float32{whole(s.W, len(guards)), whole(s.Back, len(guards)), whole(s.Squares, 3), s.Pull}
}

func TestLearn(t *testing.T) {
	for _, k := range underTest(t) {
		for i, c := range stepCases() {
			got, want := c.run(uint64(i), k), c.run(uint64(i), genericKernels)
			for j, what := range []string{"weights", "transposed weights", "sums of squares", "pull"} {
				sameBits(t, fmt.Sprintf("%s learn %+v: %s", k.Name, c, what), got[j], want[j])
			}
		}
	}
}

// The definition of a step against float64.
func TestLearnAgainstFloat64(t *testing.T) {
	const rows, below, units = 7, 19, 37
	rng := rand.New(rand.NewPCG(9, 9))
	s := &dbm.Step{Rows: rows, Below: below, Units: units, To: 3, Rate: 0.25, XStride: below, YStride: 48}
	s.X, _ = padded(rows, below, below, 0, rng.Float32)
	s.Y, _ = padded(rows, 48, 48, 0, rng.Float32)
	s.Pull, _ = padded(1, 48, 48, 0, rng.Float32)
	s.W = packed(rng, below, units, 0, false)
	s.Back, s.Squares = make([]float32, len(s.W)), make([]float32, 48)
	old := slices.Clone(s.W)
	genericKernels.Learn(s)
	genericKernels.Refresh(s)
	for j := range units {
		var sum float64
		for i := range below {
			at := (j/16*dbm.Padded(below)+i)*16 + j%16
			w := float64(old[at])
			var g float64
			for r := range rows {
				g += float64(s.X[r*below+i]) * float64(s.Y[r*48+j])
			}
			want := w + 0.25*(g-float64(s.Pull[j])*w)
			if got := float64(s.W[at]); math.Abs(got-want) > 1e-6 {
				t.Fatalf("weight %d, %d is %v, want %v", i, j, got, want)
			}
			if got := s.Back[(i/16*dbm.Padded(units)+j)*16+i%16]; got != s.W[at] {
				t.Fatalf("transposed weight %d, %d is %v, want %v", j, i, got, s.W[at])
			}
			sum += float64(s.W[at]) * float64(s.W[at])
		}
		if math.Abs(float64(s.Squares[j])-sum) > 1e-5*sum {
			t.Fatalf("sum of squares %d is %v, want %v", j, s.Squares[j], sum)
		}
	}
}

func TestLearnBiasAndScale(t *testing.T) {
	for _, k := range underTest(t) {
		for n := 1; n <= 70; n++ {
			run := func(k dbm.Kernels) [][]float32 {
				rng := rand.New(rand.NewPCG(uint64(n), 3))
				rows, stride := 1+n%9, n+n%5
				x, _ := padded(rows, n, stride, n%7, rng.Float32)
				by, _ := padded(1, rows, rows, 1, func() float32 { return float32(rng.NormFloat64()) })
				b, whole := padded(1, n, n, n%3, rng.Float32)
				k.LearnBias(b[:n], x, stride, by[:rows], 0.37)
				dst, scaled := padded(1, n, n, n%5, rng.Float32)
				k.Scale(dst[:n], x[:n], -0.02)
				return [][]float32{whole, scaled}
			}
			got, want := run(k), run(genericKernels)
			sameBits(t, fmt.Sprint(k.Name, " bias ", n), got[0], want[0])
			sameBits(t, fmt.Sprint(k.Name, " scale ", n), got[1], want[1])
		}
	}
	b := []float32{1, 2}
	genericKernels.LearnBias(b, []float32{1, 2, 3, 4, 5, 6}, 3, []float32{0.5, -0.25}, 2)
	if b[0] != 1+2*(0.5*1-0.25*4) || b[1] != 2+2*(0.5*2-0.25*5) {
		t.Errorf("bias is %v", b)
	}
}

func TestFmaRoundsOnce(t *testing.T) {
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
		if got := fma(c[0], c[1], c[2]); got != want {
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
		if !(x >= expLow) {
			continue
		}
		want := 1 / (1 + math.Exp(-float64(x)))
		_, exp := math.Frexp(want)
		ulp := math.Ldexp(1, max(exp-24, -149))
		if e := math.Abs(float64(sigmoid(x))-want) / ulp; e > worst {
			worst, at = e, x
		}
	}
	t.Logf("largest error %.3f ulp, at %v", worst, at)
	if worst > 2.5 {
		t.Errorf("sigmoid(%v) is %.3f ulp off", at, worst)
	}
	if sigmoid(-88) != 0 || sigmoid(float32(math.Inf(-1))) != 0 || sigmoid(float32(math.Inf(1))) != 1 || sigmoid(0) != 0.5 {
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
		if !(x >= expLow && x < 100) {
			continue
		}
		want := max(float64(x), 0) + math.Log1p(math.Exp(-math.Abs(float64(x))))
		_, exp := math.Frexp(want)
		ulp := math.Ldexp(1, max(exp-24, -149))
		if e := math.Abs(float64(softplus(x))-want) / ulp; e > worst {
			worst, at = e, x
		}
	}
	t.Logf("largest error %.3f ulp, at %v", worst, at)
	if worst > 2.5 {
		t.Errorf("softplus(%v) is %.3f ulp off", at, worst)
	}
	if softplus(-88) != 0 || softplus(100) != 100 || softplus(float32(math.Inf(-1))) != 0 || !math.IsInf(float64(softplus(float32(math.Inf(1)))), 1) {
		t.Error("softplus is wrong at its ends")
	}
}

func TestSoftplus(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for _, k := range underTest(t) {
		for panels := 0; panels <= 5; panels++ {
			for _, scale := range []float64{0, 1, 30, 1e38} {
				n := panels * dbm.Panel
				vector := func() []float32 {
					x, _ := padded(1, n, n, panels%3, func() float32 {
						if rng.IntN(40) == 0 && scale > 0 {
							return []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.Copysign(0, -1))}[rng.IntN(4)]
						}
						return float32(scale * rng.NormFloat64())
					})
					return x[:n]
				}
				a, to, from := vector(), dbm.Tempered{Beta: 0.7, Bias: vector()}, dbm.Tempered{Beta: 0.69, Bias: vector()}
				run := func(k dbm.Kernels) []float32 {
					out := slices.Repeat([]float32{guard}, n+8)
					sums := [dbm.Panel]float32{3: 1.5}
					k.Softplus(out[:n], a, to, from, &sums)
					return append(out, sums[:]...)
				}
				sameBits(t, fmt.Sprintf("%s: softplus of %d panels, scale %v", k.Name, panels, scale), run(k), run(genericKernels))
				if sums := run(k)[n+8:]; scale == 0 && !slices.Equal(sums, append([]float32{0, 0, 0, 1.5}, make([]float32, 12)...)) {
					t.Errorf("%s: padding adds %v", k.Name, sums)
				}
			}
		}
	}
}

func TestList(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, k := range underTest(t) {
		for n := 0; n <= 70; n++ {
			for _, density := range []float64{0, 0.2, 0.9, 1} {
				x, _ := padded(1, n, n, n%5, func() float32 {
					switch {
					case rng.Float64() >= density:
						return float32(math.Copysign(0, rng.Float64()-0.5))
					case rng.IntN(9) == 0:
						return float32(math.NaN())
					}
					return float32(rng.NormFloat64())
				})
				run := func(k dbm.Kernels) ([]int32, []float32) {
					index, value := slices.Repeat([]int32{-7}, n+10), slices.Repeat([]float32{guard}, n+10)
					m := k.List(index[:n+8], value[:n+8], x[:n], int32(1000*n))
					if index[n+8] != -7 || math.Float32bits(value[n+8]) != math.Float32bits(guard) {
						t.Fatalf("%s: %d numbers: written behind the end", k.Name, n)
					}
					return index[:m], value[:m]
				}
				index, value := run(k)
				wantIndex, wantValue := run(genericKernels)
				if !slices.Equal(index, wantIndex) {
					t.Fatalf("%s: places %v, want %v", k.Name, index, wantIndex)
				}
				sameBits(t, k.Name+" values", value, wantValue)
			}
		}
	}
}

func TestAdam(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, k := range underTest(t) {
		for n := 0; n <= 70; n++ {
			some := func() float32 {
				if rng.IntN(5) == 0 {
					return specials[rng.IntN(len(specials))]
				}
				return float32(rng.NormFloat64())
			}
			var x [4][]float32
			for i := range x {
				x[i], _ = padded(1, n, n, (n+i)%5, some)
			}
			run := func(k dbm.Kernels) (all []float32) {
				var y [4][]float32
				for i := range x {
					y[i] = slices.Clone(x[i])
				}
				k.Adam(y[0][:n], y[1][:n], y[2][:n], y[3][:n], 0.01)
				return slices.Concat(y[:]...)
			}
			sameBits(t, fmt.Sprintf("%s: adam of %d", k.Name, n), run(k), run(genericKernels))
		}
	}
	w, mean, square := []float32{1, 1}, []float32{0, 0.5}, []float32{0, 4}
	genericKernels.Adam(w, []float32{2, -1}, mean, square, 0.5)
	for i, want := range [2][3]float64{{0.2, 0.004, 1 + 0.5*0.2/math.Sqrt(0.004)}, {0.35, 3.997, 1 + 0.5*0.35/math.Sqrt(3.997)}} {
		for j, got := range [3]float32{mean[i], square[i], w[i]} {
			if math.Abs(float64(got)-want[j]) > 1e-5 {
				t.Errorf("parameter %d: %v is %v, want %v", i, [3]string{"mean", "square", "w"}[j], got, want[j])
			}
		}
	}
}

package kerneltest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tandem/dbm/kernel"
)

// Run checks a set of kernels against the contract, to the bit.
func Run(t *testing.T, set *kernel.Set) {
	for _, test := range []struct {
		name string
		f    func(t *testing.T, set *kernel.Set)
	}{
		{"Passes", passes}, {"LinearAgainstFloat64", linearAgainstFloat64}, {"SpecialNumbers", specialNumbers},
		{"ChangeOfNaN", changeOfNaN}, {"ZerosMayBeSkipped", zerosMayBeSkipped}, {"SampleAtEquality", sampleAtEquality},
		{"Learn", learn}, {"LearnAgainstFloat64", learnAgainstFloat64}, {"LearnBias", learnBias}, {"Scale", scale},
		{"Softplus", softplus}, {"List", lists}, {"Adam", adam}, {"NothingReadBeyondItsEnd", nothingReadBeyondItsEnd},
	} {
		t.Run(test.name, func(t *testing.T) { test.f(t, set) })
	}
}

func passes(t *testing.T, set *kernel.Set) {
	for i, c := range passCases() {
		seed := uint64(i)
		change, _ := guarded(c.rows, c.rows, c.rows, 3, func() float32 { return 0.25 })
		for what, f := range map[string]func(k *kernel.Set, p *kernel.Pass) []float32{
			"linear":  func(k *kernel.Set, p *kernel.Pass) []float32 { k.Linear(p); return nil },
			"sigmoid": func(k *kernel.Set, p *kernel.Pass) []float32 { k.Sigmoid(p, nil); return nil },
			"sigmoid with changes": func(k *kernel.Set, p *kernel.Pass) []float32 {
				change := slices.Clone(change)
				k.Sigmoid(p, change[:c.rows])
				return change
			},
			"sample": func(k *kernel.Set, p *kernel.Pass) []float32 {
				k.Sample(p, kernel.Draw{Seed: seed<<40 | 5, Row: 1<<32 - 3, Update: 77, Tag: kernel.Tag(kernel.ForChains, 2, 1)})
				return nil
			},
		} {
			p, got := c.pass(seed)
			gotMore := f(set, p)
			p, want := c.pass(seed)
			wantMore := f(contract, p)
			sameBits(t, fmt.Sprintf("%s of %+v", what, c), got, want)
			sameBits(t, fmt.Sprintf("%s of %+v: changes", what, c), gotMore, wantMore)
		}
	}
}

// linearAgainstFloat64 writes the loops of kernel.Pass out once more.
func linearAgainstFloat64(t *testing.T, set *kernel.Set) {
	for i, c := range passCases() {
		p, _ := c.pass(uint64(i))
		set.Linear(p)
		for r := range c.rows {
			for j := range c.columns {
				want := float64(p.Start[r*p.StartStride+j])
				size := math.Abs(want)
				for _, in := range []kernel.Input{p.Below, p.Above} {
					for k := range in.K {
						term := float64(in.X[r*in.Stride+k]) * float64(in.W[(j/16*kernel.Padded(in.K)+k)*16+j%16])
						want += term
						size += math.Abs(term)
					}
				}
				if got := float64(p.Out[r*p.Stride+j]); !(math.Abs(got-want) <= 1e-6*size+1e-7) {
					t.Fatalf("%+v: row %d column %d is %v, want %v", c, r, j, got, want)
				}
			}
		}
	}
}

func specialNumbers(t *testing.T, set *kernel.Set) {
	n := len(specials) * len(specials)
	wide := kernel.Padded(n)
	run := func(f func(p *kernel.Pass)) []float32 {
		p := &kernel.Pass{Rows: 3, Panels: wide / kernel.Panel, Stride: wide, Start: make([]float32, wide),
			Out: make([]float32, 3*wide)}
		p.Below = kernel.Input{X: []float32{1, -1, 1e-30, 1, -0.5, 0.25}, Stride: 2, K: 2, W: make([]float32, 16*wide)}
		for i := range n {
			p.Start[i] = specials[i%len(specials)]
			p.Below.W[(i/16*16)*16+i%16] = specials[i/len(specials)]
			p.Below.W[(i/16*16+1)*16+i%16] = specials[(i+i/len(specials))%len(specials)]
		}
		f(p)
		return p.Out
	}
	sameBits(t, "linear", run(set.Linear), run(contract.Linear))
	sigmoid := func(k *kernel.Set) func(p *kernel.Pass) { return func(p *kernel.Pass) { k.Sigmoid(p, nil) } }
	sameBits(t, "sigmoid", run(sigmoid(set)), run(sigmoid(contract)))
	draw := func(k *kernel.Set) func(p *kernel.Pass) {
		return func(p *kernel.Pass) { k.Sample(p, kernel.Draw{Seed: 3}) }
	}
	sameBits(t, "sample", run(draw(set)), run(draw(contract)))
}

// A change that is not a number raises nothing, wherever it stands.
func changeOfNaN(t *testing.T, set *kernel.Set) {
	nan := float32(math.NaN())
	for j := range 2 * kernel.Panel {
		p := &kernel.Pass{Rows: 1, Panels: 2, Start: slices.Repeat([]float32{nan}, 32),
			Out: slices.Repeat([]float32{0.25}, 32), Stride: 32}
		p.Start[j] = 0
		change := []float32{0.125}
		set.Sigmoid(p, change)
		if change[0] != 0.25 {
			t.Errorf("the change of column %d among NaN is %v, want 0.25", j, change[0])
		}
	}
}

// Skipping zeros and multiplying by them must not differ, not even in the sign of 0.
func zerosMayBeSkipped(t *testing.T, set *kernel.Set) {
	minus := float32(math.Copysign(0, -1))
	for _, followLists := range []bool{false, true} {
		for _, tiny := range []float32{0, 1e-30} {
			p := &kernel.Pass{Rows: 1, Panels: 1, Stride: 16, Start: slices.Repeat([]float32{minus}, 16),
				Out: make([]float32, 16)}
			p.Below = kernel.Input{X: []float32{0, tiny, 0}, Stride: 3, K: 3, W: slices.Repeat([]float32{-1e-30}, 256)}
			if followLists {
				p.Below.Nonzero = new(kernel.Lists)
				p.Below.Nonzero.Reset()
				p.Below.Nonzero.Add(contract, p.Below.X)
			}
			set.Linear(p)
			sameBits(t, fmt.Sprintf("lists %v: a chain of nothing from −0", followLists), p.Out, make([]float32, 16))
			p.Below = kernel.Input{}
			set.Linear(p)
			sameBits(t, "no chain from −0", p.Out, make([]float32, 16))
		}
		// −10⁻⁶⁰ is −0 in a gradient. Only a weight of −0 that is pulled by a
		// negative number distinguishes it from +0.
		for height := 1; height <= 14; height++ {
			for panels := 1; panels <= 9; panels++ {
				wide := panels * kernel.Panel
				s := &kernel.Step{Rows: 1, X: slices.Repeat([]float32{1e-30}, height), XStride: height,
					Y: slices.Repeat([]float32{-1e-30}, wide), YStride: wide,
					Below: height, Units: wide, To: panels, Rate: 1, Pull: slices.Repeat([]float32{-1}, wide),
					W: slices.Repeat([]float32{minus}, 16*wide), Back: make([]float32, 16*wide), Squares: make([]float32, wide)}
				if followLists {
					s.Nonzero = new(kernel.Lists)
					s.Nonzero.Reset()
					for i := range height {
						s.Nonzero.Add(contract, s.X[i:][:1])
					}
				}
				set.Learn(s)
				for p := range panels {
					sameBits(t, fmt.Sprintf("lists %v: weights of −0", followLists), s.W[p*256:][:height*16],
						make([]float32, height*16))
				}
			}
		}
	}
	b := slices.Repeat([]float32{minus}, 17)
	set.LearnBias(b, slices.Repeat([]float32{1e-30}, 17), 17, []float32{-1e-30}, 1)
	sameBits(t, "biases of −0", b, make([]float32, 17))
}

// A unit is on where u < σ(pre), and off where they are equal. That does happen:
// above one half both are multiples of 2⁻²⁴.
func sampleAtEquality(t *testing.T, set *kernel.Set) {
	d := kernel.Draw{Seed: 8, Tag: kernel.Tag(kernel.ForChains, 1, 1)}
	const panels = 20
	u := make([]float32, panels*kernel.Panel)
	d.Uniforms(u)
	start := slices.Repeat([]float32{-20}, len(u))
	var equal [kernel.Panel]int
	for j, u := range u {
		if u < 0.5 || u > 0.9 {
			continue
		}
		x := float32(math.Log(float64(u) / (1 - float64(u))))
		for range 20 {
			if p := kernel.Sigmoid(x); p == u {
				start[j] = x
				equal[j%kernel.Panel]++
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
	p := &kernel.Pass{Rows: 1, Panels: panels, Start: start, Out: make([]float32, len(u)), Stride: len(u)}
	set.Sample(p, d)
	sameBits(t, "sample", p.Out, make([]float32, len(u)))
}

func learn(t *testing.T, set *kernel.Set) {
	for i, c := range stepCases() {
		got, want := c.run(uint64(i), set), c.run(uint64(i), contract)
		for j, what := range []string{"weights", "transposed weights", "sums of squares", "pull"} {
			sameBits(t, fmt.Sprintf("%+v: %s", c, what), got[j], want[j])
		}
	}
}

// learnAgainstFloat64 writes the loops of kernel.Step out once more.
func learnAgainstFloat64(t *testing.T, set *kernel.Set) {
	const rows, below, units = 7, 19, 37
	rng := rand.New(rand.NewPCG(9, 9))
	s := &kernel.Step{Rows: rows, Below: below, Units: units, To: 3, Rate: 0.25, XStride: below, YStride: 48}
	s.X, _ = guarded(rows, below, below, 0, rng.Float32)
	s.Y, _ = guarded(rows, 48, 48, 0, rng.Float32)
	s.Pull, _ = guarded(1, 48, 48, 0, rng.Float32)
	s.W = packed(rng, below, units, 0, false)
	s.Back, s.Squares = make([]float32, len(s.W)), make([]float32, 48)
	old := slices.Clone(s.W)
	set.Learn(s)
	set.Refresh(s)
	for j := range units {
		var sum float64
		for i := range below {
			at := (j/16*kernel.Padded(below)+i)*16 + j%16
			w := float64(old[at])
			var g float64
			for r := range rows {
				g += float64(s.X[r*below+i]) * float64(s.Y[r*48+j])
			}
			want := w + 0.25*(g-float64(s.Pull[j])*w)
			if got := float64(s.W[at]); !(math.Abs(got-want) <= 1e-6) {
				t.Fatalf("weight %d, %d is %v, want %v", i, j, got, want)
			}
			if got := s.Back[(i/16*kernel.Padded(units)+j)*16+i%16]; got != s.W[at] {
				t.Fatalf("transposed weight %d, %d is %v, want %v", j, i, got, s.W[at])
			}
			sum += float64(s.W[at]) * float64(s.W[at])
		}
		if !(math.Abs(float64(s.Squares[j])-sum) <= 1e-5*sum) {
			t.Fatalf("sum of squares %d is %v, want %v", j, s.Squares[j], sum)
		}
	}
}

func learnBias(t *testing.T, set *kernel.Set) {
	for n := 1; n <= 70; n++ {
		run := func(k *kernel.Set) []float32 {
			rng := rand.New(rand.NewPCG(uint64(n), 3))
			rows, stride := 1+n%9, n+n%5
			x, _ := guarded(rows, n, stride, n%7, rng.Float32)
			by, _ := guarded(1, rows, rows, 1, func() float32 { return float32(rng.NormFloat64()) })
			b, memory := guarded(1, n, n, n%3, rng.Float32)
			k.LearnBias(b[:n], x, stride, by[:rows], 0.37)
			return memory
		}
		sameBits(t, fmt.Sprintf("%d biases", n), run(set), run(contract))
	}
	b := []float32{1, 2}
	set.LearnBias(b, []float32{1, 2, 3, 4, 5, 6}, 3, []float32{0.5, -0.25}, 2)
	if b[0] != 1+2*(0.5*1-0.25*4) || b[1] != 2+2*(0.5*2-0.25*5) {
		t.Errorf("biases are %v", b)
	}
}

func scale(t *testing.T, set *kernel.Set) {
	for n := 1; n <= 70; n++ {
		run := func(k *kernel.Set) []float32 {
			rng := rand.New(rand.NewPCG(uint64(n), 5))
			x, _ := guarded(1, n, n, n%7, rng.Float32)
			dst, memory := guarded(1, n, n, n%5, rng.Float32)
			k.Scale(dst[:n], x[:n], -0.02)
			return memory
		}
		sameBits(t, fmt.Sprintf("%d numbers", n), run(set), run(contract))
	}
}

func softplus(t *testing.T, set *kernel.Set) {
	rng := rand.New(rand.NewPCG(8, 8))
	for panels := 0; panels <= 5; panels++ {
		for _, scale := range []float64{0, 1, 30, 1e38} {
			n := panels * kernel.Panel
			vector := func() []float32 {
				x, _ := guarded(1, n, n, panels%3, func() float32 {
					if rng.IntN(40) == 0 && scale > 0 {
						return []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
							float32(math.Copysign(0, -1))}[rng.IntN(4)]
					}
					return float32(scale * rng.NormFloat64())
				})
				return x[:n]
			}
			a, to, from := vector(), kernel.Tempered{Beta: 0.7, Bias: vector()}, kernel.Tempered{Beta: 0.69, Bias: vector()}
			run := func(k *kernel.Set) []float32 {
				out := slices.Repeat([]float32{guard}, n+8)
				sums := [kernel.Panel]float32{3: 1.5}
				k.Softplus(out[:n], a, to, from, &sums)
				return append(out, sums[:]...)
			}
			got := run(set)
			sameBits(t, fmt.Sprintf("%d panels, scale %v", panels, scale), got, run(contract))
			if sums := got[n+8:]; scale == 0 && !slices.Equal(sums, append([]float32{0, 0, 0, 1.5}, make([]float32, 12)...)) {
				t.Errorf("padding adds %v", sums)
			}
		}
	}
}

func lists(t *testing.T, set *kernel.Set) {
	rng := rand.New(rand.NewPCG(4, 4))
	for n := 0; n <= 70; n++ {
		for _, density := range []float64{0, 0.2, 0.9, 1} {
			x, _ := guarded(1, n, n, n%5, func() float32 {
				switch {
				case rng.Float64() >= density:
					return float32(math.Copysign(0, rng.Float64()-0.5))
				case rng.IntN(9) == 0:
					return float32(math.NaN())
				}
				return float32(rng.NormFloat64())
			})
			run := func(k *kernel.Set) ([]int32, []float32) {
				index, value := slices.Repeat([]int32{-7}, n+10), slices.Repeat([]float32{guard}, n+10)
				m := k.List(index[:n+8], value[:n+8], x[:n], int32(1000*n))
				if index[n+8] != -7 || math.Float32bits(value[n+8]) != math.Float32bits(guard) {
					t.Fatalf("%d numbers: written beyond the end", n)
				}
				return index[:m], value[:m]
			}
			index, value := run(set)
			wantIndex, wantValue := run(contract)
			if !slices.Equal(index, wantIndex) {
				t.Fatalf("indices %v, want %v", index, wantIndex)
			}
			sameBits(t, "values", value, wantValue)
		}
	}
}

func adam(t *testing.T, set *kernel.Set) {
	rng := rand.New(rand.NewPCG(6, 6))
	for n := 0; n <= 70; n++ {
		some := func() float32 {
			if rng.IntN(5) == 0 {
				return specials[rng.IntN(len(specials))]
			}
			return float32(rng.NormFloat64())
		}
		var x [4][]float32
		for i := range x {
			x[i], _ = guarded(1, n, n, (n+i)%5, some)
		}
		run := func(k *kernel.Set) []float32 {
			var y [4][]float32
			for i := range x {
				y[i] = slices.Clone(x[i])
			}
			k.Adam(y[0][:n], y[1][:n], y[2][:n], y[3][:n], 0.01)
			return slices.Concat(y[:]...)
		}
		sameBits(t, fmt.Sprintf("%d parameters", n), run(set), run(contract))
	}
	w, mean, square := []float32{1, 1}, []float32{0, 0.5}, []float32{0, 4}
	set.Adam(w, []float32{2, -1}, mean, square, 0.5)
	for i, want := range [2][3]float64{{0.2, 0.004, 1 + 0.5*0.2/math.Sqrt(0.004)},
		{0.35, 3.997, 1 + 0.5*0.35/math.Sqrt(3.997)}} {
		for j, got := range [3]float32{mean[i], square[i], w[i]} {
			if !(math.Abs(float64(got)-want[j]) <= 1e-5) {
				t.Errorf("parameter %d: %v is %v, want %v", i, [3]string{"mean", "square", "w"}[j], got, want[j])
			}
		}
	}
}

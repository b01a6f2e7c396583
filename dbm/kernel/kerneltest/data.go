package kerneltest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"tandem/dbm/kernel"
)

// guard is a NaN that no computation makes. It fills all memory that a kernel may
// neither use nor change.
var guard = math.Float32frombits(0x7fc0dead)

// guarded returns a block of rows × columns with the given stride and offset from
// alignment, filled by f, and the whole memory around it: everything before, between
// and after the rows is a guard.
func guarded(rows, columns, stride, offset int, f func() float32) (x, memory []float32) {
	memory = make([]float32, offset+rows*stride+24)
	for i := range memory {
		memory[i] = guard
	}
	x = memory[offset:]
	for r := range rows {
		for c := range columns {
			x[r*stride+c] = f()
		}
	}
	return x, memory
}

// packed returns random weights in panels, k × columns. Padding columns are 0;
// padding rows are guards if asked for, and 0 otherwise.
func packed(rng *rand.Rand, k, columns, offset int, guards bool) []float32 {
	w := make([]float32, offset+kernel.Padded(k)*kernel.Padded(columns))[offset:]
	for i := range w {
		row := i / kernel.Panel % kernel.Padded(k)
		column := i/kernel.Panel/kernel.Padded(k)*kernel.Panel + i%kernel.Panel
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
// other, except for guards, which must not move.
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

// specials are the numbers at which implementations tend to differ.
var specials = []float32{0, float32(math.Copysign(0, -1)), 1, -1, 1e-40, -1e-40, 1e-45, 3e38, -3e38,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 86.9, -86.9, -87, -87.1, 87.1, -88, 88,
	-104, 104, 16.6, -16.6, 0.34657, -0.34657, 0.34658, 1e-8, -1e-8, 1e10, -1e10}

// passCase is the sizes of a pass on random data.
type passCase struct {
	rows, columns, below, above int
	nonzero                     bool // follow lists
	bias                        bool // one row of Start for all
	density                     float64
}

// longChain is longer than what a set computes of a chain in one call.
const longChain = 2*2048 + 3

// passCases covers edges of tiles and panels, long chains, both inputs and none.
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
		passCase{rows: 5, columns: 20, below: longChain, density: 1},
		passCase{rows: 5, columns: 70, below: longChain, nonzero: true, density: 0.9},
		passCase{rows: 6, columns: 70, below: 11, nonzero: true, density: 0},
		passCase{rows: 25, columns: 500, below: 784, above: 500, bias: true, density: 0.2},
	)
}

// pass makes the pass from a seed, and returns the whole memory of Out.
func (c passCase) pass(seed uint64) (p *kernel.Pass, memory []float32) {
	rng := rand.New(rand.NewPCG(seed, 1))
	unit := func() float32 {
		if rng.Float64() >= c.density {
			return float32(math.Copysign(0, rng.Float64()-0.5))
		}
		return float32(rng.Float64())
	}
	normal := func() float32 { return float32(rng.NormFloat64()) }
	offset := func() int { return rng.IntN(8) }
	wide := kernel.Padded(c.columns)
	p = &kernel.Pass{Rows: c.rows, Panels: wide / kernel.Panel}
	if c.bias {
		p.Start, _ = guarded(1, wide, wide, offset(), normal)
	} else {
		p.StartStride = wide + rng.IntN(9)
		p.Start, _ = guarded(c.rows, wide, p.StartStride, offset(), normal)
	}
	for i, in := range [2]*kernel.Input{&p.Below, &p.Above} {
		in.K = [2]int{c.below, c.above}[i]
		if in.K == 0 {
			continue
		}
		in.Stride = in.K + rng.IntN(9)
		in.X, _ = guarded(c.rows, in.K, in.Stride, offset(), unit)
		in.W = packed(rng, in.K, c.columns, offset(), true)
		if c.nonzero {
			in.Nonzero = new(kernel.Lists)
			in.Nonzero.Reset()
			in.Nonzero.AddRows(contract, in.X, in.Stride, c.rows, in.K)
		}
	}
	p.Stride = wide + rng.IntN(20)
	p.Out, memory = guarded(c.rows, wide, p.Stride, offset(), func() float32 { return float32(rng.Float64()) })
	return p, memory
}

// stepCase is the sizes of a learning step on random data.
type stepCase struct {
	rows, below, units, from, to int // to = 0: all panels
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

// step makes the step.
func (c stepCase) step(rng *rand.Rand) *kernel.Step {
	offset := func() int { return rng.IntN(8) }
	wide := kernel.Padded(c.units)
	s := &kernel.Step{Rows: c.rows, Below: c.below, Units: c.units, From: c.from, To: c.to, Rate: 0.037}
	if s.To <= 0 {
		s.To = wide / kernel.Panel
	}
	s.XStride = c.below + rng.IntN(9)
	s.X, _ = guarded(c.rows, c.below, s.XStride, offset(), func() float32 {
		if c.nonzero && rng.Float64() < 0.8 {
			return 0
		}
		return float32(rng.Float64())
	})
	s.YStride = kernel.Stride(wide + rng.IntN(9))
	s.Y, _ = guarded(c.rows, wide, s.YStride, offset(), func() float32 { return float32(rng.NormFloat64()) })
	for r := range c.rows {
		clear(s.Y[r*s.YStride+c.units : r*s.YStride+wide])
	}
	if c.nonzero {
		s.Nonzero = new(kernel.Lists)
		s.Nonzero.Reset()
		column := make([]float32, c.rows)
		for i := range c.below {
			for r := range c.rows {
				column[r] = s.X[r*s.XStride+i]
			}
			s.Nonzero.Add(contract, column)
		}
	}
	s.Pull, _ = guarded(1, wide, wide, offset(), func() float32 { return float32(rng.NormFloat64()) })
	s.Squares = slices.Repeat([]float32{guard}, wide+6)[3:]
	w := packed(rng, c.below, c.units, 0, false)
	s.W = slices.Concat(guards, w, guards)[len(guards):]
	s.Back = slices.Concat(guards, make([]float32, len(w)), guards)[len(guards):]
	return s
}

// guards surround what a step writes.
var guards = slices.Repeat([]float32{guard}, 37)

// withGuards extends a slice to the guards before it.
func withGuards(x []float32, before int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(&x[0]), -4*before)), before+len(x))
}

// run takes the step from a seed, and returns all memory that it may have written.
func (c stepCase) run(seed uint64, set *kernel.Set) [][]float32 {
	s := c.step(rand.New(rand.NewPCG(seed, 2)))
	set.Learn(s)
	set.Refresh(s)
	return [][]float32{withGuards(s.W, len(guards)), withGuards(s.Back, len(guards)), withGuards(s.Squares, 3), s.Pull}
}

package dbm

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"tandem/dbm/kernel"
	"tandem/dbm/kernel/kerneltest"
)

// Units that answer all examples alike are found, on and off apart, and so are those that only
// the chains move.
func TestActivity(t *testing.T) {
	c := tiny(4, 5)
	c.Chains = 3
	s := NewState(&c)
	s.Chains = [][]float32{make([]float32, 3*4), make([]float32, 3*5)}
	weigh := func(j int, bias float32, w ...float32) {
		s.Biases[1][j] = bias
		for i, x := range w {
			s.Weights[0][i*5+j] = x
		}
	}
	weigh(0, -4, 8, 0, 0, 0)   // follows pixel 0
	weigh(1, 4, -8, 0, 0, 0)   // against it
	weigh(2, 20, 0, 0, 0, 0)   // on
	weigh(3, -20, 0, 0, 0, 0)  // off
	weigh(4, -20, 0, 0, 0, 20) // on by a pixel that only a chain has
	row := func(i int, v []float32) { copy(v, []float32{float32(i % 2), 0, 1, 0}) }
	measure := func() *Activity {
		t.Helper()
		a, err := MeasureActivity(&c, kerneltest.Reference, s, 60, row, 1)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := measure()
	want := &Activity{Varying: []float64{0.4}, StuckOn: []float64{0.2}, StuckOff: []float64{0.4},
		Components: []int{1}, FromAbove: a.FromAbove}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("%+v, want %+v", a, want)
	}
	s.Chains[0][1*4+3] = 1 // σ(0)
	if a := measure(); a.StuckOff[0] != 0.2 {
		t.Errorf("a unit that moves in chains is stuck: %+v", a)
	}
	s.Chains = nil
	if a := measure(); a.StuckOff[0] != 0.4 {
		t.Errorf("without chains: %+v", a)
	}
}

// The input from above is what the layer above sends, and threads do not show.
func TestActivityOfLayers(t *testing.T) {
	c := tiny(6, 40, 30)
	m := randomTruth(11, 6, 40, 30)
	s := m.state(&c)
	rng := rand.New(rand.NewPCG(1, 2))
	examples := make([]float32, 120*6)
	for i := range examples {
		examples[i] = float32(rng.IntN(2))
	}
	row := func(i int, v []float32) { copy(v, examples[i*6:]) }
	a, err := MeasureActivity(&c, kerneltest.Reference, s, 120, row, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, threads := range []int{2, 3} {
		b, err := MeasureActivity(&c, kerneltest.Reference, s, 120, row, threads)
		if err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("with %d threads %+v, not %+v, %v", threads, b, a, err)
		}
	}
	n, err := NewInference(&c, kerneltest.Reference, s, 120, 1e-3, 50)
	if err != nil {
		t.Fatal(err)
	}
	for r := range 120 {
		row(r, n.Visible(r))
	}
	n.Infer(120)
	want, below := 0.0, 0.0
	for r := range 120 {
		for j, q := range n.Hidden(1)[r*kernel.Stride(40):][:40] {
			for i := range 6 {
				below += float64(q) * m.w[0][i*40+j] / (120 * 6)
			}
		}
		for k, q := range n.Hidden(2)[r*kernel.Stride(30):][:30] {
			for i := range 40 {
				want += float64(q) * m.w[1][i*30+k] / (120 * 40)
			}
		}
	}
	if len(a.FromAbove) != 2 || math.Abs(a.FromAbove[1]-want) > 1e-4 || math.Abs(a.FromAbove[0]-below) > 1e-4 {
		t.Errorf("layers receive %v from above, want %v and %v", a.FromAbove, below, want)
	}
}

// As many components are counted as directions that units move in.
func TestComponents(t *testing.T) {
	for _, shape := range [][2]int{{64, 20}, {32, 50}} {
		for _, directions := range []int{0, 1, 2, 5} {
			c := columns{make([]float32, shape[0]*kernel.Stride(shape[1])), shape[0], shape[1]}
			for d := range directions { // each unit moves in one direction alone, all of them alike
				for r := range shape[0] {
					x := float32(r >> d & 1)
					for j := d; j < shape[1]; j += max(directions, 1) {
						c.q[r*kernel.Stride(shape[1])+j] = x
					}
				}
			}
			if got := c.components(1); got != directions {
				t.Errorf("%d × %d with %d directions: %d components", shape[0], shape[1], directions, got)
			}
		}
	}
}

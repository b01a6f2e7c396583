package dbm

import (
	"math"
	"testing"

	"tandem/dbm/kernel"
)

// Where the posterior is drawn, states of odd layers are drawn from mean field,
// even layers have their probabilities given these, and layer 1 meets the visible
// layer by its mean field. The chains are binary in the state, and count by the
// probabilities given the odd layers.
func TestDrawnPosteriorByHand(t *testing.T) {
	c := trainings()["drawn"]
	before := run(t, c, nil, 3, 1)
	tr := trainer(t, c, before, patterns{new(uint64)}, 2)
	plain := c
	plain.SamplePosterior = false
	field := trainer(t, plain, before, patterns{new(uint64)}, 1)
	for _, tr := range []*Trainer{tr, field} {
		if _, err := tr.Update(); err != nil {
			t.Fatal(err)
		}
	}
	after := tr.State()
	row := func(x []float32, l, r int) []float32 { return x[r*kernel.Stride(c.Layers[l]):][:c.Layers[l]] }
	given := func(x [][]float32, l, j int) float64 {
		pre := float64(before.Biases[l][j])
		for i, v := range x[l-1] {
			pre += float64(before.Weights[l-1][i*c.Layers[l]+j]) * float64(v)
		}
		if l+1 < len(c.Layers) {
			for i, v := range x[l+1] {
				pre += float64(before.Weights[l][j*c.Layers[l+1]+i]) * float64(v)
			}
		}
		return 1 / (1 + math.Exp(-pre))
	}
	for r := range c.Batch + c.Chains {
		x := make([][]float32, len(c.Layers))
		for l := range c.Layers {
			x[l] = row(tr.updater.layers[l].asLower, l, r)
			if l%2 == 1 && r < c.Batch {
				u := make([]float32, c.Layers[l])
				kernel.Draw{Seed: c.Seed, Row: uint32(r), Update: 4, Tag: kernel.Tag(kernel.ForPosterior, l, 0)}.Uniforms(u)
				for j, q := range row(field.updater.layers[l].asLower, l, r) {
					if on := x[l][j] == 1; on != (u[j] < q) || !on && x[l][j] != 0 {
						t.Fatalf("example %d, layer %d, unit %d: %v drawn of %v by %v", r, l, j, x[l][j], q, u[j])
					}
				}
			}
			if l > 0 {
				scaled := row(tr.updater.layers[l].scaled, l, r)
				for j, v := range row(tr.updater.layers[l].asUpper, l, r) {
					if scaled[j] != v*tr.updater.weight[r] {
						t.Fatalf("layer %d: %v counts as %v", l, v, scaled[j])
					}
				}
			}
		}
		for l := 2; l < len(c.Layers); l += 2 {
			for j, got := range x[l] {
				if want := given(x, l, j); math.Abs(float64(got)-want) > 1e-6 {
					t.Fatalf("row %d, layer %d, unit %d: counts as %v, want %v", r, l, j, got, want)
				}
			}
		}
		if r < c.Batch {
			for j, q := range row(field.updater.layers[1].asLower, 1, r) {
				if got := row(tr.updater.layers[1].asUpper, 1, r)[j]; got != q {
					t.Fatalf("example %d, unit %d: mean field %v, want %v", r, j, got, q)
				}
			}
			continue
		}
		for l := range c.Layers {
			chain := after.Chains[l][(r-c.Batch)*c.Layers[l]:][:c.Layers[l]]
			for j, want := range row(field.updater.layers[l].asLower, l, r) { // which drew the same numbers
				if chain[j] != want {
					t.Fatalf("chain %d, layer %d: another state than without", r-c.Batch, l)
				}
			}
		}
	}
	for l, n := range c.Layers {
		for j := range n {
			want, got := float64(before.Biases[l][j]), float64(after.Biases[l][j])
			for r, scale := range tr.updater.weight {
				want += c.LearningRate * float64(scale) * float64(row(tr.updater.layers[l].asUpper, l, r)[j])
			}
			if math.Abs(got-want) > 1e-6 {
				t.Errorf("bias %d of layer %d is %v, want %v", j, l, got, want)
			}
		}
	}
	mean := func(l, i, j int) float64 {
		sum := 0.0
		for r, scale := range tr.updater.weight {
			sum += float64(scale) * float64(row(tr.updater.layers[l-1].asLower, l-1,
				r)[i]) * float64(row(tr.updater.layers[l].asUpper, l, r)[j])
		}
		return sum
	}
	for l := 1; l < len(c.Layers); l++ {
		for i := range c.Layers[l-1] {
			for j := range c.Layers[l] {
				at := i*c.Layers[l] + j
				want, got := float64(before.Weights[l-1][at])+c.LearningRate*mean(l, i, j), float64(after.Weights[l-1][at])
				if math.Abs(got-want) > 1e-6 {
					t.Fatalf("weight %d, %d of layer %d is %v, want %v", i, j, l, got, want)
				}
			}
		}
	}
}

// Drawn states have the covariance that neighbouring units have given an example,
// which mean field takes for 0.
func TestDrawnPosteriorHasCovariance(t *testing.T) {
	m := randomTruth(7, 3, 2, 2)
	for i := range m.w[1] {
		m.w[1][i] /= 2
	}
	v := []float64{1, 0, 1}
	var exact, drawn covariance
	z := m.logSum(m.visible(v), 1)
	m.states(m.visible(v), 1, func(x [][]float64) { exact.add(x[1], x[2], math.Exp(-m.energy(x)-z)) })
	c := tiny(m.layers...)
	c.Batch, c.SamplePosterior = 1, true
	tr := trainer(t, c, m.state(&c), given{v}, 1)
	wide := func(x []float32) []float64 { return []float64{float64(x[0]), float64(x[1])} }
	const draws = 50_000
	for range draws {
		tr.updater.worker[0].positive()
		tr.updater.updates++
		drawn.add(wide(tr.updater.lower(1, 0)), wide(tr.updater.lower(2, 0)), 1.0/draws)
	}
	largest := 0.0
	for i := range 4 {
		want, got := exact.of(i), drawn.of(i)
		largest = max(largest, math.Abs(want))
		if math.Abs(got-want) > 0.004+0.1*math.Abs(want) {
			t.Errorf("covariance %d is %.4f, want %.4f", i, got, want)
		}
	}
	if largest < 0.02 {
		t.Errorf("no covariance is above %.4f: nothing tested", largest)
	}
}

// covariance is that of two units with two others.
type covariance struct{ both, x, y [4]float64 }

func (c *covariance) add(x, y []float64, p float64) {
	for i := range 4 {
		c.both[i] += p * x[i/2] * y[i%2]
		c.x[i] += p * x[i/2]
		c.y[i] += p * y[i%2]
	}
}

func (c *covariance) of(i int) float64 { return c.both[i] - c.x[i]*c.y[i] }

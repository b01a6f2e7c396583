package dbm

import (
	"math"
	"testing"
)

// The initial weights have the moments of a normal distribution and are not
// correlated across rows, columns and layers.
func TestInitialWeightsAreNormal(t *testing.T) {
	c := tiny(401, 300, 301)
	c.InitScale = 0.5
	s, err := Initial(&c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for l, w := range s.Weights {
		var m1, m2, m4, next, below float64
		n := c.Layers[l+1]
		outside := 0
		for i, x := range w {
			z := float64(x) / 0.5
			m1 += z
			m2 += z * z
			m4 += z * z * z * z
			next += z * float64(w[(i+1)%len(w)]) / 0.5
			below += z * float64(w[(i+n)%len(w)]) / 0.5
			if math.Abs(z) > 1.959964 {
				outside++
			}
		}
		count := float64(len(w))
		for _, f := range []struct {
			name              string
			got, want, spread float64
		}{
			{"mean", m1, 0, 1}, {"variance", m2, 1, math.Sqrt2}, {"fourth moment", m4, 3, math.Sqrt(96)},
			{"correlation with the next column", next, 0, 1}, {"correlation with the next row", below, 0, 1},
			{"share outside 1.96", float64(outside), 0.05, math.Sqrt(0.05 * 0.95)},
		} {
			if d := (f.got/count - f.want) / (f.spread / math.Sqrt(count)); math.Abs(d) > 4.5 {
				t.Errorf("layer %d: %s is %v, %.1f standard errors from %v", l+1, f.name, f.got/count, d, f.want)
			}
		}
	}
}

func TestInitialState(t *testing.T) {
	c := tiny(3, 40, 50)
	c.Chains = 200
	s, err := Initial(&c, []float64{0, 0.25, 1})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{math.Log(1e-5 / (1 - 1e-5)), math.Log(0.25 / 0.75), math.Log((1 - 1e-5) / 1e-5)} {
		if got := float64(s.Biases[0][i]); math.Abs(got-want) > 1e-6 {
			t.Errorf("visible bias %d is %v, want %v", i, got, want)
		}
	}
	zero := c
	zero.ZeroBiases, zero.OffsetRate = true, 0.1
	if z, err := Initial(&zero, []float64{0, 0.25, 1}); err != nil || z.Biases[0][1] != 0 || z.Biases[0][2] != 0 ||
		z.Offsets[0][1] != 0.25 {
		t.Errorf("zero biases: %v, %v", z, err)
	}
	for l, x := range s.Chains {
		on := 0.0
		for _, v := range x {
			if v != 0 && v != 1 {
				t.Fatalf("a unit of layer %d starts at %v", l, v)
			}
			on += float64(v)
		}
		if n := float64(len(x)); math.Abs(on/n-0.5) > 2.5/math.Sqrt(n) {
			t.Errorf("layer %d: %v of the units start on", l, on/n)
		}
	}
	for l := 1; l < 3; l++ {
		n, sum := c.Layers[l], 0.0
		for j := range n {
			square := 0.0
			for i := range c.Layers[l-1] {
				w := float64(s.Weights[l-1][i*n+j])
				square += w * w
			}
			sum += math.Sqrt(square)
		}
		if math.Abs(s.Mu[l-1]-sum/float64(n)) > 1e-12 {
			t.Errorf("μ of layer %d is %v, want the mean norm %v", l, s.Mu[l-1], sum/float64(n))
		}
		for _, b := range s.Biases[l] {
			if b != 0 {
				t.Errorf("a hidden bias starts at %v", b)
			}
		}
	}
	if _, err := Initial(&c, []float64{0.5}); err == nil {
		t.Error("a mean of the wrong length is taken")
	}
}

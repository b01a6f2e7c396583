package dbm

import (
	"cmp"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"tandem/dbm/kernel"
	"tandem/dbm/kernel/kerneltest"
)

func TestFilterMeasures(t *testing.T) {
	c := tiny(100, 8, 4)
	c.InitScale = 0.3
	s, err := Initial(&c, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := NewFilterStats(&c, kerneltest.Reference, 10, 10, 1)
	got := a.Measure(s)
	if got.Live[0] != 0 || got.Live[1] != 0 || got.Noise[0] != 1 || got.Duplicate[0] != 0 {
		t.Errorf("at the start: %+v", got)
	}
	if math.Abs(got.NormMean[0]-s.Mu[0]) > 1e-12 {
		t.Errorf("mean norm %v, want %v", got.NormMean[0], s.Mu[0])
	}
	set := func(j int, f func(x, y int) float64) {
		for i := range 100 {
			s.Weights[0][i*8+j] = float32(f(i%10, i/10))
		}
	}
	// Three smooth filters, two of them alike but for their size; one that grew
	// without turning; one of fresh noise.
	set(0, func(x, y int) float64 { return math.Sin(float64(x) / 2) })
	set(1, func(x, y int) float64 { return -math.Cos(float64(y) / 3) })
	set(2, func(x, y int) float64 { return 3 * math.Sin(float64(x)/2) })
	for i := range 100 {
		s.Weights[0][i*8+3] *= 40
	}
	// Two that have turned by cosines of 0.45 and 0.55, and grown.
	for j, cosine := range map[int]float64{6: 0.45, 7: 0.55} {
		turned := make([]float64, 100)
		var dot, old, free float64
		for i := range 100 {
			w, f := float64(s.Weights[0][i*8+j]), float64(i%7-3)
			dot += w * f
			old += w * w
			free += f * f
		}
		free -= dot * dot / old
		for i := range 100 {
			w := float64(s.Weights[0][i*8+j])
			turned[i] = cosine*w/math.Sqrt(old) + math.Sqrt((1-cosine*cosine)/free)*(float64(i%7-3)-dot/old*w)
		}
		set(j, func(x, y int) float64 { return 9 * turned[y*10+x] })
	}
	rng := rand.New(rand.NewPCG(1, 1))
	set(4, func(x, y int) float64 { return rng.NormFloat64() })
	got = a.Measure(s)
	if got.Live[0] != 5.0/8 || got.Noise[0] != 5.0/8 || got.Duplicate[0] != 2.0/8 {
		t.Errorf("live %v, noise %v, duplicates %v; want 5, 5 and 2 of 8", got.Live[0], got.Noise[0], got.Duplicate[0])
	}
	// Units of layer 2 that look at different units of layer 1 which see the same.
	clear(s.Weights[1])
	s.Weights[1][0*4+0], s.Weights[1][2*4+1], s.Weights[1][1*4+2], s.Weights[1][4*4+3] = 1, 1, 1, 1
	if got := a.Measure(s); got.Duplicate[1] != 2.0/4 {
		t.Errorf("duplicates %v of layer 2, want 2 of 4", got.Duplicate[1])
	}
	if c := NewFilterStats(&c, kerneltest.Reference, 0, 0, 1).Measure(s); c.Noise != nil {
		t.Errorf("noise %v without an image", c.Noise)
	}
}

func TestSmoothness(t *testing.T) {
	checks, ramp := make([]float32, 64), make([]float32, 64)
	for i := range checks {
		checks[i] = float32((i + i/8) % 2)
		ramp[i] = float32(i/8 + i%8)
	}
	if got := Smoothness(checks, 8); math.Abs(got+1) > 1e-12 {
		t.Errorf("a chess board has %v, want -1", got)
	}
	if got := Smoothness(ramp, 8); got < 0.7 {
		t.Errorf("a ramp has %v", got)
	}
	if got := Smoothness(make([]float32, 64), 8); got != 0 {
		t.Errorf("a grey picture has %v", got)
	}
}

// A picture of a higher layer is the sum of those below by its 20 strongest weights.
func TestPictures(t *testing.T) {
	c := tiny(4, 30, 2)
	s := NewState(&c)
	for i := range 4 {
		for j := range 30 {
			s.Weights[0][i*30+j] = float32(i*100 + j)
		}
	}
	for j := range 30 {
		s.Weights[1][j*2] = float32(j)         // units 10 … 29 are the strongest
		s.Weights[1][j*2+1] = -float32(30 - j) // units 0 … 19
	}
	first, second := Pictures(&c, s, 1, 1), Pictures(&c, s, 2, 1)
	for v := range 4 {
		var want [2]float64
		for j := range 30 {
			if got := first[j*4+v]; got != float32(v*100+j) {
				t.Fatalf("picture %d of layer 1 has %v at pixel %d", j, got, v)
			}
			if j >= 10 {
				want[0] += float64(j * (v*100 + j))
			}
			if j < 20 {
				want[1] -= float64((30 - j) * (v*100 + j))
			}
		}
		for j := range 2 {
			if got := float64(second[j*4+v]); got != want[j] {
				t.Errorf("picture %d of layer 2 has %v at pixel %d, want %v", j, got, v, want[j])
			}
		}
	}
}

// The measures are those of the definition in plain loops, to the bit, for any number of
// threads, with more units than a block has.
func TestFilterMeasuresOnManyThreads(t *testing.T) {
	c := tiny(30, 200, 70, 25)
	c.InitScale = 0.5
	s, err := Initial(&c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for l, w := range s.Weights {
		n := c.Layers[l+1]
		for i := 0; i < len(w); i += n { // unit 70 is like unit 3 and 199 like 130, where they exist
			for _, pair := range [][2]int{{70, 3}, {199, 130}, {20, 4}} {
				if pair[0] < n {
					w[i+pair[0]] = 2 * w[i+pair[1]]
				}
			}
		}
	}
	one := NewFilterStats(&c, kerneltest.Reference, 5, 6, 1).Measure(s)
	for _, threads := range []int{2, 3, 1000} {
		if got := NewFilterStats(&c, kerneltest.Reference, 5, 6, threads).Measure(s); !reflect.DeepEqual(got, one) {
			t.Errorf("%d threads: %+v, want %+v", threads, got, one)
		}
	}
	for l := 1; l < len(c.Layers); l++ {
		n, size := c.Layers[l], c.Layers[0]
		pictures := Pictures(&c, s, l, 2)
		norm, found := make([]float64, n), 0
		for j := range n {
			for _, x := range pictures[j*size:][:size] {
				norm[j] += float64(x) * float64(x)
			}
			norm[j] = math.Sqrt(norm[j])
		}
		for j := range n {
			alike := false
			for i := range n {
				dot := float32(0)
				for k := range size {
					dot = kernel.FMA(pictures[j*size+k], pictures[i*size+k], dot)
				}
				alike = alike || i != j && float64(dot) > 0.9*norm[i]*norm[j]
			}
			if alike {
				found++
			}
		}
		if want := float64(found) / float64(n); one.Duplicate[l-1] != want || found < 2 {
			t.Errorf("layer %d: duplicates %v, want %v", l, one.Duplicate[l-1], want)
		}
	}
}

// The strongest connections are the first ones of a stable sort.
func TestStrongest(t *testing.T) {
	const rows, n = 300, 3
	w := make([]float32, rows*n)
	for i := range w {
		w[i] = float32(i*7919%31 - 15) // with many equal ones
	}
	for j := range n {
		order := make([]int, rows)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Compare(math.Abs(float64(w[b*n+j])), math.Abs(float64(w[a*n+j])))
		})
		if got := strongest(w, n, j); !slices.Equal(got, order[:Strongest]) {
			t.Errorf("column %d: %v, want %v", j, got, order[:Strongest])
		}
	}
	if got := strongest(w[:5*n], n, 0); len(got) != 5 {
		t.Errorf("%d of 5 rows", len(got))
	}
}

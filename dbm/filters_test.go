package dbm

import (
	"math"
	"math/rand/v2"
	"testing"

	"tandem/dbm/kernel/kerneltest"
)

func TestFilterMeasures(t *testing.T) {
	c := tiny(100, 8, 4)
	c.InitScale = 0.3
	s, err := Initial(&c, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := NewFilterStats(&c, kerneltest.Reference, 10, 10)
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
	if c := NewFilterStats(&c, kerneltest.Reference, 0, 0).Measure(s); c.Noise != nil {
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
	first, second := Pictures(&c, s, 1), Pictures(&c, s, 2)
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

package mnist

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"tandem/dbm/kernel"
)

// small is a set whose image i starts the bytes 0 to 255 at another place; it has
// n images of 3 × 15 pixels, so no whole number of 16-unit blocks.
func small(name string, n int) *Set {
	m := &Images{N: n, Rows: 3, Columns: 15}
	for i := range n * 45 {
		m.Pixels = append(m.Pixels, byte(i*11+i/45*5))
	}
	return &Set{Name: name, Images: m}
}

// uniform is the uniform number of one unit, from the map in package dbm's random.go.
func uniform(seed uint64, unit int, row, update, word3 uint32) float64 {
	counter := uint32(unit/16*4 + unit%8/2)
	var w [4]uint32
	w[0], w[1], w[2], w[3] = kernel.Philox(seed, counter, row, update, word3)
	return float64(w[unit%16/8*2+unit%2]>>8) / (1 << 24)
}

func below(u float64, x byte) float32 {
	if float32(u) < float32(x)/255 {
		return 1
	}
	return 0
}

func TestValues(t *testing.T) {
	train, test := small(Train, 40), small(Test, 40)
	fresh := kernel.Draw{Seed: 1<<40 + 5, Row: 3, Update: 7, Tag: kernel.Tag(kernel.ForPixels, 0, 0)}
	for _, c := range []struct {
		name   string
		set    *Set
		pixels Pixels
		want   func(i, j int, x byte) float32
	}{
		{"grey", train, Grey, func(i, j int, x byte) float32 { return float32(float64(x) / 255) }},
		{"threshold", train, Threshold, func(i, j int, x byte) float32 { return float32(x >> 7) }},
		{"sample", train, Sample, func(i, j int, x byte) float32 { return below(uniform(1<<40+5, j, 3, 7, 3<<24), x) }},
		{"fixed, train", train, Fixed, func(i, j int, x byte) float32 {
			return below(uniform(0, j, uint32(i), 0, 4<<24),
				x)
		}},
		{"fixed, test", test, Fixed, func(i, j int, x byte) float32 { return below(uniform(0, j, uint32(i), 1, 4<<24), x) }},
	} {
		v := make([]float32, 45)
		seen := map[float32]bool{}
		for i := range c.set.N() {
			c.set.Values(v, i, c.pixels, fresh)
			for j, x := range c.set.Image(i) {
				seen[v[j]] = true
				if want := c.want(i, j, x); v[j] != want {
					t.Fatalf("%s: image %d, pixel %d of %d is %v, want %v", c.name, i, j, x, v[j], want)
				}
			}
		}
		if !seen[0] || !seen[1] || (c.pixels == Grey) != (len(seen) == 256) {
			t.Errorf("%s: %d different numbers", c.name, len(seen))
		}
	}
}

// Each byte must be on as often as it says, 0 never and 255 always.
func TestSampleFrequencies(t *testing.T) {
	m := &Images{N: 1, Rows: 16, Columns: 16}
	for x := range 256 {
		m.Pixels = append(m.Pixels, byte(x))
	}
	set := &Set{Name: Train, Images: m}
	const draws = 4000
	on, v := make([]float64, 256), make([]float32, 256)
	for u := range uint32(draws) {
		set.Values(v, 0, Sample, kernel.Draw{Seed: 1, Update: u, Tag: kernel.Tag(kernel.ForPixels, 0, 0)})
		for j := range v {
			on[j] += float64(v[j])
		}
	}
	for x := range 256 {
		p := float64(x) / 255
		if math.Abs(on[x]/draws-p) > 5*math.Sqrt(p*(1-p)/draws) {
			t.Errorf("byte %d: on in %v of %d draws", x, on[x], draws)
		}
	}
}

// A uniform number equal to the probability leaves the pixel off, else a byte 0
// would be on once in 2²⁴ draws. Two of these rare draws:
func TestSampleAtEquality(t *testing.T) {
	for _, c := range []struct {
		update uint32
		unit   int
		x      byte
	}{{394632, 4, 0}, {1855868, 9, 200}} {
		if u := uniform(1, c.unit, 0, c.update, 3<<24); float32(u) != float32(c.x)/255 {
			t.Fatalf("update %d, unit %d: drew %v, so the test tests nothing", c.update, c.unit, u)
		}
		m := &Images{N: 1, Rows: 1, Columns: 16, Pixels: make([]byte, 16)}
		m.Pixels[c.unit] = c.x
		v := make([]float32, 16)
		(&Set{Images: m}).Values(v, 0, Sample, kernel.Draw{Seed: 1, Update: c.update,
			Tag: kernel.Tag(kernel.ForPixels, 0, 0)})
		if v[c.unit] != 0 {
			t.Errorf("byte %d is on", c.x)
		}
	}
}

func TestMean(t *testing.T) {
	set := small(Test, 300)
	v := make([]float32, 45)
	for _, pixels := range []Pixels{Grey, Threshold, Sample, Fixed} {
		got := set.Mean(pixels)
		if len(got) != 45 {
			t.Fatalf("%v: %d means", pixels, len(got))
		}
		for j := range got {
			var want float64
			for i := range set.N() {
				if pixels == Sample {
					want += float64(set.Image(i)[j]) / 255
				} else {
					set.Values(v, i, pixels, kernel.Draw{})
					want += float64(v[j])
				}
			}
			if want /= 300; math.Abs(got[j]-want) > 1e-7 {
				t.Errorf("%v: mean of pixel %d is %v, want %v", pixels, j, got[j], want)
			}
		}
	}
}

// The sums must be exact, and wider than 32 bits where images are many.
func TestMeanIsExact(t *testing.T) {
	const n = 17e6
	m := &Images{N: n, Rows: 1, Columns: 1, Pixels: bytes.Repeat([]byte{255}, n)}
	m.Pixels[1] = 0
	set := &Set{Name: Train, Images: m}
	for _, pixels := range []Pixels{Grey, Threshold} {
		if got := set.Mean(pixels); got[0] != (n-1)/n {
			t.Errorf("%v: %v, want %v", pixels, got[0], (n-1)/n)
		}
	}
}

// The grey mean of MNIST's training images is well known: 33.318421… of 255.
func TestMeanOfMNIST(t *testing.T) {
	var sum float64
	for _, m := range must(t, embeddedTrain).Mean(Grey) {
		sum += m
	}
	if mean := sum / 784; math.Abs(mean-0.1306604762738429) > 1e-12 {
		t.Errorf("mean %v", mean)
	}
}

func TestPixelsNames(t *testing.T) {
	for name, p := range map[string]Pixels{"grey": Grey, "threshold": Threshold, "sample": Sample, "fixed": Fixed} {
		got, err := ParsePixels(name)
		if err != nil || got != p || p.String() != name {
			t.Errorf("%s: parsed as %v, %v; written as %v", name, got, err, p)
		}
	}
	for _, name := range []string{"", "gray", "Grey", "grey "} {
		_, err := ParsePixels(name)
		if err == nil || !strings.Contains(err.Error(), "grey, threshold, sample, fixed") {
			t.Errorf("%q: error %v", name, err)
		}
	}
	if got := Pixels(4).String(); got != "Pixels(4)" {
		t.Errorf("Pixels(4) written as %q", got)
	}
}

func BenchmarkValues(b *testing.B) {
	set := must(b, embeddedTest)
	v := make([]float32, 784)
	for _, pixels := range []Pixels{Grey, Threshold, Sample, Fixed} {
		b.Run(pixels.String(), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				set.Values(v, i%set.N(), pixels, kernel.Draw{Tag: kernel.Tag(kernel.ForPixels, 0, 0)})
			}
		})
	}
}

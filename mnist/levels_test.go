package mnist

import (
	"math"
	"slices"
	"testing"

	"tandem/dbm/kernel"
)

// Bytes of another scale, and numbers, are the same examples as bytes of 255 where they say the
// same, to the bit.
func TestScales(t *testing.T) {
	const n, rows, columns = 7, 3, 11
	binary := make([]byte, n*rows*columns)
	for i := range binary {
		binary[i] = byte(i * i % 3 % 2)
	}
	set := func(m *Images) *Set { return &Set{Name: Train, Images: m} }
	shape := Images{N: n, Rows: rows, Columns: columns}
	of := func(most byte) *Set {
		m := shape
		for _, b := range binary {
			m.Pixels = append(m.Pixels, b*most)
		}
		if most != 255 {
			m.SetMost(most)
		}
		return set(&m)
	}
	numbers := shape
	for _, b := range binary {
		numbers.Numbers = append(numbers.Numbers, float32(b))
	}
	want := of(255)
	for name, s := range map[string]*Set{"0 and 1": of(1), "0 and 16": of(16), "numbers": set(&numbers)} {
		for _, pixels := range []Pixels{Grey, Threshold, Sample, Fixed} {
			if !slices.Equal(s.Mean(pixels), want.Mean(pixels)) {
				t.Errorf("%s, %v: the means are %v, want %v", name, pixels, s.Mean(pixels), want.Mean(pixels))
			}
			for i := range n {
				a, b := make([]float32, rows*columns), make([]float32, rows*columns)
				d := kernel.Draw{Seed: 3, Row: uint32(i), Tag: kernel.Tag(kernel.ForPixels, 0, 0)}
				s.Values(a, i, pixels, d)
				want.Values(b, i, pixels, d)
				if !slices.Equal(a, b) {
					t.Errorf("%s, %v, image %d: %v, want %v", name, pixels, i, a, b)
				}
			}
		}
	}
}

// Levels between have their share, and numbers are drawn with it.
func TestLevels(t *testing.T) {
	m := &Images{N: 1, Rows: 1, Columns: 5, Pixels: []byte{0, 4, 8, 9, 16}}
	m.SetMost(16)
	s := &Set{Name: Train, Images: m}
	v := make([]float32, 5)
	s.Values(v, 0, Grey, kernel.Draw{})
	if want := []float32{0, 0.25, 0.5, 0.5625, 1}; !slices.Equal(v, want) || m.Most() != 16 {
		t.Errorf("greys %v of %d, want %v", v, m.Most(), want)
	}
	s.Values(v, 0, Threshold, kernel.Draw{})
	if want := []float32{0, 0, 0, 1, 1}; !slices.Equal(v, want) {
		t.Errorf("beyond the half: %v, want %v", v, want)
	}
	numbers := &Images{N: 1, Rows: 1, Columns: 5, Numbers: []float32{0, 0.25, 0.5, 0.5625, 1}}
	other, sums := &Set{Name: Train, Images: numbers}, make([]float64, 5)
	const draws = 4000
	for i := range draws {
		a, b := make([]float32, 5), make([]float32, 5)
		d := kernel.Draw{Seed: 1, Row: uint32(i)}
		s.Values(a, 0, Sample, d)
		if other.Values(b, 0, Sample, d); !slices.Equal(a, b) {
			t.Fatalf("draw %d: bytes %v, numbers %v", i, a, b)
		}
		for j, x := range b {
			sums[j] += float64(x) / draws
		}
	}
	for j, p := range numbers.Numbers {
		if math.Abs(sums[j]-float64(p)) > 0.03 {
			t.Errorf("unit %d is on in %v of the draws, want %v", j, sums[j], p)
		}
	}
	if numbers.SHA256() == m.SHA256() {
		t.Error("numbers have the hash of bytes")
	}
}

// Some images of a set are what they are in it, pixels drawn once included.
func TestSome(t *testing.T) {
	s, err := Open("", Train)
	if err != nil {
		t.Fatal(err)
	}
	some := s.Some("held-out", []int{5, 3, 59_999})
	again := some.Some("held-out", []int{2, 0})
	if some.N() != 3 || again.N() != 2 || !slices.Equal(again.Labels, []byte{s.Labels[59_999], s.Labels[5]}) ||
		s.N() != 60_000 || again.Name != "held-out" {
		t.Fatalf("%d and %d of %d images, labels %v", some.N(), again.N(), s.N(), again.Labels)
	}
	a, b := make([]float32, 784), make([]float32, 784)
	for _, pixels := range []Pixels{Grey, Fixed} {
		again.Values(a, 1, pixels, kernel.Draw{})
		if s.Values(b, 5, pixels, kernel.Draw{}); !slices.Equal(a, b) {
			t.Errorf("%v: image 1 is not image 5", pixels)
		}
	}
	if !slices.Equal(again.Image(0), s.Image(59_999)) {
		t.Error("image 0 is not the last")
	}
}

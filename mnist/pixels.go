package mnist

import (
	"encoding/binary"
	"fmt"

	"tandem/dbm/kernel"
)

// Pixels is a way to turn the byte X of a pixel into a number.
type Pixels uint8

// The four ways.
const (
	Grey      Pixels = iota // X/255; other levels than 255 can stand for 1
	Threshold               // 1 where Grey is more than ½, else 0
	Sample                  // 1 with probability Grey, else 0, anew at each use
	Fixed                   // as Sample, but once for all uses and runs
)

var pixelsNames = [...]string{Grey: "grey", Threshold: "threshold", Sample: "sample", Fixed: "fixed"}

// ParsePixels accepts grey, threshold, sample or fixed, and rejects everything else.
func ParsePixels(s string) (Pixels, error) {
	for p, name := range pixelsNames {
		if s == name {
			return Pixels(p), nil
		}
	}
	return 0, fmt.Errorf("pixels: %q is not one of grey, threshold, sample, fixed", s)
}

// String returns the name that ParsePixels accepts.
func (p Pixels) String() string {
	if int(p) < len(pixelsNames) {
		return pixelsNames[p]
	}
	return fmt.Sprintf("Pixels(%d)", uint8(p))
}

func (p Pixels) valid() error {
	if int(p) >= len(pixelsNames) {
		return fmt.Errorf("pixels: %v is none of the known ways", p)
	}
	return nil
}

// levels is the numbers of each byte.
type levels struct {
	most            byte // that stands for 1
	grey, threshold [256]float32
}

func newLevels(most byte) *levels {
	l := &levels{most: most}
	for x := range 256 {
		l.grey[x] = min(float32(x)/float32(most), 1)
		if 2*x > int(most) {
			l.threshold[x] = 1
		}
	}
	return l
}

// usual is the levels of greys.
var usual = newLevels(255)

// SetMost makes a byte stand for 1, which is 255 otherwise. No byte is larger.
func (m *Images) SetMost(most byte) {
	if most == 0 {
		panic("mnist: 0 cannot stand for 1")
	}
	m.levels = newLevels(most)
}

// Most returns the byte that stands for 1.
func (m *Images) Most() byte { return m.scale().most }

func (m *Images) scale() *levels {
	if m.levels == nil {
		return usual
	}
	return m.levels
}

// Values writes the numbers of image i into v (rows × columns, row-major; v must
// have that length). Sample takes its random numbers from row fresh.Row of fresh;
// the other ways ignore fresh. Fixed takes them from the seed 0, the set and i, so
// an image looks the same in every run. Values does not allocate, and many may
// call it at once.
func (s *Set) Values(v []float32, i int, pixels Pixels, fresh kernel.Draw) {
	d := fresh
	if pixels == Fixed {
		d = kernel.Draw{Row: uint32(s.place(i)), Tag: kernel.Tag(kernel.ForFixed, 0, 0)}
		if s.Name == Test {
			d.Update = 1
		}
	}
	if s.Images.Numbers != nil {
		s.numbers(v, i, pixels, d)
		return
	}
	x, levels := s.Image(i), s.Images.scale()
	switch pixels {
	case Grey:
		look(v, x, &levels.grey)
	case Threshold:
		look(v, x, &levels.threshold)
	case Sample, Fixed:
		sample(v, x, &levels.grey, d)
	}
}

// numbers writes image i, which has numbers in place of bytes.
func (s *Set) numbers(v []float32, i int, pixels Pixels, d kernel.Draw) {
	size := s.Rows() * s.Columns()
	x := s.Images.Numbers[s.place(i)*size:][:size]
	switch pixels {
	case Grey:
		copy(v, x)
	case Threshold:
		for j, p := range x {
			if v[j] = 0; p > 0.5 {
				v[j] = 1
			}
		}
	case Sample, Fixed:
		d.Bernoulli(v[:size], x)
	}
}

// look sets v[j] to table[x[j]]; every table has 0 for 0.
func look(v []float32, x []byte, table *[256]float32) {
	v = v[:len(x)]
	clear(v)
	for from := 0; from < len(x); from += kernel.Panel {
		to := min(from+kernel.Panel, len(x))
		if blank(x[from:to]) {
			continue
		}
		for j, b := range x[from:to] {
			v[from+j] = table[b]
		}
	}
}

// sample sets v[j] to 1 where the uniform number of unit j is below the number of x[j]: never
// for 0, always for 1. No numbers are made for 16 units that are all 0.
func sample(v []float32, x []byte, grey *[256]float32, d kernel.Draw) {
	v = v[:len(x)]
	clear(v)
	for from := 0; from < len(x); from += kernel.Panel {
		to := min(from+kernel.Panel, len(x))
		if blank(x[from:to]) {
			continue
		}
		var u [kernel.Panel]float32
		d.Block(&u, from/kernel.Panel)
		for j, b := range x[from:to] {
			if u[j] < grey[b] {
				v[from+j] = 1
			}
		}
	}
}

// blank reports whether up to 16 bytes are all 0, as most of an image's are.
func blank(x []byte) bool {
	if len(x) == 16 {
		return binary.NativeEndian.Uint64(x)|binary.NativeEndian.Uint64(x[8:]) == 0
	}
	for _, b := range x {
		if b != 0 {
			return false
		}
	}
	return true
}

// Mean is the mean number of each pixel over all images (rows × columns,
// row-major). Sums of bytes are exact integers, so only one division rounds; those of other
// numbers are in the order of the images. For Sample it is the expected mean, which is that of
// Grey.
func (s *Set) Mean(pixels Pixels) []float64 {
	size := s.Rows() * s.Columns()
	mean := make([]float64, size)
	most := 1.0 // the sum that stands for 1
	if bytes := s.Images.Numbers == nil && (pixels == Grey || pixels == Sample); bytes {
		most = float64(s.Images.Most())
		sums := make([]uint64, size)
		for i := range s.N() {
			for j, b := range s.Image(i) {
				sums[j] += uint64(b)
			}
		}
		for j, sum := range sums {
			mean[j] = float64(sum)
		}
	} else {
		if pixels == Sample {
			pixels = Grey
		}
		v := make([]float32, size)
		for i := range s.N() {
			s.Values(v, i, pixels, kernel.Draw{})
			for j, x := range v {
				mean[j] += float64(x)
			}
		}
	}
	for j := range mean {
		mean[j] /= most * float64(s.N())
	}
	return mean
}

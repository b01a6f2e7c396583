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
	Grey      Pixels = iota // X/255
	Threshold               // 1 from X = 128 on, else 0
	Sample                  // 1 with probability X/255, else 0, anew at each use
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

// greyOf and thresholdOf hold the number of each byte.
var greyOf, thresholdOf = func() (grey, threshold [256]float32) {
	for x := range 256 {
		grey[x] = float32(x) / 255
		if x >= 128 {
			threshold[x] = 1
		}
	}
	return
}()

// Values writes the numbers of image i into v (rows × columns, row-major; v must
// have that length). Sample takes its random numbers from row fresh.Row of fresh;
// the other ways ignore fresh. Fixed takes them from the seed 0, the set and i, so
// an image looks the same in every run. Values does not allocate, and many may
// call it at once.
func (s *Set) Values(v []float32, i int, pixels Pixels, fresh kernel.Draw) {
	x := s.Image(i)
	switch pixels {
	case Grey:
		look(v, x, &greyOf)
	case Threshold:
		look(v, x, &thresholdOf)
	case Sample:
		sample(v, x, fresh)
	case Fixed:
		d := kernel.Draw{Row: uint32(i), Tag: kernel.Tag(kernel.ForFixed, 0, 0)}
		if s.Name == Test {
			d.Update = 1
		}
		sample(v, x, d)
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

// sample sets v[j] to 1 where the uniform number of unit j is below x[j]/255: never
// for 0, always for 255. No numbers are made for 16 units that are all 0.
func sample(v []float32, x []byte, d kernel.Draw) {
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
			if u[j] < greyOf[b] {
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
// row-major). Sums are exact integers, so only one division rounds. For Sample it
// is the expected mean, which is that of Grey.
func (s *Set) Mean(pixels Pixels) []float64 {
	size := s.Rows() * s.Columns()
	sums := make([]uint64, size)
	most := 1.0 // the number that stands for 1
	switch pixels {
	case Grey, Sample:
		most = 255
		for i := range s.N() {
			for j, b := range s.Image(i) {
				sums[j] += uint64(b)
			}
		}
	case Threshold, Fixed:
		v := make([]float32, size)
		for i := range s.N() {
			s.Values(v, i, pixels, kernel.Draw{})
			for j, on := range v {
				sums[j] += uint64(on)
			}
		}
	}
	mean := make([]float64, size)
	for j, sum := range sums {
		mean[j] = float64(sum) / (most * float64(s.N()))
	}
	return mean
}

package npz

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

// Every type is read from both orders of bytes, in C and Fortran order, to the same
// elements.
func TestTypes(t *testing.T) {
	for _, c := range []struct {
		kind     string
		elements any // 2 × 2
		want     []float64
	}{
		{"b1", []bool{true, false, false, true}, []float64{1, 0, 0, 1}},
		{"i1", []int8{-128, 127, 0, -1}, []float64{-128, 127, 0, -1}},
		{"u1", []uint8{255, 0, 1, 128}, []float64{255, 0, 1, 128}},
		{"i2", []int16{-32768, 32767, 256, -1}, []float64{-32768, 32767, 256, -1}},
		{"u2", []uint16{65535, 256, 0, 1}, []float64{65535, 256, 0, 1}},
		{"i4", []int32{-1 << 31, 1, 256, 65536}, []float64{-1 << 31, 1, 256, 65536}},
		{"u4", []uint32{1<<32 - 1, 1, 256, 65536}, []float64{1<<32 - 1, 1, 256, 65536}},
		{"i8", []int64{-1 << 53, 1, 256, 1 << 40}, []float64{-1 << 53, 1, 256, 1 << 40}},
		{"u8", []uint64{1 << 63, 1, 256, 1 << 40}, []float64{1 << 63, 1, 256, 1 << 40}},
		{"f2", []uint16{0x3c00, 0xc000, 0x7bff, 0x0001}, []float64{1, -2, 65504, 0x1p-24}},
		{"f4", []float32{0.5, -1e30, 3, 0}, []float64{0.5, float64(float32(-1e30)), 3, 0}},
		{"f8", []float64{0.1, -1e300, 3, 0}, []float64{0.1, -1e300, 3, 0}},
	} {
		for _, order := range []string{"<", ">", "|"} {
			if order == "|" && !strings.HasSuffix(c.kind, "1") {
				continue
			}
			var byteOrder binary.AppendByteOrder = binary.LittleEndian
			if order == ">" {
				byteOrder = binary.BigEndian
			}
			for _, fortran := range []string{"False", "True"} {
				b, err := binary.Append(file(headerText(order+c.kind, fortran, "2, 2")), byteOrder.(binary.ByteOrder),
					c.elements)
				if err != nil {
					t.Fatal(err)
				}
				a, err := Read(bytes.NewReader(b), 32)
				if err != nil {
					t.Errorf("%s%s: %v", order, c.kind, err)
					continue
				}
				want := c.want
				if fortran == "True" {
					want = []float64{want[0], want[2], want[1], want[3]}
				}
				got := []float64{a.At(0), a.At(1), a.At(2), a.At(3)}
				if !slices.Equal(got, want) || !a.Type.IsNumber() || a.Type.IsWhole() != (c.kind[0] != 'f') {
					t.Errorf("%s%s, fortran %s: %v of type %s; want %v", order, c.kind, fortran, got, a.Type, want)
				}
			}
		}
	}
}

func TestFloat16NotFinite(t *testing.T) {
	if !math.IsInf(float16(0xfc00), -1) || !math.IsInf(float16(0x7c00), 1) || !math.IsNaN(float16(0x7e00)) ||
		float16(0x8000) != 0 {
		t.Error("infinities, NaN or zero of float16 are wrong")
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		file []byte
		want []string
	}{
		{file(headerText("<U3", "False", "2,"), []int32{'c', 'ä', 0, 'd', 'o', 'g'}), []string{"cä", "dog"}},
		{file(headerText(">U1", "False", "2,"), []byte{0, 0, 0, 'a', 0, 0, 0, 'b'}), []string{"a", "b"}},
		{file(headerText("|S2", "False", "2,"), []byte("ab\x00\x00")), []string{"ab", ""}},
		{file(headerText("<i8", "False", "2,"), []int64{math.MaxInt64, -3}), []string{"9223372036854775807", "-3"}},
		{file(headerText("<u8", "False", "1,"), []uint64{math.MaxUint64}), []string{"18446744073709551615"}},
		{file(headerText("<f4", "False", "2,"), []float32{7, 0.5}), []string{"7", "0.5"}},
		{file(headerText("|b1", "False", "2,"), []bool{true, false}), []string{"1", "0"}},
	} {
		a, err := Read(bytes.NewReader(c.file), 100)
		if err != nil {
			t.Errorf("%q: %v", c.file, err)
			continue
		}
		for i, want := range c.want {
			if got := a.Text(i); got != want {
				t.Errorf("%s: element %d is %q, want %q", a.Type, i, got, want)
			}
		}
		if a.Len() != len(c.want) {
			t.Errorf("%s: %d elements, want %d", a.Type, a.Len(), len(c.want))
		}
	}
}

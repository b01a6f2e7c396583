package npz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// file returns the bytes of an array with a header of one's own.
func file(header string, elements ...any) []byte {
	b := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	b = append(b, header...)
	for _, x := range elements {
		b, _ = binary.Append(b, binary.LittleEndian, x)
	}
	return b
}

func header(t, fortran, shape string) string {
	return fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }\n", t, fortran, shape)
}

// Each type is read, in either order.
func TestRead(t *testing.T) {
	for _, c := range []struct {
		file  []byte
		shape []int
		want  []float64
	}{
		{file(header("<f4", "False", "3,"), []float32{1, -2, 0.5}), []int{3}, []float64{1, -2, 0.5}},
		{file(header("<f8", "False", "1, 2"), []float64{1e300, 3}), []int{1, 2}, []float64{1e300, 3}},
		{file(header("|u1", "False", "2,"), []uint8{255, 7}), []int{2}, []float64{255, 7}},
		{file(header("|b1", "False", "2,"), []bool{true, false}), []int{2}, []float64{1, 0}},
		{file(header("<i4", "False", ""), int32(-9)), []int{}, []float64{-9}},
		{file(header("<i8", "True", "2, 3"), []int64{1, 4, 2, 5, 3, 6}), []int{2, 3}, []float64{1, 2, 3, 4, 5, 6}},
		{file(header("|u1", "True", "2, 2, 2"), []uint8{0, 4, 2, 6, 1, 5, 3, 7}), []int{2, 2, 2}, []float64{0, 1, 2, 3, 4,
			5, 6, 7}},
		{file(header("<f4", "True", "0, 5")), []int{0, 5}, nil},
	} {
		a, err := Read(bytes.NewReader(c.file), 1000)
		if err != nil {
			t.Errorf("%q: %v", c.file, err)
			continue
		}
		var got []float64
		for i := range a.Len() {
			got = append(got, a.At(i))
		}
		if !slices.Equal(a.Shape, c.shape) || !slices.Equal(got, c.want) {
			t.Errorf("shape %v, elements %v; want %v, %v", a.Shape, got, c.shape, c.want)
		}
	}
}

func TestReadRejects(t *testing.T) {
	one := []float32{1}
	for _, c := range []struct {
		file []byte
		word string
	}{
		{nil, "NumPy"},
		{[]byte("PK\x03\x04 and more of it"), "NumPy"},
		{[]byte("\x93NUMPY\x09\x00\x00\x00"), "version 9"},
		{file(header(">f4", "False", "1,"), one), "little-endian"},
		{file(header("<f2", "False", "1,"), one), "type"},
		{file("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", one), "records"},
		{file(header("<f4", "False", "2,"), one), "truncated"},
		{file(header("<f4", "False", "1,"), one, one), "more than"},
		{file(header("<f4", "False", "-1,"), one), "header"},
		{file(header("<f4", "False", "9223372036854775807, 4"), one), "asks for more"},
		{file(header("<f4", "False", "99999999999999999999,"), one), "shape"},
		{file(header("<f4", "False", "251,"), make([]float32, 251)), "asks for more"},
		{file(header("<f4", "False", strings.Repeat("1,", 33)), one), "axes"},
	} {
		if _, err := Read(bytes.NewReader(c.file), 1000); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%.80q: error %v, want one with %q", c.file, err, c.word)
		}
	}
}

// What is written is read again, and the same arrays give the same bytes.
func TestArchive(t *testing.T) {
	write := func() []byte {
		var b bytes.Buffer
		w := NewWriter(&b)
		f, err := w.File("about.json")
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte("{}"))
		if err := w.Floats("x", []float32{1, 2, 3, 4, 5, 6}, 2, 3); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	data := write()
	if !bytes.Equal(data, write()) {
		t.Error("the same arrays give other bytes")
	}
	r, err := NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Array("x", 24)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 6)
	if err := a.Float32s(x); err != nil || x[5] != 6 || !slices.Equal(a.Shape, []int{2, 3}) {
		t.Errorf("%v of shape %v (%v)", x, a.Shape, err)
	}
	if err := a.Float32s(x[:5]); err == nil {
		t.Error("five numbers of six are no error")
	}
	if _, err := r.Array("y", 24); !errors.Is(err, ErrNoArray) {
		t.Errorf("an array that is not there: %v", err)
	}
	if _, err := r.Array("x", 23); err == nil {
		t.Error("more than the limit is no error")
	}
	if about, err := r.File("about.json", 2); err != nil || string(about) != "{}" {
		t.Errorf("%q, %v", about, err)
	}
	if names := r.Names(); !slices.Equal(names, []string{"x"}) {
		t.Errorf("names %q", names)
	}
}

// Whatever the bytes, Read returns an array within the limit or an error.
func FuzzRead(f *testing.F) {
	f.Add(file(header("<f4", "False", "2, 2"), []float32{1, 2, 3, float32(math.NaN())}))
	f.Add(file(header("<i8", "True", "3, 1, 2"), make([]int64, 6)))
	f.Add(file(header("|b1", "True", "0, 7")))
	f.Add(file(header("<f8", "False", "")))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 12
		a, err := Read(bytes.NewReader(data), limit)
		if err != nil {
			return
		}
		n := 1
		for _, d := range a.Shape {
			n *= d
		}
		if len(a.Data) > limit || a.Len() != n {
			t.Errorf("%d bytes, %d elements of shape %v", len(a.Data), a.Len(), a.Shape)
		}
		for i := range a.Len() {
			a.At(i)
		}
	})
}

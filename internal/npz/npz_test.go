package npz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
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

func headerText(t, fortran, shape string) string {
	return fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }\n", t, fortran, shape)
}

// Each type is read, in either order.
func TestRead(t *testing.T) {
	for _, c := range []struct {
		file  []byte
		shape []int
		want  []float64
	}{
		{file(headerText("<f4", "False", "3,"), []float32{1, -2, 0.5}), []int{3}, []float64{1, -2, 0.5}},
		{file(headerText("<f8", "False", "1, 2"), []float64{1e300, 3}), []int{1, 2}, []float64{1e300, 3}},
		{file(headerText("|u1", "False", "2,"), []uint8{255, 7}), []int{2}, []float64{255, 7}},
		{file(headerText("|b1", "False", "2,"), []bool{true, false}), []int{2}, []float64{1, 0}},
		{file(headerText("<i4", "False", ""), int32(-9)), []int{}, []float64{-9}},
		{file(headerText("<i8", "True", "2, 3"), []int64{1, 4, 2, 5, 3, 6}), []int{2, 3}, []float64{1, 2, 3, 4, 5, 6}},
		{file(headerText("|u1", "True", "2, 2, 2"), []uint8{0, 4, 2, 6, 1, 5, 3, 7}), []int{2, 2, 2}, []float64{0, 1, 2, 3, 4,
			5, 6, 7}},
		{file(headerText("<f4", "True", "0, 5")), []int{0, 5}, nil},
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
		{file(headerText("<f16", "False", "1,"), one), "type"},
		{file(headerText("=f4", "False", "1,"), one), "type"},
		{file(headerText("<c8", "False", "1,"), one), "type"},
		{file(headerText("|O", "False", "1,"), one), "Python objects"},
		{file(headerText("<U9999999", "False", "1,"), one), "type"},
		{file("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", one), "records"},
		{file(headerText("<f4", "False", "2,"), one), "truncated"},
		{file(headerText("<f4", "False", "1,"), one, one), "more than"},
		{file(headerText("<f4", "False", "-1,"), one), "header"},
		{file(headerText("<f4", "False", "9223372036854775807, 4"), one), "asks for more"},
		{file(headerText("<f4", "False", "99999999999999999999,"), one), "shape"},
		{file(headerText("<f4", "False", "251,"), make([]float32, 251)), "asks for more"},
		{file(headerText("<f4", "False", strings.Repeat("1,", 33)), one), "axes"},
		{file(headerText("<f4", "False", "1"), one), "not a tuple"},
		{file(headerText("<f4", "False", "1,,1"), one), "shape"},
		{file(headerText("<f4", "False", "1 1,"), one), "shape"},
		{file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'descr': '|u1'}", one), "descr is given twice"},
		{file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} 'shape': (2,)", one), "not of an array"},
		{file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': True}", one), "must have"},
		{file("{'descr': '<f4', 'fortran_order': 'False', 'shape': (1,)}", one), "must have"},
		{file("{'descr': True, 'fortran_order': False, 'shape': (1,)}", one), "must have"},
		{file("{'fortran_order': False, 'shape': (1,)}", one), "must have"},
		{file("'descr': '<f4', 'fortran_order': False, 'shape': (1,)", one), "not of an array"},
		{[]byte("\x93NUMPY\x01\x01\x00\x00"), "version 1.1"},
		{[]byte("\x93NUMPY\x02\x00\x00\x00"), "truncated header"},
		{[]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), "header of 4294967295 bytes"},
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
	if _, err := r.Array("y", 24); !errors.Is(err, ErrMissing) {
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

// Package npz reads and writes NumPy's files: arrays (.npy) and zip archives of them
// (.npz), as numpy.save and numpy.savez write them.
package npz

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Array is an array in C order: the last index runs fastest.
type Array struct {
	Type  Type
	Shape []int
	Data  []byte // elements, little-endian
}

// Len returns the number of elements.
func (a *Array) Len() int { return len(a.Data) / a.Type.Size() }

// Float32s writes the elements of an array of Float32 into x, which must have their number.
func (a *Array) Float32s(x []float32) error {
	if a.Type != Float32 {
		return fmt.Errorf("elements of type %s; must be %s", a.Type, Float32)
	}
	if a.Len() != len(x) {
		return fmt.Errorf("%d numbers; must be %d", a.Len(), len(x))
	}
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(a.Data[4*i:]))
	}
	return nil
}

// Read reads an array of at most limit bytes of elements. Memory is taken as the bytes
// arrive, so that a header cannot ask for more than there is.
func Read(r io.Reader, limit int64) (*Array, error) {
	b := bufio.NewReader(r)
	h, err := readHeader(b)
	if err != nil {
		return nil, err
	}
	t, bigEndian := Type(h.descr).little()
	a := &Array{Type: t, Shape: h.shape}
	size := int64(t.Size())
	if size == 0 {
		return nil, errType(t)
	}
	if size, err = h.bytes(size, limit); err != nil {
		return nil, err
	}
	if a.Data, err = readExactly(b, size); err != nil {
		return nil, err
	}
	if bigEndian {
		a.swap()
	}
	if h.fortran {
		a.toC()
	}
	return a, nil
}

// readText reads an array of one string of bytes, of at most limit. Its shape is (), or
// (1,) after some of NumPy's functions.
func readText(r io.Reader, limit int64) ([]byte, error) {
	b := bufio.NewReader(r)
	h, err := readHeader(b)
	if err != nil {
		return nil, err
	}
	length, isText := strings.CutPrefix(h.descr, "|S")
	n, err := strconv.ParseUint(length, 10, 31)
	if !isText || err != nil || len(h.shape) > 1 || len(h.shape) == 1 && h.shape[0] != 1 {
		return nil, fmt.Errorf("elements of type %q and shape %s; must be bytes, of shape ()", h.descr, Tuple(h.shape))
	}
	if int64(n) > limit {
		return nil, fmt.Errorf("%d bytes; must be at most %d", n, limit)
	}
	return readExactly(b, int64(n))
}

// readExactly reads the last size bytes of r, to its end, which is where an archive
// compares its checksum. Memory grows with what arrives.
func readExactly(r io.Reader, size int64) ([]byte, error) {
	data := make([]byte, 0, min(size, 1<<16)+1)
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > size:
			return nil, fmt.Errorf("more than the %d bytes that the shape asks for", size)
		case err == io.EOF && int64(len(data)) < size:
			return nil, fmt.Errorf("truncated: %d bytes of %d", len(data), size)
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, err
		}
		if len(data) == cap(data) {
			data = append(make([]byte, 0, min(int64(2*len(data)), size)+1), data...)
		}
	}
}

// Tuple returns a shape in NumPy's notation: (784, 64), (64,) or ().
func Tuple(shape []int) string {
	if len(shape) == 1 {
		return fmt.Sprintf("(%d,)", shape[0])
	}
	axes := make([]string, len(shape))
	for i, n := range shape {
		axes[i] = strconv.Itoa(n)
	}
	return "(" + strings.Join(axes, ", ") + ")"
}

// toC brings elements in Fortran's order, the first index fastest, into C order.
func (a *Array) toC() {
	size := a.Type.Size()
	out := make([]byte, 0, len(a.Data))
	index, stride := make([]int, len(a.Shape)), make([]int, len(a.Shape))
	step := size
	for i, n := range a.Shape {
		stride[i] = step
		step *= n
	}
	at := 0
	for len(out) < len(a.Data) {
		out = append(out, a.Data[at:at+size]...)
		for i := len(index) - 1; i >= 0; i-- {
			index[i]++
			at += stride[i]
			if index[i] < a.Shape[i] {
				break
			}
			at -= stride[i] * a.Shape[i]
			index[i] = 0
		}
	}
	a.Data = out
}

// WriteFloats writes numbers as elements of Float32.
func WriteFloats(w io.Writer, x []float32) error {
	b := bufio.NewWriterSize(w, min(4*len(x)+16, 1<<16))
	var word [4]byte
	for _, v := range x {
		binary.LittleEndian.PutUint32(word[:], math.Float32bits(v))
		b.Write(word[:]) // b keeps its first error for Flush
	}
	return b.Flush()
}

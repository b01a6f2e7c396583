// Package npz reads and writes NumPy's files: arrays (.npy) and zip archives of them
// (.npz), as numpy.save and numpy.savez write them.
package npz

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Type is the type of an array's elements, in NumPy's notation.
type Type string

// The types that are read. All are little-endian.
const (
	Float32 Type = "<f4"
	Float64 Type = "<f8"
	Uint8   Type = "|u1"
	Int32   Type = "<i4"
	Int64   Type = "<i8"
	Bool    Type = "|b1"
)

// Size returns the number of bytes of an element, or 0 for a type that is not read.
func (t Type) Size() int {
	switch t {
	case Uint8, Bool:
		return 1
	case Float32, Int32:
		return 4
	case Float64, Int64:
		return 8
	}
	return 0
}

// Array is an array in C order: the last index runs fastest.
type Array struct {
	Type  Type
	Shape []int
	Data  []byte // elements, little-endian
}

// Len returns the number of elements.
func (a *Array) Len() int { return len(a.Data) / a.Type.Size() }

// At returns element i in C order as a float64, which an int64 beyond 2⁵³ does not fit.
func (a *Array) At(i int) float64 {
	b := a.Data[i*a.Type.Size():]
	switch a.Type {
	case Float32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case Float64:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case Int32:
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case Int64:
		return float64(int64(binary.LittleEndian.Uint64(b)))
	}
	return float64(b[0])
}

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

const (
	magic     = "\x93NUMPY"
	maxHeader = 1 << 16 // bytes
	maxAxes   = 32      // as in NumPy
)

// Read reads an array of at most limit bytes of elements. Memory is taken as the bytes
// arrive, so that a header cannot ask for more than there is.
func Read(r io.Reader, limit int64) (*Array, error) {
	b := bufio.NewReader(r)
	header, err := readHeader(b)
	if err != nil {
		return nil, err
	}
	a, fortran, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	size, err := a.bytes(limit)
	if err != nil {
		return nil, err
	}
	if a.Data, err = io.ReadAll(io.LimitReader(b, size+1)); err != nil {
		return nil, err
	}
	if n := int64(len(a.Data)); n != size {
		if n > size {
			return nil, fmt.Errorf("more than the %d bytes that the shape asks for", size)
		}
		return nil, fmt.Errorf("truncated: %d bytes of %d", n, size)
	}
	if fortran {
		a.toC()
	}
	return a, nil
}

// readHeader reads what stands before the elements: a Python literal.
func readHeader(r io.Reader) (string, error) {
	var start [12]byte
	if _, err := io.ReadFull(r, start[:10]); err != nil || string(start[:6]) != magic {
		return "", errors.New("not an array in NumPy's format")
	}
	length := int64(binary.LittleEndian.Uint16(start[8:]))
	switch start[6] {
	case 1:
	case 2, 3:
		if _, err := io.ReadFull(r, start[10:]); err != nil {
			return "", errors.New("truncated header")
		}
		length = int64(binary.LittleEndian.Uint32(start[8:]))
	default:
		return "", fmt.Errorf("version %d.%d of NumPy's format; this build reads 1 to 3", start[6], start[7])
	}
	if length > maxHeader {
		return "", fmt.Errorf("a header of %d bytes is more than %d", length, maxHeader)
	}
	header := make([]byte, length)
	if _, err := io.ReadFull(r, header); err != nil {
		return "", errors.New("truncated header")
	}
	return string(header), nil
}

var (
	descrField   = regexp.MustCompile(`['"]descr['"]\s*:\s*['"]([^'"]*)['"]`)
	fortranField = regexp.MustCompile(`['"]fortran_order['"]\s*:\s*(True|False)`)
	shapeField   = regexp.MustCompile(`['"]shape['"]\s*:\s*\(([0-9,\sL]*)\)`)
)

// parseHeader returns an array of the type and shape of a header, still without elements,
// and reports whether they follow in Fortran's order.
func parseHeader(header string) (a *Array, fortran bool, err error) {
	descr, order, shape := descrField.FindStringSubmatch(header), fortranField.FindStringSubmatch(header),
		shapeField.FindStringSubmatch(header)
	if descr == nil || order == nil || shape == nil {
		return nil, false, errors.New("a header without descr, fortran_order or shape, or of records")
	}
	a = &Array{Type: Type(descr[1]), Shape: []int{}}
	if a.Type.Size() == 0 {
		return nil, false, fmt.Errorf("elements of type %q; must be float32, float64, uint8, int32, int64 or bool, "+
			"little-endian", descr[1])
	}
	for _, word := range strings.Split(shape[1], ",") {
		if word = strings.TrimSuffix(strings.TrimSpace(word), "L"); word == "" {
			continue
		}
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, false, fmt.Errorf("shape (%s): %w", shape[1], err)
		}
		a.Shape = append(a.Shape, n)
	}
	if len(a.Shape) > maxAxes {
		return nil, false, fmt.Errorf("%d axes; must be at most %d", len(a.Shape), maxAxes)
	}
	return a, order[1] == "True", nil
}

// bytes returns the size of the elements, which must not be above limit.
func (a *Array) bytes(limit int64) (int64, error) {
	size := int64(a.Type.Size())
	for _, n := range a.Shape {
		if n == 0 {
			return 0, nil
		}
	}
	for _, n := range a.Shape {
		if int64(n) > limit/size {
			return 0, fmt.Errorf("shape %v asks for more than %d bytes", a.Shape, limit)
		}
		size *= int64(n)
	}
	if size > limit {
		return 0, fmt.Errorf("shape %v asks for more than %d bytes", a.Shape, limit)
	}
	return size, nil
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

// writeHeader writes what stands before the elements of an array, version 1.0 of the
// format: magic, version, the length of a header that is a Python literal, padded so that
// the elements begin at a multiple of 64 bytes. They follow in C order, little-endian.
func writeHeader(w io.Writer, t Type, shape ...int) error {
	axes := make([]string, len(shape))
	for i, n := range shape {
		axes[i] = fmt.Sprintf("%d,", n)
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", t, strings.Join(axes, " "))
	const before = len(magic) + 4
	header += strings.Repeat(" ", 63-(before+len(header))%64) + "\n"
	if len(header) > math.MaxUint16 {
		return fmt.Errorf("shape of %d axes", len(shape))
	}
	start := binary.LittleEndian.AppendUint16([]byte(magic+"\x01\x00"), uint16(len(header)))
	_, err := w.Write(append(start, header...))
	return err
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

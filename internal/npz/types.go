package npz

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Type is the type of an array's elements, in NumPy's notation.
type Type string

// The types of numbers that are read. Strings are read too: <U and |S with a length.
// Big-endian elements become little-endian ones as they are read.
const (
	Bool    Type = "|b1"
	Int8    Type = "|i1"
	Int16   Type = "<i2"
	Int32   Type = "<i4"
	Int64   Type = "<i8"
	Uint8   Type = "|u1"
	Uint16  Type = "<u2"
	Uint32  Type = "<u4"
	Uint64  Type = "<u8"
	Float16 Type = "<f2"
	Float32 Type = "<f4"
	Float64 Type = "<f8"
)

// maxText is the most characters that a string may have.
const maxText = 1 << 20

// little returns the type that elements have once they are little-endian, and whether they
// are big-endian in the file.
func (t Type) little() (_ Type, bigEndian bool) {
	switch n := t.Size(); {
	case n == 1 && t.textSize() == 0:
		return "|" + t[1:], false
	case n > 0 && t[0] == '>':
		return "<" + t[1:], true
	}
	return t, false
}

// Size returns the number of bytes of an element, big-endian or not, or 0 for a type that
// is not read.
func (t Type) Size() int {
	if n := t.textSize(); n > 0 || len(t) != 3 || !strings.ContainsAny(string(t[:1]), "<>|") {
		return n
	}
	size := 0
	switch t[1:] {
	case "b1", "i1", "u1":
		return 1
	case "i2", "u2", "f2":
		size = 2
	case "i4", "u4", "f4":
		size = 4
	case "i8", "u8", "f8":
		size = 8
	}
	if t[0] == '|' { // several bytes have an order
		return 0
	}
	return size
}

// textSize returns the number of bytes of a string, or 0 for a type of something else.
func (t Type) textSize() int {
	if len(t) < 3 {
		return 0
	}
	n, err := strconv.ParseUint(string(t[2:]), 10, 32)
	switch {
	case err != nil || n > maxText:
		return 0
	case t[:2] == "<U" || t[:2] == ">U": // UTF-32
		return 4 * int(n)
	case t[:2] == "|S":
		return int(n)
	}
	return 0
}

// IsNumber reports whether elements are numbers or booleans.
func (t Type) IsNumber() bool { return t.Size() > 0 && t.textSize() == 0 }

// IsWhole reports whether elements are whole numbers or booleans.
func (t Type) IsWhole() bool { return t.IsNumber() && t[1] != 'f' }

// errType is the error of elements that are not read.
func errType(t Type) error {
	if strings.Contains(string(t), "O") {
		return fmt.Errorf("elements of type %q are Python objects; save numbers or strings, as with x.astype(float) or "+
			"x.astype(str)", string(t))
	}
	return fmt.Errorf("elements of type %q; must be bool, integers of 8 to 64 bits, float16, float32, float64 or strings",
		string(t))
}

// At returns element i in C order as a float64, which an integer beyond 2⁵³ does not fit.
// A string is not a number: NaN.
func (a *Array) At(i int) float64 {
	b := a.Data[i*a.Type.Size():]
	switch a.Type {
	case Int8:
		return float64(int8(b[0]))
	case Uint8, Bool:
		return float64(b[0])
	case Int16:
		return float64(int16(binary.LittleEndian.Uint16(b)))
	case Uint16:
		return float64(binary.LittleEndian.Uint16(b))
	case Float16:
		return float16(binary.LittleEndian.Uint16(b))
	case Int32:
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case Uint32:
		return float64(binary.LittleEndian.Uint32(b))
	case Float32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case Int64:
		return float64(int64(binary.LittleEndian.Uint64(b)))
	case Uint64:
		return float64(binary.LittleEndian.Uint64(b))
	case Float64:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return math.NaN()
}

// Text returns element i in C order as a text: a string without the zeros at its end, a
// whole number in decimals, exactly, and any other number in the shortest form.
func (a *Array) Text(i int) string {
	size := a.Type.Size()
	b := a.Data[i*size : (i+1)*size]
	switch {
	case a.Type == Int64:
		return strconv.FormatInt(int64(binary.LittleEndian.Uint64(b)), 10)
	case a.Type == Uint64:
		return strconv.FormatUint(binary.LittleEndian.Uint64(b), 10)
	case a.Type.IsNumber():
		x := a.At(i)
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return strconv.FormatInt(int64(x), 10)
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	case a.Type[1] == 'S':
		return strings.TrimRight(string(b), "\x00")
	}
	var text []rune
	for ; len(b) >= 4; b = b[4:] {
		text = append(text, rune(binary.LittleEndian.Uint32(b)))
	}
	return strings.TrimRight(string(text), "\x00")
}

// float16 returns the number of a half-precision float.
func float16(bits uint16) float64 {
	sign, exponent, fraction := 1.0, int(bits>>10&31), float64(bits&1023)
	if bits>>15 == 1 {
		sign = -1
	}
	switch {
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	case exponent == 31 && fraction != 0:
		return math.NaN()
	case exponent == 31:
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// swap turns around the bytes of each element, of each character in a string.
func (a *Array) swap() {
	size := a.Type.Size()
	if a.Type.textSize() > 0 {
		size = 4
	}
	for from := 0; from+size <= len(a.Data); from += size {
		slices.Reverse(a.Data[from : from+size])
	}
}

package npz

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

const (
	magic     = "\x93NUMPY"
	maxHeader = 1 << 16 // bytes
	maxAxes   = 32      // as in NumPy
)

// header is what stands before the elements of an array: a Python literal of the type of
// the elements, their order and the shape.
type header struct {
	descr   string
	fortran bool // the first index runs fastest
	shape   []int
	size    int64 // of all that stands before the elements, in bytes
}

// readHeader reads up to the first element. Version 1 of the format has a length of two
// bytes, versions 2 and 3 of four.
func readHeader(r io.Reader) (*header, error) {
	var start [12]byte
	if _, err := io.ReadFull(r, start[:10]); err != nil || string(start[:6]) != magic {
		return nil, errors.New("not an array in NumPy's format")
	}
	before, length := 10, int64(binary.LittleEndian.Uint16(start[8:]))
	switch {
	case start[7] == 0 && start[6] == 1:
	case start[7] == 0 && (start[6] == 2 || start[6] == 3):
		if _, err := io.ReadFull(r, start[10:]); err != nil {
			return nil, errors.New("truncated header")
		}
		before, length = 12, int64(binary.LittleEndian.Uint32(start[8:]))
	default:
		return nil, fmt.Errorf("version %d.%d of NumPy's format; this build reads 1.0, 2.0 and 3.0", start[6], start[7])
	}
	if length > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes is more than %d", length, maxHeader)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, errors.New("truncated header")
	}
	h, err := parseHeader(string(text))
	if err != nil {
		return nil, err
	}
	h.size = int64(before) + length
	return h, nil
}

// A header is {item, item, item}, in any order, with or without a comma at the end.
var (
	headerItem = regexp.MustCompile(`^\s*['"](\w+)['"]\s*:\s*('[^'\\]*'|"[^"\\]*"|True|False|\([^()]*\))\s*(,|\})`)
	headerEnd  = regexp.MustCompile(`^\s*\}?\s*$`)
)

// parseHeader reads a header's literal. An item that is given twice or is not known is an
// error, for others might read the other one.
func parseHeader(text string) (*header, error) {
	items := map[string]string{}
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	for closed := false; ok && !closed; {
		found := headerItem.FindStringSubmatch(rest)
		if found == nil {
			return nil, fmt.Errorf("header %.100q: not of a plain array; arrays of records are not read", text)
		}
		if _, twice := items[found[1]]; twice {
			return nil, fmt.Errorf("header: %s is given twice", found[1])
		}
		items[found[1]] = found[2]
		rest = rest[len(found[0]):]
		closed = found[3] == "}" || strings.HasPrefix(strings.TrimSpace(rest), "}")
	}
	if !ok || !headerEnd.MatchString(rest) {
		return nil, fmt.Errorf("header %.100q: not of an array", text)
	}
	descr, order, shape := items["descr"], items["fortran_order"], items["shape"]
	if len(items) != 3 || descr == "" || strings.ContainsAny(descr[:1], "TF(") || order != "True" && order != "False" ||
		!strings.HasPrefix(shape, "(") {
		return nil, fmt.Errorf("header %.100q: must have descr, fortran_order and shape", text)
	}
	h := &header{descr: descr[1 : len(descr)-1], fortran: order == "True"}
	var err error
	if h.shape, err = parseShape(shape[1 : len(shape)-1]); err != nil {
		return nil, fmt.Errorf("header: shape %.100s: %w", shape, err)
	}
	return h, nil
}

// parseShape reads what stands between the brackets of a tuple. Python 2 wrote an L behind
// long numbers.
func parseShape(text string) ([]int, error) {
	shape := []int{}
	if strings.TrimSpace(text) == "" {
		return shape, nil
	}
	words := strings.Split(text, ",")
	if len(words) == 1 {
		return nil, errors.New("not a tuple")
	}
	if strings.TrimSpace(words[len(words)-1]) == "" {
		words = words[:len(words)-1]
	}
	if len(words) > maxAxes {
		return nil, fmt.Errorf("%d axes; must be at most %d", len(words), maxAxes)
	}
	for _, word := range words {
		n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(word), "L"), 10, 63)
		if err != nil || n > math.MaxInt {
			return nil, fmt.Errorf("%q is no number of elements", word)
		}
		shape = append(shape, int(n))
	}
	return shape, nil
}

// bytes returns the size of elements of size bytes each, which must not be above limit.
func (h *header) bytes(size, limit int64) (int64, error) {
	for _, n := range h.shape {
		if n == 0 {
			return 0, nil
		}
	}
	for _, n := range h.shape {
		if int64(n) > limit/size {
			return 0, fmt.Errorf("shape %s asks for more than %d bytes", Tuple(h.shape), limit)
		}
		size *= int64(n)
	}
	if size > limit {
		return 0, fmt.Errorf("shape %s asks for more than %d bytes", Tuple(h.shape), limit)
	}
	return size, nil
}

// writeHeader writes what stands before the elements of an array, version 1.0 of the
// format: magic, version, the length of a header that is a Python literal, padded so that
// the elements begin at a multiple of 64 bytes. They follow in C order, little-endian.
func writeHeader(w io.Writer, t Type, shape ...int) error {
	axes := make([]string, len(shape))
	for i, n := range shape {
		axes[i] = fmt.Sprintf("%d,", n)
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", t, strings.Join(axes, " "))
	const before = len(magic) + 4
	text += strings.Repeat(" ", 63-(before+len(text))%64) + "\n"
	if len(text) > math.MaxUint16 {
		return fmt.Errorf("shape of %d axes", len(shape))
	}
	start := binary.LittleEndian.AppendUint16([]byte(magic+"\x01\x00"), uint16(len(text)))
	_, err := w.Write(append(start, text...))
	return err
}

package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// maxLine is the most bytes that a line may have: 2²⁰ columns of many digits.
const maxLine = 64 << 20

// lines reads text line by line.
type lines struct {
	r      *bufio.Reader
	long   []byte // a line that does not fit the buffer of r
	number int    // of the line that was read last, from 1
}

// next returns the next line without its end, \n or \r\n. It is valid until the next call.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line, err = l.whole(line)
	}
	if err != nil && (err != io.EOF || len(line) == 0) {
		return nil, err
	}
	l.number++
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if l.number == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	return line, nil
}

// whole returns a line of which only the beginning fits the buffer.
func (l *lines) whole(line []byte) ([]byte, error) {
	l.long = append(l.long[:0], line...)
	for {
		line, err := l.r.ReadSlice('\n')
		l.long = append(l.long, line...)
		if len(l.long) > maxLine {
			return nil, fmt.Errorf("line %d: longer than %d bytes", l.number+1, maxLine)
		}
		if err != bufio.ErrBufferFull {
			return l.long, err
		}
	}
}

// isBlank reports whether a line has nothing but white space.
func isBlank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

// digits returns the number that up to three digits write.
func digits(cell []byte) (n int, ok bool) {
	if len(cell) == 0 || len(cell) > 3 {
		return 0, false
	}
	for _, c := range cell {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = 10*n + int(c)
	}
	return n, true
}

// errNotNumber is the error of a cell that is no number.
var errNotNumber = errors.New("not a number")

// parse returns the number in a cell. It takes decimal numbers alone: no NaN, no infinity,
// nothing hexadecimal.
func parse(cell []byte) (float64, error) {
	if n, ok := digits(cell); ok {
		return float64(n), nil
	}
	for _, c := range cell {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, errNotNumber
		}
	}
	x, err := strconv.ParseFloat(string(cell), 64)
	if errors.Is(err, strconv.ErrRange) { // infinity, which numbers.add rejects
		return x, nil
	}
	if err != nil {
		return 0, errNotNumber
	}
	return x, nil
}

// add adds the number in a cell, or says what is wrong with it.
func (v *numbers) addCell(cell []byte) error {
	if n, ok := digits(cell); ok && n <= 255 {
		v.addByte(uint8(n))
		return nil
	}
	x, err := parse(cell)
	switch {
	case err == nil && v.add(x):
		return nil
	case err == nil:
		return fmt.Errorf("%s does not fit float32; scale the column", shown(cell))
	case isMissing(cell) && v.gaps:
		v.skip()
		return nil
	case len(cell) == 0:
		return errors.New("empty: no value; leave the row out or fill the value in")
	case isMissing(cell):
		return fmt.Errorf("%s: no finite value; leave the row out or fill the value in", shown(cell))
	case isTruth(cell):
		return fmt.Errorf("%s is not a number; write 1 for true and 0 for false", shown(cell))
	}
	if _, err := parse(bytes.Replace(cell, []byte(","), []byte("."), 1)); err == nil {
		return fmt.Errorf("%s is not a number; write decimals with a point", shown(cell))
	}
	return fmt.Errorf("%s is not a number; leave the column out or write numbers for it", shown(cell))
}

// shown quotes the beginning of a cell.
func shown(cell []byte) string {
	if len(cell) > 40 {
		cut := 40
		for !utf8.RuneStart(cell[cut]) && cut > 36 {
			cut--
		}
		return strconv.Quote(string(cell[:cut])) + "…"
	}
	return strconv.Quote(string(cell))
}

// isMissing reports whether a cell says that there is no value, or no finite one.
func isMissing(cell []byte) bool {
	switch string(bytes.ToLower(bytes.TrimLeft(cell, "+-"))) {
	case "", "nan", "na", "n/a", "#n/a", "<na>", "null", "none", "nil", "?", ".", "inf", "infinity", "nat":
		return true
	}
	return false
}

// isTruth reports whether a cell is true or false.
func isTruth(cell []byte) bool {
	return bytes.EqualFold(cell, []byte("true")) || bytes.EqualFold(cell, []byte("false"))
}

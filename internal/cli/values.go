package cli

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"

	"tandem/internal/format"
)

// mostSweeps is the most sweeps, and steps like them, that a flag may ask for: more than a
// machine makes in a week.
const mostSweeps = 100_000_000

// count is a flag of a whole number from low to high. It may be written 100000, 100_000 or
// 1e5.
type count[T int | uint64] struct {
	to        *T
	low, high uint64
}

// countVar defines a flag of a whole number from low to high; what is there is the default.
func countVar[T int | uint64](f *flag.FlagSet, to *T, name string, low, high uint64, usage string) {
	f.Var(count[T]{to, low, high}, name, usage)
}

func (c count[T]) String() string {
	if c.to == nil {
		return ""
	}
	return fmt.Sprint(*c.to)
}

// Set replaces the number.
func (c count[T]) Set(s string) error {
	n, err := parseCount(s, c.low, c.high)
	if err == nil {
		*c.to = T(n)
	}
	return err
}

// parseCount reads a whole number from low to high.
func parseCount(s string, low, high uint64) (uint64, error) {
	n, ok := whole(s)
	if !ok || n < low || n > high {
		return 0, fmt.Errorf("must be a whole number from %d to %d", low, high)
	}
	return n, nil
}

// whole reads a whole number, in digits with single underscores between some of them, or
// with an exponent as long as it is exact.
func whole(s string) (n uint64, ok bool) {
	if strings.ContainsAny(s, "eE") && !strings.ContainsAny(s, "xXpP_") {
		x, err := strconv.ParseFloat(s, 64)
		if mantissa, _, _ := strings.Cut(strings.ToLower(s), "e"); x == 0 && strings.ContainsAny(mantissa, "123456789") {
			return 0, false
		}
		if err != nil || x != math.Trunc(x) || x < 0 || x > 1<<53 {
			return 0, false
		}
		return uint64(x), true
	}
	if strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.ReplaceAll(s, "_", ""), 10, 64)
	return n, err == nil
}

// number is a flag of a finite number.
type number struct{ to *float64 }

// numberVar defines a flag of a finite number; what is there is the default.
func numberVar(f *flag.FlagSet, to *float64, name, usage string) { f.Var(number{to}, name, usage) }

func (n number) String() string {
	if n.to == nil {
		return ""
	}
	return strconv.FormatFloat(*n.to, 'g', -1, 64)
}

// Set replaces the number.
func (n number) Set(s string) error {
	x, err := parseFloat(s)
	if err == nil {
		*n.to = x
	}
	return err
}

// list is a flag of several numbers with commas between them.
type list[T int | float64] struct {
	to    *[]T
	parse func(string) (T, error)
}

func (l list[T]) String() string {
	if l.to == nil {
		return ""
	}
	return format.List(*l.to)
}

// Set replaces the numbers.
func (l list[T]) Set(s string) error {
	var values []T
	for _, word := range strings.Split(s, ",") {
		v, err := l.parse(strings.TrimSpace(word))
		if err != nil {
			return fmt.Errorf("%q: %w", word, err)
		}
		values = append(values, v)
	}
	*l.to = values
	return nil
}

// shape is a flag of the sizes of layers. It may be written as tables print it: 784-500-500.
type shape struct{ list[int] }

// Set replaces the sizes.
func (s shape) Set(word string) error {
	if !strings.Contains(word, ",") {
		word = strings.ReplaceAll(word, "-", ",")
	}
	return s.list.Set(word)
}

// parseFloat reads a number.
func parseFloat(s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || x-x != 0 {
		return 0, errors.New("must be a finite number")
	}
	if mantissa, _, _ := strings.Cut(strings.ToLower(s), "e"); x == 0 && strings.ContainsAny(mantissa, "123456789") {
		return 0, errors.New("is too small: it would be 0")
	}
	return x, nil
}

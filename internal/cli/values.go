package cli

import (
	"fmt"
	"strconv"
	"strings"

	"tandem/internal/format"
)

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
			return fmt.Errorf("%q is not a number", word)
		}
		values = append(values, v)
	}
	*l.to = values
	return nil
}

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

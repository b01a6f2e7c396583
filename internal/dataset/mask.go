package dataset

import (
	"fmt"
	"slices"
)

// ReadMask reads a file with 0 or 1 for each of some units, or for each unit of some examples: an
// array of one or two dimensions, a table, or a number a line. It returns examples × units, for
// the examples are alike where the file has one mask.
func ReadMask(name string, units, examples int) ([]bool, error) {
	values, shape, err := readMask(name)
	if err != nil {
		return nil, err
	}
	if n, width := shape[0], shape[1]; examples > 1 && n > 1 && width > 1 && n*width == units*examples && width != units {
		return nil, fmt.Errorf("%s: %d rows of %d values; must be %d rows, one an example, of %d", name, n, width, examples,
			units)
	}
	if len(values) != units && len(values) != units*examples {
		return nil, fmt.Errorf("%s: %d values; must be %d, one a unit, or %d, one a unit of each of %d examples", name,
			len(values), units, units*examples, examples)
	}
	mask := make([]bool, len(values))
	for i, x := range values {
		switch x {
		case "1", "true", "True":
			mask[i] = true
		case "0", "false", "False":
		default:
			return nil, fmt.Errorf("%s: value %d is %q; must be 0 or 1", name, i+1, x)
		}
	}
	if len(mask) < units*examples {
		mask = slices.Repeat(mask, examples)
	}
	return mask, nil
}

// readMask returns the values of a file as text, and how many rows of how many they are.
func readMask(name string) (values []string, shape [2]int, err error) {
	t, failed := Read(name, Options{})
	if failed != nil {
		if values, err = ReadLabels(name, Options{}); err != nil {
			return nil, shape, failed
		}
		return values, [2]int{len(values), 1}, nil
	}
	for i := range t.N * t.Units() {
		values = append(values, fmt.Sprint(t.at(i)))
	}
	return values, [2]int{t.N, t.Units()}, nil
}

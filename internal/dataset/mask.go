package dataset

import (
	"fmt"
	"slices"
)

// ReadMask reads a file with 0 or 1 for each of some units, or for each unit of some examples: an
// array of one or two dimensions, a table, or a number a line. It returns examples × units, for
// the examples are alike where the file has one mask.
func ReadMask(name string, units, examples int) ([]bool, error) {
	values, err := readMask(name)
	if err != nil {
		return nil, err
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

// readMask returns the values of a file as text.
func readMask(name string) (values []string, err error) {
	t, failed := Read(name, Options{})
	if failed != nil {
		if values, err = ReadLabels(name, Options{}); err != nil {
			return nil, failed
		}
		return values, nil
	}
	for i := range t.N * t.Units() {
		values = append(values, fmt.Sprint(t.at(i)))
	}
	return values, nil
}

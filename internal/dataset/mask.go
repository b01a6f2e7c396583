package dataset

import "fmt"

// ReadMask reads a file with 0 or 1 for each of some units: an array of one or two dimensions, a
// table, or a number a line.
func ReadMask(name string, units int) ([]bool, error) {
	values, err := readMask(name)
	if err != nil {
		return nil, err
	}
	if len(values) != units {
		return nil, fmt.Errorf("%s: %d values for %d units", name, len(values), units)
	}
	mask := make([]bool, units)
	for i, x := range values {
		switch x {
		case "1", "true", "True":
			mask[i] = true
		case "0", "false", "False":
		default:
			return nil, fmt.Errorf("%s: value %d is %q; must be 0 or 1", name, i+1, x)
		}
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

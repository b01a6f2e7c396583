package dataset

import (
	"slices"
	"testing"
)

// Of each class its share is held out, always the same with one seed, and each example is on
// one side.
func TestHoldOut(t *testing.T) {
	labels := make([]byte, 1000)
	for i := range labels {
		labels[i] = byte(i / 500) // sorted: the last rows are one class
	}
	for _, c := range []struct {
		labels []byte
		part   float64
		held   int
	}{{labels, 0.1, 100}, {labels, 37, 37}, {nil, 0.25, 250}, {nil, 1, 1}, {nil, 1e-9, 1}} {
		learn, held, err := HoldOut(1000, c.labels, c.part, 3)
		if err != nil || len(held) != c.held || len(learn)+len(held) != 1000 {
			t.Fatalf("%v: %d and %d examples, %v", c.part, len(learn), len(held), err)
		}
		both := slices.Sorted(slices.Values(slices.Concat(learn, held)))
		for i, at := range both {
			if i != at {
				t.Fatalf("%v: example %d is not on one side", c.part, i)
			}
		}
		if first, _ := slices.BinarySearch(held, 500); c.labels != nil && (2*first-c.held > 1 || 2*first-c.held < -1) {
			t.Errorf("%v: %d of the first class among %d", c.part, first, c.held)
		}
		_, again, _ := HoldOut(1000, c.labels, c.part, 3)
		_, other, _ := HoldOut(1000, c.labels, c.part, 4)
		if !slices.Equal(held, again) || slices.Equal(held, other) {
			t.Errorf("%v: the seed does not decide", c.part)
		}
	}
	for _, part := range []float64{0, 1000, 2000} {
		if _, _, err := HoldOut(1000, nil, part, 1); err == nil {
			t.Errorf("%v of 1,000 are held out", part)
		}
	}
}

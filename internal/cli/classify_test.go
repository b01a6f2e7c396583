package cli

import (
	"maps"
	"slices"
	"testing"
)

// No image is both learnt from and held out, and of a few labels each class has as
// many.
func TestChoose(t *testing.T) {
	labels := make([]byte, 120)
	for i := range labels {
		labels[i] = byte(i * i % 7 % 3) // of 0, 1 and 2 not as many
	}
	for _, c := range []struct {
		few         int
		all         bool
		index, held int
	}{{0, false, 100, 20}, {0, true, 120, 0}, {30, false, 30, 0}, {31, false, 31, 0}} {
		index, held, err := choose(labels, 3, c.few, c.all, 1)
		if err != nil || len(index) != c.index || len(held) != c.held {
			t.Errorf("%+v: %d to learn from and %d held out, %v", c, len(index), len(held), err)
		}
		seen := map[int]bool{}
		classes := map[byte]int{}
		for _, i := range slices.Concat(index, held) {
			seen[i] = true
			classes[labels[i]]++
		}
		if len(seen) != c.index+c.held {
			t.Errorf("%+v: an image is there twice", c)
		}
		if c.few > 0 && slices.Max(slices.Collect(maps.Values(classes)))-c.few/3 > 1 {
			t.Errorf("%+v: the classes have %v", c, classes)
		}
	}
	one, _, _ := choose(labels, 3, 30, false, 1)
	other, _, _ := choose(labels, 3, 30, false, 2)
	if slices.Equal(one, other) {
		t.Error("the seed does not choose the images")
	}
	for few, what := range map[int]string{2: "fewer than classes", 121: "more than images", 119: "more than a class has"} {
		if _, _, err := choose(labels, 3, few, false, 1); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

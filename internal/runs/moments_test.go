package runs

import (
	"slices"
	"testing"
)

// Moments begin at 0 and end at the end, and grow exponentially between.
func TestMomentUpdates(t *testing.T) {
	for _, test := range []struct {
		moments int
		updates uint64
		want    []uint64
	}{
		{0, 100, nil}, {2, 100, []uint64{0, 100}}, {3, 100, []uint64{0, 1, 100}}, {4, 100, []uint64{0, 1, 10, 100}},
		{8, 1, []uint64{0, 1}}, {6, 10_000, []uint64{0, 1, 10, 100, 1000, 10_000}}, {8, 5, []uint64{0, 1, 2, 3, 4, 5}},
	} {
		c := &Settings{Moments: test.moments, Updates: test.updates}
		got := c.MomentUpdates()
		if !slices.Equal(got, test.want) {
			t.Errorf("%d moments of %d updates: %v, want %v", test.moments, test.updates, got, test.want)
		}
	}
	for n := range 200 {
		c := &Settings{Moments: n + 2, Updates: 28_000}
		if u := c.MomentUpdates(); !slices.IsSorted(u) || len(u) > n+2 || u[len(u)-1] != 28_000 {
			t.Errorf("%d moments: %v", n+2, u)
		}
	}
}

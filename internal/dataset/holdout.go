package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"tandem/dbm/kernel"
)

// HoldOut divides n training examples into those to learn from and those that are held out: a
// share of them below 1, or a number. With labels each class has its share. Which are held out
// the seed decides; both lists ascend.
func HoldOut(n int, labels []byte, part float64, seed uint64) (learn, held []int, err error) {
	out := int(part)
	if part < 1 {
		if out = int(math.Round(part * float64(n))); part > 0 {
			out = max(out, 1)
		}
	}
	if out < 1 || out >= n {
		return nil, nil, fmt.Errorf("hold-out: %v of %d examples is %d; must be at least 1, and fewer than there are", part,
			n,
			out)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	kernel.Shuffle(order, seed, 0, kernel.ForHoldOut)
	if labels == nil {
		labels = make([]byte, n)
	}
	learn, held = Split(labels, order, out)
	return learn, held, nil
}

// Split holds out n examples: of each class its share of them, the first ones of an order.
func Split(labels []byte, order []int, n int) (learn, held []int) {
	sizes := map[byte]int{}
	for _, l := range labels {
		sizes[l]++
	}
	left := shares(sizes, n, len(labels))
	for _, i := range order {
		if l := labels[i]; left[l] > 0 {
			left[l]--
			held = append(held, i)
		} else {
			learn = append(learn, i)
		}
	}
	slices.Sort(learn)
	slices.Sort(held)
	return learn, held
}

// shares divides n among classes in proportion to their sizes, which add up to all. What
// rounding down leaves goes to those that it costs most, one to each.
func shares(sizes map[byte]int, n, all int) map[byte]int {
	share, rest := map[byte]int{}, n
	for l, size := range sizes {
		share[l] = n * size / all
		rest -= share[l]
	}
	lost := slices.SortedFunc(maps.Keys(sizes), func(a, b byte) int {
		return cmp.Or(cmp.Compare(n*sizes[b]%all, n*sizes[a]%all), cmp.Compare(a, b))
	})
	for _, l := range lost[:rest] {
		share[l]++
	}
	return share
}

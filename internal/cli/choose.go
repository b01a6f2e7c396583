package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tandem/dbm/kernel"
	"tandem/internal/dataset"
)

// choice says which labelled images a classifier learns from, and which are held out to
// choose the epoch.
type choice struct {
	few  int  // learn from this many, as many of each class, and hold out none; 0: from the rest
	all  bool // hold out none
	held holdOut
	seed uint64
}

// holdOut says how many images are held out: a number of them, drawn from each class in
// proportion, or the last ones. Zero stands for a sixth, at most heldOut.
type holdOut struct {
	n    int
	last bool
}

// heldOut is how many images are held out at most, unless more are asked for.
const heldOut = 10_000

func (h *holdOut) String() string {
	switch {
	case h == nil || h.n == 0:
		return ""
	case h.last:
		return fmt.Sprintf("last:%d", h.n)
	}
	return strconv.Itoa(h.n)
}

// Set reads a number, or last: and a number.
func (h *holdOut) Set(s string) error {
	number, last := strings.CutPrefix(s, "last:")
	n, err := parseCount(number, 1, math.MaxInt32)
	if err != nil {
		return err
	}
	*h = holdOut{int(n), last}
	return nil
}

// images returns the images to learn from, and those held out. Which are drawn the seed
// decides.
func (c *choice) images(labels []byte) (index, held []int, err error) {
	order := numbers(len(labels))
	kernel.Shuffle(order, c.seed, 0, kernel.ForOrder)
	sizes := map[byte]int{}
	for _, l := range labels {
		sizes[l]++
	}
	switch {
	case c.few > 0:
		index, err = balanced(labels, order, sizes, c.few)
		return index, nil, err
	case c.all:
		return numbers(len(labels)), nil, nil
	}
	n := c.held.n
	if n == 0 {
		n = min(heldOut, len(labels)/6)
	}
	if n >= len(labels) {
		return nil, nil, fmt.Errorf("hold-out: %d; there are %d images, and some must be left to learn from", n, len(labels))
	}
	if c.held.last {
		every := numbers(len(labels))
		return every[:len(labels)-n], every[len(labels)-n:], nil
	}
	index, held = dataset.Split(labels, order, n)
	return index, held, nil
}

// balanced returns few images, equally many of each class that there is: the first ones of
// an order.
func balanced(labels []byte, order []int, sizes map[byte]int, few int) (index []int, err error) {
	if few < len(sizes) || few > len(labels) {
		return nil, fmt.Errorf("labels: %d; must be %d to %d, for there are %d classes and %d images", few, len(sizes),
			len(labels), len(sizes), len(labels))
	}
	left, place := map[byte]int{}, 0
	for l := range 256 {
		if n := sizes[byte(l)]; n > 0 {
			left[byte(l)] = few / len(sizes)
			if place < few%len(sizes) {
				left[byte(l)]++
			}
			if place++; left[byte(l)] > n {
				return nil, fmt.Errorf("labels: %d; class %d has %d images, too few for as many of each", few, l, n)
			}
		}
	}
	for _, i := range order {
		if l := labels[i]; left[l] > 0 {
			left[l]--
			index = append(index, i)
		}
	}
	return index, nil
}

package cli

import (
	"maps"
	"slices"
	"testing"
)

// No image is both learnt from and held out, of a few labels each class has as many, and
// of those held out each class has its share, in whatever order the images are.
func TestChoice(t *testing.T) {
	mixed := make([]byte, 120)
	for i := range mixed {
		mixed[i] = byte(i*i%7%3) + 3 // 3, 4 and 5, and not as many of each
	}
	sorted := slices.Clone(mixed)
	slices.Sort(sorted)
	for _, labels := range [][]byte{mixed, sorted} {
		for _, c := range []struct {
			choice
			index, held int
		}{
			{choice{}, 100, 20}, {choice{all: true}, 120, 0}, {choice{few: 30}, 30, 0}, {choice{few: 31}, 31, 0},
			{choice{held: holdOut{60, false}}, 60, 60}, {choice{held: holdOut{50, true}}, 70, 50},
		} {
			index, held, err := c.images(labels)
			if err != nil || len(index) != c.index || len(held) != c.held ||
				c.few == 0 && !slices.IsSorted(index) || !slices.IsSorted(held) {
				t.Errorf("%+v: %d to learn from and %d held out, %v", c, len(index), len(held), err)
			}
			seen, learnt, out := map[int]bool{}, map[byte]int{}, map[byte]int{}
			for _, i := range index {
				seen[i] = true
				learnt[labels[i]]++
			}
			for _, i := range held {
				seen[i] = true
				out[labels[i]]++
			}
			if len(seen) != c.index+c.held {
				t.Errorf("%+v: an image is there twice", c)
			}
			if c.few > 0 && slices.Max(slices.Collect(maps.Values(learnt)))-c.few/3 > 1 {
				t.Errorf("%+v: the classes have %v", c, learnt)
			}
			for l, n := range out {
				share := float64(n+learnt[l]) * float64(c.held) / 120
				if d := float64(n) - share; !c.choice.held.last && (d > 1 || d < -1) {
					t.Errorf("%+v: %d of class %d are held out, and its share is %.1f", c, n, l, share)
				}
			}
			if c.choice.held.last && held[0] != 70 {
				t.Errorf("%+v: holds out from %d on", c, held[0])
			}
		}
	}
	one, _, _ := (&choice{few: 30, seed: 1}).images(mixed)
	other, _, _ := (&choice{few: 30, seed: 2}).images(mixed)
	if slices.Equal(one, other) {
		t.Error("the seed does not choose the images")
	}
	_, one, _ = (&choice{seed: 1}).images(sorted)
	_, other, _ = (&choice{seed: 2}).images(sorted)
	if slices.Equal(one, other) {
		t.Error("the seed does not choose those held out")
	}
	for few, what := range map[int]string{2: "fewer than classes", 121: "more than images", 119: "more than a class has"} {
		if _, _, err := (&choice{few: few}).images(mixed); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, _, err := (&choice{held: holdOut{120, false}}).images(mixed); err == nil {
		t.Error("all images held out: no error")
	}
}

func TestHoldOutFlag(t *testing.T) {
	for _, word := range []string{"0", "-1", "last", "last:", "last:0", "first:10", "1.5", ""} {
		if err := new(holdOut).Set(word); err == nil {
			t.Errorf("%q: no error", word)
		}
	}
	for _, word := range []string{"1", "last:10000"} {
		var h holdOut
		if err := h.Set(word); err != nil || h.String() != word {
			t.Errorf("%q becomes %v, %v", word, h, err)
		}
	}
}

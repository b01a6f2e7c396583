package dbm

import (
	"testing"

	"tandem/dbm/kernel/kerneltest"
)

// Weights outside of a patch stay exactly 0, those inside are learnt, and the
// patches lie everywhere.
func TestPatches(t *testing.T) {
	c := tiny(35, 40, 3)
	c.Batch, c.Chains, c.Patch, c.ImageColumns, c.Alpha, c.OffsetRate = 6, 5, 3, 7, []float64{0.1, 0}, 0.1
	start, err := Initial(&c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := NewFilterStats(&c, kerneltest.Reference, 5, 7, 1).Measure(start); a.Live[0] != 0 {
		t.Errorf("%v of the filters of layer 1 are live before they have learnt", a.Live[0])
	}
	end := run(t, c, nil, 4, 2)
	corners := map[int]bool{}
	for j := range 40 {
		top, left, seen := 35, 7, 0
		for i := range 35 {
			a, b := start.Weights[0][i*40+j], end.Weights[0][i*40+j]
			if (a == 0) != (b == 0) {
				t.Fatalf("weight %d, %d was %v and is %v", i, j, a, b)
			}
			if a != 0 {
				top, left, seen = min(top, i/7), min(left, i%7), seen+1
				if a == b {
					t.Errorf("weight %d, %d was not learnt", i, j)
				}
			}
		}
		if seen != 9 {
			t.Fatalf("unit %d sees %d pixels, not 9", j, seen)
		}
		for i := range 35 {
			in := i/7 >= top && i/7 < top+3 && i%7 >= left && i%7 < left+3
			if in != (end.Weights[0][i*40+j] != 0) {
				t.Fatalf("unit %d: its pixels are no square", j)
			}
		}
		corners[top*7+left] = true
	}
	if len(corners) < 9 { // of 15; 40 draws miss 7 of them less than once in a million
		t.Errorf("only %d places", len(corners))
	}
}

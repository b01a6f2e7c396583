package classifier

import (
	"runtime"
	"testing"

	"tandem/dbm/dbmtest"
	"tandem/dbm/kernel/kerneltest"
)

// What is estimated is what is taken, within 20%: of wide and deep networks, large
// minibatches, many images, more threads than work.
func TestMemory(t *testing.T) {
	for name, test := range map[string]struct {
		layers         []int
		batch, threads int
		images         int
		adversarial    float64
	}{
		"wide":    {[]int{400, 900}, 10, 2, 200, 0},
		"deep":    {[]int{200, 300, 400, 300}, 10, 2, 200, 0.1},
		"batch":   {[]int{400, 300, 200}, 3000, 2, 3000, 0.1},
		"images":  {[]int{50, 60, 400}, 20, 2, 5000, 0},
		"threads": {[]int{400, 300, 200}, 10, 1024, 200, 0.1},
	} {
		c, s := dbmtest.Model(1, 0.1, test.layers...)
		h := dbmtest.NewHeap(kerneltest.Reference, 5)
		labels := make([]byte, test.images)
		row := func(i int, v []float32) {
			for j := range v {
				v[j] = float32((i + j) % 2)
			}
		}
		d := Config{Epochs: 2, Batch: test.batch, LearningRate: 0.1, Adversarial: test.adversarial, Threads: test.threads}
		e, err := Prepare(t.Context(), c, h.Set, s, labels, row, test.threads, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n, err := New(c, h.Set, s, 10)
		if err != nil {
			t.Fatal(err)
		}
		all := upTo(test.images)
		if err := n.Train(t.Context(), d, e, all, all[:200], nil); err != nil {
			t.Fatal(err)
		}
		runtime.KeepAlive(s)
		got := d.Memory(c, 10, test.images)
		t.Logf("%s: %d KiB, estimated %d", name, h.Peak>>10, got>>10)
		if x := float64(got) / float64(h.Peak); x < 0.8 || x > 1.2 {
			t.Errorf("%s: %d KiB are in use, estimated %d: %.2f times as many", name, h.Peak>>10, got>>10, x)
		}
	}
}

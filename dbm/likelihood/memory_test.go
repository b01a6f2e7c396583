package likelihood

import (
	"runtime"
	"testing"

	"tandem/dbm/dbmtest"
	"tandem/dbm/kernel/kerneltest"
)

// What is estimated is what is taken, within 20%, wherever the larger part of it is.
func TestMemory(t *testing.T) {
	for name, test := range map[string]struct {
		layers   []int
		a        Annealing
		examples int
	}{
		"model":    {[]int{600, 900, 700}, Annealing{Runs: 2, Temperatures: 3}, 10},
		"runs":     {[]int{400, 300}, Annealing{Runs: 4000, Temperatures: 3, Threads: 30}, 10},
		"examples": {[]int{300, 200, 200}, Annealing{Runs: 4, Temperatures: 3, Threads: 20}, 5000},
		"threads":  {[]int{900, 700}, Annealing{Runs: 3, Temperatures: 3, Threads: 1024}, 120},
	} {
		c, s := dbmtest.Model(1, 0.1, test.layers...)
		h := dbmtest.NewHeap(kerneltest.Reference, 7)
		x := Examples{Name: "x", N: test.examples, Row: func(i int, v []float32) {
			for j := range v {
				v[j] = float32(j % 2)
			}
		}}
		e := Effort{Annealing: test.a}
		if _, err := Evaluate(t.Context(), c, h.Set, s, []Examples{x}, e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		runtime.KeepAlive(s)
		got := e.Memory(c, test.examples)
		t.Logf("%s: %d KiB, estimated %d", name, h.Peak>>10, got>>10)
		if x := float64(got) / float64(h.Peak); x < 0.8 || x > 1.2 {
			t.Errorf("%s: %d KiB are in use, estimated %d: %.2f times as many", name, h.Peak>>10, got>>10, x)
		}
	}
}

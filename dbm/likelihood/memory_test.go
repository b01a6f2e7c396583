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
		e        Effort
		examples int
	}{
		"model":    {[]int{600, 900, 700}, Effort{Annealing: &Annealing{Runs: 2, Temperatures: 3}}, 10},
		"runs":     {[]int{400, 300}, Effort{Annealing: &Annealing{Runs: 4000, Temperatures: 3}, Threads: 30}, 10},
		"examples": {[]int{300, 200, 200}, Effort{Annealing: &Annealing{Runs: 4, Temperatures: 3}, Threads: 20}, 5000},
		"replicas": {[]int{300, 200}, Effort{Exchange: &Exchange{Ensembles: 8, Sweeps: 100, Betas: ladder(80)}}, 10},
		"draws":    {[]int{400, 400, 400}, Effort{Annealing: &Annealing{Runs: 2, Temperatures: 3}, Draws: 200}, 10},
		"threads":  {[]int{900, 700}, Effort{Annealing: &Annealing{Runs: 3, Temperatures: 3}, Threads: 1024}, 120},
	} {
		c, s := dbmtest.Model(1, 0.1, test.layers...)
		h := dbmtest.NewHeap(kerneltest.Reference, 7)
		x := Examples{Name: "x", N: test.examples, Row: func(i int, v []float32) {
			for j := range v {
				v[j] = float32(j % 2)
			}
		}}
		e := test.e
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

// ladder returns n temperatures.
func ladder(n int) []float32 {
	betas := make([]float32, n)
	for i := range betas {
		betas[i] = float32(i) / float32(n-1)
	}
	return betas
}

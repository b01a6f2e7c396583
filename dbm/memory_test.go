package dbm

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"tandem/dbm/kernel"
	"tandem/dbm/kernel/kerneltest"
)

// inUse returns the bytes of the heap in use.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// ended waits until the workers of earlier trainers have ended, which hold their memory.
func ended() {
	for i := 0; runtime.NumGoroutine() > 2 && i < 500; i++ {
		time.Sleep(time.Millisecond)
	}
}

// What is estimated is what is taken, within 20%: wide and deep models, large minibatches,
// many chains, every kind of training, more threads than work.
func TestMemory(t *testing.T) {
	with := func(f func(c *Config), layers ...int) Config {
		c := tiny(layers...)
		c.InitScale, c.LearningRate = 0.01, 0.001
		f(&c)
		return c
	}
	for name, test := range map[string]struct {
		c       Config
		threads int
	}{
		"wide":    {with(func(c *Config) { c.Batch, c.Chains = 5, 5 }, 784, 1500), 2},
		"deep":    {with(func(c *Config) { c.Batch, c.Chains = 20, 30 }, 400, 300, 500, 300), 3},
		"batch":   {with(func(c *Config) { c.Batch, c.Chains = 3000, 2 }, 300, 100, 60), 2},
		"chains":  {with(func(c *Config) { c.Batch, c.Chains = 2, 3000 }, 300, 100, 60), 2},
		"threads": {with(func(c *Config) { c.Batch, c.Chains = 7, 9 }, 800, 400), 1024},
		"posterior": {with(func(c *Config) {
			c.Batch, c.Chains, c.SamplePosterior, c.OffsetRate = 900, 1100, true, 0.1
		}, 300, 200, 100, 90), 2},
		"pretrain": {with(func(c *Config) { c.Batch, c.Chains, c.Pretrain = 40, 40, 1 }, 500, 400, 600), 2},
	} {
		ended()
		before := inUse()
		s, err := Initial(&test.c, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		// Kernels that compute nothing, and look at the memory while filters and units are measured.
		var peak uint64
		var measuring atomic.Bool
		look := func() {
			if measuring.CompareAndSwap(true, false) {
				peak = max(peak, inUse())
			}
		}
		set := *kerneltest.Reference
		set.Linear = func(*kernel.Pass) { look() }
		set.Sigmoid = func(*kernel.Pass, []float32) { look() }
		set.Sample = func(*kernel.Pass, kernel.Draw) {}
		set.Learn, set.Refresh = func(*kernel.Step) {}, func(*kernel.Step) {}
		tr, err := NewTrainer(test.c, &set, s, patterns{new(uint64)}, test.threads)
		if err != nil {
			t.Fatal(err)
		}
		s = nil
		filters := NewFilterStats(&test.c, &set, 0, 0, 1)
		for range 4 { // the stages of pretraining among them
			if _, err := tr.Update(); err != nil {
				t.Fatal(err)
			}
			copied := tr.State()
			measuring.Store(true)
			filters.Measure(copied)
			measuring.Store(true)
			if _, err := MeasureActivity(&test.c, &set, copied, ActivityExamples, func(int, []float32) {},
				test.threads); err != nil {
				t.Fatal(err)
			}
			runtime.KeepAlive(copied)
		}
		tr.Close()
		runtime.KeepAlive(filters)
		got, want := test.c.Memory(test.threads), peak-before
		t.Logf("%s: %d KiB, estimated %d", name, want>>10, got>>10)
		if x := float64(got) / float64(want); x < 0.8 || x > 1.2 {
			t.Errorf("%s: %d KiB are in use, estimated %d: %.2f times as many", name, want>>10, got>>10, x)
		}
	}
}

package dbmtest

import (
	"runtime"
	"sync"
	"time"

	"tandem/dbm/kernel"
)

// Heap looks at the heap while kernels work. Its Set computes no products, on which the
// memory in use does not depend.
type Heap struct {
	Set  *kernel.Set
	Peak uint64 // bytes in use more than at the beginning, of all looks

	lock   sync.Mutex
	before uint64
	calls  int
}

// NewHeap returns a Heap whose Set is based on another. It looks at every so many calls of
// Linear and Sigmoid.
func NewHeap(set *kernel.Set, every int) *Heap {
	for i := 0; runtime.NumGoroutine() > 2 && i < 500; i++ { // workers of earlier tests hold memory
		time.Sleep(time.Millisecond)
	}
	h := &Heap{before: inUse()}
	look := func() {
		h.lock.Lock()
		defer h.lock.Unlock()
		if h.calls++; h.calls%every == 1 || every == 1 {
			h.Peak = max(h.Peak, max(inUse(), h.before)-h.before)
		}
	}
	blank := *set
	blank.Linear = func(*kernel.Pass) { look() }
	blank.Sigmoid = func(*kernel.Pass, []float32) { look() }
	blank.Sample = half
	blank.Learn, blank.Refresh = func(*kernel.Step) {}, func(*kernel.Step) {}
	h.Set = &blank
	return h
}

// half turns every other unit on, since lists of the units that are on take memory.
func half(p *kernel.Pass, _ kernel.Draw) {
	for r := range p.Rows {
		for j := range p.Panels * kernel.Panel {
			p.Out[r*p.Stride+j] = float32(j % 2)
		}
	}
}

// inUse returns the bytes of the heap in use.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

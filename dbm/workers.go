package dbm

import (
	"runtime"
	"sync/atomic"
)

// workers is a fixed set of goroutines that do the same thing at the same
// time; the caller's is number 0. An update brings them together twice, a few
// milliseconds apart. To wake a goroutine that sleeps can take a good part of
// one, so whoever waits looks for a while before it goes to sleep.
type workers struct {
	f       func(worker int)
	turn    atomic.Uint64 // how many times run was called
	pending atomic.Int64  // workers that have not returned from f
	stopped atomic.Bool
	sleeper []sleeper // of each worker; that of number 0 waits for the others
}

// looks is how often a waiting worker looks before it sleeps: some ten
// microseconds' worth.
const looks = 1 << 14

// sleeper lets one goroutine wait for a condition that others make true.
type sleeper struct {
	asleep atomic.Bool
	wake   chan struct{}
	_      [48]byte // sleepers do not share a line of the cache
}

// wait returns when ready does. Whoever makes it true calls rouse after that.
func (s *sleeper) wait(ready func() bool) {
	for {
		for i := range looks {
			if ready() {
				return
			}
			if i%1024 == 1023 {
				runtime.Gosched()
			}
		}
		s.asleep.Store(true)
		if ready() {
			if !s.asleep.CompareAndSwap(true, false) {
				<-s.wake
			}
			return
		}
		<-s.wake
	}
}

// rouse wakes the goroutine if it sleeps.
func (s *sleeper) rouse() {
	if s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}

func newWorkers(n int) *workers {
	w := &workers{sleeper: make([]sleeper, n)}
	for i := range w.sleeper {
		w.sleeper[i].wake = make(chan struct{}, 1)
	}
	for i := 1; i < n; i++ {
		go w.work(i)
	}
	return w
}

// work is what the goroutine of a worker does.
func (w *workers) work(worker int) {
	done := uint64(0)
	ready := func() bool { return w.turn.Load() != done }
	for {
		w.sleeper[worker].wait(ready)
		done++
		if w.stopped.Load() {
			return
		}
		w.f(worker)
		if w.pending.Add(-1) == 0 {
			w.sleeper[0].rouse()
		}
	}
}

// run calls f for every worker and returns when all calls have.
func (w *workers) run(f func(worker int)) {
	w.f = f
	w.pending.Store(int64(len(w.sleeper) - 1))
	w.begin()
	f(0)
	w.sleeper[0].wait(w.finished)
}

// begin lets the other workers go.
func (w *workers) begin() {
	w.turn.Add(1)
	for i := 1; i < len(w.sleeper); i++ {
		w.sleeper[i].rouse()
	}
}

func (w *workers) finished() bool { return w.pending.Load() == 0 }

// stop ends the goroutines.
func (w *workers) stop() {
	w.stopped.Store(true)
	w.begin()
}

// share is the part of n things that one of several workers does.
func share(n, worker, workers int) (from, to int) {
	return n * worker / workers, n * (worker + 1) / workers
}

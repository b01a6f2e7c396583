package dbm

import (
	"context"
	"runtime"
	"sync/atomic"
)

// Workers is a fixed set of goroutines that run the same function at the same time.
// The caller's goroutine is worker 0. An update brings the workers together twice, a
// few milliseconds apart. Waking a sleeping goroutine can take a good part of one, so
// a waiting worker polls for a while before it sleeps.
type Workers struct {
	f       func(worker int)
	turn    atomic.Uint64 // how many times Each was called
	pending atomic.Int64  // workers that have not returned from f
	stopped atomic.Bool
	sleeper []sleeper // of each worker; that of number 0 waits for the others
}

// polls is how often a waiting worker polls before it sleeps: about ten microseconds.
const polls = 1 << 14

// sleeper lets one goroutine wait for a condition that others make true.
type sleeper struct {
	asleep atomic.Bool
	wake   chan struct{}
	_      [48]byte // keeps sleepers on separate cache lines
}

// wait returns once ready does. Whoever makes it true calls rouse after that.
func (s *sleeper) wait(ready func() bool) {
	for {
		for i := range polls {
			if ready() {
				return
			}
			if i%1024 == 1023 {
				runtime.Gosched()
			}
		}
		// Swap, not Store: QEMU lets the loads of ready overtake a store on arm64.
		s.asleep.Swap(true)
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

// NewWorkers starts n workers, at least one. Close ends them.
func NewWorkers(n int) *Workers {
	w := &Workers{sleeper: make([]sleeper, max(n, 1))}
	for i := range w.sleeper {
		w.sleeper[i].wake = make(chan struct{}, 1)
	}
	for i := 1; i < len(w.sleeper); i++ {
		go w.work(i)
	}
	return w
}

// work runs the goroutine of a worker.
func (w *Workers) work(worker int) {
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

// Each calls f for every worker at the same time, and returns when all calls have.
func (w *Workers) Each(f func(worker int)) {
	w.f = f
	w.pending.Store(int64(len(w.sleeper) - 1))
	w.begin()
	f(0)
	w.sleeper[0].wait(w.finished)
}

// begin lets the other workers start.
func (w *Workers) begin() {
	w.turn.Add(1)
	for i := 1; i < len(w.sleeper); i++ {
		w.sleeper[i].rouse()
	}
}

func (w *Workers) finished() bool { return w.pending.Load() == 0 }

// Close ends the goroutines.
func (w *Workers) Close() {
	w.stopped.Store(true)
	w.begin()
}

// Split returns the part [from, to) of n items that belongs to one of several workers.
func Split(n, worker, workers int) (from, to int) {
	return n * worker / workers, n * (worker + 1) / workers
}

// Useful returns how many of some threads have work where n items are done in blocks of
// at most size: at least one, and no more than there are blocks. A worker that has no
// work costs memory and time all the same.
func Useful(threads, n, size int) int {
	return max(min(threads, (n+size-1)/size), 1)
}

// Blocks calls f for consecutive blocks [from, to) of n items, of at most size, each
// by whichever of several workers is free. There are as many workers as are Useful. It
// stops between blocks when ctx ends, and returns its cause.
func Blocks(ctx context.Context, n, size, threads int, f func(worker, from, to int)) error {
	w := NewWorkers(Useful(threads, n, size))
	defer w.Close()
	var next atomic.Int64
	w.Each(func(worker int) {
		for ctx.Err() == nil {
			from := int(next.Add(int64(size))) - size
			if from >= n {
				return
			}
			f(worker, from, min(from+size, n))
		}
	})
	return context.Cause(ctx)
}

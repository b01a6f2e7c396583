package dbm

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// Every worker runs once a turn, with what the turn before has written in sight,
// whether it was looking or asleep.
func TestWorkers(t *testing.T) {
	for _, n := range []int{1, 2, 3, 9} {
		w := NewWorkers(n)
		counts := make([]int, n)
		total := 0
		var calls atomic.Int64
		for turn := range 300 {
			w.Each(func(worker int) {
				calls.Add(1)
				counts[worker]++
				if turn%50 == worker {
					time.Sleep(2 * time.Millisecond) // the others fall asleep
				}
			})
			total++
			for worker, c := range counts {
				if c != total {
					t.Fatalf("%d workers: worker %d has run %d times after %d turns", n, worker, c, total)
				}
			}
			if turn%60 == 59 {
				time.Sleep(2 * time.Millisecond) // all do
			}
		}
		if calls.Load() != int64(300*n) {
			t.Errorf("%d workers: %d calls", n, calls.Load())
		}
		w.Close()
	}
}

func TestSplit(t *testing.T) {
	for n := range 20 {
		for workers := 1; workers < 25; workers++ {
			next := 0
			for worker := range workers {
				from, to := Split(n, worker, workers)
				if from != next || to < from || to-from > (n+workers-1)/workers {
					t.Fatalf("Split(%d, %d, %d) is %d to %d", n, worker, workers, from, to)
				}
				next = to
			}
			if next != n {
				t.Fatalf("%d things: %d given to %d workers", n, next, workers)
			}
		}
	}
}

// Blocks covers every item once, and stops when its context ends.
func TestBlocks(t *testing.T) {
	for _, workers := range []int{1, 3} {
		seen := make([]atomic.Int32, 101)
		err := Blocks(t.Context(), len(seen), 7, workers, func(worker, from, to int) {
			if worker < 0 || worker >= workers || to-from > 7 {
				t.Errorf("worker %d of %d has %d to %d", worker, workers, from, to)
			}
			for i := from; i < to; i++ {
				seen[i].Add(1)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			if n := seen[i].Load(); n != 1 {
				t.Errorf("item %d was covered %d times", i, n)
			}
		}
	}
	ctx, stop := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	var calls atomic.Int32
	err := Blocks(ctx, 1000, 1, 2, func(worker, from, to int) {
		switch n := calls.Add(1); {
		case n == 10:
			stop(enough)
		case n > 10: // by the other worker, however long the tenth call takes
			<-ctx.Done()
		}
	})
	if err != enough || calls.Load() > 11 {
		t.Errorf("stopped by %v after %d calls", err, calls.Load())
	}
}

// A sleeper that falls asleep in the very moment in which it is roused must wake. Some
// emulators of arm64 let a load overtake a store before it, where arm64 does not.
func TestSleeperIsNeverMissed(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("needs two threads that run at the same time")
	}
	const rounds = 10000
	var s sleeper
	s.wake = make(chan struct{}, 1)
	var last, made, round atomic.Int64
	go func() {
		for r := int64(1); r <= rounds; r++ {
			for last.Load() < r {
			}
			for range r % 1500 {
				last.Load()
			}
			made.Add(1)
			s.rouse()
		}
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for r := int64(1); r <= rounds; r++ {
			polled := 0
			s.wait(func() bool {
				if polled++; polled == polls {
					last.Store(r) // the next thing that wait does is to fall asleep
				}
				return made.Load() >= r
			})
			round.Store(r)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatalf("asleep forever after %d of %d rounds", round.Load(), rounds)
	}
}

// No more workers than work, and at least one.
func TestUseful(t *testing.T) {
	for _, x := range [][4]int{{1024, 300, 100, 3}, {2, 300, 100, 2}, {1024, 301, 100, 4},
		{5, 0, 10, 1}, {0, 9, 1, 1}, {3, 1, 1, 1}} {
		if got := Useful(x[0], x[1], x[2]); got != x[3] {
			t.Errorf("%d threads for %d items in blocks of %d: %d, want %d", x[0], x[1], x[2], got, x[3])
		}
	}
	var started atomic.Int64
	if err := Blocks(t.Context(), 30, 10, 1024, func(worker, _, _ int) {
		if worker >= 3 {
			started.Add(1)
		}
	}); err != nil || started.Load() > 0 {
		t.Errorf("%d workers too many (%v)", started.Load(), err)
	}
}

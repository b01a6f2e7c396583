package dbm

import (
	"sync/atomic"
	"testing"
	"time"
)

// Every worker runs once a turn, with what the turn before has written in sight,
// whether it was looking or asleep.
func TestWorkers(t *testing.T) {
	for _, n := range []int{1, 2, 3, 9} {
		w := newWorkers(n)
		counts := make([]int, n)
		total := 0
		var calls atomic.Int64
		for turn := range 300 {
			w.run(func(worker int) {
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
		w.stop()
	}
}

func TestShare(t *testing.T) {
	for n := range 20 {
		for workers := 1; workers < 25; workers++ {
			next := 0
			for worker := range workers {
				from, to := share(n, worker, workers)
				if from != next || to < from || to-from > (n+workers-1)/workers {
					t.Fatalf("share(%d, %d, %d) is %d to %d", n, worker, workers, from, to)
				}
				next = to
			}
			if next != n {
				t.Fatalf("%d things: %d given to %d workers", n, next, workers)
			}
		}
	}
}

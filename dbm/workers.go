package dbm

import "sync"

// workers is a fixed set of goroutines that do the same thing at the same
// time; the caller's is number 0.
type workers struct {
	work []chan func(worker int)
	done sync.WaitGroup
}

func newWorkers(n int) *workers {
	w := new(workers)
	for i := 1; i < n; i++ {
		c := make(chan func(int))
		w.work = append(w.work, c)
		go func() {
			for f := range c {
				f(i)
				w.done.Done()
			}
		}()
	}
	return w
}

// run calls f for every worker and returns when all calls have.
func (w *workers) run(f func(worker int)) {
	w.done.Add(len(w.work))
	for _, c := range w.work {
		c <- f
	}
	f(0)
	w.done.Wait()
}

// stop ends the goroutines.
func (w *workers) stop() {
	for _, c := range w.work {
		close(c)
	}
}

// share is the part of n things that one of several workers does.
func share(n, worker, workers int) (from, to int) {
	return n * worker / workers, n * (worker + 1) / workers
}

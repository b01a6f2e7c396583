// Package bench measures how fast this machine trains, and how close to what it
// could do. It owns the clock: package dbm only says what it is doing.
package bench

import (
	"slices"
	"sync"
	"time"
)

// Ceiling is the most float32 arithmetic, in GFLOP/s, that so many threads do at
// once when nothing but fused multiply-adds on registers is to be done, with the
// widest vectors that the machine has, whether the kernels use them or not; 0 where
// there is no assembly to measure it. It is the median of some rounds.
func Ceiling(threads int) float64 {
	loop, flops := widest()
	if loop == nil {
		return 0
	}
	const times = 1 << 20
	var rounds []float64
	for range 9 {
		var done sync.WaitGroup
		start := time.Now()
		for range threads {
			done.Go(func() {
				for range 16 {
					loop(times / 16)
				}
			})
		}
		done.Wait()
		rounds = append(rounds, float64(threads)*times*flops/time.Since(start).Seconds()/1e9)
	}
	return median(rounds)
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

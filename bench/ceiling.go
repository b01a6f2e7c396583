// Package bench measures how fast this machine trains, and how close to what it
// could do. It owns the clock: package dbm only reports what it is doing.
package bench

import (
	"slices"
	"sync"
	"time"
)

// Ceiling returns the float32 arithmetic, in GFLOP/s, of a number of threads that do
// nothing but fused multiply-adds on registers at the same time. It uses the widest
// vectors that the machine has, whether the kernels use them or not. It is the median of
// some rounds, and 0 where there is no assembly to measure it.
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

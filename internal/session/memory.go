package session

import (
	"cmp"
	"fmt"

	"tandem/dbm/likelihood"
	"tandem/internal/memory"
	"tandem/internal/runs"
	"tandem/mnist"
)

// Memory returns about how many bytes a session with some threads takes at its peak, its
// examples included.
func Memory(c *runs.Settings, data *mnist.Set, e *Estimates, threads int) uint64 {
	size := memory.Sum(c.Memory(threads), DataMemory(data))
	if e.Every > 0 {
		effort := likelihood.Effort{Annealing: &likelihood.Annealing{Runs: estimateRuns,
			Temperatures: cmp.Or(e.Temperatures, estimateTemps)}, Threads: threads}
		size = memory.Sum(size, effort.Memory(&c.Config, estimateExamples), DataMemory(e.Test))
	}
	return size
}

// OpenData opens a set of examples, as mnist.Open does, where there is memory for it.
func OpenData(dir, name string) (*mnist.Set, error) {
	size, err := mnist.Bytes(dir, name)
	if err != nil {
		return nil, err
	}
	if err := memory.Check(size, "take fewer images"); err != nil && dir != "" { // the embedded ones fit
		return nil, fmt.Errorf("%s images of %s: %w", name, dir, err)
	}
	return mnist.Open(dir, name)
}

// DataMemory returns how many bytes examples take.
func DataMemory(set *mnist.Set) uint64 { return uint64(len(set.Images.Pixels) + len(set.Labels)) }

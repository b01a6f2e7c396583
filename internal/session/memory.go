package session

import (
	"cmp"

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
	if c.KeepBest {
		effort := likelihood.Effort{Annealing: &likelihood.Annealing{Runs: scoreRuns, Temperatures: scoreTemps},
			Threads: threads}
		size = memory.Sum(size, effort.Memory(&c.Config, scoreExamples))
	}
	return size
}

// DataMemory returns how many bytes examples take.
func DataMemory(set *mnist.Set) uint64 {
	return uint64(len(set.Images.Pixels)) + 4*uint64(len(set.Images.Numbers)+len(set.Places)) + uint64(len(set.Labels))
}

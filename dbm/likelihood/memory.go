package likelihood

import (
	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Memory returns about how many bytes Evaluate takes for some examples in all, beside the
// state: a model, and whatever is larger of annealing and the bound.
func (e *Effort) Memory(c *dbm.Config, examples int) uint64 {
	threads := max(e.Threads, 1)
	return max(c.ModelMemory()+e.annealingMemory(c), boundMemory(c, threads, examples)) + 16*uint64(examples)
}

// annealingMemory returns what the runs take that are annealed at the same time.
func (o *Annealing) annealingMemory(c *dbm.Config) uint64 {
	workers := dbm.Useful(o.Threads, o.Runs, 1)
	size := o.together(workers)
	rows, small, all := uint64(workers*size), smallerSide(c.Layers), uint64(0)
	for l, n := range c.Layers {
		each := 4*uint64(kernel.Stride(n)) + 12*uint64(n) // states, and lists of those that are on
		if l%2 != small {
			each += 8 * uint64(kernel.Stride(n)) // inputs with biases and without
		}
		all += rows*each + uint64(workers)*32*uint64(n)
	}
	return all + 8*uint64(o.Runs)*2 + 4*uint64(o.Temperatures)*uint64(1+workers)
}

// boundMemory returns what mean field of the examples takes that are inferred at the same
// time.
func boundMemory(c *dbm.Config, threads, examples int) uint64 {
	workers := dbm.Useful(threads, examples, dbm.InferRows)
	return c.InferenceMemory(workers, dbm.InferRows)
}

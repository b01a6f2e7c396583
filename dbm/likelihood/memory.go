package likelihood

import (
	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Memory returns about how many bytes Evaluate takes for some examples in all, beside the
// state: a model, and whatever is largest of exchange, annealing, the bound and the weights.
func (e *Effort) Memory(c *dbm.Config, examples int) uint64 {
	size := boundMemory(c, e.Threads, examples)
	if e.Annealing != nil {
		size = max(size, c.ModelMemory()+e.Annealing.memory(c, e.Threads))
	}
	if e.Exchange != nil {
		size = max(size, c.ModelMemory()+e.Exchange.memory(c))
	}
	if e.Draws > 0 {
		size = max(size, boundMemory(c, e.Threads, examples)+c.ModelMemory()+weigherMemory(c, e.Threads, e.Draws))
	}
	if e.Posterior != nil {
		size = max(size, boundMemory(c, e.Threads, examples)+e.Posterior.memory(c, e.Threads))
	}
	return size + 40*uint64(examples)
}

// rowMemory returns what a row takes whose smaller side is drawn: states, lists of units that
// are on, and inputs with biases and without; biases besides for each row or none.
func rowMemory(c *dbm.Config, biases uint64) (size uint64) {
	small := smallerSide(c.Layers)
	for l, n := range c.Layers {
		size += (4+biases)*uint64(kernel.Stride(n)) + 8*uint64(n)
		if l%2 != small {
			size += 8 * uint64(kernel.Stride(n))
		}
	}
	return size
}

// memory returns what all ensembles take, on the longest ladder that a pilot may choose.
func (o *Exchange) memory(c *dbm.Config) uint64 {
	rows := mostRungs
	if o.Betas != nil {
		rows = len(o.Betas)
	}
	kept := 8*uint64(min(mostKept, o.Sweeps/2)) + 4*uint64(min(mostWeighed, o.Sweeps))*band
	return uint64(o.Ensembles)*uint64(rows)*(rowMemory(c, 4)+kept) + 8*uint64(rows*rows)*uint64(max(o.Threads, 1))
}

// weigherMemory returns what importance weights take that are computed at the same time.
func weigherMemory(c *dbm.Config, threads, draws int) (size uint64) {
	for _, n := range c.Layers {
		size += 8 * uint64(kernel.Stride(n))
	}
	return uint64(max(threads, 1)) * uint64(min(draws, weighedTogether)) * size
}

// memory returns what the clamped examples take, and the runs of those that are annealed at the
// same time.
func (o *Clamped) memory(c *dbm.Config, threads int) uint64 {
	hidden := dbm.Config{Layers: c.Layers[1:], Chains: 1, Batch: 1}
	each := uint64(0)
	for _, n := range hidden.Layers {
		each += 4 * uint64(kernel.Padded(n))
	}
	workers := uint64(dbm.Useful(threads, o.Examples, 1))
	return hidden.ModelMemory() + uint64(o.Examples)*(each+4*uint64(kernel.Padded(c.Layers[1]))) +
		workers*(uint64(o.Runs)*rowMemory(&hidden, 0)+10*each)
}

// memory returns what the runs take that are annealed at the same time.
func (o *Annealing) memory(c *dbm.Config, threads int) uint64 {
	workers := dbm.Useful(threads, o.Runs, 1)
	size, biases := uint64(workers*o.together(workers))*rowMemory(c, 0), uint64(0)
	for _, n := range c.Layers {
		biases += 32 * uint64(n)
	}
	return size + uint64(workers)*biases + 8*uint64(o.Runs)*4 + 4*uint64(o.Temperatures)*uint64(1+workers)
}

// boundMemory returns what mean field of the examples takes that are inferred at the same
// time.
func boundMemory(c *dbm.Config, threads, examples int) uint64 {
	workers := dbm.Useful(max(threads, 1), examples, dbm.InferRows)
	return c.InferenceMemory(workers, dbm.InferRows)
}

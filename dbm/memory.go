package dbm

import "tandem/dbm/kernel"

// What work takes of memory follows from sizes, and is estimated before it begins. All
// numbers are bytes. Lists of nonzeros are the part that depends on the examples: they are
// taken for half full, with the room that they grow by.
const (
	float        = 4
	listedNumber = 8 // its index and its value
)

// Memory returns about how much a session of training takes at its peak: the trainer with
// some threads, the measures of its filters, and a copy of the state, as for a checkpoint.
func (c *Config) Memory(threads int) uint64 {
	return c.TrainerMemory(threads) + c.MeasureMemory(threads) + uint64(c.StateBytes())
}

// TrainerMemory returns about how much a Trainer with some threads takes, in the stage that
// takes most.
func (c *Config) TrainerMemory(threads int) uint64 {
	most := uint64(0)
	stages := []uint64{0}
	for l := range c.Hidden() {
		if c.Pretrain > 0 {
			stages = append(stages, c.Pretrain*uint64(l+1))
		}
	}
	for _, n := range stages {
		g := c.stage(n)
		size := g.config.updaterMemory(threads)
		if g.layer > 0 {
			size += g.config.doubledMemory(&g)
		}
		if g.layer > 1 { // the examples pass through the layers below
			below := Config{Layers: c.Layers[:g.layer]}
			size += below.ModelMemory() + c.rowsMemory(c.Layers[:g.layer], c.Batch)
		}
		most = max(most, size)
	}
	return most + uint64(c.StateBytes())
}

// doubledMemory returns how much twice the weights of an RBM take.
func (c *Config) doubledMemory(g *stage) uint64 {
	size := uint64(0)
	for _, twice := range []bool{g.twiceUp, g.twiceDown} {
		if twice {
			size += packedMemory(c.Layers[0], c.Layers[1])
		}
	}
	return size
}

// ModelMemory returns how much a Model takes: its weights packed both ways, and biases.
func (c *Config) ModelMemory() uint64 {
	size := uint64(0)
	for l, n := range c.Layers {
		size += float * uint64(kernel.Padded(n))
		if l > 0 {
			size += 2*packedMemory(c.Layers[l-1], n) + float*uint64(kernel.Padded(n))
		}
	}
	return size
}

// packedMemory returns how much weights take, packed one way.
func packedMemory(below, n int) uint64 {
	return float * uint64(kernel.Padded(below)) * uint64(kernel.Padded(n))
}

// rowsMemory returns how much rows of some layers take.
func (c *Config) rowsMemory(layers []int, rows int) uint64 {
	size := uint64(0)
	for _, n := range layers {
		size += float * uint64(kernel.Stride(n)) * uint64(rows)
	}
	return size
}

// listsMemory returns about how much the lists of rows of n units take.
func listsMemory(rows, n int) uint64 {
	return listedNumber*uint64(rows)*uint64(n)*3/4 + listedNumber*uint64(n) + float*uint64(rows)
}

// updaterMemory returns how much an updater takes.
func (c *Config) updaterMemory(threads int) uint64 {
	u := &updater{config: *c}
	u.planTasks()
	workers := u.team(threads)
	rows, hidden := c.Batch+c.Chains, c.Layers[1:]
	if c.OffsetRate > 0 {
		rows += 2
	}
	size := c.ModelMemory()
	size += c.rowsMemory(c.Layers, rows) + c.rowsMemory(hidden, rows) // as they are, and scaled
	if u.drawsPosterior() {
		size += c.rowsMemory(c.Layers[1:2], rows) // apart
		for l := 2; l < len(c.Layers); l += 2 {
			size += c.rowsMemory(c.Layers[l:l+1], c.Chains)
		}
		for l := 1; l < len(c.Layers); l += 2 {
			size += listsMemory(c.Batch, c.Layers[l])
		}
	}
	inferred := (c.Batch + workers - 1) / workers * workers
	size += c.rowsMemory(hidden, inferred) + c.rowsMemory(hidden[:1], inferred)
	size += listsMemory(c.Batch, c.Layers[0]) + listsMemory(c.Batch+c.Chains, c.Layers[0])
	for _, n := range c.Layers {
		size += listsMemory(c.Chains, n)
		size += uint64(workers) * listedNumber * 2 * uint64(n) // each has room for a row more
	}
	if c.Patch > 0 {
		size += packedMemory(c.Layers[0], c.Layers[1]) / 32
	}
	return size
}

// MeasureMemory returns how much the measures of a run take with some threads: a FilterStats,
// which keeps the initial weights, while it measures the pictures of a layer, of the one below,
// and packed; or MeasureActivity, whichever takes more.
func (c *Config) MeasureMemory(threads int) uint64 {
	size, most := uint64(0), uint64(0)
	for l := 1; l < len(c.Layers); l++ {
		n := c.Layers[l]
		size += float * uint64(c.Layers[l-1]) * uint64(n)
		pictures := packedMemory(c.Layers[0], n) + c.PicturesMemory(l)
		dots := float * filterBlock * uint64(kernel.Padded(n)) * uint64(Useful(threads, n, filterBlock))
		most = max(most, pictures+dots)
	}
	return size + max(most, c.ActivityMemory(threads))
}

// ActivityMemory returns about how much MeasureActivity takes with some threads.
func (c *Config) ActivityMemory(threads int) uint64 {
	widest := 0
	for _, n := range c.Layers {
		widest = max(widest, n)
	}
	inference := c.InferenceMemory(Useful(threads, ActivityExamples, InferRows), InferRows)
	after := c.ModelMemory() + c.rowsMemory(c.Layers, c.Chains) + float*uint64(max(ActivityExamples, c.Chains)*widest) +
		2*2*float*ActivityExamples*ActivityExamples
	return c.rowsMemory(c.Layers, ActivityExamples) + max(inference, after)
}

// PicturesMemory returns how much Pictures of a layer takes.
func (c *Config) PicturesMemory(layer int) uint64 {
	size := float * uint64(c.Layers[layer]) * uint64(c.Layers[0])
	if layer > 1 {
		size += float * uint64(c.Layers[layer-1]) * uint64(c.Layers[0])
	}
	return size
}

// InferenceMemory returns about how much InferAll takes with some threads for n examples,
// or as many Inferences for some rows each.
func (c *Config) InferenceMemory(workers, rows int) uint64 {
	all := workers * rows
	return c.ModelMemory() + 3*c.rowsMemory(c.Layers, all) + listsMemory(all, c.Layers[0])
}

// SamplerMemory returns about how much a Sampler of some chains takes, and what it returns.
func (c *Config) SamplerMemory(chains int) uint64 {
	size := c.ModelMemory() + 2*c.rowsMemory(c.Layers, chains) + 2*c.rowsMemory(c.Layers[:1], chains)
	for _, n := range c.Layers {
		size += listsMemory(chains, n)
	}
	return size
}

package classifier

import (
	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Memory returns about how many bytes a network and its training take, beside the state
// and the images: for some classes, and images whose mean field is prepared.
func (c *Config) Memory(d *dbm.Config, classes, images int) uint64 {
	prepared := uint64(0)
	for _, n := range d.Layers[min(2, len(d.Layers)):] {
		prepared += 2 * uint64(n) * uint64(images)
	}
	workers := dbm.Useful(c.Threads, images, dbm.InferRows)
	preparing := d.InferenceMemory(workers, dbm.InferRows)
	batch := min(c.Batch, images)
	learning := networkMemory(d, classes) + c.rowsMemory(d, classes, batch) + testingMemory(d, classes)
	return prepared + max(preparing, learning)
}

// networkMemory returns what the parameters take: with their gradient, two averages, a copy
// packed the other way, and one of the best epoch.
func networkMemory(d *dbm.Config, classes int) uint64 {
	const copies = 6
	size := uint64(0)
	add := func(below, n int) {
		size += copies * 4 * uint64(kernel.Padded(below)) * uint64(kernel.Padded(n))
	}
	for l := 1; l < len(d.Layers); l++ {
		add(d.Layers[l-1], d.Layers[l])
		if l+1 < len(d.Layers) {
			add(d.Layers[l+1], d.Layers[l])
		}
	}
	add(d.Layers[len(d.Layers)-1], classes)
	return size
}

// rowsMemory returns what a minibatch takes, with adversarial examples if they are learnt.
func (c *Config) rowsMemory(d *dbm.Config, classes, rows int) uint64 {
	if c.Adversarial > 0 {
		rows *= 2
	}
	size := uint64(0)
	for l, n := range append(append([]int(nil), d.Layers...), classes) {
		each := 3 * 4 * uint64(kernel.Stride(n))
		switch {
		case l == 0:
			each += 2 * 8 * uint64(n) * 3 / 4 // lists by row and by pixel
		case l >= 2:
			each += 4 * uint64(kernel.Stride(n))
		}
		size += each * uint64(rows)
	}
	return size
}

// testingMemory returns what Mistakes takes.
func testingMemory(d *dbm.Config, classes int) uint64 {
	return new(Config).rowsMemory(d, classes, testRows)
}

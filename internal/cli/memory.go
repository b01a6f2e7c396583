package cli

import (
	"os"
	"path/filepath"

	"tandem/dbm"
	"tandem/internal/memory"
	"tandem/internal/runs"
)

// What the program takes besides its work, the embedded images among it, and what a picture
// takes at most.
const (
	programMemory = 96 << 20
	pictureMemory = 64 << 20
)

// room returns an error where there is no room for work that takes some bytes. flags names
// what makes it take less.
func room(need uint64, flags string) error {
	return memory.Check(memory.Sum(need, programMemory), "lower "+flags)
}

// roomForFile returns an error where there is no room for what is read of a run or of an
// exported model.
func roomForFile(name string) error {
	if !isFile(name) {
		name = filepath.Join(name, runs.CheckpointFile)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil // reading it will say more
	}
	return memory.Check(memory.Sum(uint64(max(info.Size(), 0)), programMemory), "")
}

// filtersMemory returns how many bytes drawing filters takes, beside the state.
func filtersMemory(c *dbm.Config, threads int) uint64 {
	size := memory.Sum(c.MeasureMemory(threads), pictureMemory)
	for l := 1; l < len(c.Layers); l++ {
		size = memory.Sum(size, c.PicturesMemory(l))
	}
	return size
}

// samplesMemory returns how many bytes some chains and their picture take, beside the state,
// with an animation of frames or without.
func samplesMemory(c *dbm.Config, chains, frames int) uint64 {
	tile := uint64(64*64) * 2 // as it is drawn
	return memory.Sum(c.SamplerMemory(chains), min(uint64(chains)*tile, pictureMemory)*uint64(1+frames))
}

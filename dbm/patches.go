package dbm

import "tandem/dbm/kernel"

// Local receptive fields: each unit of the first hidden layer sees a square patch of the
// image, and has weights of exactly 0 to all other pixels, which every update restores.
// The places of the patches are drawn from the seed, each as likely as any other.

// patches holds the patch of each unit of layer 1. nil stands for units that see all
// pixels.
type patches struct {
	columns, side int
	first         []int    // for each unit, the pixel in the upper left corner
	hidden        []uint16 // for each panel of packed weights and pixel, the units that do not see it, a bit each
}

// newPatches returns the patches of a configuration, or nil if it has none.
func newPatches(c *Config) *patches {
	if c.Patch == 0 {
		return nil
	}
	rows := c.Layers[0] / c.ImageColumns
	down, across := uint64(rows-c.Patch+1), uint64(c.ImageColumns-c.Patch+1)
	p := &patches{columns: c.ImageColumns, side: c.Patch, first: make([]int, c.Layers[1])}
	for j := range p.first {
		w, _, _, _ := kernel.Philox(c.Seed, uint32(j), 0, 0, kernel.Tag(kernel.ForWeights, 1, 1))
		place := uint64(w) * (down * across) >> 32
		p.first[j] = int(place/across)*c.ImageColumns + int(place%across)
	}
	padded := kernel.Padded(c.Layers[0])
	p.hidden = make([]uint16, kernel.Padded(c.Layers[1])/kernel.Panel*padded)
	for j := range p.first {
		for i := range c.Layers[0] {
			if !p.sees(i, j) {
				p.hidden[j/kernel.Panel*padded+i] |= 1 << (j % kernel.Panel)
			}
		}
	}
	return p
}

// sees reports whether unit j sees pixel i.
func (p *patches) sees(i, j int) bool {
	if p == nil {
		return true
	}
	down, across := i/p.columns-p.first[j]/p.columns, i%p.columns-p.first[j]%p.columns
	return 0 <= down && down < p.side && 0 <= across && across < p.side
}

// clear restores the zeros of panels [from, to) of the first layer.
func (p *patches) clear(m *Model, from, to int) {
	if p == nil {
		return
	}
	padded := kernel.Padded(m.Layers[0])
	for at := from * padded; at < to*padded; at++ {
		w := (*[kernel.Panel]float32)(m.Weights[1].W[at*kernel.Panel:])
		for j, hidden := 0, p.hidden[at]; hidden != 0; j, hidden = j+1, hidden>>1 {
			if hidden&1 != 0 {
				w[j] = 0
			}
		}
	}
}

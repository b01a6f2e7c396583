package dbm

import "tandem/dbm/kernel"

// Local receptive fields: each unit of the first hidden layer sees a square patch
// of the image and has weights of exactly 0 to all other pixels, which an update
// puts back. Where the patches lie is drawn from the seed, each place as likely as
// any other.

// patches tells where the patch of each unit of layer 1 lies.
type patches struct {
	columns, side int
	first         []int // for each unit, the pixel in the upper left corner
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
	return p
}

// sees says whether unit j sees pixel i.
func (p *patches) sees(i, j int) bool {
	down, across := i/p.columns-p.first[j]/p.columns, i%p.columns-p.first[j]%p.columns
	return 0 <= down && down < p.side && 0 <= across && across < p.side
}

// mask says for a panel of packed weights and a pixel which of the units do not
// see it, a bit each.
func (p *patches) mask(pixels int) []uint16 {
	padded := kernel.Padded(pixels)
	m := make([]uint16, kernel.Padded(len(p.first))/kernel.Panel*padded)
	for j := range p.first {
		for i := range pixels {
			if !p.sees(i, j) {
				m[j/kernel.Panel*padded+i] |= 1 << (j % kernel.Panel)
			}
		}
	}
	return m
}

// clearMasked puts back the zeros of panels [from, to) of the first layer.
func (t *Trainer) clearMasked(from, to int) {
	padded := kernel.Padded(t.config.Layers[0])
	for at := from * padded; at < to*padded; at++ {
		w := (*[kernel.Panel]float32)(t.model.up[1][at*kernel.Panel:])
		for j, mask := 0, t.mask[at]; mask != 0; j, mask = j+1, mask>>1 {
			if mask&1 != 0 {
				w[j] = 0
			}
		}
	}
}

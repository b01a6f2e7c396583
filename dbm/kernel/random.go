package kernel

// Random numbers come from Philox4x32-10 (Salmon, Moraes, Dror and Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", 2011): a keyed bijection of
// a 128-bit counter. The key is the seed of the run and the counter says what
// the number is for, so there is no generator state to carry, lock or save, and
// a number does not depend on who asks for it or when:
//
//	word 0  which four units (below)
//	word 1  the row: a chain, an example, a unit of the layer below
//	word 2  the update, or the like
//	word 3  purpose<<24 | layer<<16 | sweep
//
// docs/numerics.md has the words of each purpose. A layer's units are drawn in
// blocks of 16. Unit j of block b takes its word from counter 4b + (j%8)/2; units 0
// to 7 take words 0 and 1 in turn, units 8 to 15 words 2 and 3. So four counters
// computed side by side in the 64-bit lanes of vector registers, which is where a
// 32×32→64-bit multiplication leaves them, need one shift and one blend and no
// transposition. We are locked in to this order on every machine.
//
// A word w stands for the uniform number (w>>8)·2⁻²⁴ in [0, 1).

// The constants of Philox and of uniform numbers, which sets in assembly share.
const (
	PhiloxM0 = 0xD2511F53 // multipliers
	PhiloxM1 = 0xCD9E8D57
	PhiloxW0 = 0x9E3779B9 // added to the key after each round: golden ratio, √3−1
	PhiloxW1 = 0xBB67AE85

	UniformUnit = 1.0 / (1 << 24)
)

// Purpose says what a random number is for.
type Purpose uint32

// The purposes. Their numbers are part of the numeric contract.
const (
	ForChains  Purpose = 1 // Gibbs sweeps of the persistent chains; sweep 0 of update 0 is their start
	ForWeights Purpose = 2 // initial weights
	ForPixels  Purpose = 3 // pixels sampled anew at each use
	ForFixed   Purpose = 4 // pixels sampled once
	ForShuffle Purpose = 5 // the order of examples
	ForSamples Purpose = 6 // samples drawn for pictures; sweep 0 of update 0 is their start

	ForAnnealing Purpose = 7 // annealed importance sampling
	ForReverse   Purpose = 8 // the same from the other side

	ForDropout Purpose = 9  // units that a classifier leaves out
	ForOrder   Purpose = 10 // the order of a classifier's examples, and which have labels

	ForPosterior Purpose = 11 // states of the odd layers, drawn from the mean field of an example

	ForReplicas      Purpose = 12 // sweeps of replica exchange; update 0 is their start
	ForPilotReplicas Purpose = 13 // the same of its pilot
	ForExchange      Purpose = 14 // which replicas exchange their states
	ForStarts        Purpose = 15 // states with which replicas begin, drawn from the mean field of examples
	ForPilot         Purpose = 16 // annealed runs of the pilot

	ForImportance Purpose = 17 // states of the odd layers, drawn from the mean field of an example, to weigh
	ForBootstrap  Purpose = 18 // which runs of annealing are drawn again

	ForClamped Purpose = 19 // annealed runs from the mean field of an example to its posterior; update 0 is their start

	ForHoldOut Purpose = 20 // which examples are held out
)

// Draw names a block of random numbers: rows × units of one layer.
type Draw struct {
	Seed   uint64
	Row    uint32 // the first row
	Update uint32
	Tag    uint32 // purpose<<24 | layer<<16 | sweep, see Tag
}

// Tag makes the last word of a counter. A layer has 8 bits, a sweep 16.
func Tag(p Purpose, layer, sweep int) uint32 {
	return uint32(p)<<24 | uint32(layer&0xff)<<16 | uint32(sweep&0xffff)
}

// Philox returns the four words of one counter under a key.
func Philox(key uint64, c0, c1, c2, c3 uint32) (w0, w1, w2, w3 uint32) {
	a, b := uint32(key), uint32(key>>32)
	for range 10 {
		p0 := uint64(PhiloxM0) * uint64(c0)
		p1 := uint64(PhiloxM1) * uint64(c2)
		c0, c1, c2, c3 = uint32(p1>>32)^c1^a, uint32(p1), uint32(p0>>32)^c3^b, uint32(p0)
		a += PhiloxW0
		b += PhiloxW1
	}
	return c0, c1, c2, c3
}

// Uniforms fills u with the uniform numbers of row Row of a draw, one for each unit.
func (d Draw) Uniforms(u []float32) {
	for j := 0; j < len(u); j += Panel {
		var block [Panel]float32
		d.Block(&block, j/Panel)
		copy(u[j:], block[:])
	}
}

// Block fills u with the uniform numbers of 16 units of row Row, from unit 16·block on.
func (d Draw) Block(u *[Panel]float32, block int) {
	var w [Panel]uint32
	for c := range 4 {
		w[2*c], w[2*c+1], w[8+2*c], w[9+2*c] = Philox(d.Seed, uint32(4*block+c), d.Row, d.Update, d.Tag)
	}
	for i, w := range w {
		u[i] = float32(w>>8) * UniformUnit
	}
}

// Coins fills x with fair coins: 1 where the uniform number is below one half, else 0.
func (d Draw) Coins(x []float32) {
	d.Uniforms(x)
	for j, u := range x {
		x[j] = 0
		if u < 0.5 {
			x[j] = 1
		}
	}
}

// Bernoulli fills x with 1 where the uniform number is below q, else 0. q: len(x).
func (d Draw) Bernoulli(x, q []float32) {
	var u [Panel]float32
	for j := range x {
		if j%Panel == 0 {
			d.Block(&u, j/Panel)
		}
		p := q[j]
		if x[j] = 0; u[j%Panel] < p {
			x[j] = 1
		}
	}
}

// Shuffle puts x into an order that the seed, a number and the purpose name: Fisher and Yates,
// from the last place down, place i changing with a random place from 0 to i.
func Shuffle(x []int, seed uint64, number uint32, purpose Purpose) {
	for i := len(x) - 1; i > 0; i-- {
		w, _, _, _ := Philox(seed, uint32(i), 0, number, Tag(purpose, 0, 0))
		j := uint64(w) * uint64(i+1) >> 32
		x[i], x[j] = x[j], x[i]
	}
}

package mnist

import (
	"errors"
	"fmt"

	"tandem/dbm/kernel"
)

// maxBatch is the largest minibatch: the most rows that package dbm allows.
const maxBatch = 1 << 20

// Minibatches deals the examples of a set, minibatch after minibatch, without end.
//
// Row r of update u is example number e = u·batch + r, which counts on through
// all epochs: it stands at place e mod N of epoch e div N. Each epoch is a fresh
// shuffle of the whole set, so a minibatch may straddle epochs, and N need be no
// multiple of the batch. The shuffle hangs on the seed and the epoch alone: the
// updates may be asked for in any order and always have the same rows, so there is
// nothing to save for a resume.
type Minibatches struct {
	set      *Set
	pixels   Pixels
	seed     uint64
	update   uint64
	index    []uint32    // the image of each row of the update
	shuffles [2]shuffled // of even epochs and of odd ones
}

// shuffled is the order of the images in an epoch.
type shuffled struct {
	made  bool
	epoch uint64
	order []uint32 // the image at each place
}

// NewMinibatches deals a set whose pixels are turned into numbers in the given way,
// batch examples an update. It rejects an empty set, a batch not in 1 to 2²⁰ and an
// unknown way.
func NewMinibatches(set *Set, pixels Pixels, seed uint64, batch int) (*Minibatches, error) {
	if set.N() < 1 {
		return nil, errors.New("minibatches: the set has no images")
	}
	if batch < 1 || batch > maxBatch {
		return nil, fmt.Errorf("batch: %d; must be 1 to %d", batch, maxBatch)
	}
	if err := pixels.valid(); err != nil {
		return nil, err
	}
	m := &Minibatches{set: set, pixels: pixels, seed: seed, index: make([]uint32, batch)}
	for i := range m.shuffles {
		m.shuffles[i].order = make([]uint32, set.N())
	}
	return m, nil
}

// Prepare makes ready the minibatch of an update (0, 1, 2, …; below 2³², as in
// package dbm). One goroutine calls it, before Row and Index.
func (m *Minibatches) Prepare(update uint64) {
	m.update = update
	n := uint64(m.set.N())
	first := update * uint64(len(m.index))
	epoch, place := first/n, first%n
	for row := 0; row < len(m.index); epoch, place = epoch+1, 0 {
		row += copy(m.index[row:], m.epoch(epoch)[place:])
	}
}

// Row writes example row of the prepared minibatch into v (rows × columns of an
// image; v must have that length). Many goroutines may call it at once. Sample
// takes its numbers from the seed, the update and the row.
func (m *Minibatches) Row(row int, v []float32) {
	m.set.Values(v, m.Index(row), m.pixels, kernel.Draw{
		Seed: m.seed, Row: uint32(row), Update: uint32(m.update), Tag: kernel.Tag(kernel.ForPixels, 0, 0),
	})
}

// Index returns which image of the set is example row of the prepared minibatch.
func (m *Minibatches) Index(row int) int { return int(m.index[row]) }

// epoch returns the order of an epoch. The two last asked for stay, which are the
// current one and the next where minibatches straddle.
func (m *Minibatches) epoch(epoch uint64) []uint32 {
	s := &m.shuffles[epoch%2]
	if !s.made || s.epoch != epoch {
		shuffle(s.order, m.seed, uint32(epoch))
		s.made, s.epoch = true, epoch
	}
	return s.order
}

// shuffle fills order with 0 to len(order)−1 and shuffles it: Fisher and Yates,
// from the last place down, place i changing with a random place from 0 to i.
func shuffle(order []uint32, seed uint64, epoch uint32) {
	for i := range order {
		order[i] = uint32(i)
	}
	w := words{seed: seed, epoch: epoch}
	for i := len(order) - 1; i > 0; i-- {
		j := w.below(uint32(i) + 1)
		order[i], order[j] = order[j], order[i]
	}
}

// words are the random words of an epoch: those of the counters 0, 1, 2, … in turn.
type words struct {
	seed    uint64
	epoch   uint32
	counter uint32
	word    [4]uint32
	used    uint32 // words used in all, modulo 2³²; a multiple of 4: no word is left
}

func (w *words) next() uint32 {
	if w.used%4 == 0 {
		w.word[0], w.word[1], w.word[2], w.word[3] =
			kernel.Philox(w.seed, w.counter, 0, w.epoch, kernel.Tag(kernel.ForShuffle, 0, 0))
		w.counter++
	}
	x := w.word[w.used%4]
	w.used++
	return x
}

// below returns a random integer from 0 to n−1, each as likely as any other: the
// upper half of word·n. The 2³² words fall on n integers with 2³² mod n to spare,
// and the words whose lower half is below that number are the spare ones: they are
// thrown away (Lemire, "Fast random integer generation in an interval", 2019).
func (w *words) below(n uint32) uint32 {
	product := uint64(w.next()) * uint64(n)
	if low := uint32(product); low < n { // spare words lie below n; so mostly no division
		for spare := -n % n; uint32(product) < spare; {
			product = uint64(w.next()) * uint64(n)
		}
	}
	return uint32(product >> 32)
}

package dbm

import "tandem/dbm/kernel"

// Mean field takes hidden units for independent given an example, and so misses
// that neighbours which are on together are so for a reason. Take weights w into a
// unit of layer 2 that are still small, its bias 0, and layer 1 with the same means
// in the minibatch as in the chains. To first order the gradient of the
// log-likelihood by w is
//
//	¼ (Cov[h_1 | minibatch] − Cov[h_1 | chains]) w,
//
// and mean field leaves E[q_1(1−q_1)], the variance of a unit given the example,
// out of the diagonal of the first term, though the chains have it in the second.
// That is a decay of all small weights between hidden layers. It is no error: the
// bound that mean field maximises prefers hidden layers that have nothing to do with
// each other, as long as units of layer 1 are undecided.
//
// With Config.SamplePosterior the statistics between hidden layers follow the
// log-likelihood to that order: a state of the odd layers is drawn from the mean
// field of each example, and the even layers have their probabilities given that
// state. The even
// layers of the chains count by their probabilities given the odd ones, too, by
// which no expectation changes, and less noise is in the gradient (Rao and
// Blackwell). Layer 1 meets the visible layer as before: by its mean field.

// drawPosterior replaces rows [from, to) of the minibatch, which mean field has
// made.
func (t *Trainer) drawPosterior(worker, from, to int) {
	layers, s := t.config.Layers, &t.sweepers[worker]
	draw := kernel.Draw{Seed: t.config.Seed, Update: uint32(t.updates + 1)}
	for l, n := range layers {
		s.x[l] = t.x[l][from*kernel.Stride(n):]
		if l%2 == 0 {
			continue
		}
		for r := from; r < to; r++ {
			draw.Row, draw.Tag = uint32(r), kernel.Tag(kernel.ForPosterior, l, 0)
			draw.Bernoulli(t.x[l][r*kernel.Stride(n):][:n], t.toBelow(l)[r*kernel.Stride(n):][:n])
			if l > 1 {
				t.scaleRow(l, r)
			}
		}
		s.given.list(t.kernels, t.model, l, s.x[l], to-from)
	}
	for l := 2; l < len(layers); l += 2 {
		s.given.means(t.kernels, t.model, s.x, to-from, l, s.x[l])
		for r := from; r < to; r++ {
			t.scaleRow(l, r)
		}
	}
}

// chainMeans makes what the rows of chains [from, to) count for, once they have
// been swept.
func (t *Trainer) chainMeans(worker, from, to int) {
	layers, s, batch := t.config.Layers, &t.sweepers[worker], t.config.Batch
	for l := 2; l < len(layers); l += 2 {
		s.gibbs.means(t.kernels, t.model, s.x, to-from, l, t.x[l][(batch+from)*kernel.Stride(layers[l]):])
	}
	stride := kernel.Stride(layers[1])
	copy(t.first[(batch+from)*stride:(batch+to)*stride], s.x[1])
}

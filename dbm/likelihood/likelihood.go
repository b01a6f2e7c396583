// Package likelihood scores a model: its partition function by enumeration where one side of
// it is small, by replica exchange and by annealed importance sampling; and bounds of the
// log-likelihood of examples by mean field and by importance weights. Evaluate does all of
// it. Worth says what the top layer adds.
//
// The units of a deep Boltzmann machine fall into two sides, the odd layers and the even
// ones, the visible layer among these. Given one side, the units of the other are
// independent, so that the other can be summed out exactly:
//
//	log Σ_T exp(−E(S, T)) = b_S·s + Σ_{j in T} softplus(b_j + input of j from S)
//
// All that follows works on the smaller side and sums the larger one out.
//
// docs/likelihood.md explains how to read the figures.
package likelihood

// smallerSide returns the parity of the layers with fewer units in all: 1, the odd ones,
// where both sides have the same number.
func smallerSide(layers []int) int {
	units := [2]int{}
	for l, n := range layers {
		units[l%2] += n
	}
	if units[0] < units[1] {
		return 0
	}
	return 1
}

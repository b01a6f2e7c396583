package dbm_test

import (
	"fmt"
	"log"

	"tandem/dbm"
	"tandem/dbm/kernel/kerneltest"
)

// halves is two examples in turn: the left half on, and the right half on.
type halves struct{}

func (halves) Prepare(update uint64) {}

func (halves) Row(row int, v []float32) {
	for i := range v {
		v[i] = 0
		if i/(len(v)/2) == row%2 {
			v[i] = 1
		}
	}
}

// A restricted Boltzmann machine learns two patterns. tandem passes in its kernels in
// assembly in place of kerneltest.Reference, which is slow.
func ExampleTrainer() {
	c := dbm.Config{Layers: []int{8, 4}, Batch: 10, Chains: 10, Gibbs: 1, MeanFieldMax: 1, LearningRate: 0.1,
		Alpha: []float64{0}, InitScale: 0.1, Seed: 1}
	state, err := dbm.Initial(&c, nil)
	if err != nil {
		log.Fatal(err)
	}
	trainer, err := dbm.NewTrainer(c, kerneltest.Reference, state, halves{}, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer trainer.Close()
	for trainer.Updates() < 500 {
		if _, err := trainer.Update(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Printf("reconstruction error after %d updates: %.1f\n", trainer.Updates(), trainer.ReconstructionError())
	// Output: reconstruction error after 500 updates: 0.0
}

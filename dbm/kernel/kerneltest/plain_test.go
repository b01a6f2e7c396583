package kerneltest

import (
	"math"
	"testing"
)

// The plain loops themselves, against the same sums written out once more, at the
// edges of memory and on special numbers.
func TestContract(t *testing.T) { Run(t, contract) }

// Reference and the contract share their loops; they must agree to float32.
func TestReferenceIsTheContractInFloat64(t *testing.T) {
	for i, c := range passCases() {
		p, got := c.pass(uint64(i))
		Reference.Sigmoid(p, nil)
		p, want := c.pass(uint64(i))
		contract.Sigmoid(p, nil)
		for j := range want {
			if want[j] == want[j] && !(math.Abs(float64(got[j])-float64(want[j])) <= 1e-5) {
				t.Fatalf("%+v: element %d is %v, want %v", c, j, got[j], want[j])
			}
		}
	}
	linearAgainstFloat64(t, Reference)
	learnAgainstFloat64(t, Reference)
}

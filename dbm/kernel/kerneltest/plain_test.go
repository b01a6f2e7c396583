package kerneltest

import (
	"math"
	"testing"
)

// The plain loops themselves, against the same sums written out once more, at the
// edges of memory and on special numbers.
func TestDefinition(t *testing.T) { Run(t, definition) }

// Reference and the definition share their loops; they must agree to float32.
func TestReferenceIsTheDefinitionInFloat64(t *testing.T) {
	for i, c := range passCases() {
		p, got := c.pass(uint64(i))
		Reference.Sigmoid(p, nil)
		p, want := c.pass(uint64(i))
		definition.Sigmoid(p, nil)
		for j := range want {
			if want[j] == want[j] && !(math.Abs(float64(got[j])-float64(want[j])) <= 1e-5) {
				t.Fatalf("%+v: element %d is %v, want %v", c, j, got[j], want[j])
			}
		}
	}
	linearAgainstFloat64(t, Reference)
	learnAgainstFloat64(t, Reference)
}

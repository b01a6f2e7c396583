package dbm

import (
	"math"
	"slices"
	"testing"

	"tandem/dbm/kernel/kerneltest"
)

// Known pixels stay, and the others come as often as the model says, given them.
func TestCompletion(t *testing.T) {
	m := randomTruth(8, 4, 3, 2)
	c := tiny(4, 3, 2)
	const chains, sweeps = 2000, 30
	known := slices.Repeat([]bool{true, false, true, false}, chains)
	images := make([]float32, chains*4)
	for i := range chains {
		images[i*4], images[i*4+1], images[i*4+2] = 1, 1, 0
	}
	p, err := NewCompletion(&c, kerneltest.Reference, m.state(&c), images, known, 3)
	if err != nil {
		t.Fatal(err)
	}
	for range sweeps {
		p.Sweep()
	}
	var want, total float64 // probability that pixel 1 is on
	m.states(make([][]float64, 3), 0, func(x [][]float64) {
		if x[0][0] == 1 && x[0][2] == 0 {
			w := math.Exp(-m.energy(x))
			total += w
			want += w * x[0][1]
		}
	})
	want /= total
	got := 0.0
	means := p.Means()
	for i := range chains {
		if means[i*4] != 1 || means[i*4+2] != 0 {
			t.Fatalf("chain %d: the known pixels are %v", i, means[i*4:i*4+4])
		}
		got += float64(means[i*4+1]) / chains
	}
	if math.Abs(got-want) > 0.03 {
		t.Errorf("pixel 1 is on with probability %v, want %v", got, want)
	}
	// Mean field is a fixed point, known pixels apart.
	q := p.MeanField(300)
	if q[0] != 1 || q[2] != 0 || q[1] <= 0 || q[1] >= 1 || q[1] != q[5] {
		t.Errorf("mean field gives %v", q[:8])
	}
	if more := p.MeanField(301); math.Abs(float64(more[1]-q[1])) > 1e-6 {
		t.Errorf("mean field goes on from %v to %v", q[1], more[1])
	}
	if _, err := NewCompletion(&c, kerneltest.Reference, m.state(&c), images[:3], known[:3], 3); err == nil {
		t.Error("half an image was taken")
	}
	if _, err := NewCompletion(&c, kerneltest.Reference, m.state(&c), images, known[:4], 3); err == nil {
		t.Error("what is known of one image was taken for all")
	}
}

// Each image has known pixels of its own.
func TestCompletionOfEachImage(t *testing.T) {
	m := randomTruth(8, 4, 3, 2)
	c := tiny(4, 3, 2)
	images := []float32{1, 1, 0, 0, 0, 1, 0, 1}
	p, err := NewCompletion(&c, kerneltest.Reference, m.state(&c), images,
		[]bool{true, true, false, false, false, false, true, true}, 3)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		p.Sweep()
		for _, got := range [][]float32{p.Means(), p.MeanField(20)} {
			if got[0] != 1 || got[1] != 1 || got[6] != 0 || got[7] != 1 {
				t.Fatalf("the known pixels became %v", got)
			}
		}
	}
	for _, alone := range []int{0, 1} { // mean field of an image does not depend on the others
		q := p.MeanField(50)[4*alone:][:4]
		one, err := NewCompletion(&c, kerneltest.Reference, m.state(&c), images[4*alone:][:4], p.known[4*alone:][:4], 3)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(one.MeanField(50), q) {
			t.Errorf("image %d alone is completed to %v, with the other to %v", alone, one.MeanField(50), q)
		}
	}
}

package classifier

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"tandem/dbm"
	"tandem/dbm/dbmtest"
	"tandem/dbm/kernel"
	"tandem/dbm/kernel/kerneltest"
)

// prepared is a small problem: images of random pixels, labelled by the
// sums of their halves.
func prepared(t *testing.T, c *dbm.Config, s *dbm.State, k *kernel.Set, n, classes, threads int) *Examples {
	t.Helper()
	pixels := c.Layers[0]
	images, labels := dbmtest.Labelled(n, pixels, classes)
	e, err := Prepare(t.Context(), c, k, s, labels, func(i int, v []float32) { copy(v, images[i*pixels:]) }, threads, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func upTo(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x
}

// byHand is the network of a Boltzmann machine's mean field, once more in float64.
type byHand struct {
	layers  []int
	classes int
	x       []float64 // parameters as Network.Parameters has them
}

// at is the place of weight i, j of matrix number m: A_1 …, the classes', Q_1 ….
func (b *byHand) at(m, i, j int) int {
	return b.start(m) + (j/kernel.Panel*kernel.Padded(b.shape(m)[0])+i)*kernel.Panel + j%kernel.Panel
}

func (b *byHand) shape(m int) [2]int {
	top := len(b.layers) - 1
	switch {
	case m < top:
		return [2]int{b.layers[m], b.layers[m+1]}
	case m == top:
		return [2]int{b.layers[top], b.classes}
	}
	return [2]int{b.layers[m-top+1], b.layers[m-top]}
}

func (b *byHand) start(m int) int {
	n := 0
	for i := range m {
		n += kernel.Padded(b.shape(i)[0]) * kernel.Padded(b.shape(i)[1])
	}
	return n
}

// bias is the place of the biases of layer l.
func (b *byHand) bias(l int) int {
	n := b.start(2 * (len(b.layers) - 1))
	for i := 1; i < l; i++ {
		n += kernel.Padded(b.layers[i])
	}
	return n
}

// loss is the cross-entropy of one image, whose mean field is q.
func (b *byHand) loss(v []float64, q [][]float64, label int) float64 {
	top := len(b.layers) - 1
	h := v
	for l := 1; l <= top+1; l++ {
		next := make([]float64, b.shape(l - 1)[1])
		for j := range next {
			next[j] = b.x[b.bias(l)+j]
			for i := range h {
				next[j] += h[i] * b.x[b.at(l-1, i, j)]
			}
			if l < top {
				for i := range q[l+1] {
					next[j] += q[l+1][i] * b.x[b.at(top+l, i, j)]
				}
			}
			if l <= top {
				next[j] = 1 / (1 + math.Exp(-next[j]))
			}
		}
		h = next
	}
	sum := 0.0
	for _, x := range h {
		sum += math.Exp(x)
	}
	return math.Log(sum) - h[label]
}

// The gradient is that of the mean cross-entropy, without dropout, of images and of
// their adversarial examples.
func TestClassifierGradient(t *testing.T) {
	const n, classes = 3, 4
	for _, p := range []struct {
		layers []int
		step   float64
	}{{[]int{5, 4}, 0}, {[]int{6, 5, 3}, 0}, {[]int{5, 4, 3, 4}, 0}, {[]int{6, 5, 3}, 0.25}, {[]int{40, 5, 4, 3}, 0.5}} {
		layers := p.layers
		c, s := dbmtest.Model(9, 0.5, layers...)
		e := prepared(t, c, s, kerneltest.Reference, n, classes, 1)
		net, err := New(c, kerneltest.Reference, s, classes)
		if err != nil {
			t.Fatal(err)
		}
		how := Config{Epochs: 5, Batch: n, LearningRate: 0.1, Seed: 1, Threads: 2}
		if err := net.Train(t.Context(), how, e, upTo(n), nil, nil); err != nil { // so that the classes' weights are not 0
			t.Fatal(err)
		}
		before, gradient := net.Parameters(), net.Gradient(Config{Adversarial: p.step, Threads: 2}, e, upTo(n))
		b := &byHand{layers: layers, classes: classes, x: make([]float64, len(before))}
		for i, x := range before {
			b.x[i] = float64(x)
		}
		inference, err := dbm.NewInference(c, kerneltest.Reference, s, n, 1e-3, 50)
		if err != nil {
			t.Fatal(err)
		}
		v, q := make([][]float64, n), make([][][]float64, n)
		for r := range n {
			e.Row(r, inference.Visible(r))
			for _, x := range inference.Visible(r) {
				v[r] = append(v[r], float64(x))
			}
		}
		inference.Infer(n)
		for r := range n {
			q[r] = make([][]float64, len(layers))
			for l := 2; l < len(layers); l++ {
				for _, x := range inference.Hidden(l)[r*kernel.Stride(layers[l]):][:layers[l]] {
					q[r][l] = append(q[r][l], float64(x))
				}
			}
		}
		images := n
		for r := 0; r < n && p.step > 0; r++ {
			moved := slices.Clone(v[r])
			for i, x := range v[r] {
				at := func(x float64) float64 {
					u := slices.Clone(v[r])
					u[i] = x
					return b.loss(u, q[r], int(e.Labels[r]))
				}
				moved[i] = min(max(x+math.Copysign(p.step, at(x+1e-5)-at(x-1e-5)), 0), 1)
			}
			v, q, images = append(v, moved), append(q, q[r]), 2*n
		}
		loss := func() float64 {
			sum := 0.0
			for r := range images {
				sum += b.loss(v[r], q[r], int(e.Labels[r%n])) / float64(images)
			}
			return sum
		}
		moved := 0
		for i := range b.x {
			const h = 1e-5
			old := b.x[i]
			b.x[i] = old + h
			up := loss()
			b.x[i] = old - h
			down := loss()
			b.x[i] = old
			want, got := -(up-down)/(2*h), float64(gradient[i])
			if math.Abs(got-want) > 2e-5 {
				t.Fatalf("%v: the gradient by parameter %d is %v, want %v", layers, i, got, want)
			}
			if want != 0 {
				moved++
			}
		}
		if moved < layers[0]*layers[1] {
			t.Errorf("%v: only %d parameters matter", layers, moved)
		}
	}
}

// What is learnt is kept: fewer mistakes than at the beginning, and with images
// held out the best epoch.
func TestClassifierLearns(t *testing.T) {
	k := kerneltest.Reference
	c, s := dbmtest.Model(6, 0.1, 30, 20, 10)
	e := prepared(t, c, s, k, 90, 3, 1)
	n, err := New(c, k, s, 3)
	if err != nil {
		t.Fatal(err)
	}
	how := Config{Epochs: 300, Batch: 20, LearningRate: 0.01, Seed: 3, Threads: 1}
	if err := n.Train(t.Context(), how, e, upTo(60), nil, nil); err != nil {
		t.Fatal(err)
	}
	if wrong := n.Mistakes(e, upTo(60), 2); wrong > 6 {
		t.Errorf("%d of 60 images it learnt from are wrong", wrong)
	}
	n, err = New(c, k, s, 3)
	if err != nil {
		t.Fatal(err)
	}
	var seen []int
	how.Epochs = 30
	if err := n.Train(t.Context(), how, e, upTo(60), upTo(90)[60:],
		func(p Progress) { seen = append(seen, p.Wrong) }); err != nil {
		t.Fatal(err)
	}
	if got := n.Mistakes(e, upTo(90)[60:], 1); got != slices.Min(seen) || len(seen) != 30 {
		t.Errorf("%d mistakes on what was held out, at best %d", got, slices.Min(seen))
	}
}

// Layers that begin to learn late take first steps of the learning rate, not of the
// several times as much that averages of other layers' age would give.
func TestTopFirst(t *testing.T) {
	const frozen, epochs, rate = 1500, 3000, 0.01
	config, s := dbmtest.Model(5, 0.2, 12, 8, 6)
	e := prepared(t, config, s, kerneltest.Reference, 20, 3, 1)
	n, err := New(config, kerneltest.Reference, s, 3)
	if err != nil {
		t.Fatal(err)
	}
	b := byHand{layers: config.Layers, classes: 3}
	start, before := n.Parameters(), []float32(nil)
	how := Config{Epochs: epochs, Batch: 20, LearningRate: rate, TopFirst: frozen, Threads: 1}
	ctx, stop := context.WithCancelCause(t.Context())
	enough := errors.New("one epoch of all layers is enough")
	err = n.Train(ctx, how, e, upTo(20), nil, func(p Progress) {
		if p.Epoch == frozen {
			before = n.Parameters()
		}
		if p.Epoch > frozen {
			stop(enough)
		}
	})
	if err != enough {
		t.Fatalf("stopped by %v", err)
	}
	after, classes := n.Parameters(), b.start(2)
	if !slices.Equal(start[:classes], before[:classes]) || slices.Equal(start[classes:b.start(3)],
		before[classes:b.start(3)]) {
		t.Error("at first not the softmax alone has learnt")
	}
	largest := float32(0)
	for i := range classes {
		largest = max(largest, float32(math.Abs(float64(after[i]-before[i]))))
	}
	if want := float32(rate * (1 - float64(frozen)/epochs)); largest > 1.01*want || largest < 0.9*want {
		t.Errorf("the first step of the lower layers is %v, want %v", largest, want)
	}
	if err := n.Train(t.Context(), Config{Epochs: 3, Batch: 7, TopFirst: 3}, e, upTo(20), nil, nil); err == nil {
		t.Error("lower layers that never learn were accepted")
	}
}

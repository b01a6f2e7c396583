package classifier

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Config says how to learn: by Adam (Kingma and Ba 2014) on the cross-entropy of
// minibatches, at a rate that falls to 0 in a straight line. Dropout (Hinton et al. 2012)
// leaves out each unit with some probability and scales up the others. Adversarial
// examples (Goodfellow et al. 2015) are half of all.
type Config struct {
	Epochs       int
	Batch        int
	LearningRate float64
	DropVisible  float64 // probability that a pixel is left out
	DropHidden   float64 // the same for a unit of h
	Adversarial  float64 // difference of a pixel between an image and its adversarial example; 0: no such examples
	TopFirst     int     // epochs at the beginning in which only the softmax learns: its first gradients spoil the rest
	Seed         uint64
	Threads      int // does not affect the numbers
}

// Validate returns an error that names the first field that is not valid.
func (c *Config) Validate() error {
	switch {
	case c.Epochs < 1 || c.Epochs > 1<<20:
		return fmt.Errorf("epochs: %d; must be 1 to %d", c.Epochs, 1<<20)
	case c.Batch < 1 || c.Batch > 1<<16:
		return fmt.Errorf("batch: %d; must be 1 to %d", c.Batch, 1<<16)
	case c.TopFirst < 0 || c.TopFirst >= c.Epochs:
		return fmt.Errorf("top-first: %d of %d epochs; must be 0 or more, and fewer than there are", c.TopFirst, c.Epochs)
	case !(c.LearningRate >= 0 && c.LearningRate < 1e9):
		return fmt.Errorf("learning rate: %v; must be a number not below 0", c.LearningRate)
	case !(c.DropVisible >= 0 && c.DropVisible < 1):
		return fmt.Errorf("drop-visible: %v; must be 0 or more, and below 1", c.DropVisible)
	case !(c.DropHidden >= 0 && c.DropHidden < 1):
		return fmt.Errorf("drop-hidden: %v; must be 0 or more, and below 1", c.DropHidden)
	case !(c.Adversarial >= 0 && c.Adversarial <= 1):
		return fmt.Errorf("adversarial: %v; must be 0 to 1, as pixels are", c.Adversarial)
	}
	return nil
}

// trainer is room for a minibatch.
type trainer struct {
	*Network
	c                    Config
	rows                 int         // the images of a minibatch, and then their adversarial examples
	h                    [][]float32 // rows × Stride of each layer; h[0]: pixels; the last: probabilities of classes
	q                    [][]float32
	keep                 [][]float32     // keep[l]: of each unit of h[l], 0 or what it counts
	delta                [][]float32     // delta[l]: the gradient by what h[l] receives, over rows × −1
	lists                []*kernel.Lists // of the pixels, a worker each, and then as many of adversarial examples
	threads              int
	workers              *dbm.Workers
	pixels               kernel.Lists
	odds                 [2][]float32 // logit of the probability that a pixel, or a unit, is kept
	zero                 []float32
	none                 []float32 // no spring
	scale                []float32 // 1 for each row
	updates              uint32
	meanPart, squarePart float64 // of the averages, what is still missing
}

func newTrainer(n *Network, c Config, rows int) *trainer {
	// An update has work for a thread for each example, and then for each piece of the learning.
	threads := dbm.Useful(c.Threads, max(rows, n.pieces()), 1)
	t := &trainer{Network: n, c: c, threads: threads, q: [][]float32{nil, nil}, meanPart: 1, squarePart: 1}
	t.workers = dbm.NewWorkers(t.threads)
	t.lists = make([]*kernel.Lists, t.threads)
	if c.Adversarial > 0 {
		rows *= 2
		t.lists = make([]*kernel.Lists, 2*t.threads)
	}
	t.rows = rows
	widest := 0
	for l, units := range append(append([]int(nil), n.layers...), n.classes) {
		size := rows * kernel.Stride(units)
		for _, x := range []*[][]float32{&t.h, &t.keep, &t.delta} {
			*x = append(*x, make([]float32, size))
		}
		if l >= 2 {
			t.q = append(t.q, make([]float32, size))
		}
		widest = max(widest, kernel.Padded(units))
	}
	t.zero, t.none = make([]float32, widest), make([]float32, widest)
	for i, drop := range [2]float64{c.DropVisible, c.DropHidden} {
		t.odds[i] = make([]float32, widest)
		for j := range t.odds[i] {
			if drop > 0 {
				t.odds[i][j] = float32(kernel.LogOdds(1 - drop))
			}
		}
	}
	for range rows {
		t.scale = append(t.scale, 1)
	}
	for i := range t.lists {
		t.lists[i] = new(kernel.Lists)
	}
	return t
}

// pieces returns about how many tasks the learning has.
func (n *Network) pieces() int {
	all := 0
	for _, m := range append(n.up[1:], n.side[1:]...) {
		all += (kernel.Panels(m.Units)+taskPanels-1)/taskPanels + 1
	}
	return all
}

// top is the number of hidden layers; the classes are layer top+1.
func (t *trainer) top() int { return len(t.layers) - 1 }

func (t *trainer) units(l int) int {
	if l > t.top() {
		return t.classes
	}
	return t.layers[l]
}

// pass returns a pass without inputs for rows of layer l of one of the arrays, from row
// from up.
func (t *trainer) pass(x [][]float32, l, from, rows int, start []float32) kernel.Pass {
	n := t.units(l)
	return kernel.NewPass(n, rows, start, t.at(x, l, from))
}

// at returns rows from r up of layer l of one of the arrays.
func (t *trainer) at(x [][]float32, l, r int) []float32 { return x[l][r*kernel.Stride(t.units(l)):] }

// forward computes rows [from, to) of all layers, with dropout if drop is set, and
// lists their pixels.
func (t *trainer) forward(lists *kernel.Lists, from, to int, drop bool) {
	rows := to - from
	t.drop(0, from, to, drop)
	lists.Reset()
	lists.AddRows(t.set, t.at(t.h, 0, from), kernel.Stride(t.layers[0]), rows, t.layers[0])
	for l := 1; l <= t.top()+1; l++ {
		m := t.up[l]
		p := t.pass(t.h, l, from, rows, t.bias[l].w)
		p.Below = m.FromBelow(t.at(t.h, l-1, from))
		if l == 1 {
			p.Below.Nonzero = lists.IfSparse(rows, m.Below)
		}
		if l < t.top() {
			p.Above = t.side[l].FromBelow(t.at(t.q, l+1, from))
		}
		if l <= t.top() {
			t.set.Sigmoid(&p, nil)
			t.drop(l, from, to, drop)
			continue
		}
		t.set.Linear(&p)
		for r := from; r < to; r++ {
			softmax(t.at(t.h, l, r)[:t.classes])
		}
	}
}

// drop leaves out units of layer l. Of a hidden layer keep becomes the factor of
// the gradient by what a unit receives: h(1−h), times what it counts.
func (t *trainer) drop(l, from, to int, drop bool) {
	n := t.units(l)
	probability := t.c.DropHidden
	odds := t.odds[1]
	if l == 0 {
		probability, odds = t.c.DropVisible, t.odds[0]
	}
	counts := float32(1)
	if drop && probability > 0 {
		counts = float32(1 / (1 - probability))
		p := t.pass(t.keep, l, from, to-from, odds)
		d := kernel.Draw{Seed: t.c.Seed, Row: uint32(from), Update: t.updates, Tag: kernel.Tag(kernel.ForDropout, l, 0)}
		t.set.Sample(&p, d)
	}
	for r := from; r < to; r++ {
		h, keep := t.at(t.h, l, r)[:n], t.at(t.keep, l, r)[:n]
		if !drop || probability == 0 {
			for j := range keep {
				keep[j] = 1
			}
		}
		for j, x := range h {
			k := keep[j] * counts
			keep[j] = float32(float32(x*(1-x)) * k)
			h[j] = float32(x * k)
		}
	}
}

// softmax replaces x, logarithms of probabilities up to a constant, by the
// probabilities.
func softmax(x []float32) {
	top := x[0]
	for _, v := range x {
		top = max(top, v)
	}
	sum := 0.0
	var buf [64]float64
	e := buf[:0]
	for _, v := range x {
		y := kernel.Exp(float64(v) - float64(top))
		sum += y
		e = append(e, y)
	}
	for i := range x {
		x[i] = float32(e[i] / sum)
	}
}

// backward computes rows [from, to) of delta, of all layers or of the softmax alone.
func (t *trainer) backward(from, to int, labels []byte, topOnly bool) {
	last := t.top() + 1
	for r := from; r < to; r++ {
		d := t.at(t.delta, last, r)[:t.classes]
		for c, p := range t.at(t.h, last, r)[:t.classes] {
			if d[c] = -p; c == int(labels[r]) {
				d[c] = 1 - p
			}
		}
		t.set.Scale(d, d, float32(1/float64(t.rows)))
	}
	for l := t.top(); l >= 1 && !topOnly; l-- {
		n := t.units(l)
		t.down(l, from, to)
		for r := from; r < to; r++ {
			d := t.at(t.delta, l, r)[:n]
			for j, x := range t.at(t.keep, l, r)[:n] {
				d[j] = float32(d[j] * x)
			}
		}
	}
}

// down computes rows [from, to) of the gradient by h[l], from that by what the
// layer above receives.
func (t *trainer) down(l, from, to int) {
	m := t.up[l+1]
	p := t.pass(t.delta, l, from, to-from, t.zero)
	p.Below = m.FromAbove(t.at(t.delta, l+1, from))
	t.set.Linear(&p)
}

// perturb makes adversarial examples of the images in rows to and up, which are
// those of rows from and up: all pixels move by the same amount, each to the side where the
// label is less probable, but not out of [0, 1] (Goodfellow, Shlens and Szegedy,
// "Explaining and harnessing adversarial examples", 2015).
func (t *trainer) perturb(from, to, rows int) {
	t.down(0, from, from+rows)
	step := float32(t.c.Adversarial)
	for r := range rows {
		v, d := t.at(t.h, 0, to+r)[:t.layers[0]], t.at(t.delta, 0, from+r)[:t.layers[0]]
		for i := range v {
			switch {
			case d[i] > 0:
				v[i] = max(v[i]-step, 0)
			case d[i] < 0:
				v[i] = min(v[i]+step, 1)
			}
		}
	}
}

// task is a piece of the learning: some panels of a matrix, or a layer's biases.
type task struct {
	m        *matrix
	x, y     []float32
	lists    *kernel.Lists
	layer    int // of the biases, where m is nil
	from, to int
}

// taskPanels is the most panels of a task.
const taskPanels = 8

// tasks cuts the learning into pieces: of all layers, or of the softmax alone.
func (t *trainer) tasks(topOnly bool) []task {
	var all []task
	add := func(m *matrix, x, y []float32, lists *kernel.Lists) {
		width := kernel.Panels(m.Units)
		for from := 0; from < width; from += taskPanels {
			all = append(all, task{m: m, x: x, y: y, lists: lists, from: from, to: min(from+taskPanels, width)})
		}
	}
	first := 1
	if topOnly {
		first = t.top() + 1
	}
	for l := first; l <= t.top()+1; l++ {
		var lists *kernel.Lists
		if l == 1 {
			lists = t.pixels.IfSparse(t.rows, t.layers[0])
		}
		add(t.up[l], t.h[l-1], t.delta[l], lists)
		if l < t.top() {
			add(t.side[l], t.q[l+1], t.delta[l], nil)
		}
		all = append(all, task{layer: l})
	}
	return all
}

// gradient computes a task's part of the gradient.
func (t *trainer) gradient(k task) {
	if k.m == nil {
		g, n := t.bias[k.layer].g, t.units(k.layer)
		clear(g)
		t.set.LearnBias(g[:n], t.delta[k.layer], kernel.Stride(n), t.scale, 1)
		return
	}
	m := k.m
	s := m.Step()
	s.From, s.To = k.from, k.to
	s.Rows, s.X, s.XStride, s.Nonzero = t.rows, k.x, kernel.Stride(m.Below), k.lists
	s.Y, s.YStride = k.y, kernel.Stride(m.Units)
	s.Rate, s.Pull, s.W = 1, t.none, m.g
	clear(m.g[k.from*kernel.Panel*kernel.Padded(m.Below) : k.to*kernel.Panel*kernel.Padded(m.Below)])
	t.set.Learn(&s)
}

// learn makes a task's step, once its gradient is there.
func (t *trainer) learn(k task, rate float32) {
	if k.m == nil {
		v := t.bias[k.layer]
		t.set.Adam(v.w, v.g, v.mean, v.square, rate)
		return
	}
	m := k.m
	from, to := k.from*kernel.Panel*kernel.Padded(m.Below), k.to*kernel.Panel*kernel.Padded(m.Below)
	t.set.Adam(m.w[from:to], m.g[from:to], m.mean[from:to], m.square[from:to], rate)
	m.refresh(t.set, k.from, k.to)
}

// load loads examples into rows from from up.
func (t *trainer) load(e *Examples, index []int, from int) {
	for i, example := range index {
		r := from + i
		e.load(example, t.at(t.h, 0, r)[:t.layers[0]], func(l int) []float32 { return t.at(t.q, l, r)[:t.layers[l]] })
	}
}

// update learns from the examples of index, which are as many as the minibatch has;
// with rate 0 it only computes the gradient.
func (t *trainer) update(e *Examples, index []int, rate float64, topOnly bool) {
	t.meanPart = float64(t.meanPart * kernel.AdamKeepMean)
	t.squarePart = float64(t.squarePart * kernel.AdamKeepSquare)
	adjusted := float32(rate * math.Sqrt(1-t.squarePart) / (1 - t.meanPart))
	labels := make([]byte, t.rows)
	for r := range labels {
		labels[r] = e.Labels[index[r%len(index)]]
	}
	drop := t.c.DropVisible > 0 || t.c.DropHidden > 0
	t.workers.Each(func(worker int) {
		from, to := dbm.Split(len(index), worker, t.threads)
		t.load(e, index[from:to], from)
		t.forward(t.lists[worker], from, to, drop)
		t.backward(from, to, labels, topOnly && t.c.Adversarial == 0)
		if t.c.Adversarial > 0 {
			also := len(index) + from
			t.load(e, index[from:to], also)
			t.perturb(from, also, to-from)
			t.forward(t.lists[t.threads+worker], also, also+to-from, drop)
			t.backward(also, also+to-from, labels, topOnly)
		}
	})
	t.pixels.Transpose(t.lists, t.layers[0])
	tasks := t.tasks(topOnly)
	var next atomic.Int64
	t.workers.Each(func(int) {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(tasks) {
				return
			}
			if t.gradient(tasks[i]); rate > 0 {
				t.learn(tasks[i], adjusted)
			}
		}
	})
	t.updates++
}

// forget lets Adam's averages begin anew: those of the layers that begin to learn
// now are as empty as the corrections by meanPart and squarePart take all to be.
func (t *trainer) forget() {
	t.meanPart, t.squarePart = 1, 1
	for _, v := range t.vectors() {
		clear(v.mean)
		clear(v.square)
	}
}

// Progress is how learning fares after an epoch.
type Progress struct {
	Epoch int
	Wrong int // of the held-out examples; −1 where there are none
}

// Train learns from the examples of index and returns, if held is not empty, with
// the parameters after the epoch with the fewest mistakes on the examples of held,
// the first of them; else with those of the last. progress, if not nil, is called
// after each epoch. When ctx ends, Train returns its cause, and the parameters are those
// of the update in progress.
func (n *Network) Train(ctx context.Context, c Config, e *Examples, index, held []int, progress func(Progress)) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if len(index) == 0 {
		return fmt.Errorf("no examples to learn from")
	}
	batch := min(c.Batch, len(index))
	t := newTrainer(n, c, batch)
	defer t.workers.Close()
	perEpoch := len(index) / batch
	all := float64(c.Epochs) * float64(perEpoch)
	order := append([]int(nil), index...)
	best, fewest := []float32(nil), len(held)+1
	for epoch := range c.Epochs {
		if epoch == c.TopFirst {
			t.forget()
		}
		kernel.Shuffle(order, c.Seed, uint32(epoch+1), kernel.ForOrder)
		for b := range perEpoch {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			t.update(e, order[b*batch:(b+1)*batch], c.LearningRate*(1-float64(t.updates)/all), epoch < c.TopFirst)
		}
		p := Progress{Epoch: epoch + 1, Wrong: -1}
		if len(held) > 0 {
			p.Wrong = n.Mistakes(e, held, c.Threads)
			if p.Wrong < fewest {
				best, fewest = n.Parameters(), p.Wrong
			}
		}
		if progress != nil {
			progress(p)
		}
	}
	if best != nil {
		n.restore(best)
	}
	for _, b := range n.bias[1:] {
		for _, x := range b.w {
			if x-x != 0 {
				return fmt.Errorf("learning has diverged: a bias is %v; try a lower learning rate", x)
			}
		}
	}
	return nil
}

// Gradient is the gradient of the mean log-likelihood of the labels of the examples
// of index, and of their adversarial examples if c asks for them, by each of Parameters.
func (n *Network) Gradient(c Config, e *Examples, index []int) (all []float32) {
	t := newTrainer(n, c, len(index))
	defer t.workers.Close()
	t.update(e, index, 0, false)
	for _, v := range n.vectors() {
		all = append(all, v.g...)
	}
	return all
}

// testRows is how many examples Classes looks at in one go.
const testRows = 200

// Mistakes counts the examples of index whose most probable class is not their
// label.
func (n *Network) Mistakes(e *Examples, index []int, threads int) int {
	wrong := 0
	for r, class := range n.Classes(e, index, threads) {
		if class != int(e.Labels[index[r]]) {
			wrong++
		}
	}
	return wrong
}

// Classes returns the most probable class of each example of index.
func (n *Network) Classes(e *Examples, index []int, threads int) []int {
	classes, _ := n.Predict(e, index, threads)
	return classes
}

// Predict returns the most probable class of each example of index, and the probabilities of
// all: examples × classes.
func (n *Network) Predict(e *Examples, index []int, threads int) (classes []int, probabilities []float32) {
	rows := min(testRows, max(len(index), 1))
	t := newTrainer(n, Config{Threads: threads}, rows)
	defer t.workers.Close()
	for len(index) > 0 {
		part := index[:min(rows, len(index))]
		index = index[len(part):]
		t.workers.Each(func(worker int) {
			from, to := dbm.Split(len(part), worker, t.threads)
			t.load(e, part[from:to], from)
			t.forward(t.lists[worker], from, to, false)
		})
		for r := range part {
			class, p := 0, t.at(t.h, t.top()+1, r)[:n.classes]
			for c := range p {
				if p[c] > p[class] {
					class = c
				}
			}
			classes, probabilities = append(classes, class), append(probabilities, p...)
		}
	}
	return classes, probabilities
}

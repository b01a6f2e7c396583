package dbm

import (
	"runtime"

	"tandem/dbm/kernel"
)

// The step: gradients and new parameters. The weights are learnt in groups of panels
// by whichever worker is free, the upper layers first. Meanwhile worker 0 lists, for
// each pixel, the rows in which it is not 0, which the weights of the first layer wait
// for.

// task is a piece of the step: some panels of a layer's weights, or some of its biases.
type task struct {
	layer, from, to int
	bias            bool
}

// planTasks cuts the step into tasks, the large ones first.
func (u *updater) planTasks() {
	const panels = 4
	for l := len(u.config.Layers) - 1; l > 0; l-- {
		all := kernel.Panels(u.config.Layers[l])
		for from := 0; from < all; from += panels {
			u.tasks = append(u.tasks, task{layer: l, from: from, to: min(from+panels, all)})
		}
	}
	const biases = 16 * kernel.Panel
	for l, n := range u.config.Layers {
		for from := 0; from < n; from += biases {
			u.tasks = append(u.tasks, task{layer: l, from: from, to: min(from+biases, n), bias: true})
		}
	}
}

// learn works on tasks until none is left.
func (w *worker) learn() {
	defer w.trace.enter(Waiting)
	if w.id == 0 {
		w.trace.enter(Packing)
		w.listPixels()
	}
	for {
		w.trace.enter(Gradient)
		i := int(w.next.Add(1)) - 1
		if i >= len(w.tasks) {
			return
		}
		if t := w.tasks[i]; t.bias {
			w.learnBiases(t)
		} else {
			w.learnWeights(t)
		}
	}
}

// listPixels lists, for each visible unit, the rows in which it is not 0, from the
// lists by row that the phases have made.
func (u *updater) listPixels() {
	u.pixels.Transpose(u.rowLists, u.config.Layers[0])
	u.listed.Store(true)
}

// collectRowLists collects these lists in the order of the rows.
func (u *updater) collectRowLists() {
	for _, w := range u.worker {
		u.rowLists = append(u.rowLists, &w.field.lists)
	}
	for _, w := range u.worker {
		u.rowLists = append(u.rowLists, &w.gibbs.lists[0])
	}
	if u.centering != nil {
		u.rowLists = append(u.rowLists, &u.centering.pixels)
	}
}

func (w *worker) learnBiases(t task) {
	x := &w.layers[t.layer]
	for _, b := range x.bias {
		w.set.LearnBias(w.model.Bias[t.layer][t.from:t.to], b.x[t.from:], x.stride, b.weight, float32(w.rate*b.rate))
	}
}

func (w *worker) learnWeights(t task) {
	lower, upper := &w.layers[t.layer-1], &w.layers[t.layer]
	w.kernelStep(t, lower, upper)
	if t.layer == 1 {
		w.waitForPixels()
		w.step.Nonzero = w.pixels.IfSparse(len(w.weight), lower.units)
	}
	w.set.Learn(&w.step)
	if t.layer == 1 {
		w.patches.clear(w.model, t.from, t.to)
	}
	w.trace.enter(Packing)
	w.set.Refresh(&w.step)
	w.model.doubled.refresh(w.set, t.from, t.to)
}

// kernelStep fills in the kernel's step of a task.
func (w *worker) kernelStep(t task, lower, upper *layer) {
	w.step = w.model.Weights[t.layer].Step()
	w.step.From, w.step.To = t.from, t.to
	w.step.Rows, w.step.X, w.step.XStride = len(w.weight), lower.asLower, lower.stride
	w.step.Y, w.step.YStride = upper.scaled, upper.stride
	w.step.Rate, w.step.Pull = float32(w.rate*w.config.relativeRate(t.layer)), w.spring.pull[t.layer]
}

// waitForPixels returns once worker 0 has listed the pixels.
func (w *worker) waitForPixels() {
	if w.listed.Load() {
		return
	}
	w.trace.enter(Waiting)
	for !w.listed.Load() {
		runtime.Gosched()
	}
	w.trace.enter(Gradient)
}

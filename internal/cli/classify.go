package cli

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"tandem/dbm"
	"tandem/dbm/classifier"
	"tandem/dbm/kernel"
	"tandem/mnist"
)

// heldOut is how many of the training images choose the epoch.
const heldOut = 10_000

// classification is what classify finds out.
type classification struct {
	Run          string   `json:"run"`
	Labels       int      `json:"labels"` // that were learnt from
	HeldOut      int      `json:"held_out"`
	HeldOutError *float64 `json:"held_out_error,omitempty"`
	TestError    float64  `json:"test_error"`
	TestWrong    int      `json:"test_wrong"`
	Epochs       int      `json:"epochs"`
	Epoch        int      `json:"epoch"` // that was chosen
	Batch        int      `json:"batch"`
	LearningRate float64  `json:"learning_rate"`
	DropVisible  float64  `json:"drop_visible"`
	DropHidden   float64  `json:"drop_hidden"`
	Adversarial  float64  `json:"adversarial"`
	TopFirst     int      `json:"top_first"`
	Seed         uint64   `json:"seed"`
	Scratch      bool     `json:"scratch"`
	Seconds      float64  `json:"seconds"`
}

// classify is the verb that makes a classifier of a model.
func classify(t *terminal, m *Machine, args []string) (err error) {
	f := flags(t, "tandem classify RUN [flags]")
	c := classifier.Config{Batch: 100, LearningRate: 0.001, DropHidden: 0.3, Adversarial: 0.1}
	labels := f.Int("labels", 0, "`N` training images with labels, as many of each class, and no others held out (default all\n"+blank+"but the last 10,000, which choose the epoch)")
	all := f.Bool("all", false, "learn from all training images; the last epoch is what there is")
	scratch := f.Bool("scratch", false, "begin with random weights, to compare")
	f.IntVar(&c.Epochs, "epochs", 0, "`N` passes over the images (default 200, and with few labels as many as make 5,000 updates)")
	f.IntVar(&c.Batch, "batch", c.Batch, "`N` images an update")
	f.Float64Var(&c.LearningRate, "learning-rate", c.LearningRate, "`X` at the start; it falls to 0 in a straight line")
	f.Float64Var(&c.DropVisible, "drop-visible", c.DropVisible, "`X` probability that a pixel is left out")
	f.Float64Var(&c.DropHidden, "drop-hidden", c.DropHidden, "`X` probability that a hidden unit is left out")
	f.Float64Var(&c.Adversarial, "adversarial", c.Adversarial, "`X` by which each pixel of an image is moved against its label; the images moved are learnt too")
	f.IntVar(&c.TopFirst, "top-first", 3, "`N` epochs at the beginning in which only the softmax learns")
	f.Uint64Var(&c.Seed, "seed", 1, "`N` of order, dropout, choice of images and weights from scratch")
	asJSON := f.Bool("json", false, "for programs")
	h := howFlags(f, t)
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if *labels < 0 || *all && *labels > 0 {
		return usageError{fmt.Errorf("classify: labels: %d; give a number above 0, or --all, or neither", *labels)}
	}
	if err := h.begin(); err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	defer h.end(&err)
	s, train, err := loadWith(found[0], mnist.Train)
	if err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	_, test, err := loadWith(found[0], mnist.Test)
	if err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	for _, set := range []*mnist.Set{train, test} {
		if set.Labels == nil {
			return fmt.Errorf("classify: %s: no labels of the %s images; a classifier needs them", set.Source, set.Name)
		}
	}
	began := time.Now()
	t.last = began
	classes := 0
	for _, l := range append(append([]byte(nil), train.Labels...), test.Labels...) {
		classes = max(classes, int(l)+1)
	}
	index, held, err := choose(train.Labels, classes, *labels, *all, c.Seed)
	if err != nil {
		return usageError{fmt.Errorf("classify: labels: %w", err)}
	}
	c.Threads = h.threads
	if c.Epochs == 0 {
		c.Epochs = max(200, 5000*c.Batch/len(index))
		if len(index) < c.Batch {
			c.Epochs = 5000
		}
	}
	if !flagsGiven(f)["top-first"] {
		c.TopFirst = min(c.TopFirst, max(c.Epochs-1, 0))
	}
	if err := c.Validate(); err != nil {
		return usageError{fmt.Errorf("classify: %w", err)}
	}
	state := s.State
	if *scratch {
		if state, err = random(&s.Settings.Config, c.Seed); err != nil {
			return fmt.Errorf("classify: %w", err)
		}
	}
	prepare := func(set *mnist.Set, images []int) (*classifier.Examples, error) {
		labels := make([]byte, len(images))
		for i, image := range images {
			labels[i] = set.Labels[image]
		}
		row := func(i int, v []float32) { set.Values(v, images[i], mnist.Grey, kernel.Draw{}) }
		return classifier.Prepare(context.Background(), &s.Settings.Config, m.Kernels, state, labels, row, h.threads, t.share("mean field of "+set.Name))
	}
	learn, err := prepare(train, slices.Concat(index, held))
	if err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	n, err := classifier.New(&s.Settings.Config, m.Kernels, state, classes)
	if err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	r := classification{Run: found[0], Labels: len(index), HeldOut: len(held), Epochs: c.Epochs, Epoch: c.Epochs, Batch: min(c.Batch, len(index)),
		LearningRate: c.LearningRate, DropVisible: c.DropVisible, DropHidden: c.DropHidden, Adversarial: c.Adversarial, TopFirst: c.TopFirst, Seed: c.Seed, Scratch: *scratch}
	fewest := len(held) + 1
	start := time.Now()
	used := numbers(len(index) + len(held))
	err = n.Train(context.Background(), c, learn, used[:len(index)], used[len(index):], func(p classifier.Progress) {
		if p.Wrong >= 0 && p.Wrong < fewest {
			fewest, r.Epoch = p.Wrong, p.Epoch
		}
		if now := time.Now(); t.due(now) {
			fields := []string{fmt.Sprintf("epoch %d of %d", p.Epoch, c.Epochs), "ETA " + short(now.Sub(start).Seconds()*float64(c.Epochs-p.Epoch)/float64(p.Epoch))}
			if p.Wrong >= 0 {
				fields = append(fields, fmt.Sprintf("%.2f%% wrong of those held out, at best %.2f%%", 100*float64(p.Wrong)/float64(len(held)), 100*float64(fewest)/float64(len(held))))
			}
			t.progress(now, fields)
		}
	})
	if err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	if len(held) > 0 {
		e := float64(fewest) / float64(len(held))
		r.HeldOutError = &e
	}
	learn = nil // the test images take its room
	look, err := prepare(test, numbers(len(test.Labels)))
	if err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	r.TestWrong = n.Mistakes(look, numbers(len(look.Labels)), h.threads)
	r.TestError = float64(r.TestWrong) / float64(len(test.Labels))
	r.Seconds = time.Since(began).Seconds()
	t.clear()
	if *asJSON {
		return writeJSON(t.out, r)
	}
	from := found[0]
	if *scratch {
		from = "random weights, in the shape of " + from
	}
	rows := [][2]string{
		{"network", fmt.Sprintf("%s-%d, begun with %s", shape(s.Settings.Layers), classes, from)},
		{"learnt from", fmt.Sprintf("%s with labels, %s", number(len(index), "image"), number(r.Epochs, "epoch"))},
	}
	if r.HeldOutError != nil {
		rows = append(rows, [2]string{"held out", fmt.Sprintf("%.2f%% wrong of %s, after epoch %d, which they chose", 100**r.HeldOutError, number(len(held), "image"), r.Epoch)})
	}
	table(t.out, append(rows,
		[2]string{"test error", fmt.Sprintf("%.2f%% (%s of %s images)", 100*r.TestError, count(uint64(r.TestWrong)), count(uint64(len(test.Labels))))},
		[2]string{"took", short(r.Seconds)}))
	return nil
}

// choose picks the images to learn from, and those held out. Of a few labels as
// many are of each class, the first of the images in an order that the seed names.
func choose(labels []byte, classes, few int, all bool, seed uint64) (index, held []int, err error) {
	n := len(labels)
	switch {
	case all:
		return numbers(n), nil, nil
	case few == 0:
		out := min(heldOut, n/6)
		every := numbers(n)
		return every[:n-out], every[n-out:], nil
	case few < classes || few > n:
		return nil, nil, fmt.Errorf("%d; must be %d to %d", few, classes, n)
	}
	order := numbers(n)
	classifier.Shuffle(order, seed, 0)
	left := make([]int, classes)
	for c := range left {
		left[c] = few / classes
		if c < few%classes {
			left[c]++
		}
	}
	for _, i := range order {
		if c := labels[i]; left[c] > 0 {
			left[c]--
			index = append(index, i)
		}
	}
	if len(index) < few {
		return nil, nil, fmt.Errorf("%d; some class has too few images for as many of each", few)
	}
	return index, nil, nil
}

func numbers(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x
}

// random is a state of the same shape with weights of the usual size for a
// network of sigmoids, N(0, 1/units below), and no biases.
func random(c *dbm.Config, seed uint64) (*dbm.State, error) {
	d := *c
	d.Seed, d.InitScale = seed, 1
	s, err := dbm.Initial(&d, nil)
	if err != nil {
		return nil, err
	}
	for l, w := range s.Weights {
		scale := 1 / math.Sqrt(float64(c.Layers[l]))
		for i := range w {
			w[i] = float32(float64(w[i]) * scale)
		}
	}
	return s, nil
}

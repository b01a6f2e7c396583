package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"tandem/dbm"
	"tandem/dbm/classifier"
	"tandem/dbm/kernel"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/npz"
	"tandem/internal/session"
	"tandem/mnist"
)

// classification is what classify finds out.
type classification struct {
	Run          string   `json:"run"`
	Data         string   `json:"data"`              // where the images come from
	DataOther    bool     `json:"data_other"`        // they are not those that the model was trained on
	Labels       int      `json:"labels"`            // that were learnt from
	Network      string   `json:"network,omitempty"` // the file that it comes from; nothing is learnt then
	HeldOut      int      `json:"held_out"`
	HeldOutLast  bool     `json:"held_out_last"` // the last ones, not a share of each class
	HeldOutError *float64 `json:"held_out_error,omitempty"`
	TestSet      string   `json:"test_set"` // test, held-out or data
	TestImages   int      `json:"test_images"`
	TestError    *float64 `json:"test_error"` // null where the examples have no labels
	TestWrong    *int     `json:"test_wrong"`
	TestStdErr   *float64 `json:"test_error_stderr"`
	TestLogLoss  *float64 `json:"test_log_loss"`   // −mean log-probability of the label, in nats
	Commonest    *float64 `json:"commonest_error"` // of saying the commonest class of the examples for all
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

// classifying is a classifier that is being made.
type classifying struct {
	classifier.Config
	choice    choice
	scratch   bool
	asJSON    bool
	topFirst  bool // was given
	other     which
	network   string // file that has it; "": it is learnt
	save      string // file for the network; "": none
	predicted string // file for what it says of the test examples; "": none
	execution *execution

	ctx         context.Context
	terminal    *terminal
	kernels     *kernel.Set
	model       *model
	train, test *mnist.Set
	classes     int
	state       *dbm.State // that the network begins with
	index, held []int      // images to learn from, and held out
}

// classify is the verb that turns a model into a classifier.
func classify(ctx context.Context, t *terminal, m *Machine, args []string) (err error) {
	f, c := classifyFlags(t)
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	switch {
	case c.choice.all && c.choice.few > 0:
		return usageError{fmt.Errorf("labels: %d; give this number, or --all, or neither", c.choice.few)}
	case c.choice.held.n > 0 && (c.choice.all || c.choice.few > 0):
		return usageError{errors.New("hold-out: with --labels or --all no images are held out")}
	}
	if err := c.other.validate(); err != nil {
		return usageError{err}
	}
	if c.network != "" {
		if name := learns(given(f)); name != "" {
			return usageError{fmt.Errorf("%s: nothing is learnt with --network", name)}
		}
	}
	outputs := append(c.execution.outputs(), output{"save", c.save}, output{"predictions", c.predicted})
	if err := t.guard.writes(outputs, append(c.other.inputs(), found[0], c.network)...); err != nil {
		return err
	}
	c.ctx, c.terminal, c.kernels, c.topFirst = ctx, t, m.Kernels, given(f)["top-first"]
	if err := c.open(found[0]); err != nil {
		return err
	}
	if err := c.execution.begin(ctx); err != nil {
		return err
	}
	defer c.execution.end(&err)
	began := time.Now()
	r := &classification{Run: found[0], Data: c.source(), DataOther: c.model.otherData, Network: c.network}
	n, err := c.make(r)
	if err != nil {
		return err
	}
	if err := c.predict(n, r); err != nil {
		return err
	}
	if c.save != "" {
		if err := c.write(n); err != nil {
			return err
		}
	}
	r.Seconds = time.Since(began).Seconds()
	t.clear()
	if c.asJSON {
		return format.JSON(t.out, r)
	}
	c.print(r)
	for _, name := range []string{c.predicted, c.save} {
		if name != "" {
			t.made(name)
		}
	}
	return nil
}

// learns returns the flag of those given that is about learning; "" for none.
func learns(given map[string]bool) string {
	for _, name := range []string{"labels", "hold-out", "all", "scratch", "epochs", "batch", "learning-rate",
		"drop-visible",
		"drop-hidden", "adversarial", "top-first", "seed", "save"} {
		if given[name] {
			return name
		}
	}
	return ""
}

// make learns the network, or reads it from a file.
func (c *classifying) make(r *classification) (*classifier.Network, error) {
	if c.network != "" {
		c.Threads, c.state = c.execution.threads, c.model.State
		return c.read()
	}
	if err := c.settle(); err != nil {
		return nil, err
	}
	r.Labels, r.HeldOut, r.HeldOutLast = len(c.index), len(c.held), c.choice.held.last
	r.Epochs, r.Epoch, r.Batch, r.LearningRate = c.Epochs, c.Epochs, min(c.Batch, len(c.index)), c.LearningRate
	r.DropVisible, r.DropHidden, r.Adversarial = c.DropVisible, c.DropHidden, c.Adversarial
	r.TopFirst, r.Seed, r.Scratch = c.TopFirst, c.Seed, c.scratch
	return c.learn(r)
}

// read reads the network from a file.
func (c *classifying) read() (*classifier.Network, error) {
	z, err := npz.Open(c.network)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	d := &c.model.Settings.Config
	_, shape, err := z.Describe(fmt.Sprintf("c%d", d.Hidden()+1))
	if err != nil || len(shape) != 1 {
		return nil, fmt.Errorf("%s: not a network of classify --save for a model of %s", c.network, format.Shape(d.Layers))
	}
	if known := c.classes; known > shape[0] {
		return nil, fmt.Errorf("%s: a network of %s, but there are labels up to class %d", c.network,
			format.Number(shape[0], "class"), known-1)
	}
	if c.classes = shape[0]; c.classes > 256 {
		return nil, fmt.Errorf("%s: %d classes; at most 256 are allowed", c.network, c.classes)
	}
	if err := c.room(); err != nil {
		return nil, err
	}
	n, err := classifier.FromArrays(d, c.kernels, c.classes, func(name string, want ...int) ([]float32, error) {
		_, shape, err := z.Describe(name)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(shape, want) {
			return nil, fmt.Errorf("%s has shape %s; a network for %s has %s", name, npz.Tuple(shape), format.Shape(d.Layers),
				npz.Tuple(want))
		}
		a, err := z.Array(name, math.MaxInt64)
		if err != nil {
			return nil, err
		}
		x := make([]float32, a.Len())
		if err := a.Float32s(x); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(x, func(v float32) bool { return v-v != 0 }) {
			return nil, fmt.Errorf("%s has numbers that are not finite", name)
		}
		return x, nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.network, err)
	}
	return n, nil
}

// source returns where the examples come from, for an output.
func (c *classifying) source() string {
	if c.train == nil {
		return c.test.Source
	}
	return c.train.Source
}

// predict finds out what the network says of the test examples.
func (c *classifying) predict(n *classifier.Network, r *classification) error {
	examples, err := c.prepare(c.test, numbers(c.test.N()))
	if err != nil {
		return err
	}
	classes, probabilities := n.Predict(examples, numbers(c.test.N()), c.Threads)
	r.TestSet, r.TestImages = c.test.Name, c.test.N()
	if c.test.Labels != nil {
		c.judge(r, classes, probabilities)
	}
	if c.predicted == "" {
		return nil
	}
	return c.terminal.guard.write(c.ctx, c.predicted, func(w io.Writer) error {
		table := csv.NewWriter(w)
		head := []string{"example", "class", "probability"}
		if c.test.Labels != nil {
			head = append(head, "label")
		}
		table.Write(head) // the table keeps its first error
		for i, class := range classes {
			line := []string{strconv.Itoa(i), c.test.ClassName(byte(class)), fmt.Sprint(probabilities[i*c.classes+class])}
			if c.test.Labels != nil {
				line = append(line, c.test.ClassName(c.test.Labels[i]))
			}
			table.Write(line)
		}
		table.Flush()
		return table.Error()
	})
}

// judge compares what the network says with the labels.
func (c *classifying) judge(r *classification, classes []int, probabilities []float32) {
	wrong, loss, counts := 0, 0.0, make([]int, c.classes)
	for i, class := range classes {
		label := int(c.test.Labels[i])
		counts[label]++
		if class != label {
			wrong++
		}
		// A probability that is 0 in float32 counts as the least one that it has.
		loss -= kernel.Log(max(float64(probabilities[i*c.classes+label]), math.SmallestNonzeroFloat32))
	}
	n := float64(len(classes))
	share, commonest := float64(wrong)/n, 1-float64(slices.Max(counts))/n
	rate := (float64(wrong) + 0.5) / (n + 1) // so that none wrong has an error, too
	stdErr := math.Sqrt(rate * (1 - rate) / n)
	loss /= n
	r.TestWrong, r.TestError, r.TestStdErr, r.TestLogLoss, r.Commonest = &wrong, &share, &stdErr, &loss, &commonest
}

// write writes the network for NumPy.
func (c *classifying) write(n *classifier.Network) error {
	return c.terminal.guard.write(c.ctx, c.save, func(w io.Writer) error {
		z := npz.NewWriter(w)
		for _, a := range n.Arrays() {
			if err := z.Floats(a.Name, a.Numbers, a.Shape...); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

// classifyFlags defines the flags of classify.
func classifyFlags(t *terminal) (*flag.FlagSet, *classifying) {
	f := flags(t, "tandem classify RUN [flags]")
	c := &classifying{Config: classifier.Config{Batch: 100, LearningRate: 0.001, DropHidden: 0.3, Adversarial: 0.1}}
	countVar(f, &c.choice.few, "labels", 1, math.MaxInt32, "`N` training images with labels, as many of each class, and "+
		"no others held out (default all but those that --hold-out holds out)")
	f.Var(&c.choice.held, "hold-out", "`N` training images that choose the epoch, of each class its share, drawn by the "+
		"seed; last:N holds out the last ones (default a sixth, at most 10,000)")
	f.BoolVar(&c.choice.all, "all", false, "learn from all training images, and keep the model of the last epoch")
	f.BoolVar(&c.scratch, "scratch", false, "begin with random weights, for comparison")
	countVar(f, &c.Epochs, "epochs", 1, 1<<20,
		"`N` passes over the images (default 200, and with few labels as many as make "+
			"5,000 updates)")
	countVar(f, &c.Batch, "batch", 1, 1<<16, "`N` images per update")
	numberVar(f, &c.LearningRate, "learning-rate", "`X` at the start; it falls to 0 in a straight line")
	numberVar(f, &c.DropVisible, "drop-visible", "`X` probability that a pixel is left out; for comparison")
	numberVar(f, &c.DropHidden, "drop-hidden", "`X` probability that a hidden unit is left out")
	numberVar(f, &c.Adversarial, "adversarial", "`X` by which each pixel of an image is moved against "+
		"its label; the images moved are learnt too")
	c.TopFirst, c.Seed = 3, 1
	countVar(f, &c.TopFirst, "top-first", 0, 1<<20, "`N` epochs at the beginning in which only the softmax learns")
	countVar(f, &c.Seed, "seed", 0, math.MaxUint64, "`N` of order, dropout, choice of images and weights from scratch")
	c.other.labels = true
	c.other.dataFlags(f)
	f.StringVar(&c.predicted, "predictions", "", "`FILE` in CSV for the class of each test example, or of each one of "+
		"--data, and its probability")
	f.StringVar(&c.save, "save", "", "`FILE` of the network for numpy.load: A1, A2, …, Q1, …, c1, … of h = σ(c + h·A + "+
		"q·Q), the last A and c of the classes")
	f.StringVar(&c.network, "network", "", "`FILE` that --save wrote, to say what it says and learn nothing")
	f.BoolVar(&c.asJSON, "json", false, "print JSON, for programs")
	c.execution = executionFlags(f, t)
	return f, c
}

// open reads the model and its images, which must have labels.
func (c *classifying) open(run string) (err error) {
	if c.model, err = load(c.terminal, run); err != nil {
		return err
	}
	if c.network == "" {
		if c.train, err = c.model.images(c.terminal, mnist.Train); err != nil {
			return err
		}
	}
	if c.test, err = c.other.open(c.terminal, c.model); err != nil {
		return err
	}
	if c.other.data != "" {
		c.test.Name = givenSet
	}
	for _, set := range []*mnist.Set{c.train, c.test} {
		if set == nil {
			continue
		}
		if set.Labels == nil && set.Name != givenSet {
			return fmt.Errorf("%s: no labels of the %s examples; a classifier needs them", set.Source, set.Name)
		}
		for _, l := range set.Labels {
			c.classes = max(c.classes, int(l)+1)
		}
	}
	return nil
}

// settle chooses the images, what the flags leave open, and the weights to begin with.
func (c *classifying) settle() (err error) {
	c.choice.seed = c.Seed
	if c.index, c.held, err = c.choice.images(c.train.Labels); err != nil {
		return usageError{err}
	}
	c.Threads = c.execution.threads
	if c.Epochs == 0 {
		c.Epochs = max(200, 5000*c.Batch/len(c.index))
		if len(c.index) < c.Batch {
			c.Epochs = 5000
		}
	}
	if err := c.room(); err != nil {
		return err
	}
	if !c.topFirst {
		c.TopFirst = min(c.TopFirst, max(c.Epochs-1, 0))
	}
	if err := c.Validate(); err != nil {
		return usageError{err}
	}
	c.state = c.model.State
	if c.scratch {
		c.state, err = random(&c.model.Settings.Config, c.Seed)
	}
	return err
}

// room returns an error where there is no room for the work: the state, one with random
// weights, the network and the images.
func (c *classifying) room() error {
	d := &c.model.Settings.Config
	images := len(c.index) + len(c.held)
	need := memory.Sum(2*uint64(d.StateBytes()), c.Config.Memory(d, c.classes, max(images, c.test.N())),
		session.DataMemory(c.test), 4*uint64(c.test.N())*uint64(c.classes))
	if c.train != nil {
		need = memory.Sum(need, session.DataMemory(c.train))
	}
	return room(need, "--batch or --threads")
}

// prepare infers some images of a set.
func (c *classifying) prepare(set *mnist.Set, images []int) (*classifier.Examples, error) {
	labels := make([]byte, len(images))
	for i, image := range images {
		if set.Labels != nil {
			labels[i] = set.Labels[image]
		}
	}
	row := func(i int, v []float32) { set.Values(v, images[i], mnist.Grey, kernel.Draw{}) }
	return classifier.Prepare(c.ctx, &c.model.Settings.Config, c.kernels, c.state, labels, row, c.Threads,
		c.terminal.stage("mean field of "+set.Name))
}

// learn trains the network, and writes down the best epoch on the images held out.
func (c *classifying) learn(r *classification) (*classifier.Network, error) {
	examples, err := c.prepare(c.train, slices.Concat(c.index, c.held))
	if err != nil {
		return nil, err
	}
	n, err := classifier.New(&c.model.Settings.Config, c.kernels, c.state, c.classes)
	if err != nil {
		return nil, err
	}
	fewest, start := len(c.held)+1, time.Now()
	used := numbers(len(c.index) + len(c.held))
	err = n.Train(c.ctx, c.Config, examples, used[:len(c.index)], used[len(c.index):], func(p classifier.Progress) {
		if p.Wrong >= 0 && p.Wrong < fewest {
			fewest, r.Epoch = p.Wrong, p.Epoch
		}
		c.show(p, fewest, start)
	})
	if err != nil {
		return nil, err
	}
	if len(c.held) > 0 {
		e := float64(fewest) / float64(len(c.held))
		r.HeldOutError = &e
	}
	return n, nil
}

// show shows progress.
func (c *classifying) show(p classifier.Progress, fewest int, start time.Time) {
	now := time.Now()
	if !c.terminal.due(now) {
		return
	}
	left := now.Sub(start).Seconds() * float64(c.Epochs-p.Epoch) / float64(p.Epoch)
	fields := []string{fmt.Sprintf("epoch %d of %d", p.Epoch, c.Epochs), "ETA " + format.Duration(left)}
	if p.Wrong >= 0 {
		of := float64(len(c.held))
		fields = append(fields, fmt.Sprintf("%.2f%% wrong of those held out, at best %.2f%%", 100*float64(p.Wrong)/of,
			100*float64(fewest)/of))
	}
	c.terminal.progress(now, fields)
}

// print prints a table.
func (c *classifying) print(r *classification) {
	from := r.Run
	if r.Scratch {
		from = "random weights, in the shape of " + from
	}
	network := fmt.Sprintf("%s-%d, begun with %s", format.Shape(c.model.Settings.Layers), c.classes, from)
	if r.Network != "" {
		network = fmt.Sprintf("%s-%d of %s", format.Shape(c.model.Settings.Layers), c.classes, r.Network)
	}
	rows := [][2]string{{"network", network}}
	if r.Network == "" {
		rows = append(rows, [][2]string{{"examples", c.model.source(c.train)}, {"learnt from", fmt.Sprintf("%s with "+
			"labels, %s",
			format.Number(r.Labels, "example"), format.Number(r.Epochs, "epoch"))}}...)
	}
	if r.HeldOutError != nil {
		rows = append(rows, [2]string{"chosen", fmt.Sprintf("epoch %d, by %s not learnt from: %.2f%% misclassified", r.Epoch,
			format.Number(r.HeldOut, "example"), 100**r.HeldOutError)})
	}
	if r.TestError != nil {
		rows = append(rows, [][2]string{{"error, " + r.TestSet, fmt.Sprintf("%.2f ± %.2f%% (%s of %s)", 100**r.TestError,
			100**r.TestStdErr, format.Count(uint64(*r.TestWrong)), format.Number(r.TestImages, "example"))},
			{"", fmt.Sprintf("log-loss %.4f nats; always the commonest class: %.2f%% misclassified", *r.TestLogLoss,
				100**r.Commonest)}}...)
	}
	table(c.terminal.out, append(rows, [2]string{"took", format.Duration(r.Seconds)}))
}

// numbers returns the numbers from 0 to n-1.
func numbers(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x
}

// random returns a state of the same shape with weights of the usual size for a
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

package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/internal/runs"
	"tandem/mnist"
)

// model is a model of known log Z.
type model struct {
	name, kind string
	make       maker
}

// maker makes a model, with a folder to work in. It returns its state, its layers, its log Z
// and examples.
type maker func(s *study, dir string) (*dbm.State, []int, float64, []byte, error)

// examples is how many examples a model has: they say where replicas begin.
const examples = 1000

// models returns the models.
func models() []model {
	return []model{
		{"random 30-18", "easy", random(1, 0.5, 30, 18)},
		{"random 60-20", "easy", random(2, 0.4, 60, 20)},
		{"random 25-15-20", "easy", random(3, 0.6, 25, 15, 20)},
		{"random 40-12-30-8", "easy", random(4, 0.7, 40, 12, 30, 8)},
		{"784-20, 2,000 updates", "full", trained(2000, 784, 20)},
		{"784-20, 40,000 updates", "full", trained(40000, 784, 20)},
		{"784-20-1000, 20,000 updates", "full", trained(20000, 784, 20, 1000)},
		{"28 blocks of 28-18", "full", blocks(28, 5000, 18)},
		{"28 blocks of 28-18, trained longer", "full", blocks(28, 40000, 18)},
		{"28 blocks of 28-18-36", "full", blocks(28, 10000, 18, 36)},
		{"14 blocks of 56-20", "full", blocks(14, 20000, 20)},
		{"14 blocks of 56-18-40", "full", blocks(14, 20000, 18, 40)},
		{"7 blocks of 112-20", "full", blocks(7, 20000, 20)},
		{"7 blocks of 112-20-60", "full", blocks(7, 20000, 20, 60)},
		{"uniform 784-500, below its transition", "full", uniform(0.8, 784, 500)},
		{"uniform 784-500, at its transition", "full", uniform(1, 784, 500)},
		{"uniform 784-500, beyond its transition", "full", uniform(1.15, 784, 500)},
		{"uniform 784-500-1000, below its transition", "full", uniform(0.8, 784, 500, 1000)},
		{"uniform 784-500-1000, at its transition", "full", uniform(1, 784, 500, 1000)},
		{"uniform 784-500-1000, beyond its transition", "full", uniform(1.15, 784, 500, 1000)},
		{"one deep narrow well", "hidden", well(784, 20, 0.9)},
		{"a well that no example shows, beside trained blocks", "hidden", wellBeside(28, 5000, 18)},
		{"uniform 784-500, far beyond, with a field", "hidden", tilted(1.6, 0.02, 784, 500)},
		{"a wide mode and a narrow one that no example shows", "hidden", twoModes(0.9, false, 784, 500)},
		{"a wide mode and a narrow one that half of the examples show", "hidden", twoModes(0.9, true, 784, 500)},
	}
}

// make makes a model, unless it is there, and returns its file and its log Z.
func (s *study) make(m *model) (file string, exact float64, err error) {
	dir, err := filepath.Abs(filepath.Join(s.dir, fmt.Sprintf("model-%02d", place(m.name))))
	if err != nil {
		return "", 0, err
	}
	file, known := filepath.Join(dir, "model.npz"), filepath.Join(dir, "log-z")
	if data, err := os.ReadFile(known); err == nil {
		_, err := fmt.Sscan(string(data), &exact)
		return file, exact, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", 0, err
	}
	state, layers, exact, images, err := m.make(s, dir)
	if err != nil {
		return "", 0, err
	}
	data := filepath.Join(dir, "data")
	n := len(images) / layers[0]
	if err := writeImages(data, "train", n, 1, layers[0], images); err != nil {
		return "", 0, err
	}
	if err := writeImages(data, "t10k", min(n, 20), 1, layers[0], images); err != nil {
		return "", 0, err
	}
	settings, err := runs.Preset("quick")
	if err != nil {
		return "", 0, err
	}
	settings.Layers, settings.Data, settings.Alpha = layers, data, make([]float64, len(layers)-1)
	state.Updates = 1
	settings.Updates = 1
	state.Mu = make([]float64, len(layers)-1)
	f, err := os.Create(file)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	header := runs.Header{Version: "coverage", Numerics: kernel.Version, Updates: 1, Settings: settings}
	c := &runs.Checkpoint{Header: header, State: state}
	if err := c.WriteModel(f, false); err != nil {
		return "", 0, err
	}
	return file, exact, os.WriteFile(known, fmt.Append(nil, exact), 0o666)
}

// writeImages writes a set of images in IDX format.
func writeImages(dir, set string, n, rows, columns int, pixels []byte) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	b := []byte{0, 0, 8, 3}
	for _, x := range []int{n, rows, columns} {
		b = binary.BigEndian.AppendUint32(b, uint32(x))
	}
	return os.WriteFile(filepath.Join(dir, set+"-images-idx3-ubyte"), append(b, pixels[:n*rows*columns]...), 0o666)
}

// empty returns a state of zeros.
func empty(layers []int) *dbm.State {
	s := new(dbm.State)
	for l, n := range layers {
		s.Biases = append(s.Biases, make([]float32, n))
		if l > 0 {
			s.Weights = append(s.Weights, make([]float32, layers[l-1]*n))
		}
	}
	return s
}

// coins returns examples of pixels that are 0 or 255 with even chances.
func coins(n int) []byte {
	r := rand.New(rand.NewPCG(5, 6))
	b := make([]byte, examples*n)
	for i := range b {
		b[i] = byte(r.IntN(2) * 255)
	}
	return b
}

// exactly returns log Z by enumeration.
func exactly(layers []int, s *dbm.State) (float64, error) {
	return likelihood.ExactLogZ(context.Background(), &dbm.Config{Layers: layers}, s, 2, nil)
}

// random returns a model of Gaussian weights.
func random(seed uint64, scale float64, layers ...int) maker {
	return func(*study, string) (*dbm.State, []int, float64, []byte, error) {
		r := rand.New(rand.NewPCG(seed, 0))
		s := empty(layers)
		for _, arrays := range [][][]float32{s.Weights, s.Biases} {
			for _, x := range arrays {
				for i := range x {
					x[i] = float32(scale * r.NormFloat64())
				}
			}
		}
		z, err := exactly(layers, s)
		return s, layers, z, coins(layers[0]), err
	}
}

// train trains a model of some images.
func (s *study) train(dir string, updates, n, rows, columns int, pixels []byte, layers []int) (*dbm.State, error) {
	if err := writeImages(dir, "train", n, rows, columns, pixels); err != nil {
		return nil, err
	}
	list := ""
	for i, units := range layers {
		if i > 0 {
			list += ","
		}
		list += fmt.Sprint(units)
	}
	run := filepath.Join(dir, "run")
	os.RemoveAll(run)
	last := fmt.Sprint(updates)
	if _, err := s.command("train", "--quiet", "--preset", "best", "--data", dir, "--layers", list, "--pretrain", "0",
		"--updates", last, "--learning-rate-end", last, "--out", run); err != nil {
		return nil, err
	}
	c, err := runs.ReadCheckpoint(run)
	if err != nil {
		return nil, err
	}
	os.RemoveAll(run)
	return c.State, nil
}

// trained returns a model of MNIST whose log Z can be enumerated.
func trained(updates int, layers ...int) maker {
	return func(s *study, dir string) (*dbm.State, []int, float64, []byte, error) {
		set, err := mnist.Open("", mnist.Train)
		if err != nil {
			return nil, nil, 0, nil, err
		}
		state, err := s.train(filepath.Join(dir, "work"), updates, set.N(), 28, 28, set.Images.Pixels, layers)
		if err != nil {
			return nil, nil, 0, nil, err
		}
		z, err := exactly(layers, state)
		return state, layers, z, set.Images.Pixels[:examples*784], err
	}
}

// blocks returns the direct sum of models that are each trained on a strip of the images,
// with the units of each layer shuffled.
func blocks(n, updates int, hidden ...int) maker {
	return func(s *study, dir string) (*dbm.State, []int, float64, []byte, error) {
		set, err := mnist.Open("", mnist.Train)
		if err != nil {
			return nil, nil, 0, nil, err
		}
		part := append([]int{784 / n}, hidden...)
		layers := make([]int, len(part))
		for l := range part {
			layers[l] = part[l] * n
		}
		r := rand.New(rand.NewPCG(uint64(n), uint64(updates)))
		var places [][]int
		for _, units := range layers {
			places = append(places, r.Perm(units))
		}
		state, exact := empty(layers), 0.0
		for b := range n {
			strip := make([]byte, 0, set.N()*part[0])
			for i := range set.N() {
				strip = append(strip, set.Image(i)[b*part[0]:(b+1)*part[0]]...)
			}
			block, err := s.train(filepath.Join(dir, "work"), updates, set.N(), 1, part[0], strip, part)
			if err != nil {
				return nil, nil, 0, nil, err
			}
			z, err := exactly(part, block)
			if err != nil {
				return nil, nil, 0, nil, err
			}
			exact += z
			insert(state, layers, block, part, places, b)
		}
		images := make([]byte, examples*784)
		for i := range examples {
			for j, x := range set.Image(i) {
				images[i*784+places[0][j]] = x
			}
		}
		return state, layers, exact, images, nil
	}
}

// insert puts block b into a state.
func insert(s *dbm.State, layers []int, block *dbm.State, part []int, places [][]int, b int) {
	for l, n := range part {
		for j := range n {
			to := places[l][b*n+j]
			s.Biases[l][to] = block.Biases[l][j]
			if l == 0 {
				continue
			}
			for i := range part[l-1] {
				from := places[l-1][b*part[l-1]+i]
				s.Weights[l-1][from*layers[l]+to] = block.Weights[l-1][i*n+j]
			}
		}
	}
}

// uniform returns a model whose weights are all the same, and which is the same with all
// units turned. strength is 1 at its transition. Its Z is a sum over the number of units of
// the middle layer that are on.
func uniform(strength float64, layers ...int) maker {
	return tilted(strength, 0, layers...)
}

// tilted is uniform with a field on the visible units.
func tilted(strength, field float64, layers ...int) maker {
	return func(*study, string) (*dbm.State, []int, float64, []byte, error) {
		middle, others := layers[1], 0
		for l := 0; l < len(layers); l += 2 {
			others += layers[l]
		}
		w := float32(4 * strength / math.Sqrt(float64(middle)*float64(others)))
		s := empty(layers)
		for _, x := range s.Weights {
			for i := range x {
				x[i] = w
			}
		}
		for l, b := range s.Biases {
			for j := range b {
				if b[j] = -w / 2 * float32(middle); l == 1 {
					b[j] = -w / 2 * float32(others)
				}
				if l == 0 {
					b[j] += float32(field)
				}
			}
		}
		return s, layers, logSum(uniformTerms(s, layers)), coins(layers[0]), nil
	}
}

// uniformTerms returns the logarithm of Z's part with k units of the middle layer on, for each
// k, of a model whose units of each layer are all alike.
func uniformTerms(s *dbm.State, layers []int) []float64 {
	middle := layers[1]
	terms := make([]float64, middle+1)
	for k := range terms {
		a, _ := math.Lgamma(float64(middle + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(middle - k + 1))
		terms[k] = a - b - c + float64(k)*float64(s.Biases[1][0])
		for l := 0; l < len(layers); l += 2 {
			x := float64(s.Biases[l][0]) + float64(k)*float64(s.Weights[0][0])
			terms[k] += float64(layers[l]) * (max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))))
		}
	}
	return terms
}

// twoModes returns a model whose weights are all the same: with the hidden units off, the
// visible ones are on at random; with the hidden units on, all are. That narrow mode has a
// share of the probability, and half of the examples show it, or none.
func twoModes(share float64, shown bool, visible, hidden int) maker {
	return func(*study, string) (*dbm.State, []int, float64, []byte, error) {
		layers, s := []int{visible, hidden}, empty([]int{visible, hidden})
		for i := range s.Weights[0] {
			s.Weights[0][i] = 0.02
		}
		for i := range s.Biases[0] {
			s.Biases[0][i] = -2
		}
		low, high := -100.0, 0.0
		var terms []float64
		for range 60 {
			for j := range s.Biases[1] {
				s.Biases[1][j] = float32((low + high) / 2)
			}
			terms = uniformTerms(s, layers)
			if math.Exp(logSum(terms[hidden/2:])-logSum(terms)) < share {
				low = (low + high) / 2
			} else {
				high = (low + high) / 2
			}
		}
		r := rand.New(rand.NewPCG(7, 8))
		images := make([]byte, examples*visible)
		for i := range images {
			narrow := shown && i/visible%2 == 1
			if narrow || r.Float64() < 1/(1+math.Exp(2)) {
				images[i] = 255
			}
		}
		return s, layers, logSum(terms), images, nil
	}
}

func logSum(x []float64) float64 {
	top, sum := math.Inf(-1), 0.0
	for _, v := range x {
		top = max(top, v)
	}
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

// well returns a model of coins, with one hidden unit that is on only where nearly all
// visible units are, and that has a share of the probability.
func well(visible, hidden int, share float64) maker {
	return func(*study, string) (*dbm.State, []int, float64, []byte, error) {
		layers := []int{visible, hidden}
		s := empty(layers)
		dig(s, visible, hidden, float64(visible)*math.Ln2, share)
		z, err := exactly(layers, s)
		return s, layers, z, coins(visible), err
	}
}

// dig makes hidden unit 0 a well: on, it holds the visible units at 1, and has a share of
// the probability. logZ is that of the visible units without it.
func dig(s *dbm.State, visible, hidden int, logZ, share float64) {
	const strength = 8
	on := 0.0
	for i := range visible {
		s.Weights[0][i*hidden] = strength
		x := float64(s.Biases[0][i]) + strength
		on += max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
	}
	s.Biases[1][0] = float32(logZ + math.Log(share/(1-share)) - on)
}

// wellBeside is blocks with one more hidden unit, a well.
func wellBeside(n, updates int, hidden int) maker {
	return func(s *study, dir string) (*dbm.State, []int, float64, []byte, error) {
		old, layers, logZ, images, err := blocks(n, updates, hidden)(s, dir)
		if err != nil {
			return nil, nil, 0, nil, err
		}
		more := []int{layers[0], layers[1] + 1}
		state := empty(more)
		copy(state.Biases[0], old.Biases[0])
		copy(state.Biases[1][1:], old.Biases[1])
		for i := range layers[0] {
			copy(state.Weights[0][i*more[1]+1:(i+1)*more[1]], old.Weights[0][i*layers[1]:(i+1)*layers[1]])
		}
		// On, the unit holds the visible units at 1, so that the others are nearly independent.
		on := 0.0
		for i := range layers[0] {
			state.Weights[0][i*more[1]] = 100
		}
		for j := range layers[1] {
			x := float64(old.Biases[1][j])
			for i := range layers[0] {
				x += float64(old.Weights[0][i*layers[1]+j])
			}
			on += max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
		}
		for i := range layers[0] {
			on += float64(old.Biases[0][i]) + 100
		}
		state.Biases[1][0] = float32(logZ + math.Log(9) - on)
		exact := logSum([]float64{logZ, on + float64(state.Biases[1][0])})
		return state, more, exact, images, nil
	}
}

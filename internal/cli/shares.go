package cli

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"tandem/dbm"
	"tandem/dbm/classifier"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/mnist"
)

// judge is a classifier that says of which class samples are.
type judge struct {
	ctx      context.Context
	terminal *terminal
	kernels  *kernel.Set
	model    *model
	network  *classifier.Network
	classes  int
	threads  int
}

// judgeEpochs is how many epochs the classifier of samples learns, on all training images. It
// misclassifies 2% of MNIST's test images then, which is less than what shares are uncertain by.
const judgeEpochs = 5

// newJudge makes a classifier from the model and the labels of its training images.
func newJudge(ctx context.Context, t *terminal, k *kernel.Set, s *model, training *mnist.Set, seed uint64,
	threads int) (*judge, error) {
	c := &classifying{ctx: ctx, terminal: t, kernels: k, model: s, train: training, test: training, state: s.State,
		Config: classifier.Config{Batch: 100, LearningRate: 0.001, DropHidden: 0.3, Epochs: judgeEpochs, TopFirst: 1,
			Seed: seed, Threads: threads}}
	c.classes, c.index = int(slices.Max(training.Labels))+1, numbers(len(training.Labels))
	if err := c.room(); err != nil {
		return nil, err
	}
	n, err := c.learn(new(classification))
	return &judge{ctx, t, k, s, n, c.classes, threads}, err
}

// shares returns the share of each class among samples: samples × visible units.
func (j *judge) shares(samples []float32) ([]float64, error) {
	visible := j.model.Settings.Layers[0]
	n := len(samples) / visible
	row := func(i int, v []float32) { copy(v, samples[i*visible:][:visible]) }
	e, err := classifier.Prepare(j.ctx, &j.model.Settings.Config, j.kernels, j.model.State, make([]byte, n), row,
		j.threads, nil)
	if err != nil {
		return nil, err
	}
	shares := make([]float64, j.classes)
	for _, class := range j.network.Classes(e, numbers(n), j.threads) {
		shares[class] += 1 / float64(n)
	}
	return shares, nil
}

// group is the shares of classes in some samples, with their errors.
type group struct {
	name          string
	share, stdErr []float64
}

// ensembles returns the shares in some ensembles, with the error between these.
func (j *judge) ensembles(name string, of []likelihood.Ensemble) (group, error) {
	var each [][]float64
	for i := range of {
		shares, err := j.shares(of[i].Samples)
		if err != nil {
			return group{}, err
		}
		each = append(each, shares)
	}
	g := group{name: name}
	for class := range j.classes {
		var x []float64
		for _, shares := range each {
			x = append(x, shares[class])
		}
		mean, stdErr := meanAndError(x)
		g.share, g.stdErr = append(g.share, mean), append(g.stdErr, stdErr)
	}
	return g, nil
}

// chains returns the shares in independent chains.
func (j *judge) chains(name string, g *dbm.Sampler) (group, error) {
	means := g.Means()
	shares, err := j.shares(means)
	n := float64(len(means) / j.model.Settings.Layers[0])
	found := group{name: name, share: shares}
	for _, p := range shares {
		p = (p*n + 1) / (n + 2) // not 0 where there was none
		found.stdErr = append(found.stdErr, math.Sqrt(p*(1-p)/n))
	}
	return found, err
}

// freshSweeps is how many sweeps chains make that begin with fair coins.
const freshSweeps = 1000

// groups returns the shares at equilibrium, those of its two halves, and those of chains.
func (j *judge) groups(x *likelihood.Exchanged, fresh int, seed uint64) ([]group, error) {
	var halves [2][]likelihood.Ensemble
	for i, e := range x.Ensembles {
		halves[i%2] = append(halves[i%2], e)
	}
	var all []group
	for _, part := range []struct {
		name string
		of   []likelihood.Ensemble
	}{{"equilibrium", x.Ensembles}, {"begun independent", halves[0]}, {"begun at images", halves[1]}} {
		g, err := j.ensembles(part.name, part.of)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	for _, n := range []int{0, fresh} {
		if n == 0 && !j.model.State.HasChains() {
			continue
		}
		s, err := dbm.NewSampler(&j.model.Settings.Config, j.kernels, j.model.State, n, seed)
		if err != nil {
			return nil, err
		}
		name := "chains of training"
		for i := 0; i < freshSweeps && n > 0; i++ {
			if name = "new chains"; j.ctx.Err() != nil {
				return nil, context.Cause(j.ctx)
			}
			s.Sweep()
			j.terminal.count("sweep of new chains", i+1, freshSweeps)
		}
		g, err := j.chains(name, s)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// shareRows returns a row for each class, by its name, and a warning for each group that is not
// like the first, or where the second is not like the third.
func shareRows(groups []group, name func(class byte) string) [][2]string {
	head := ""
	for _, g := range groups {
		head += fmt.Sprintf("%-20s", g.name)
	}
	rows := [][2]string{{"class", strings.TrimRight(head, " ")}}
	for class := range groups[0].share {
		line := ""
		for _, g := range groups {
			line += fmt.Sprintf("%-20s", fmt.Sprintf("%.1f ± %.1f%%", 100*g.share[class], 100*g.stdErr[class]))
		}
		rows = append(rows, [2]string{name(byte(class)), strings.TrimRight(line, " ")})
	}
	warn := func(a, b *group, text string) {
		if class, errors := a.apart(b); errors > alarm {
			rows = append(rows, [2]string{"warning", fmt.Sprintf("%s: the share of class %s is %.1f errors away", text,
				name(byte(class)), errors)})
		}
	}
	warn(&groups[1], &groups[2], "the ensembles have not forgotten where they began")
	for i := range groups[3:] {
		warn(&groups[0], &groups[3+i], groups[3+i].name+" are not at equilibrium")
	}
	return rows
}

// apart returns the class whose shares are furthest apart, and by how many errors.
func (g *group) apart(other *group) (class int, errors float64) {
	for i := range g.share {
		err := math.Hypot(g.stdErr[i], other.stdErr[i])
		if d := math.Abs(g.share[i] - other.share[i]); d > errors*err {
			class, errors = i, d/err
		}
	}
	return class, errors
}

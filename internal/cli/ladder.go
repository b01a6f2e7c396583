package cli

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/internal/figure"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/session"
	"tandem/mnist"
)

// What sample --ladder runs.
const (
	ladderEnsembles = 8
	ladderSweeps    = 4000 // of each, unless --sweeps says otherwise
	ladderKept      = 100  // samples of each at least, for the mean pixel
	mostLadder      = 8000 // samples
)

// sampleLadder draws samples at equilibrium, and compares them with the chains of training.
func (t *terminal) sampleLadder(ctx context.Context, m *Machine, s *model, n int, o *sampling, out string) error {
	training, err := o.beginning(t, s)
	if err != nil {
		return err
	}
	c, threads := &s.Settings.Config, runtime.GOMAXPROCS(0)
	each := (n + ladderEnsembles - 1) / ladderEnsembles
	example := func(i int, v []float32) { training.Values(v, i%training.N(), mnist.Fixed, kernel.Draw{}) }
	more := (ladderKept + each - 1) / each // samples for the mean pixel, for each that is drawn
	how := likelihood.Exchange{Ensembles: ladderEnsembles, Sweeps: max(o.sweeps, likelihood.LeastSweeps, 2*each*more),
		Seed: o.seed, Samples: each * more, Example: example}
	effort := likelihood.Effort{Exchange: &how, Threads: threads}
	need := memory.Sum(uint64(s.Settings.StateBytes()), effort.Memory(c, 0), samplesMemory(c, n, 0),
		session.DataMemory(training))
	if err := room(need, "--ladder"); err != nil {
		return err
	}
	how.Base, err = likelihood.BaseOf(ctx, c, m.Kernels, s.State, training.Mean(mnist.Fixed), training.N(), example,
		threads)
	if err != nil {
		return err
	}
	if o.classes && training.Labels == nil { // before the work
		return fmt.Errorf("classes: %s has no labels, from which a classifier could learn", training.Source)
	}
	how.Threads, how.Progress = threads, t.stage(string(likelihood.StageExchange))
	x, err := how.Run(ctx, c, m.Kernels, s.State)
	if err != nil {
		return err
	}
	var shares [][2]string
	if o.classes {
		j, err := newJudge(ctx, t, m.Kernels, s, training, o.seed, threads)
		if err != nil {
			return err
		}
		groups, err := j.groups(x, max(n, standardFresh), o.seed)
		if err != nil {
			return err
		}
		shares = shareRows(groups, training.ClassName)
	}
	var grids []figure.Grid
	for half, name := range []string{"independent units", "training images"} {
		var tiles []float32
		for i := half; i < len(x.Ensembles); i += 2 {
			for row := range slices.Chunk(x.Ensembles[i].Samples, c.Layers[0]*more) {
				tiles = append(tiles, row[len(row)-c.Layers[0]:]...)
			}
		}
		tiles = tiles[:min(len(tiles), (n+1-half)/2*c.Layers[0])]
		if len(tiles) > 0 {
			grids = append(grids, s.samples(fmt.Sprintf("%d at equilibrium, from ensembles that began at %s",
				len(tiles)/c.Layers[0], name), tiles))
		}
	}
	if o.npz != "" {
		all := slices.Concat(tilesOf(grids)...)
		if err := s.writeSamples(ctx, o.npz, all, drawn(all, c.Layers[0], o.seed), nil); err != nil {
			return err
		}
	}
	title := fmt.Sprintf("samples of %s after %s updates", format.Shape(c.Layers), format.Count(s.State.Updates))
	name, err := s.draw(ctx, out, fmt.Sprintf("samples-ladder-%d.png", how.Sweeps), title, grids)
	if err != nil {
		return err
	}
	t.clear()
	table(t.out, slices.Concat(ladderRows(x), inkRows(c, m.Kernels, s.State, x), shares))
	t.made(name)
	if o.npz != "" {
		t.made(o.npz)
	}
	return nil
}

// tilesOf returns the tiles of each grid.
func tilesOf(grids []figure.Grid) (all [][]float32) {
	for _, g := range grids {
		all = append(all, g.Tiles)
	}
	return all
}

// drawn returns states drawn with probabilities: samples × units.
func drawn(probabilities []float32, units int, seed uint64) []byte {
	row, states := make([]float32, units), make([]byte, 0, len(probabilities))
	for i := range len(probabilities) / units {
		kernel.Draw{Seed: seed, Row: uint32(i), Tag: kernel.Tag(kernel.ForSamples, 0, 1)}.Bernoulli(row,
			probabilities[i*units:][:units])
		for _, x := range row {
			states = append(states, byte(x))
		}
	}
	return states
}

// ladderRows returns rows that say how far the replicas have mixed.
func ladderRows(x *likelihood.Exchanged) [][2]string {
	rows := [][2]string{{"ladder", fmt.Sprintf("%d ensembles of %s sweeps, %d temperatures", len(x.Ensembles),
		format.Count(uint64(x.Sweeps)), len(x.Betas))},
		{"mixing", fmt.Sprintf("least overlap %.2f, round trips %d, autocorrelation times %.0f", x.Overlap, x.Trips,
			x.Times)}}
	for _, why := range x.Distrust() {
		rows = append(rows, [2]string{"", "perhaps not at equilibrium: " + why})
	}
	return rows
}

// alarm is how many errors the chains of training may be from equilibrium.
const alarm = 4.0

// inkRows compares the mean of the visible units, over all of them, at equilibrium and in
// the chains of training.
func inkRows(c *dbm.Config, k *kernel.Set, s *dbm.State, x *likelihood.Exchanged) [][2]string {
	var each []float64
	for i := range x.Ensembles {
		each = append(each, meanOf(x.Ensembles[i].Samples))
	}
	ink, err := meanAndError(each)
	rows := [][2]string{{"mean pixel", fmt.Sprintf("%.4f ± %.4f at equilibrium", ink, err)}}
	if !s.HasChains() {
		return rows
	}
	g, failed := dbm.NewSampler(c, k, s, 0, 0)
	if failed != nil {
		return rows
	}
	var chains []float64
	for row := range slices.Chunk(g.Means(), c.Layers[0]) {
		chains = append(chains, meanOf(row))
	}
	other, otherErr := meanAndError(chains)
	rows = append(rows, [2]string{"", fmt.Sprintf("%.4f ± %.4f in the chains of training", other, otherErr)})
	if apart := math.Abs(ink-other) / math.Hypot(err, otherErr); apart > alarm {
		rows = append(rows, [2]string{"warning", fmt.Sprintf("the chains of training are not at equilibrium: they are %.1f "+
			"errors away", apart)})
	}
	return rows
}

func meanOf(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v)
	}
	return sum / float64(len(x))
}

// meanAndError returns the mean of independent numbers, and its standard error.
func meanAndError(x []float64) (mean, stdErr float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		stdErr += float64((v-mean)*(v-mean)) / float64(len(x)-1) / float64(len(x))
	}
	return mean, math.Sqrt(stdErr)
}

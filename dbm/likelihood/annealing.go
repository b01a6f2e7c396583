package likelihood

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Annealed importance sampling (Neal 2001; for these models Salakhutdinov and
// Murray 2008, Salakhutdinov and Hinton 2009). At inverse temperature β all
// weights count β times and the biases are (1−β)·a + β·b, with b those of the model
// and a those of the base, independent units. At β = 0 all units are independent and
// log Z is known. A run draws the smaller side s at β = 0, and then for each next β
// adds log p*_β(s) − log p*_β'(s), β' being the one before and p* the unnormalised
// probability with the other side summed out, to its log-weight, and makes a sweep
// at β. The mean of the weights, times Z at β = 0, is an unbiased estimate of Z; its
// logarithm is too low on average, much too low if no run finds where the mass is.
//
// The weights of runs that continue, and go down again, say how noisy those of the runs up
// are, and nothing else: with an exact sample as start their mean estimates 1/Z (Burda,
// Grosse and Salakhutdinov 2015), but there are only the ends of the runs up, each counted
// with its weight (Neal 2001), and the mean of exp(up + down) is 1 for every model.

// Annealing is what to do.
type Annealing struct {
	Runs         int
	Temperatures int                // in each run, the first and the last included
	Sweeps       int                // at β = 1 between a run up and the run down that starts from it
	Ladder       []float32          // from 0 to 1, of which the temperatures divide each rung evenly; nil: fixed ones
	Before       []float64          // log-weights of runs up that were made before, with UpOnly; Runs counts them
	UpOnly       bool               // no runs down
	Base         Base               // the model at β = 0; nil: that of the model's visible biases
	Seed         uint64             // with a run's number, of its random numbers
	First        int                // number of the first run
	Threads      int                // do not show in the numbers
	Progress     func(done float64) // if not nil, receives the fraction done; called by one goroutine at a time
}

// Anneal makes the runs up, and down again. When ctx ends, it returns its cause.
func Anneal(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, o Annealing) (*Weights, error) {
	m, err := dbm.NewModel(c, set, s)
	if err != nil {
		return nil, err
	}
	if err := o.validate(c); err != nil {
		return nil, err
	}
	base, err := o.Base.biases(m)
	if err != nil {
		return nil, err
	}
	p := newPath(m, base)
	w := &Weights{LogZ0: logZ0(m.Layers, base), Up: make([]float64, o.Runs)}
	if !o.UpOnly {
		w.Down = make([]float64, o.Runs)
	}
	betas := schedule(o.Temperatures)
	if o.Ladder != nil {
		betas = refine(o.Ladder, o.Temperatures)
	}
	done := copy(w.Up, o.Before)
	threads := dbm.Useful(o.Threads, o.Runs-done, 1)
	size := o.together(threads)
	progress := o.progress()
	err = dbm.Blocks(ctx, o.Runs-done, size, threads, func(_, from, to int) {
		from, to = from+done, to+done
		a := newAnnealer(p, set, to-from, o.Seed, o.First+from)
		a.stopped = func() bool { return ctx.Err() != nil }
		a.tick = func() { progress(to - from) }
		a.start(kernel.ForAnnealing)
		a.anneal(betas, kernel.ForAnnealing, w.Up[from:to])
		if o.UpOnly {
			return
		}
		for i := 0; i < o.Sweeps && !a.stopped(); i++ {
			a.sweep(1, kernel.Draw{Update: uint32(i), Tag: kernel.Tag(kernel.ForReverse, 0, 1)})
			a.tick()
		}
		a.anneal(reversed(betas), kernel.ForReverse, w.Down[from:to])
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// together returns how many runs a worker anneals side by side.
func (o *Annealing) together(workers int) int {
	const most = 50
	return min(most, (o.Runs+workers-1)/workers)
}

// validate returns an error that names the option that is wrong.
func (o *Annealing) validate(c *dbm.Config) error {
	switch {
	case o.Runs < 1 || o.Runs > 1<<20:
		return fmt.Errorf("runs: %d; must be 1 to %d", o.Runs, 1<<20)
	case o.Temperatures < 2 || o.Temperatures > 1<<30:
		return fmt.Errorf("temps: %d; must be 2 to %d", o.Temperatures, 1<<30)
	case len(o.Before) > o.Runs || o.Before != nil && !o.UpOnly:
		return fmt.Errorf("runs: %d were made before; they cannot become %d", len(o.Before), o.Runs)
	case o.Ladder != nil && !isLadder(o.Ladder):
		return fmt.Errorf("temperatures: %v; must rise from 0 to 1", o.Ladder)
	case o.Sweeps < 0:
		return fmt.Errorf("sweeps: %d; must not be below 0", o.Sweeps)
	}
	return nil
}

// progress returns what adds up the steps of runs, each a temperature or a sweep, and
// reports the fraction done now and then.
func (o *Annealing) progress() func(runs int) {
	all := float64(o.Runs) * float64(2*o.Temperatures+o.Sweeps)
	var steps, calls atomic.Int64
	var report sync.Mutex
	return func(runs int) {
		done := steps.Add(int64(runs))
		if calls.Add(1)%64 == 0 && o.Progress != nil {
			report.Lock()
			defer report.Unlock()
			o.Progress(float64(done) / all)
		}
	}
}

// schedule is n inverse temperatures from 0 to 1, in three straight pieces that
// get finer: a thirtieth of them up to ½, and a quarter up to 0.9.
func schedule(n int) []float32 {
	b := make([]float32, n)
	steps := n - 1
	first, second := steps/30, steps/4
	for i := 1; i <= steps; i++ {
		switch {
		case i <= first:
			b[i] = float32(0.5 * float64(i) / float64(first))
		case i <= first+second:
			from := 0.0
			if first > 0 {
				from = 0.5
			}
			b[i] = float32(from + float64((0.9-from)*float64(i-first))/float64(second))
		default:
			from := 0.0
			if second > 0 {
				from = 0.9
			}
			b[i] = float32(from + float64((1-from)*float64(i-first-second))/float64(steps-first-second))
		}
	}
	return b
}

// refine returns n inverse temperatures that divide each rung of a ladder evenly.
func refine(ladder []float32, n int) []float32 {
	b, rungs := make([]float32, n), len(ladder)-1
	for i := range b {
		at := float64(i) * float64(rungs) / float64(n-1)
		rung := min(int(at), rungs-1)
		from, to := float64(ladder[rung]), float64(ladder[rung+1])
		b[i] = float32(from + float64((at-float64(rung))*(to-from)))
	}
	b[n-1] = 1
	return b
}

func reversed(x []float32) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[len(x)-1-i] = v
	}
	return y
}

// annealer is some runs side by side.
type annealer struct {
	*path
	set     *kernel.Set
	rows    int
	seed    uint64
	first   int            // number of the first run
	x       [][]float32    // states: rows × Stride(units); those of the larger side times β
	input   [][]float32    // of the larger side from the smaller one, without biases
	pre     [][]float32    // the same times β, with biases
	bias    [2][][]float32 // at this temperature and the last
	beta    [2]float32
	lists   []kernel.Lists
	zero    []float32
	tick    func()      // called after each step
	stopped func() bool // reports whether the runs must end
}

func newAnnealer(p *path, set *kernel.Set, rows int, seed uint64, first int) *annealer {
	a := &annealer{path: p, set: set, rows: rows, seed: seed, first: first, lists: make([]kernel.Lists, len(p.Layers))}
	widest := 0
	for l, units := range p.Layers {
		size := rows * kernel.Stride(units)
		a.x = append(a.x, make([]float32, size))
		a.input = append(a.input, nil)
		a.pre = append(a.pre, nil)
		if l%2 != p.small {
			a.input[l], a.pre[l] = make([]float32, size), make([]float32, size)
		}
		for i := range a.bias {
			a.bias[i] = append(a.bias[i], make([]float32, kernel.Padded(units)))
		}
		widest = max(widest, kernel.Padded(units))
	}
	a.zero = make([]float32, widest)
	return a
}

// heat makes β the present temperature, and the present one the last.
func (a *annealer) heat(beta float32) {
	a.beta[1], a.beta[0] = a.beta[0], beta
	a.bias[0], a.bias[1] = a.bias[1], a.bias[0]
	for l := range a.Layers {
		a.biases(a.bias[0][l], l, beta)
	}
}

// draw is the draw of layer l in a step.
func (a *annealer) draw(d kernel.Draw, l int) kernel.Draw {
	d.Seed, d.Row = a.seed, uint32(a.first)
	d.Tag |= kernel.Tag(0, l, 0)
	return d
}

// start draws the smaller side from the base-rate model.
func (a *annealer) start(purpose kernel.Purpose) {
	for l := a.small; l < len(a.Layers); l += 2 {
		n := a.Layers[l]
		p := kernel.NewPass(n, a.rows, a.base[l], a.x[l])
		a.set.Sample(&p, a.draw(kernel.Draw{Tag: kernel.Tag(purpose, 0, 0)}, l))
	}
}

// anneal takes the runs through inverse temperatures, from the first of which
// their states are, and writes their log-weights.
func (a *annealer) anneal(betas []float32, purpose kernel.Purpose, weights []float64) {
	clear(weights)
	a.heat(betas[0])
	for i, beta := range betas[1:] {
		if a.stopped() {
			return
		}
		a.heat(beta)
		a.weigh(weights)
		if i+2 < len(betas) {
			a.move(kernel.Draw{Update: uint32(i + 1), Tag: kernel.Tag(purpose, 0, 0)})
		}
		a.tick()
	}
}

// sweep makes a sweep at one temperature.
func (a *annealer) sweep(beta float32, d kernel.Draw) {
	a.heat(beta)
	a.heat(beta)
	a.weigh(nil)
	a.move(d)
}

// weigh computes what the larger side receives and its pre-activations, and adds
// log p*(s) at this temperature − log p*(s) at the last to the weights.
func (a *annealer) weigh(weights []float64) {
	for l := a.small; l < len(a.Layers); l += 2 {
		a.list(l)
	}
	step := float64(a.beta[0]) - float64(a.beta[1])
	for l := 1 - a.small; l < len(a.Layers); l += 2 {
		p := a.Pass(l, a.rows, a.zero, a.x, a.lists, a.input[l])
		a.set.Linear(&p)
		stride, width := kernel.Stride(a.Layers[l]), kernel.Padded(a.Layers[l])
		to := kernel.Tempered{Beta: a.scale(l, a.beta[0]), Bias: a.bias[0][l]}
		from := kernel.Tempered{Beta: a.scale(l, a.beta[1]), Bias: a.bias[1][l]}
		for r := range a.rows {
			var sums [kernel.Panel]float32
			a.set.Softplus(a.pre[l][r*stride:][:width], a.input[l][r*stride:][:width], to, from, &sums)
			if weights != nil {
				for _, s := range sums {
					weights[r] += float64(s)
				}
			}
		}
	}
	for l := a.small; l < len(a.Layers) && weights != nil; l += 2 {
		for r := range weights {
			sum := 0.0
			for k := a.lists[l].Start[r]; k < a.lists[l].Start[r+1]; k++ {
				sum += a.more[l][a.lists[l].Index[k]]
			}
			weights[r] += float64(step * sum)
		}
	}
}

// move draws the larger side from the pre-activations, and then the smaller one.
func (a *annealer) move(d kernel.Draw) {
	for l := 1 - a.small; l < len(a.Layers); l += 2 {
		p := kernel.NewPass(a.Layers[l], a.rows, a.pre[l], a.x[l])
		p.StartStride = p.Stride
		a.set.Sample(&p, a.draw(d, l))
		a.set.Scale(a.x[l], a.x[l], a.scale(l, a.beta[0]))
		a.list(l)
	}
	for l := a.small; l < len(a.Layers); l += 2 {
		p := a.Pass(l, a.rows, a.bias[0][l], a.x, a.lists, a.x[l])
		a.set.Sample(&p, a.draw(d, l))
	}
}

// list makes the lists of a layer's units that are on.
func (a *annealer) list(l int) {
	a.lists[l].Reset()
	a.lists[l].AddRows(a.set, a.x[l], kernel.Stride(a.Layers[l]), a.rows, a.Layers[l])
}

package likelihood

import (
	"context"
	"math"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// A ladder of temperatures is right where neighbours exchange about as often everywhere. The
// unit of its length is the spread of d log p*/dβ times the step of β: two neighbours that
// are λ apart exchange with probability erfc(λ/2), if that spread is Gaussian. A pilot finds
// the length from short annealed runs, and again from the exchanges of a short run on the
// first ladder, which sees what annealed runs that lag behind do not. No draw of a pilot is
// used again.

const (
	rung         = 1.1 // distance of neighbours that is aimed at: they exchange at 0.44
	pilotRuns    = 24
	pilotTemps   = 400
	mostRungs    = 256
	fewestRungs  = 4
	farthestRung = 4.0 // two neighbours of the first ladder are taken to be at most this far apart
)

// pilotSweeps are the sweeps of the pilot's ensembles, each on the ladder of the one before.
var pilotSweeps = []int{500, 4000}

// pilot chooses the temperatures.
func (o *Exchange) pilot(ctx context.Context, from *inferred, p *path, betas []float32) (_ []float32, err error) {
	if betas == nil {
		if betas, err = o.firstLadder(ctx, from.set, p); err != nil {
			return nil, err
		}
	}
	for round, sweeps := range pilotSweeps {
		o := Exchange{Ensembles: 2, First: 2 * round, Seed: o.Seed, Threads: o.Threads, Example: o.Example}
		ensembles, err := o.begin(ctx, from, p, betas, kernel.ForPilotReplicas)
		if err != nil {
			return nil, err
		}
		err = dbm.Blocks(ctx, len(ensembles), 1, o.Threads, func(_, i, _ int) { ensembles[i].run(ctx, sweeps, func(int) {}) })
		if err != nil {
			return nil, err
		}
		lengths := ensembles[0].seen.lengths()
		for i, length := range ensembles[1].seen.lengths() {
			lengths[i] = max(lengths[i], length)
		}
		betas = respace(betas, lengths)
	}
	return betas, nil
}

// firstLadder returns temperatures that are equally far apart for short annealed runs.
func (o *Exchange) firstLadder(ctx context.Context, set *kernel.Set, p *path) ([]float32, error) {
	betas, lengths := make([]float32, pilotTemps), make([]float64, pilotTemps-1)
	for i := range betas {
		betas[i] = float32(float64(i) / (pilotTemps - 1))
	}
	a := newAnnealer(p, set, pilotRuns, o.Seed, 0)
	a.start(kernel.ForAnnealing)
	a.heat(0)
	weights := make([]float64, pilotRuns)
	for i, beta := range betas[1:] {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		clear(weights)
		a.heat(beta)
		a.weigh(weights)
		lengths[i] = spread(weights)
		a.move(kernel.Draw{Update: uint32(i + 1), Tag: kernel.Tag(kernel.ForPilot, 0, 0)})
	}
	return respace(betas, lengths), nil
}

// lengths returns how far apart neighbours are.
func (o *observations) lengths() []float64 {
	lengths := make([]float64, len(o.intervals))
	for i := range o.intervals {
		v := &o.intervals[i]
		// One more of each, so that neither all nor none is certain.
		lengths[i] = distance(float64(v.accepted+1) / float64(v.tried+2))
	}
	return lengths
}

// spread returns the standard deviation of x.
func spread(x []float64) float64 {
	centre, square := 0.0, 0.0
	for _, v := range x {
		centre += v / float64(len(x))
	}
	for _, v := range x {
		square += float64((v - centre) * (v - centre))
	}
	return math.Sqrt(square / float64(len(x)-1))
}

// distance returns how far apart neighbours are that exchange with some probability:
// 2·erfc⁻¹, by Winitzki's approximation, which is good to 1%.
func distance(probability float64) float64 {
	const a = 0.147
	y := 1 - probability
	log := kernel.Log(max(1-float64(y*y), 1e-12))
	t := 2/(math.Pi*a) + float64(log/2)
	return min(2*math.Sqrt(math.Sqrt(float64(t*t)-float64(log/a))-t), farthestRung)
}

// respace returns temperatures that are equally far apart, from those whose distances are
// known.
func respace(betas []float32, lengths []float64) []float32 {
	all := 0.0
	for _, x := range lengths {
		all += x
	}
	n := min(max(int(math.Ceil(all/rung)), fewestRungs-1), mostRungs)
	spaced, at, passed := []float32{0}, 0, 0.0
	for i := 1; i < n; i++ {
		goal := all * float64(i) / float64(n)
		for at < len(lengths)-1 && passed+lengths[at] < goal {
			passed += lengths[at]
			at++
		}
		part := 0.5
		if lengths[at] > 0 {
			part = min(max((goal-passed)/lengths[at], 0), 1)
		}
		from, to := float64(betas[at]), float64(betas[at+1])
		beta := float32(from + float64(part*(to-from)))
		if beta > spaced[len(spaced)-1] && beta < 1 {
			spaced = append(spaced, beta)
		}
	}
	return append(spaced, 1)
}

// isLadder reports whether temperatures rise from 0 to 1.
func isLadder(betas []float32) bool {
	for i := 1; i < len(betas); i++ {
		if !(betas[i] > betas[i-1]) {
			return false
		}
	}
	return len(betas) > 1 && betas[0] == 0 && betas[len(betas)-1] == 1
}

package likelihood

import (
	"context"
	"fmt"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Replica exchange (Swendsen and Wang 1986; Hukushima and Nemoto 1996; for these models
// Cho, Raiko and Ilin 2010, Desjardins et al. 2010). Replicas of the model stand at inverse
// temperatures from β = 0, where all units are independent and log Z is known, to the model
// at β = 1; weights and biases at β are those of annealing. In each step neighbours exchange
// their states, with the probability that leaves the joint distribution as it is, and then
// every replica makes a sweep. Even intervals have their turn in even steps, odd ones in odd
// steps, which moves states faster than chance would (Okabe et al. 2001). A state that is
// stuck at β = 1 so wanders to β = 0, where nothing is stuck, and another one comes back.
//
// The draws of neighbours give log Z of one over that of the other by Bennett's acceptance
// ratio, and the sum over all intervals log Z of the model. Several ensembles do this
// independently of one another: those of even numbers begin with independent units, those of
// odd numbers with what the model infers for training examples. How much they differ is the
// error; where the two halves differ, the chains have not forgotten where they began.

// Exchange is what to do.
type Exchange struct {
	Ensembles int       // an even number, at least 2
	First     int       // number of the first ensemble, even
	Sweeps    int       // of each ensemble; the first fifth does not count
	Betas     []float32 // inverse temperatures, from 0 to 1; nil: chosen by a pilot
	Base      Base      // the model at β = 0; nil: that of the model's visible biases
	Seed      uint64
	Threads   int // do not show in the numbers

	// Where Error is above 0, the number of sweeps doubles, up to at most Most, until the
	// estimate is trusted and has at most this standard error, in nats.
	Error float64
	Most  int

	// Before are ensembles of the same model, seed, sweeps and base that were run before:
	// Ensembles counts them, too, and only the others are run. Together they have the bits
	// of all at once.
	Before *Exchanged

	// Samples is how many samples of the visible units each ensemble keeps, evenly spaced
	// over the sweeps that count. Error must be 0 with it.
	Samples int

	// Example writes an example with which a replica begins: 0s and 1s of the visible
	// units. If it is nil, all begin with independent units.
	Example func(i int, v []float32)

	Progress func(done float64) // if not nil, receives the fraction done, of the sweeps up to the next look
}

// MostEnsembles and MostSweeps are the most that Exchange accepts.
const (
	MostEnsembles = 1 << 10
	MostSweeps    = 1 << 30
)

// replicas are the states of one ensemble, one row for each temperature.
type replicas struct {
	*path
	set     *kernel.Set
	betas   []float32
	number  int // of the ensemble
	seed    uint64
	purpose kernel.Purpose
	bias    [][]float32 // [l] at each temperature: rows × Stride(units)
	x       [][]float32 // states: rows × Stride(units); those of the larger side times β
	input   [][]float32 // of the larger side from the smaller one, without biases
	pre     [][]float32 // the same times β, with biases
	lists   []kernel.Lists
	zero    []float32
	gain    []float64 // of each row with a partner: log p* at the partner's temperature − log p* at its own
	from    []int     // of each row: the row whose input is its own after exchanges
	chance  []float32 // random numbers of the exchanges
	replica []int     // of each row: which replica is there
	visited []int     // of each replica: the last end that it has seen: 0, 1, or −1 for none
	steps   int       // made so far
	keep    []int     // the steps after which a sample is kept
	samples []float32 // of the visible units at β = 1: kept so far × visible
	seen    observations
	weighed weighed
}

// rows is the number of temperatures.
func (r *replicas) rows() int { return len(r.betas) }

// newReplicas makes room for an ensemble.
func newReplicas(p *path, set *kernel.Set, betas []float32, number int, seed uint64, purpose kernel.Purpose) *replicas {
	n := len(betas)
	r := &replicas{path: p, set: set, betas: betas, number: number, seed: seed, purpose: purpose,
		lists: make([]kernel.Lists, len(p.Layers)), gain: make([]float64, n),
		from: make([]int, n), chance: make([]float32, n), replica: make([]int, n), visited: make([]int, n),
		seen: newObservations(n - 1)}
	if purpose == kernel.ForReplicas { // no use in a pilot
		r.weighed.every = 1
	}
	widest := 0
	for l, units := range p.Layers {
		size := n * kernel.Stride(units)
		r.x, r.input, r.pre = append(r.x, make([]float32, size)), append(r.input, nil), append(r.pre, nil)
		r.bias = append(r.bias, make([]float32, size))
		if l%2 != p.small {
			r.input[l], r.pre[l] = make([]float32, size), make([]float32, size)
		}
		for i, beta := range betas {
			p.biases(r.bias[l][i*kernel.Stride(units):], l, beta)
		}
		widest = max(widest, kernel.Stride(units))
	}
	r.zero = make([]float32, widest)
	for i := range n {
		r.replica[i], r.visited[i] = i, -1
	}
	return r
}

// draw is the draw of layer l in a step.
func (r *replicas) draw(step, l int) kernel.Draw {
	return kernel.Draw{Seed: r.seed, Row: uint32(r.number * r.rows()), Update: uint32(step),
		Tag: kernel.Tag(r.purpose, l, 0)}
}

// startIndependent draws the smaller side of all replicas from the model at β = 0.
func (r *replicas) startIndependent() {
	for l := r.small; l < len(r.Layers); l += 2 {
		p := kernel.NewPass(r.Layers[l], r.rows(), r.bias[l][:kernel.Padded(r.Layers[l])], r.x[l])
		r.set.Sample(&p, r.draw(0, l))
	}
}

// startAt begins with given states of the smaller side: of each layer rows × Stride(units).
func (r *replicas) startAt(x [][]float32) {
	for l := r.small; l < len(r.Layers); l += 2 {
		copy(r.x[l], x[l])
	}
}

// run makes steps until there are so many. report receives how many are made, now and then.
func (r *replicas) run(ctx context.Context, steps int, report func(part int)) {
	for ; r.steps < steps && ctx.Err() == nil; r.steps++ {
		r.look()
		r.weigh()
		r.exchange()
		r.move()
		if len(r.keep) > 0 && r.steps == r.keep[0] {
			r.keep = r.keep[1:]
			r.sample()
		}
		if r.steps%32 == 31 {
			report(32)
		}
	}
}

// partner returns the row that row i may exchange its state with in this step, or i itself
// where there is none.
func (r *replicas) partner(i int) int {
	other := i - 1
	if i%2 == r.steps%2 {
		other = i + 1
	}
	if other < 0 || other >= r.rows() {
		return i
	}
	return other
}

// look computes what the larger side receives from the smaller one, its pre-activations, and
// the gains.
func (r *replicas) look() {
	for l := r.small; l < len(r.Layers); l += 2 {
		r.list(l)
	}
	for i := range r.gain {
		r.gain[i] = float64((float64(r.betas[r.partner(i)]) - float64(r.betas[i])) * r.moreBias(i))
	}
	for l := 1 - r.small; l < len(r.Layers); l += 2 {
		p := r.Pass(l, r.rows(), r.zero, r.x, r.lists, r.input[l])
		r.set.Linear(&p)
		for i := range r.gain {
			r.gain[i] -= r.activate(l, i, i, r.partner(i))
		}
	}
}

// moreBias returns how much more the biases of row i's smaller side add to log p* at β = 1
// than at β = 0.
func (r *replicas) moreBias(i int) (sum float64) {
	for l := r.small; l < len(r.Layers); l += 2 {
		for _, j := range r.lists[l].Index[r.lists[l].Start[i]:r.lists[l].Start[i+1]] {
			sum += r.more[l][j]
		}
	}
	return sum
}

// activate computes the pre-activations of layer l of the larger side, in row i, from the
// input of row from. It returns how much more the layer adds to log p* at the temperature of
// row i than at that of another row.
func (r *replicas) activate(l, i, from, other int) (more float64) {
	stride, width := kernel.Stride(r.Layers[l]), kernel.Padded(r.Layers[l])
	tempered := func(at int) kernel.Tempered {
		return kernel.Tempered{Beta: r.scale(l, r.betas[at]), Bias: r.bias[l][at*stride:][:width]}
	}
	var sums [kernel.Panel]float32
	r.set.Softplus(r.pre[l][i*stride:][:width], r.input[l][from*stride:][:width], tempered(i), tempered(other), &sums)
	for _, s := range sums {
		more += float64(s)
	}
	return more
}

// exchange lets neighbours exchange their states, and writes down what they say of them.
func (r *replicas) exchange() {
	r.seen.step(r.steps, r.gain)
	kernel.Draw{Seed: r.seed, Row: uint32(r.number), Update: uint32(r.steps),
		Tag: kernel.Tag(kernel.ForExchange, 0, int(r.purpose))}.Uniforms(r.chance)
	for i := range r.from {
		r.from[i] = i
	}
	for i := r.steps % 2; i+1 < r.rows(); i += 2 {
		gain := r.gain[i] + r.gain[i+1]
		accepted := gain >= 0 || float64(r.chance[i]) < kernel.Exp(gain)
		r.seen.intervals[i].tried++
		if accepted {
			r.seen.intervals[i].accepted++
			r.from[i], r.from[i+1] = i+1, i
			r.replica[i], r.replica[i+1] = r.replica[i+1], r.replica[i]
		}
	}
	r.travel()
}

// travel notes which replicas are at the ends, and counts those that were at both and are
// back at β = 0.
func (r *replicas) travel() {
	first, last := r.replica[0], r.replica[r.rows()-1]
	if r.visited[first] == 1 {
		r.seen.trips++
	}
	r.visited[first] = 0
	if r.visited[last] == 0 {
		r.visited[last] = 1
	}
}

// move makes a sweep: it draws the larger side, and then the smaller one.
func (r *replicas) move() {
	for l := 1 - r.small; l < len(r.Layers); l += 2 {
		stride, width := kernel.Stride(r.Layers[l]), kernel.Padded(r.Layers[l])
		for i, from := range r.from {
			if from != i {
				r.activate(l, i, from, i)
			}
		}
		p := kernel.NewPass(r.Layers[l], r.rows(), r.pre[l], r.x[l])
		p.StartStride = p.Stride
		r.set.Sample(&p, r.draw(r.steps+1, l))
		for i, beta := range r.betas {
			row := r.x[l][i*stride:][:width]
			r.set.Scale(row, row, r.scale(l, beta))
		}
		r.list(l)
	}
	for l := r.small; l < len(r.Layers); l += 2 {
		p := r.Pass(l, r.rows(), r.bias[l], r.x, r.lists, r.x[l])
		p.StartStride = p.Stride
		r.set.Sample(&p, r.draw(r.steps+1, l))
	}
}

// sample keeps the visible units at β = 1: their means given the hidden ones, or their states
// where they are of the smaller side.
func (r *replicas) sample() {
	units, stride := r.Layers[0], kernel.Stride(r.Layers[0])
	last := r.rows() - 1
	if r.small == 0 {
		r.samples = append(r.samples, r.x[0][last*stride:][:units]...)
		return
	}
	for _, a := range r.pre[0][last*stride:][:units] {
		r.samples = append(r.samples, kernel.Sigmoid(a))
	}
}

// list makes the lists of a layer's units that are on.
func (r *replicas) list(l int) {
	r.lists[l].Reset()
	r.lists[l].AddRows(r.set, r.x[l], kernel.Stride(r.Layers[l]), r.rows(), r.Layers[l])
}

// validate returns an error that names the option that is wrong.
func (o *Exchange) validate(layers []int) error {
	switch {
	case o.Ensembles < 2 || o.Ensembles > MostEnsembles || o.Ensembles%2 != 0:
		return fmt.Errorf("ensembles: %d; must be even, 2 to %d", o.Ensembles, MostEnsembles)
	case o.First < 0 || o.First%2 != 0 || o.First+o.Ensembles > MostEnsembles:
		return fmt.Errorf("first ensemble: %d; must be even, 0 to %d", o.First, MostEnsembles-o.Ensembles)
	case o.Sweeps < LeastSweeps || o.Sweeps > MostSweeps:
		return fmt.Errorf("sweeps: %d; must be %d to %d", o.Sweeps, LeastSweeps, MostSweeps)
	case o.Before != nil && !o.continues():
		return fmt.Errorf("ensembles: %d of %d sweeps were run before; they cannot become %d of %d", len(o.Before.Ensembles),
			o.Before.Sweeps, o.Ensembles, o.Sweeps)
	case o.Samples < 0 || o.Samples > o.Sweeps/2 || o.Samples > 0 && o.Error > 0:
		return fmt.Errorf("samples: %d of each ensemble; must be 0 to %d, half of the sweeps, and 0 with an error to meet",
			o.Samples, o.Sweeps/2)
	case o.Betas != nil && !isLadder(o.Betas):
		return fmt.Errorf("temperatures: %v; must rise from 0 to 1", o.Betas)
	}
	return nil
}

// continues reports whether the ensembles of before can be some of those asked for.
func (o *Exchange) continues() bool {
	b := o.Before
	for i := range b.Ensembles {
		if len(b.Ensembles[i].Intervals) != len(b.Betas)-1 {
			return false
		}
	}
	return len(b.Ensembles) <= o.Ensembles && len(b.Ensembles)%2 == 0 && b.Sweeps == o.Sweeps && isLadder(b.Betas) &&
		o.Samples == 0 && o.Error == 0
}

// LeastSweeps is the fewest sweeps of which an autocorrelation says something.
const LeastSweeps = 100

// Run runs the ensembles. When ctx ends, it returns its cause.
func (o *Exchange) Run(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State) (*Exchanged, error) {
	m, err := dbm.NewModel(c, set, s)
	if err != nil {
		return nil, err
	}
	base, err := o.Base.biases(m)
	if err != nil {
		return nil, err
	}
	return o.along(ctx, &inferred{c, set, s}, newPath(m, base), logZ0(m.Layers, base), nil)
}

// along runs the ensembles along a path, at whose beginning log Z is known. first is where the
// pilot begins; nil: at a ladder from annealed runs.
func (o *Exchange) along(ctx context.Context, from *inferred, p *path, logZ0 float64, first []float32) (_ *Exchanged,
	err error) {
	if err := o.validate(p.Layers); err != nil {
		return nil, err
	}
	var before []Ensemble
	betas, rest := o.Betas, *o
	if o.Before != nil {
		before, betas = o.Before.Ensembles, o.Before.Betas
		rest.First, rest.Ensembles = o.First+len(before), o.Ensembles-len(before)
	}
	if betas == nil {
		if betas, err = o.pilot(ctx, from, p, first); err != nil {
			return nil, err
		}
	}
	ensembles, err := rest.begin(ctx, from, p, betas, kernel.ForReplicas)
	if err != nil {
		return nil, err
	}
	for _, e := range ensembles {
		from := o.Sweeps / burnIn
		for i := range o.Samples {
			e.keep = append(e.keep, from+(i+1)*(o.Sweeps-from)/o.Samples-1)
		}
	}
	x := &Exchanged{Betas: betas, LogZ0: logZ0, Halved: o.Example != nil, Ensembles: make([]Ensemble, o.Ensembles)}
	copy(x.Ensembles, before)
	found := x.Ensembles[len(before):]
	for made, sweeps := 0, o.Sweeps; ; made, sweeps = sweeps, 2*sweeps {
		report := reporting(float64(len(ensembles))*float64(sweeps-made), o.Progress)
		err := dbm.Blocks(ctx, len(ensembles), 1, dbm.Useful(o.Threads, len(ensembles), 1), func(_, i, _ int) {
			if ensembles[i].run(ctx, sweeps, report); ctx.Err() == nil {
				found[i] = ensembles[i].summary(sweeps)
			}
		})
		if err != nil {
			return nil, err
		}
		x.Sweeps = sweeps
		for i := range ensembles {
			found[i].Samples = ensembles[i].samples
		}
		x.combine()
		if !(o.Error > 0) || x.Trusted() && x.StdErr <= o.Error || sweeps > o.Most/2 {
			return x, nil
		}
	}
}

// begin returns ensembles at their beginnings.
func (o *Exchange) begin(ctx context.Context, from *inferred, p *path, betas []float32,
	purpose kernel.Purpose) ([]*replicas, error) {
	starts, err := o.starts(ctx, from, p, len(betas))
	if err != nil {
		return nil, err
	}
	ensembles := make([]*replicas, o.Ensembles)
	for i := range ensembles {
		ensembles[i] = newReplicas(p, from.set, betas, o.First+i, o.Seed, purpose)
		if starts != nil && i%2 == 1 {
			ensembles[i].startAt(starts[i/2])
		} else {
			ensembles[i].startIndependent()
		}
	}
	return ensembles, nil
}

// inferred is the model that infers the hidden units of examples.
type inferred struct {
	c   *dbm.Config
	set *kernel.Set
	s   *dbm.State
}

// starts returns, for each ensemble of an odd number, states of the smaller side that the
// model infers for examples; nil without examples.
func (o *Exchange) starts(ctx context.Context, from *inferred, p *path, rows int) ([][][]float32, error) {
	if o.Example == nil {
		return nil, nil
	}
	all := make([][][]float32, o.Ensembles/2)
	for e := range all {
		all[e] = make([][]float32, len(p.Layers))
		for l := p.small; l < len(p.Layers); l += 2 {
			all[e][l] = make([]float32, rows*kernel.Stride(p.Layers[l]))
		}
	}
	before := o.First / 2 * rows // examples of earlier ensembles
	take := func(inference *dbm.Inference, first, n int) {
		for r := range n {
			e, at := (first+r)/rows, (first+r)%rows
			for l := p.small; l < len(p.Layers); l += 2 {
				stride := kernel.Stride(p.Layers[l])
				to := all[e][l][at*stride:][:p.Layers[l]]
				if l == 0 {
					copy(to, inference.Visible(r))
					continue
				}
				kernel.Draw{Seed: o.Seed, Row: uint32(before + first + r), Tag: kernel.Tag(kernel.ForStarts, l, 0)}.Bernoulli(to,
					inference.Hidden(l)[r*stride:][:p.Layers[l]])
			}
		}
	}
	example := func(i int, v []float32) { o.Example(before+i, v) }
	err := dbm.InferAll(ctx, from.c, from.set, from.s, len(all)*rows, o.Threads, tolerance, most, example, take, nil)
	return all, err
}

// logZ0 returns log Z at β = 0.
func logZ0(layers []int, base [][]float32) (sum float64) {
	for l, n := range layers {
		for _, a := range base[l][:n] {
			sum += softplus(float64(a))
		}
	}
	return sum
}

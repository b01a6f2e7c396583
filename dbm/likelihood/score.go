package likelihood

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Examples are what a model is scored on.
type Examples struct {
	Name string
	N    int
	Row  func(i int, v []float32) // writes example i: 0s and 1s, one for each visible unit
}

// Effort is what is spent on a score. At least one of Exchange, Annealing and Enumerate is
// needed for log Z.
type Effort struct {
	Exchange  *Exchange  // nil: none
	Annealing *Annealing // nil: none
	Enumerate bool       // compute the exact log Z too, where there are few enough units
	Draws     int        // importance weights of each example; 0: none
	Posterior *Clamped   // nil: no annealing of examples
	Seed      uint64     // of the weights
	Threads   int        // do not show in the numbers

	// Begin, if not nil, is called when a stage begins, with the name of the examples if
	// it is of examples. It returns what receives the fraction of it that is done, or nil.
	Begin func(s Stage, examples string) func(done float64)
}

// Stage is a part of the work of Evaluate.
type Stage string

// The stages, in their order.
const (
	StageEnumeration Stage = "enumeration"
	StageExchange    Stage = "replica exchange"
	StageAnnealing   Stage = "annealing"
	StageBound       Stage = "bound"
	StageCut         Stage = "the model without upper layers"
	StageImportance  Stage = "importance weights"
	StagePosterior   Stage = "annealing to the posterior"
	StageExact       Stage = "exact likelihood"
)

// Method is how log Z was found.
type Method string

// The methods, the best first.
const (
	ByEnumeration Method = "enumeration"
	ByExchange    Method = "replica exchange"
	ByAnnealing   Method = "annealed importance sampling"
)

// LogZ is the best that is known of log Z.
type LogZ struct {
	Value     float64
	StdErr    float64 // 0 of enumeration; NaN where nothing tells
	Low, High float64 // 95% interval; NaN where nothing tells
	Method    Method
	Distrust  []string // what speaks against it, in words
}

// Score is how well a model explains examples.
type Score struct {
	LogZ      LogZ       // that all figures of examples use
	Exchange  *Exchanged // nil where it was not asked for, as are the others
	Annealing *Estimate
	Exact     *float64 // log Z; nil where it cannot be enumerated, too
	Sets      []Scored // of each set of examples
}

// Scored is what is known of the examples of one set, in nats.
type Scored struct {
	Name     string
	Terms    []Terms    // of the mean-field bound of each example
	Parts    Terms      // their means
	Bound    Mean       // the mean-field bound
	Weights  []Weighted // of each example; nil: not asked for
	Weighted *Mean      // the importance-weighted bound; nil likewise
	Bridged  *Bridged   // nil likewise
	LogP     []float64  // the exact log-likelihood of each example; nil where it cannot be had
	Exact    *Mean      // nil likewise
}

// Mean is a mean over examples.
type Mean struct {
	Mean   float64
	StdErr float64 // from the spread of the examples; NaN of one example
}

// MeanOf returns the mean of what each example has.
func MeanOf(n int, each func(i int) float64) Mean {
	m := Mean{StdErr: math.NaN()} // one example has no spread
	for i := range n {
		m.Mean += each(i) / float64(n)
	}
	if n > 1 {
		squares := 0.0
		for i := range n {
			d := each(i) - m.Mean
			squares += float64(d * d)
		}
		m.StdErr = math.Sqrt(squares / float64(n-1) / float64(n))
	}
	return m
}

// ErrNotANumber is the error of a bound that is not a number, as of a model that has
// diverged.
var ErrNotANumber = errors.New("the bound is not a number")

// Evaluate finds log Z, and what it makes of each set of examples. When ctx ends, it returns
// its cause.
func Evaluate(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, sets []Examples,
	e Effort) (*Score, error) {
	if e.Begin == nil {
		e.Begin = func(Stage, string) func(float64) { return nil }
	}
	score := new(Score)
	if err := e.logZ(ctx, c, set, s, score); err != nil {
		return nil, err
	}
	score.LogZ.distrustSize(s)
	for _, x := range sets {
		scored, err := e.examples(ctx, c, set, s, x, score)
		if err != nil {
			return nil, err
		}
		if scored.Bound.Mean > 0 {
			score.LogZ.Distrust = append(score.LogZ.Distrust, fmt.Sprintf("the bound of %s is above 0, as no log-probability is",
				x.Name))
		}
		score.Sets = append(score.Sets, *scored)
	}
	return score, nil
}

// Parameters up to which log Z can be had: in single precision, of which estimates are made,
// and in double precision, of enumeration.
const (
	mostSingle = 1e5
	mostDouble = 1e11
)

// distrustSize distrusts log Z of parameters so large that rounding shows in it.
func (z *LogZ) distrustSize(s *dbm.State) {
	largest, most := 0.0, mostSingle
	if z.Method == ByEnumeration {
		most = mostDouble
	}
	for _, arrays := range [][][]float32{s.Weights, s.Biases} {
		for _, x := range arrays {
			for _, v := range x {
				largest = max(largest, math.Abs(float64(v)))
			}
		}
	}
	if largest > most {
		z.Distrust = append(z.Distrust, fmt.Sprintf("a parameter is %.2g in size; sums are rounded too much beyond %.0g",
			largest, most))
	}
}

// logZ finds log Z in every way that was asked for.
func (e *Effort) logZ(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, score *Score) (err error) {
	if e.Enumerate && Enumerable(c.Layers) {
		logZ, err := ExactLogZ(ctx, c, s, e.Threads, e.Begin(StageEnumeration, ""))
		if err != nil {
			return err
		}
		score.Exact = &logZ
	}
	if e.Exchange != nil {
		how := *e.Exchange
		how.Threads, how.Progress = e.Threads, e.Begin(StageExchange, "")
		if score.Exchange, err = how.Run(ctx, c, set, s); err != nil {
			return err
		}
	}
	if e.Annealing != nil {
		how := *e.Annealing
		if how.Ladder == nil && score.Exchange != nil {
			how.Ladder = score.Exchange.Betas
		}
		how.Threads, how.Progress = e.Threads, e.Begin(StageAnnealing, "")
		w, err := Anneal(ctx, c, set, s, how)
		if err != nil {
			return err
		}
		estimate := w.Estimate(how.Seed)
		score.Annealing = &estimate
	}
	return score.choose()
}

// mostApart is how many of their standard errors two trusted estimates may be apart.
const mostApart = 4

// choose takes the best of what is known of log Z.
func (s *Score) choose() error {
	x, a := s.Exchange, s.Annealing
	switch {
	case s.Exact != nil:
		s.LogZ = LogZ{Value: *s.Exact, Low: *s.Exact, High: *s.Exact, Method: ByEnumeration}
	case x != nil:
		s.LogZ = LogZ{x.LogZ, x.StdErr, x.Low, x.High, ByExchange, x.Distrust()}
		if a == nil || !a.Trusted() {
			break
		}
		apart := x.LogZ - a.LogZ
		if err := math.Sqrt(float64(x.StdErr*x.StdErr) + float64(a.StdErr*a.StdErr)); math.Abs(apart) > mostApart*err {
			s.LogZ.Distrust = append(s.LogZ.Distrust, fmt.Sprintf("annealing is %+.2f ± %.2f nats apart", -apart, err))
		}
	case a != nil:
		s.LogZ = LogZ{a.LogZ, a.StdErr, a.Low, a.High, ByAnnealing, a.Distrust()}
	default:
		return errors.New("log Z: there is nothing to find it by, and the model is too large to enumerate")
	}
	return nil
}

// examples scores one set.
func (e *Effort) examples(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, x Examples,
	score *Score) (_ *Scored, err error) {
	logZ := score.LogZ.Value
	r := &Scored{Name: x.Name}
	if r.Terms, err = Bound(ctx, c, set, s, x.N, x.Row, e.Threads, e.Begin(StageBound, x.Name)); err != nil {
		return nil, err
	}
	r.Bound = MeanOf(x.N, func(i int) float64 { return r.Terms[i].Energy + r.Terms[i].Entropy - logZ })
	r.Parts.Energy = MeanOf(x.N, func(i int) float64 { return r.Terms[i].Energy }).Mean
	r.Parts.Entropy = MeanOf(x.N, func(i int) float64 { return r.Terms[i].Entropy }).Mean
	if math.IsNaN(r.Bound.Mean) {
		return nil, fmt.Errorf("%s: %w", x.Name, ErrNotANumber)
	}
	if e.Draws > 0 {
		r.Weights, err = Importance(ctx, c, set, s, x.N, e.Draws, e.Seed, x.Row, e.Threads, e.Begin(StageImportance, x.Name))
		if err != nil {
			return nil, err
		}
		mean := MeanOf(x.N, func(i int) float64 { return r.Weights[i].LogMean - logZ })
		r.Weighted = &mean
	}
	if e.Posterior != nil {
		how := *e.Posterior
		how.Threads, how.Progress = e.Threads, e.Begin(StagePosterior, x.Name)
		if r.Bridged, err = how.bridge(ctx, c, set, s, x, r, logZ); err != nil {
			return nil, err
		}
	}
	if score.Exact != nil && exactExamples(c.Layers, x.N) {
		if r.LogP, err = eachLogP(ctx, c, s, x, logZ, e.Threads, e.Begin(StageExact, x.Name)); err != nil {
			return nil, err
		}
		mean := MeanOf(x.N, func(i int) float64 { return r.LogP[i] })
		r.Exact = &mean
	}
	return r, nil
}

// mostExact is how many sums over units are worth an exact likelihood of examples.
const mostExact = 1 << 36

// exactExamples reports whether the log-likelihood of n examples can be enumerated: the
// smaller side of the hidden layers anew for each.
func exactExamples(layers []int, n int) bool {
	hidden := append([]int{0}, layers[1:]...)
	units := [2]int{}
	for l, n := range hidden {
		units[l%2] += n
	}
	small, large := slices.Min(units[:]), slices.Max(units[:])
	return small <= MostEnumerable && float64(n)*float64(large)*math.Ldexp(1, small) <= mostExact
}

// eachLogP returns the exact log-likelihood of each example.
func eachLogP(ctx context.Context, c *dbm.Config, s *dbm.State, x Examples, logZ float64, threads int,
	progress func(done float64)) ([]float64, error) {
	const block = 100
	each, failed := make([]float64, x.N), make([]error, x.N)
	report := reporting(float64(x.N), progress)
	err := dbm.Blocks(ctx, x.N, block, threads, func(_, from, to int) {
		v := make([]float32, c.Layers[0])
		for i := from; i < to; i++ {
			x.Row(i, v)
			each[i], failed[i] = LogP(ctx, c, s, v, logZ)
		}
		report(to - from)
	})
	return each, errors.Join(append(failed, err)...)
}

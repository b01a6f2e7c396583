package likelihood

import (
	"context"
	"errors"
	"fmt"
	"math"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Examples are what a model is scored on.
type Examples struct {
	Name string
	N    int
	Row  func(i int, v []float32) // writes example i: 0s and 1s, one for each visible unit

	// Enumerate asks for the exact log-likelihood too, where it can be enumerated.
	Enumerate bool
}

// Effort is what is spent on a score.
type Effort struct {
	Annealing
	Enumerate bool // compute the exact log Z too, where there are few enough units

	// Begin, if not nil, is called when a stage begins, with the name of the examples if
	// it is StageBound. It returns what receives the fraction of it that is done, or nil.
	Begin func(s Stage, examples string) func(done float64)
}

// Stage is a part of the work of Evaluate.
type Stage string

// The stages, in their order.
const (
	StageAnnealing   Stage = "annealing"
	StageBound       Stage = "bound"
	StageEnumeration Stage = "enumeration"
)

// Score is how well a model explains examples.
type Score struct {
	LogZ   Estimate
	Bounds []Bounds // of each set of examples
	Exact  *Exact   // nil where it was not asked for, or cannot be enumerated
}

// Bounds are the variational bounds of the examples of one set.
type Bounds struct {
	Name   string
	Mean   float64 // over the examples, with LogZ of the score; in nats
	StdErr float64 // of Mean, from the spread of the examples; NaN of one example
	Parts  Terms   // means
	Terms  []Terms // of each example
}

// Exact is what can be enumerated.
type Exact struct {
	LogZ float64
	// LogP is the mean log-likelihood of the sets of examples that ask for it, by name;
	// none with more than one hidden layer.
	LogP map[string]float64
}

// Evaluate estimates log Z, and the bound on each set of examples. When ctx ends, it
// returns its cause.
func Evaluate(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, sets []Examples,
	e Effort) (*Score, error) {
	begin := e.Begin
	if begin == nil {
		progress := e.Progress
		begin = func(s Stage, _ string) func(float64) {
			if s == StageAnnealing {
				return progress
			}
			return nil
		}
	}
	e.Progress = begin(StageAnnealing, "")
	w, err := Anneal(ctx, c, set, s, e.Annealing)
	if err != nil {
		return nil, err
	}
	score := &Score{LogZ: w.Estimate()}
	for _, x := range sets {
		b := Bounds{Name: x.Name}
		if b.Terms, err = Bound(ctx, c, set, s, x.N, x.Row, e.Threads, begin(StageBound, x.Name)); err != nil {
			return nil, err
		}
		b.Mean, b.StdErr, b.Parts = Mean(b.Terms, score.LogZ.LogZ)
		if math.IsNaN(b.Mean) {
			return nil, fmt.Errorf("%s: %w", x.Name, ErrNotANumber)
		}
		score.Bounds = append(score.Bounds, b)
	}
	if e.Enumerate && Enumerable(c.Layers) {
		score.Exact, err = enumerateAll(ctx, c, s, sets, e.Threads, begin(StageEnumeration, ""))
	}
	return score, err
}

// ErrNotANumber is the error of a bound that is not a number, as of a model that has
// diverged.
var ErrNotANumber = errors.New("the bound is not a number")

// enumerateAll computes the exact log Z and, with one hidden layer, the exact mean
// log-likelihood of each set.
func enumerateAll(ctx context.Context, c *dbm.Config, s *dbm.State, sets []Examples, threads int,
	progress func(done float64)) (*Exact, error) {
	logZ, err := LogZ(ctx, c, s, threads, progress)
	if err != nil {
		return nil, err
	}
	x := &Exact{LogZ: logZ, LogP: map[string]float64{}}
	if c.Hidden() > 1 {
		return x, nil
	}
	for _, set := range sets {
		if !set.Enumerate {
			continue
		}
		if x.LogP[set.Name], err = meanLogP(ctx, c, s, set, logZ, threads); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// meanLogP returns the exact mean log-likelihood of examples, given log Z.
func meanLogP(ctx context.Context, c *dbm.Config, s *dbm.State, set Examples, logZ float64,
	threads int) (float64, error) {
	const block = 100
	each, failed := make([]float64, set.N), make([]error, set.N)
	err := dbm.Blocks(ctx, set.N, block, threads, func(_, from, to int) {
		v := make([]float32, c.Layers[0])
		for i := from; i < to; i++ {
			set.Row(i, v)
			each[i], failed[i] = LogP(ctx, c, s, v, logZ)
		}
	})
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, p := range each {
		if failed[i] != nil {
			return 0, failed[i]
		}
		sum += p
	}
	return sum / float64(set.N), nil
}

package cli

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/mnist"
)

// estimator looks at the likelihood now and then while a model trains: a few
// short runs of annealed importance sampling, and the bound on some test images.
// It is a rough figure; eval has a good one.
type estimator struct {
	every  uint64 // updates; 0: never
	always bool   // whatever it costs
	temps  int    // of each run; 0: estimateTemps

	test  *mnist.Set
	base  []float64
	spent float64 // seconds, in this process
	cost  float64 // of the last estimate
}

// What an estimate is made of.
const (
	estimateRuns   = 20
	estimateTemps  = 500
	estimateImages = 500
)

// estimateShare is the largest share of the time of training that estimates take.
const estimateShare = 0.05

func estimateFlag(f *flag.FlagSet) *estimator {
	e := new(estimator)
	f.Uint64Var(&e.every, "eval-every", 0, "`N` updates from one rough estimate of the likelihood to the next; left out where\n"+blank+"they would take more than 5% of the time")
	return e
}

// open reads the test images that a model of so many visible units is to be looked
// at with.
func (e *estimator) open(data string, visible int) (err error) {
	if e.every == 0 {
		return nil
	}
	if e.test, err = mnist.Open(data, mnist.Test); err != nil {
		return fmt.Errorf("eval-every: %w", err)
	}
	if n := e.test.Rows() * e.test.Columns(); n != visible {
		return fmt.Errorf("eval-every: the model has %d visible units, but the test images of %s have %d pixels", visible, e.test.Source, n)
	}
	return nil
}

// due says whether to make an estimate after an update, by a process that has
// trained for some seconds and made some updates.
func (e *estimator) due(update, made uint64, seconds float64, c *dbm.Config) bool {
	if e.every == 0 || update%e.every != 0 {
		return false
	}
	if e.always {
		return true
	}
	cost := e.cost
	if cost == 0 { // A temperature of a run takes no longer than two sweeps of a chain, an image than ten of a minibatch.
		cost = seconds / float64(made) * (2*estimateRuns*estimateTemps/float64(c.Chains) + 10*estimateImages/float64(c.Batch))
	}
	return e.spent+cost <= estimateShare*seconds
}

// estimate returns log Z and the bound on the first test images, sampled once; zeros
// where they are not finite.
func (e *estimator) estimate(x *training, s *dbm.State) (logZ, bound float64, err error) {
	began := time.Now()
	c := x.run.Settings()
	if e.base == nil {
		e.base = x.data.Mean(mnist.Fixed)
	}
	w, err := likelihood.Anneal(context.Background(), &c.Config, x.machine.Kernels, s, likelihood.Annealing{
		Runs: estimateRuns, Temperatures: cmp.Or(e.temps, estimateTemps), UpOnly: true, Base: e.base, Threads: x.how.threads})
	if err != nil {
		return 0, 0, fmt.Errorf("eval-every: %w", err)
	}
	row := func(i int, v []float32) { e.test.Values(v, i, mnist.Fixed, kernel.Draw{}) }
	terms, err := likelihood.Bound(context.Background(), &c.Config, x.machine.Kernels, s, min(estimateImages, e.test.N()), row, x.how.threads, nil)
	if err != nil {
		return 0, 0, fmt.Errorf("eval-every: %w", err)
	}
	logZ = w.Estimate().LogZ
	bound, _, _ = likelihood.Mean(terms, logZ)
	e.cost = time.Since(began).Seconds()
	e.spent += e.cost
	if bound-bound != 0 {
		return 0, 0, nil
	}
	return logZ, bound, nil
}

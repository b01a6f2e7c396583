package likelihood

import (
	"fmt"
	"math"
	"slices"

	"tandem/dbm/kernel"
)

// A mean of weights is as good as the weights are even. If few of them make up most of the
// sum, its spread says nothing: the next run may be larger than all of them. Three figures
// tell: the effective number of runs (Σw)²/Σw², the share of the largest weight, and the
// shape k of the generalised Pareto distribution that the largest weights follow (Vehtari,
// Simpson, Gelman, Yao and Gabry 2024; fitted as by Zhang and Stephens 2009). With k above ½
// the variance of the weights is infinite; above 0.7 no practical number of runs is enough.

// Weights are the results of runs, a number for each.
type Weights struct {
	LogZ0 float64   // log Z of the base
	Up    []float64 // log-weights of the runs up
	Down  []float64 // log-weights of the runs down, if there were any
}

// Estimate is log Z by annealed importance sampling.
type Estimate struct {
	LogZ       float64
	StdErr     float64 // by bootstrap or between groups of runs, whichever is larger; NaN of one run
	Low, High  float64 // 95% interval: LogZ ± 1.96 standard errors; NaN of one run
	Runs       int
	LogWeights []float64 // of the runs up
	Effective  float64   // runs
	Largest    float64   // share of the largest weight in the sum
	Tail       float64   // k of the largest weights; NaN where they are too few to tell

	// LogZ − log mean exp(up + down) of the runs down, NaN without. Its expectation is log Z
	// whatever the model, so it tells how noisy the weights are and nothing else.
	Reverse float64

	distrust []string
}

// What must hold for annealing to be trusted.
const (
	leastEffective = 100  // runs
	mostLargest    = 0.05 // share of the largest weight
)

// Trusted reports whether nothing speaks against the estimate.
func (e *Estimate) Trusted() bool { return len(e.distrust) == 0 }

// Distrust returns what speaks against it, in words.
func (e *Estimate) Distrust() []string { return slices.Clone(e.distrust) }

// Estimate combines runs. seed is of the random numbers of the bootstrap.
func (w *Weights) Estimate(seed uint64) Estimate {
	weights, top := scaledWeights(w.Up)
	sum, square, largest := 0.0, 0.0, 0.0
	for _, x := range weights {
		sum += x
		square += float64(x * x)
		largest = max(largest, x)
	}
	n := float64(len(weights))
	e := Estimate{LogZ: w.LogZ0 + top + logarithm(sum/n), StdErr: math.NaN(), Runs: len(weights), LogWeights: w.Up,
		Effective: float64(sum*sum) / square, Largest: largest / sum, Tail: paretoShape(weights), Reverse: math.NaN()}
	if len(weights) > 1 {
		e.StdErr = max(bootstrap(weights, seed), betweenGroups(weights))
	}
	if w.Down != nil {
		both := make([]float64, len(w.Up))
		for i, up := range w.Up {
			both[i] = up + w.Down[i]
		}
		e.Reverse = e.LogZ - logMean(both)
	}
	e.Low, e.High = e.LogZ-float64(1.96*e.StdErr), e.LogZ+float64(1.96*e.StdErr)
	e.check()
	return e
}

// check writes down what speaks against the estimate.
func (e *Estimate) check() {
	against := func(is bool, format string, args ...any) {
		if is {
			e.distrust = append(e.distrust, fmt.Sprintf(format, args...))
		}
	}
	against(math.IsNaN(e.StdErr), "one run has no error")
	against(!(e.Effective >= leastEffective), "%.0f effective runs, fewer than %d", e.Effective, leastEffective)
	against(!(e.Largest <= mostLargest), "the largest weight has %.0f%% of the sum, more than %.0f%%", 100*e.Largest,
		100*mostLargest)
	most := 0.7
	if e.Runs > 1 {
		most = min(most, 1-math.Ln10/logarithm(float64(e.Runs)))
	}
	against(!(e.Tail < most), "the tail of the weights has k = %.2f, not below %.2f", e.Tail, most)
}

// scaledWeights returns exp(x − top) with the largest x as top.
func scaledWeights(x []float64) (weights []float64, top float64) {
	top = math.Inf(-1)
	for _, v := range x {
		top = max(top, v)
	}
	for _, v := range x {
		weights = append(weights, kernel.Exp(v-top))
	}
	return weights, top
}

// Normalise returns log-weights moved so that the mean of their exponentials is 1, and the
// effective number of them.
func Normalise(logs []float64) (moved []float64, effective float64) {
	mean, sum, square := logMean(logs), 0.0, 0.0
	for _, x := range logs {
		moved = append(moved, x-mean)
		w := kernel.Exp(x - mean)
		sum += w
		square += float64(w * w)
	}
	return moved, float64(sum*sum) / square
}

// logMean is the logarithm of the mean of exp(x).
func logMean(x []float64) float64 {
	weights, top := scaledWeights(x)
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	return top + logarithm(sum/float64(len(x)))
}

// resamples is how often a bootstrap draws as many runs as there are.
const resamples = 500

// bootstrap returns the standard error of the logarithm of the mean of weights.
func bootstrap(weights []float64, seed uint64) float64 {
	logs, u := make([]float64, resamples), make([]float32, len(weights))
	for b := range logs {
		kernel.Draw{Seed: seed, Row: uint32(b), Tag: kernel.Tag(kernel.ForBootstrap, 0, 0)}.Uniforms(u)
		sum := 0.0
		for _, x := range u {
			sum += weights[int(float64(x)*float64(len(weights)))]
		}
		logs[b] = logarithm(sum)
	}
	return spread(logs)
}

// groups is how many groups betweenGroups makes.
const groups = 10

// betweenGroups returns the standard error of the logarithm of the mean of weights from how
// much the logarithms of the means of ten groups differ; 0 where a group would have one run.
func betweenGroups(weights []float64) float64 {
	if len(weights) < 2*groups {
		return 0
	}
	logs := make([]float64, groups)
	for g := range logs {
		from, to := g*len(weights)/groups, (g+1)*len(weights)/groups
		sum := 0.0
		for _, x := range weights[from:to] {
			sum += x
		}
		logs[g] = logarithm(sum / float64(to-from))
	}
	return spread(logs) / math.Sqrt(groups)
}

// paretoShape returns k of the generalised Pareto distribution of the largest weights, a
// fifth of them but at most 3√n, as far as they are above the largest of the others. It is
// NaN where these are fewer than five.
func paretoShape(weights []float64) float64 {
	n := len(weights)
	m := min(n/5, int(3*math.Sqrt(float64(n))))
	if m < 5 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(weights))
	excess := sorted[n-m:]
	for i := range excess {
		excess[i] -= sorted[n-m-1]
	}
	quarter := excess[max((m+2)/4-1, 0)]
	if quarter <= 0 { // all the same
		return 0
	}
	// The mean of b = −k/σ over its profile likelihood, on a grid around a guess.
	points := 30 + int(math.Sqrt(float64(m)))
	bs, likelihoods := make([]float64, points), make([]float64, points)
	for i := range bs {
		bs[i] = 1/excess[m-1] + (1-math.Sqrt(float64(points)/(float64(i)+0.5)))/float64(3*quarter)
		k := shapeGiven(bs[i], excess)
		likelihoods[i] = float64(float64(m) * (logarithm(-bs[i]/k) - k - 1))
	}
	b, all := 0.0, 0.0
	shares, _ := scaledWeights(likelihoods)
	for i, share := range shares {
		b += float64(share * bs[i])
		all += share
	}
	k := shapeGiven(b/all, excess)
	return (float64(k*float64(m)) + 5) / float64(m+10) // few weights pull towards ½
}

// shapeGiven returns the most likely k for b = −k/σ.
func shapeGiven(b float64, excess []float64) float64 {
	k := 0.0
	for _, x := range excess {
		k += logarithm(1 - float64(b*x))
	}
	return k / float64(len(excess))
}

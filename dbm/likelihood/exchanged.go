package likelihood

import (
	"fmt"
	"math"
	"slices"
)

// Exchanged is log Z by replica exchange, with what speaks for it and against it.
type Exchanged struct {
	LogZ      float64
	StdErr    float64 // between ensembles
	Low, High float64 // 95% interval, by Student's t of the ensembles
	Integral  float64 // log Z by the integral of the mean, for comparison

	MBAR       float64 // log Z from the draws of all temperatures at once, for comparison; NaN: they do not overlap
	MBARStdErr float64 // of MBAR − LogZ, between ensembles

	Ensembles []Ensemble
	Sweeps    int       // of each ensemble
	Betas     []float32 // the temperatures
	LogZ0     float64   // log Z at β = 0
	Halved    bool      // the ensembles of odd numbers began with examples

	Halves       float64 // how much higher these are; NaN without
	HalvesStdErr float64 // of Halves
	Overlap      float64 // the least of all intervals and ensembles
	Trips        int     // the fewest of all ensembles
	Times        float64 // autocorrelation times in each ensemble, of the interval that has fewest

	distrust []string
}

// What must hold for an estimate to be trusted.
const (
	leastOverlap = 0.1  // of every interval
	leastTrips   = 10   // round trips of each ensemble
	leastTimes   = 50   // autocorrelation times in each ensemble and interval
	mostHalves   = 2.0  // standard errors between the two halves
	leastHalves  = 0.05 // nats between them that are of no account, however small their error is
	mostMBAR     = 2.0  // half widths of the 95% interval of MBAR − LogZ
	mostStdErr   = 0.5  // nats
)

// Trusted reports whether nothing speaks against the estimate.
func (x *Exchanged) Trusted() bool { return len(x.distrust) == 0 }

// Distrust returns what speaks against it, in words.
func (x *Exchanged) Distrust() []string { return slices.Clone(x.distrust) }

// combine sums up the ensembles.
func (x *Exchanged) combine() {
	each, integrals := make([]float64, len(x.Ensembles)), 0.0
	x.Overlap, x.Trips, x.Times = 1, x.Ensembles[0].Trips, math.Inf(1)
	for i := range x.Ensembles {
		e := &x.Ensembles[i]
		each[i] = x.LogZ0 + e.LogZ
		x.Trips = min(x.Trips, e.Trips)
		for _, n := range e.Intervals {
			x.Overlap = min(x.Overlap, n.Overlap)
			x.Times = min(x.Times, float64(x.Sweeps)/n.Correlated)
			integrals += n.Integral
		}
	}
	var deviation float64
	x.LogZ, deviation = meanAndSpread(each)
	x.StdErr = deviation / math.Sqrt(float64(len(each)))
	x.Integral = x.LogZ0 + integrals/float64(len(each))
	t := student(len(each) - 1)
	x.Low, x.High = x.LogZ-float64(t*x.StdErr), x.LogZ+float64(t*x.StdErr)
	x.compareHalves(each)
	x.compareMBAR()
	x.check()
}

// compareHalves compares the ensembles that began with examples with the others.
func (x *Exchanged) compareHalves(each []float64) {
	x.Halves, x.HalvesStdErr = math.NaN(), math.NaN()
	if !x.Halved || len(each) < 4 {
		return
	}
	var halves [2][]float64
	for i, logZ := range each {
		halves[i%2] = append(halves[i%2], logZ)
	}
	a, sa := meanAndSpread(halves[0])
	b, sb := meanAndSpread(halves[1])
	x.Halves = b - a
	x.HalvesStdErr = math.Sqrt((float64(sa*sa) + float64(sb*sb)) / float64(len(each)/2))
}

// compareMBAR compares the two ways to use the draws of each ensemble.
func (x *Exchanged) compareMBAR() {
	apart := make([]float64, len(x.Ensembles))
	for i := range x.Ensembles {
		if apart[i] = math.NaN(); x.Ensembles[i].MBAR != nil {
			apart[i] = *x.Ensembles[i].MBAR - x.Ensembles[i].LogZ
		}
	}
	mean, deviation := meanAndSpread(apart)
	x.MBAR, x.MBARStdErr = x.LogZ+mean, deviation/math.Sqrt(float64(len(apart)))
}

// check writes down what speaks against the estimate.
func (x *Exchanged) check() {
	x.distrust = nil
	against := func(is bool, format string, args ...any) {
		if is {
			x.distrust = append(x.distrust, fmt.Sprintf(format, args...))
		}
	}
	against(!(x.Overlap >= leastOverlap), "neighbours overlap by %.2f somewhere, less than %v", x.Overlap, leastOverlap)
	against(x.Trips < leastTrips, "an ensemble has %d round trips, fewer than %d", x.Trips, leastTrips)
	against(!(x.Times >= leastTimes), "an interval has %.0f autocorrelation times, fewer than %d", x.Times, leastTimes)
	against(math.Abs(x.Halves) > max(mostHalves*x.HalvesStdErr, leastHalves),
		"ensembles that began at examples are %+.2f ± %.2f nats apart from the others", x.Halves, x.HalvesStdErr)
	against(x.HalvesStdErr > mostStdErr, "the two halves are compared with an error of %.2f nats, more than %v",
		x.HalvesStdErr, mostStdErr)
	against(math.Abs(x.MBAR-x.LogZ) > mostMBAR*student(len(x.Ensembles)-1)*x.MBARStdErr,
		"the draws of all temperatures at once are %+.2f ± %.2f nats apart", x.MBAR-x.LogZ, x.MBARStdErr)
	against(!(x.StdErr <= mostStdErr), "the error is %.2f nats, more than %v", x.StdErr, mostStdErr)
}

// meanAndSpread returns the mean of x and its standard deviation.
func meanAndSpread(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	return mean, spread(x)
}

// student returns the 97.5% quantile of Student's t, by the series of Cornish and Fisher; for
// one and two degrees of freedom it is exact.
func student(degrees int) float64 {
	const z = 1.959963984540054
	switch degrees {
	case 1:
		return 12.706204736174698
	case 2:
		return 4.302652729749464
	}
	// The coefficients are polynomials in z: constants, which every compiler computes alike.
	const (
		z2 = z * z
		g1 = z * (z2 + 1) / 4
		g2 = z * ((5*z2+16)*z2 + 3) / 96
		g3 = z * (((3*z2+19)*z2+17)*z2 - 15) / 384
		g4 = z * ((((79*z2+776)*z2+1482)*z2-1920)*z2 - 945) / 92160
	)
	n := float64(degrees)
	return z + g1/n + g2/(n*n) + g3/(n*n*n) + g4/(n*n*n*n)
}

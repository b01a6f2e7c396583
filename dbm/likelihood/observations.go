package likelihood

import (
	"math"

	"tandem/dbm/kernel"
)

// observations is what an ensemble has seen. Of each interval it keeps at most mostKept
// draws: when they are full, every second one goes, and half as many are kept from then on.
// So a run of any length takes the same memory, and nothing is lost that a slow interval
// could tell: the draws that stay are then worth less than one each.
type observations struct {
	intervals []interval
	thin      int // every so many of an interval's turns are kept
	trips     int // round trips of replicas from β = 0 to 1 and back
}

// interval is what one ensemble has seen between two neighbours. An interval has its turn
// every second step.
type interval struct {
	up, down        []float32 // log p*(upper) − log p*(lower) at draws of the lower; the reverse at the upper's
	accepted, tried uint64    // exchanges
}

// mostKept is how many draws of an interval are kept at most.
const mostKept = 1 << 13

func newObservations(intervals int) observations {
	return observations{intervals: make([]interval, intervals), thin: 1}
}

// step keeps the gains of a step, unless it is left out.
func (o *observations) step(step int, gain []float64) {
	turn := step / 2
	if turn%o.thin != 0 {
		return
	}
	if step%2 == 0 && len(o.intervals[0].up) == mostKept {
		for i := range o.intervals {
			o.intervals[i].halve()
		}
		o.thin *= 2
		if turn%o.thin != 0 {
			return
		}
	}
	for i := step % 2; i < len(o.intervals); i += 2 {
		v := &o.intervals[i]
		v.up, v.down = append(v.up, float32(gain[i])), append(v.down, float32(gain[i+1]))
	}
}

// halve lets every second draw go.
func (v *interval) halve() {
	for i := 0; 2*i < len(v.up); i++ {
		v.up[i], v.down[i] = v.up[2*i], v.down[2*i]
	}
	v.up, v.down = v.up[:(len(v.up)+1)/2], v.down[:(len(v.down)+1)/2]
}

// Ensemble is what one ensemble says of log Z.
type Ensemble struct {
	LogZ      float64      `json:"log_z"`      // less that at β = 0
	MBAR      *float64     `json:"log_z_mbar"` // the same from draws of all temperatures at once; nil: they do not overlap
	Intervals []Neighbours `json:"intervals"`  // from β = 0 up
	Samples   []float32    `json:"-"`          // of the visible units at the model: samples × visible
	Trips     int          `json:"trips"`      // round trips of replicas from β = 0 to 1 and back
}

// Neighbours is what one ensemble says of two neighbouring temperatures.
type Neighbours struct {
	Ratio      float64 `json:"ratio"`      // log Z of the upper over that of the lower, by Bennett's acceptance ratio
	Integral   float64 `json:"integral"`   // the same by the integral of the mean
	Overlap    float64 `json:"overlap"`    // 0 to 1
	Exchanged  float64 `json:"exchanged"`  // fraction of the exchanges that were tried
	Correlated float64 `json:"correlated"` // autocorrelation time in sweeps
}

// burnIn is the fraction of the draws that does not count, for they remember the start.
const burnIn = 5 // a fifth

// summary sums up an ensemble after some sweeps.
func (r *replicas) summary(sweeps int) Ensemble {
	o := &r.seen
	e := Ensemble{Trips: o.trips}
	rungs := []float64{0} // log Z of each temperature less that at β = 0
	for i := range o.intervals {
		v := o.intervals[i]
		from := len(v.up) / burnIn
		up, down := v.up[from:], v.down[from:]
		n := Neighbours{Exchanged: float64(v.accepted) / max(float64(v.tried), 1), Integral: integral(up, down)}
		n.Ratio, n.Overlap = bennett(up, down)
		series := make([]float64, len(up))
		for i := range series {
			series[i] = logistic(float64(up[i])-n.Ratio) - logistic(float64(down[i])+n.Ratio)
		}
		n.Correlated = float64(autocorrelation(series) * float64(2*o.thin))
		if math.IsInf(n.Correlated, 1) {
			n.Correlated = float64(sweeps)
		}
		e.LogZ += n.Ratio
		rungs = append(rungs, e.LogZ)
		e.Intervals = append(e.Intervals, n)
	}
	if all := r.weighed.mbar(rungs); !math.IsNaN(all) {
		e.MBAR = &all
	}
	return e
}

// integral returns log Z₁/Z₀ from the means and variances of u = log p₁* − log p₀* under
// both, by the rule of Euler and Maclaurin: the derivative of log Z along the way from one
// to the other is the mean of u, and that of the mean its variance.
func integral(up, down []float32) float64 {
	m0, v0 := moments(up)
	m1, v1 := moments(down) // of −u
	return float64(0.5*(m0-m1)) - float64((v1-v0)/12)
}

// moments returns the mean of x and its variance.
func moments(x []float32) (mean, variance float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += float64(v) / n
	}
	for _, v := range x {
		d := float64(v) - mean
		variance += float64(d*d) / n
	}
	return mean, variance
}

// autocorrelation returns the integrated autocorrelation time of a series, in steps: how
// many of its values are worth one independent draw. It sums correlations up to the first
// lag that is five times the sum (Sokal). A series that does not move has +Inf.
func autocorrelation(x []float64) float64 {
	n := len(x)
	centre, square := 0.0, 0.0
	for _, v := range x {
		centre += v / float64(n)
	}
	for _, v := range x {
		square += float64((v - centre) * (v - centre))
	}
	if square == 0 {
		return math.Inf(1)
	}
	time := 1.0
	for lag := 1; lag < n/2; lag++ {
		sum := 0.0
		for i := range n - lag {
			sum += float64((x[i] - centre) * (x[i+lag] - centre))
		}
		time += float64(2 * sum / square)
		if float64(lag) >= float64(5*time) {
			break
		}
	}
	return max(time, 1)
}

// logistic is σ(x) from the functions that give the same bits everywhere.
func logistic(x float64) float64 {
	e := kernel.Exp(-math.Abs(x))
	if x >= 0 {
		return 1 / (1 + e)
	}
	return e / (1 + e)
}

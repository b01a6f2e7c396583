package cli

import (
	"encoding/json"
	"fmt"
	"math"

	"tandem/dbm/likelihood"
	"tandem/internal/format"
	"tandem/mnist"
)

// evaluation is what eval finds out.
type evaluation struct {
	Run       string     `json:"run"`
	Updates   uint64     `json:"updates"`
	Params    string     `json:"params_sha256"`
	Data      string     `json:"data"`       // where the images come from
	Other     bool       `json:"data_other"` // they are not those that the model was trained on
	Pixels    string     `json:"pixels"`
	Seed      uint64     `json:"seed"`
	estimate             // that the figures below use
	Method    string     `json:"log_z_method"`
	Exact     *exact     `json:"exact,omitempty"`
	Exchange  *exchange  `json:"exchange,omitempty"`
	Annealing *annealing `json:"annealing,omitempty"`
	Worth     []worth    `json:"worth,omitempty"` // of each upper layer, the top one first
	Seconds   float64    `json:"seconds"`
	ZSeconds  float64    `json:"log_z_seconds"`

	Sets []*scored `json:"sets"`

	BoundTest        *float64   `json:"bound_test,omitempty"`
	BoundTestStdErr  *known     `json:"bound_test_stderr,omitempty"`
	NegEnergyTest    *float64   `json:"negative_energy_test,omitempty"` // E_q[−E]
	EntropyTest      *float64   `json:"entropy_test,omitempty"`
	IndependentTest  *float64   `json:"independent_test,omitempty"` // of units with the means of the training examples
	PosteriorTest    *posterior `json:"posterior_test,omitempty"`
	WeightedTest     *weights   `json:"weighted_test,omitempty"`
	BoundTrain       *float64   `json:"bound_train,omitempty"`
	BoundTrainStdErr *known     `json:"bound_train_stderr,omitempty"`
	NegEnergyTrain   *float64   `json:"negative_energy_train,omitempty"`
	EntropyTrain     *float64   `json:"entropy_train,omitempty"`
	IndependentTrain *float64   `json:"independent_train,omitempty"`
	PosteriorTrain   *posterior `json:"posterior_train,omitempty"`
	WeightedTrain    *weights   `json:"weighted_train,omitempty"`
}

// estimate is log Z with what is known of its error.
type estimate struct {
	LogZ     float64  `json:"log_z"`
	StdErr   known    `json:"log_z_stderr"`
	Low      known    `json:"log_z_low"`
	High     known    `json:"log_z_high"`
	Trusted  bool     `json:"trusted"`
	Distrust []string `json:"distrust"` // what speaks against it
}

// newEstimate returns an estimate. It is trusted if nothing speaks against it.
func newEstimate(logZ, stdErr, low, high float64, distrust []string) estimate {
	return estimate{logZ, known(stdErr), known(low), known(high), len(distrust) == 0, append([]string{}, distrust...)}
}

// exchange is log Z by replica exchange.
type exchange struct {
	estimate
	Integral     float64               `json:"log_z_integral"`
	MBAR         known                 `json:"log_z_mbar"`
	MBARStdErr   known                 `json:"log_z_mbar_apart_stderr"`
	Sweeps       int                   `json:"sweeps"`
	Betas        []float32             `json:"temperatures"` // inverse
	Halves       known                 `json:"halves"`
	HalvesStdErr known                 `json:"halves_stderr"`
	Overlap      float64               `json:"least_overlap"`
	Times        float64               `json:"autocorrelation_times"`
	Trips        int                   `json:"round_trips"`
	Ensembles    []likelihood.Ensemble `json:"ensembles"`
}

// annealing is log Z by annealed importance sampling.
type annealing struct {
	estimate
	Runs      int     `json:"runs"`
	Temps     int     `json:"temps"`
	Effective float64 `json:"effective_runs"`
	Largest   float64 `json:"largest_share"`
	Tail      known   `json:"tail_k"`
}

// weights is the importance-weighted bound of a set.
type weights struct {
	Bound     float64 `json:"bound"`
	StdErr    known   `json:"bound_stderr"`
	Draws     int     `json:"draws"`
	Effective float64 `json:"effective_draws"` // mean of the images
	Fewest    float64 `json:"fewest_effective_draws"`
}

// posterior is what annealing to the posterior says of some images.
type posterior struct {
	Images      int     `json:"images"`
	Runs        int     `json:"runs"` // of each
	Temps       int     `json:"temps"`
	Bound       float64 `json:"bound"`
	StdErr      known   `json:"bound_stderr"`
	Over        float64 `json:"over_mean_field"` // how much it is above that bound of the same images
	OverStdErr  known   `json:"over_mean_field_stderr"`
	Weighted    *known  `json:"over_weighted,omitempty"` // above the importance-weighted bound
	WeightedErr *known  `json:"over_weighted_stderr,omitempty"`
	Effective   float64 `json:"effective_runs"` // mean of the images
	Fewest      float64 `json:"fewest_effective_runs"`
}

// newPosterior returns the figures of what annealing says.
func newPosterior(b *likelihood.Bridged, how *likelihood.Clamped) *posterior {
	if b == nil {
		return nil
	}
	p := &posterior{Images: len(b.Each), Runs: how.Runs, Temps: how.Temperatures, Bound: b.Bound.Mean,
		StdErr: known(b.Bound.StdErr), Over: b.Over.Mean, OverStdErr: known(b.Over.StdErr), Fewest: float64(how.Runs)}
	if b.Weighted != nil {
		mean, stdErr := known(b.Weighted.Mean), known(b.Weighted.StdErr)
		p.Weighted, p.WeightedErr = &mean, &stdErr
	}
	for _, w := range b.Each {
		p.Effective += w.Effective / float64(len(b.Each))
		p.Fewest = min(p.Fewest, w.Effective)
	}
	return p
}

// row returns the row of a set of images.
func (p *posterior) row(set string) [2]string {
	text := fmt.Sprintf("%+.3f %s above mean field", p.Over, plusMinus(p.OverStdErr, "one example"))
	if p.Weighted != nil {
		text += fmt.Sprintf(", %+.3f %s above weighted", float64(*p.Weighted), plusMinus(*p.WeightedErr, "one example"))
	}
	return [2]string{"posterior, " + set,
		fmt.Sprintf("%.2f on %s by annealing: %s; of %s %.0f count on average, %.1f at least",
			p.Bound, format.Number(p.Images, "example"), text, format.Number(p.Runs, "run"), p.Effective, p.Fewest)}
}

// exact is what can be enumerated.
type exact struct {
	LogZ  float64  `json:"log_z"`
	Test  *float64 `json:"log_likelihood_test,omitempty"`
	Train *float64 `json:"log_likelihood_train,omitempty"`
}

// known is a figure that is null in JSON where it is not known: NaN.
type known float64

func (x known) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(x)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(x))
}

// plusMinus returns ± a standard error, or what there is instead of one.
func plusMinus(x known, one string) string {
	if math.IsNaN(float64(x)) {
		return "(" + one + ": no error)"
	}
	if x > 0 && x < 0.01 { // not as if it were none
		return fmt.Sprintf("± %.1g", float64(x))
	}
	return fmt.Sprintf("± %.2f", float64(x))
}

// evaluation returns what eval prints of a score.
func (o *evalOptions) evaluation(s *model, score *likelihood.Score, independent [][]float64) *evaluation {
	z := &score.LogZ
	e := &evaluation{Run: o.run, Updates: s.Updates, Params: s.State.SHA256(), Data: o.source(s), Other: s.otherData,
		Pixels: o.pixels.String(), Seed: o.seed, estimate: newEstimate(z.Value, z.StdErr, z.Low, z.High, z.Distrust),
		Method: string(z.Method)}
	if score.Exact != nil {
		e.Exact = &exact{LogZ: *score.Exact}
	}
	if x := score.Exchange; x != nil {
		e.Exchange = &exchange{newEstimate(x.LogZ, x.StdErr, x.Low, x.High, x.Distrust()), x.Integral, known(x.MBAR),
			known(x.MBARStdErr), x.Sweeps, x.Betas, known(x.Halves), known(x.HalvesStdErr), x.Overlap, x.Times, x.Trips,
			x.Ensembles}
	}
	if a := score.Annealing; a != nil {
		e.Annealing = &annealing{newEstimate(a.LogZ, a.StdErr, a.Low, a.High, a.Distrust()), a.Runs, o.annealing.Temperatures,
			a.Effective, a.Largest, known(a.Tail)}
	}
	for i := range score.Sets {
		e.add(newScored(&score.Sets[i], z.Value, independent[i], o))
	}
	return e
}

// source returns where the examples come from.
func (o *evalOptions) source(s *model) string {
	if o.data != "" {
		return o.data
	}
	return s.training.Source
}

// scored is the figures of one set of examples.
type scored struct {
	Set         string     `json:"set"` // test, train, held-out or data
	Examples    int        `json:"examples"`
	Bound       float64    `json:"bound"`
	StdErr      known      `json:"bound_stderr"`
	NegEnergy   float64    `json:"negative_energy"` // E_q[−E]
	Entropy     float64    `json:"entropy"`
	Weighted    *weights   `json:"weighted,omitempty"`
	Posterior   *posterior `json:"posterior,omitempty"`
	Exact       *float64   `json:"log_likelihood,omitempty"`
	exactErr    known
	Independent float64 `json:"independent"`       // of units with the means of the training examples
	Above       float64 `json:"above_independent"` // the best that is known of the model over that
	AboveStdErr known   `json:"above_independent_stderr"`
}

// newScored returns the figures of a set, and of independent units on the same examples.
func newScored(x *likelihood.Scored, logZ float64, independent []float64, o *evalOptions) *scored {
	s := &scored{Set: x.Name, Examples: len(x.Terms), Bound: x.Bound.Mean, StdErr: known(x.Bound.StdErr),
		NegEnergy: x.Parts.Energy, Entropy: x.Parts.Entropy, Posterior: newPosterior(x.Bridged, &o.posterior)}
	if x.Weighted != nil {
		s.Weighted = &weights{x.Weighted.Mean, known(x.Weighted.StdErr), o.draws, 0, float64(o.draws)}
		for _, w := range x.Weights {
			s.Weighted.Effective += w.Effective / float64(len(x.Weights))
			s.Weighted.Fewest = min(s.Weighted.Fewest, w.Effective)
		}
	}
	if x.Exact != nil {
		s.Exact, s.exactErr = &x.Exact.Mean, known(x.Exact.StdErr)
	}
	s.Independent = likelihood.MeanOf(len(independent), func(i int) float64 { return independent[i] }).Mean
	above := likelihood.MeanOf(len(independent), func(i int) float64 { return x.LogPOf(i, logZ) - independent[i] })
	s.Above, s.AboveStdErr = above.Mean, known(above.StdErr)
	return s
}

// add adds the figures of a set. Those of the test and the training examples have keys of
// their own, too.
func (e *evaluation) add(s *scored) {
	e.Sets = append(e.Sets, s)
	switch s.Set {
	case mnist.Train:
		e.BoundTrain, e.BoundTrainStdErr, e.NegEnergyTrain, e.EntropyTrain = &s.Bound, &s.StdErr, &s.NegEnergy, &s.Entropy
		e.WeightedTrain, e.PosteriorTrain, e.IndependentTrain = s.Weighted, s.Posterior, &s.Independent
		if s.Exact != nil {
			e.Exact.Train = s.Exact
		}
	case mnist.Test:
		e.BoundTest, e.BoundTestStdErr, e.NegEnergyTest, e.EntropyTest = &s.Bound, &s.StdErr, &s.NegEnergy, &s.Entropy
		e.WeightedTest, e.PosteriorTest, e.IndependentTest = s.Weighted, s.Posterior, &s.Independent
		if s.Exact != nil {
			e.Exact.Test = s.Exact
		}
	}
}

// print prints a table.
func (e *evaluation) print(t *terminal, s *model, score *likelihood.Score) {
	source := e.Data
	if e.Other {
		source = s.source(s.training)
	}
	rows := [][2]string{
		{"model", fmt.Sprintf("%s after %s updates (%s)", format.Shape(s.Settings.Layers), format.Count(e.Updates), e.Run)},
		{"data", source},
	}
	if e.Exact != nil {
		rows = append(rows, [2]string{"log Z", fmt.Sprintf("%.4f, enumerated", e.Exact.LogZ)})
	}
	rows = append(rows, e.exchangeRows()...)
	rows = append(rows, e.annealingRows()...)
	if len(e.Distrust) > 0 {
		rows = append(rows, [2]string{"warning", "log Z is not to be trusted, nor what follows from it"})
	}
	for _, x := range e.Sets {
		rows = append(rows, e.setRows(x)...)
	}
	rows = append(rows, e.worthRows()...)
	table(t.out, append(rows, [2]string{"took", format.Duration(e.Seconds)}))
}

// estimated returns a row of log Z by a method that estimates it.
func (e *evaluation) estimated(method likelihood.Method, x *estimate, by string) [2]string {
	name := "check"
	if e.Method == string(method) {
		name = "log Z"
	}
	if math.IsNaN(float64(x.StdErr)) {
		return [2]string{name, fmt.Sprintf("%.2f %s; %s", x.LogZ, plusMinus(x.StdErr, "one run"), by)}
	}
	return [2]string{name, fmt.Sprintf("%.2f %s, 95%% in %.2f to %.2f; %s", x.LogZ, plusMinus(x.StdErr, ""), x.Low, x.High,
		by)}
}

// against returns a row for each thing that speaks against an estimate.
func against(distrust []string) (rows [][2]string) {
	for _, why := range distrust {
		rows = append(rows, [2]string{"", "not to be trusted: " + why})
	}
	return rows
}

func (e *evaluation) exchangeRows() [][2]string {
	x := e.Exchange
	if x == nil {
		return nil
	}
	figures := fmt.Sprintf("least overlap %.2f, round trips %d, autocorrelation times %.0f", x.Overlap, x.Trips, x.Times)
	if !math.IsNaN(float64(x.Halves)) {
		figures += fmt.Sprintf("; begun at examples %+.2f ± %.2f", x.Halves, x.HalvesStdErr)
	}
	if !math.IsNaN(float64(x.MBAR)) {
		figures += fmt.Sprintf("; MBAR %+.2f ± %.2f", float64(x.MBAR)-x.LogZ, x.MBARStdErr)
	}
	rows := [][2]string{e.estimated(likelihood.ByExchange, &x.estimate,
		fmt.Sprintf("replica exchange, %d ensembles of %s sweeps, %d temperatures", len(x.Ensembles),
			format.Count(uint64(x.Sweeps)), len(x.Betas))), {"", figures}}
	if rows = append(rows, against(x.Distrust)...); len(x.Distrust) > 0 {
		rows = append(rows, [2]string{"", "more --sweeps may help, or --error 0.2, which takes as many as it needs"})
	}
	return rows
}

func (e *evaluation) annealingRows() [][2]string {
	a := e.Annealing
	if a == nil {
		return nil
	}
	tail := ""
	if !math.IsNaN(float64(a.Tail)) {
		tail = fmt.Sprintf(", tail k %.2f", a.Tail)
	}
	rows := [][2]string{e.estimated(likelihood.ByAnnealing, &a.estimate,
		fmt.Sprintf("annealing, %s of %s temperatures", format.Number(a.Runs, "run"), format.Count(uint64(a.Temps)))),
		{"", fmt.Sprintf("effective runs %.0f, largest share %.1f%%%s", a.Effective, 100*a.Largest, tail)}}
	return append(rows, against(a.Distrust)...)
}

// setRows returns the rows of a set of examples.
func (e *evaluation) setRows(x *scored) [][2]string {
	of := fmt.Sprintf("%s, %s pixels", format.Number(x.Examples, "example"), e.Pixels)
	if math.IsNaN(float64(e.StdErr)) && !math.IsNaN(float64(x.StdErr)) {
		of += "; ± is of the examples alone"
	}
	rows := [][2]string{{"bound, " + x.Set, fmt.Sprintf("%.2f %s nats an example (%s)", x.Bound,
		plusMinus(x.StdErr, "one example"), of)},
		{"", fmt.Sprintf("mean of −energy %.2f, entropy %.2f", x.NegEnergy, x.Entropy)}}
	if w := x.Weighted; w != nil {
		rows = append(rows, [2]string{"weighted, " + x.Set, fmt.Sprintf("%.2f %s with %s an example, of which %.0f count on "+
			"average, %.1f at least", w.Bound, plusMinus(w.StdErr, "one example"), format.Number(w.Draws, "draw"), w.Effective,
			w.Fewest)})
	}
	if x.Posterior != nil {
		rows = append(rows, x.Posterior.row(x.Set))
	}
	if x.Exact != nil {
		rows = append(rows, [2]string{"exact, " + x.Set, fmt.Sprintf("%.4f %s nats an example", *x.Exact,
			plusMinus(x.exactErr, "one example"))})
	}
	rows = append(rows, [2]string{"baseline, " + x.Set,
		fmt.Sprintf("%.2f by independent units; the model is %.2f %s above",
			x.Independent, x.Above, plusMinus(x.AboveStdErr, "one example"))})
	if x.Above < 2*float64(x.AboveStdErr) || x.Above <= 0 {
		rows = append(rows, [2]string{"warning", "the model is not clearly better than independent units"})
	}
	return rows
}

// Package reproduce is the experiments of Desjardins, Courville and Bengio, "On
// Training Deep Boltzmann Machines" (arXiv:1203.4416, 2012), and of the questions
// that it leaves open: which runs they need, what is measured in each, what the
// paper claims about it, and the report.
package reproduce

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"tandem/internal/format"
	"tandem/internal/runs"
)

// Bases are the configurations that the experiments vary.
type Bases struct {
	Paper  runs.Settings // the joint training of Figure 3
	Direct runs.Settings // the direct training of Figure 2
	Best   runs.Settings // for likelihood
}

// Run is one training of an experiment.
type Run struct {
	Name     string // of its folder; two runs of one name are the same run
	Label    string // in its experiment
	Settings runs.Settings
}

// Experiment is some runs that answer a question together.
type Experiment struct {
	Name     string
	Title    string
	About    []string // paragraphs
	Runs     []Run
	Pictures bool // every run gets pictures and curves of its own
	Score    bool // the likelihood is estimated
}

// Updates at scale 1: the paper's own, for its figures; a map of settings and of
// depths needs many runs, and shows what it is about earlier.
const (
	paperUpdates = 1_000_000
	depthUpdates = 100_000
	gridUpdates  = 50_000
	bestUpdates  = 400_000 // of the models trained for likelihood
)

// Names of the experiments, in the order of a report.
var Names = []string{"figure2", "figure3", "rates", "two-layer", "three-layer", "depth", "likelihood"}

// Experiments returns the experiments of the names given, each once, in the order
// of a report; "all" stands for all. scale multiplies the number of updates.
func Experiments(names []string, scale float64, b *Bases) ([]Experiment, error) {
	if !(scale > 0) || scale > 100 {
		return nil, fmt.Errorf("scale: %v; must be above 0, and at most 100", scale)
	}
	for _, n := range names {
		if n != "all" && !slices.Contains(Names, n) {
			return nil, fmt.Errorf("no experiment %q; there are %s and all", n, strings.Join(Names, ", "))
		}
	}
	p := &planner{scale: scale, bases: b}
	var out []Experiment
	for _, n := range Names {
		if slices.Contains(names, n) || slices.Contains(names, "all") {
			out = append(out, p.experiment(n))
		}
	}
	return out, p.unique(out)
}

type planner struct {
	scale float64
	bases *Bases
}

// times is a number of updates at this scale.
func (p *planner) times(updates float64) uint64 {
	return uint64(max(math.Round(updates*p.scale), 10))
}

// run is a run of some updates with a configuration.
func (p *planner) run(name, label string, c runs.Settings, updates float64, change func(c *runs.Settings)) Run {
	c.Layers, c.Alpha = slices.Clone(c.Layers), slices.Clone(c.Alpha)
	c.Preset, c.Updates, c.Moments = "", p.times(updates), 0 // the report has pictures of its own
	if change != nil {
		change(&c)
	}
	if len(c.Alpha) != c.Hidden() {
		c.Alpha = slices.Repeat(c.Alpha[:1], c.Hidden())
	}
	if c.LearningRateEnd > 0 {
		c.LearningRateEnd = max(c.Updates-c.Pretrain*uint64(c.Hidden()), 1)
		if c.Pretrain > 0 {
			c.LearningRateEnd = c.Pretrain
		}
	}
	c.CheckpointEvery = max(c.Updates/50, 1)
	return Run{fmt.Sprintf("%s-%d", name, c.Updates), label, c}
}

// direct and joint are the two ways of training on layers of one's own.
func (p *planner) direct(layers []int, rate float64, updates float64) Run {
	return p.run(fmt.Sprintf("direct-%s-rate-%g", format.Shape(layers), rate), fmt.Sprintf("direct, %s, rate %g",
		format.Shape(layers), rate), p.bases.Direct, updates,
		func(c *runs.Settings) { c.Layers, c.LearningRate = layers, rate })
}

func (p *planner) joint(layers []int, rate float64, updates float64) Run {
	return p.run(fmt.Sprintf("joint-%s-rate-%g", format.Shape(layers), rate), fmt.Sprintf("joint, %s, rate %g",
		format.Shape(layers), rate), p.bases.Paper, updates,
		func(c *runs.Settings) { c.Layers, c.LearningRate = layers, rate })
}

func (p *planner) experiment(name string) Experiment {
	two, three := p.bases.Paper.Layers, p.bases.Direct.Layers
	slow, fast := p.bases.Direct.LearningRate, p.bases.Paper.LearningRate
	e := Experiment{Name: name}
	switch name {
	case "figure2":
		e.Title = "Figure 2: direct training fails"
		e.About = []string{
			"All layers of a deep Boltzmann machine are trained together by stochastic maximum likelihood, without the " +
				"spring. The paper shows the filters of the three layers, many of which are noise, and says that these are the " +
				"filters of lowest norm.",
			"The paper leaves open how pixels become values of units, how large the initial weights are and where the " +
				"biases begin. The grid below trains with each of these settings for a shorter time, directly and with the spring.",
		}
		e.Pictures = true
		e.Runs = []Run{p.direct(three, slow, paperUpdates)}
		e.Runs = append(e.Runs, p.grid()...)
	case "figure3":
		e.Title = "Figure 3: the spring cures it"
		e.About = []string{"The same training with the spring on the norms of weight vectors, at ten times the learning " +
			"rate. The paper shows that both layers learn filters that are no noise."}
		e.Pictures = true
		e.Runs = []Run{p.joint(two, fast, paperUpdates)}
	case "rates":
		e.Title = "Learning rates"
		e.About = []string{"The paper tried three learning rates. Here each of them trains the two-layer model, directly " +
			"and with the spring."}
		e.Runs = p.rates(two)
	case "two-layer":
		e.Title = "The failure at depth two"
		e.About = []string{"Figure 2 has three hidden layers and Figure 3 has two. So that depth does not explain the " +
			"difference, here is direct training of two."}
		e.Pictures = true
		e.Runs = []Run{p.direct(two, slow, paperUpdates)}
	case "three-layer":
		e.Title = "The cure at depth three"
		e.About = []string{"And here is the spring on three hidden layers, which the paper says works, too, and does not " +
			"show."}
		e.Pictures = true
		e.Runs = []Run{p.joint(three, fast, paperUpdates)}
	case "depth":
		e.Title = "How many layers can be learnt together?"
		e.About = []string{"The paper's open question. Models of one to six hidden layers of the same width are trained " +
			"directly, with the spring, with centering, and with both.",
			"Mean field takes the hidden units of an example for independent, which acts as a decay of all small weights " +
				"between hidden layers. So there are two more ways: what hidden layers have in common is learnt from states " +
				"drawn from the posterior (--sample-posterior), with the spring, and with centering."}
		e.Score = true
		e.Runs = p.depths(two[0], two[len(two)-1])
	case "likelihood":
		e.Title = "Likelihood"
		e.About = []string{"Models side by side: the two of the figures, the way to train a DBM for likelihood that is " +
			"the best that we know, the same model pretrained layer by layer, and a restricted Boltzmann machine with the " +
			"first of its hidden layers."}
		e.Score = true
		e.Runs = p.likelihoods()
	}
	return e
}

// likelihoods returns the models that are compared by likelihood.
func (p *planner) likelihoods() []Run {
	best, n := p.bases.Best, float64(bestUpdates)
	pretrained := func(c *runs.Settings) { // as many updates in all, a third of them for each layer
		c.Pretrain = c.Updates / uint64(c.Hidden()+1)
	}
	return []Run{
		p.direct(p.bases.Direct.Layers, p.bases.Direct.LearningRate, paperUpdates),
		p.joint(p.bases.Paper.Layers, p.bases.Paper.LearningRate, paperUpdates),
		p.run("best", "best, "+format.Shape(best.Layers), best, n, nil),
		p.run("pretrained", "pretrained, "+format.Shape(best.Layers), best, n, pretrained),
		p.run("rbm", "RBM, "+format.Shape(best.Layers[:2]), best, n, func(c *runs.Settings) {
			c.Layers,
				c.UpperRate = c.Layers[:2], 0
		}),
	}
}

// rates returns each of the paper's learning rates, directly and with the spring.
func (p *planner) rates(layers []int) (all []Run) {
	for _, rate := range []float64{1e-2, 1e-3, 1e-4} {
		all = append(all, p.direct(layers, rate, paperUpdates), p.joint(layers, rate, paperUpdates))
	}
	return all
}

// depths returns models of one to six hidden layers of a width, trained in each way.
func (p *planner) depths(visible, width int) (all []Run) {
	for depth := 1; depth <= 6; depth++ {
		layers := append([]int{visible}, slices.Repeat([]int{width}, depth)...)
		for _, way := range []struct {
			name                     string
			spring, centering, drawn bool
		}{{"direct", false, false, false}, {"spring", true, false, false}, {"centering", false, true, false},
			{"spring and centering", true, true, false},
			{"spring and drawn posterior", true, false, true}, {"centering and drawn posterior", false, true, true}} {
			name := way.name
			if depth == 1 { // mean field is exact: there is nothing to draw, and the run is the same
				name, way.drawn = strings.TrimSuffix(name, " and drawn posterior"), false
			}
			base, offsets := p.bases.Direct, 0.0
			if way.spring {
				base = p.bases.Paper
			}
			if way.centering {
				offsets = 0.01
			}
			all = append(all, p.run(fmt.Sprintf("depth-%d-%s", depth, strings.ReplaceAll(name, " ", "-")),
				fmt.Sprintf("%d %s, %s", depth, format.Plural(depth, "layer"), way.name), base, depthUpdates,
				func(c *runs.Settings) {
					c.Layers, c.LearningRate, c.OffsetRate, c.Pixels, c.SamplePosterior = layers, p.bases.Paper.LearningRate,
						offsets, "sample", way.drawn
				}))
		}
	}
	return all
}

// grid is the runs over what the paper leaves open.
func (p *planner) grid() []Run {
	var all []Run
	for _, spring := range []bool{false, true} {
		base, way := p.bases.Direct, "direct"
		if spring {
			base, way = p.bases.Paper, "joint"
		}
		for _, pixels := range []string{"grey", "sample"} {
			for _, scale := range []float64{0.003, 0.01} {
				for _, zero := range []bool{false, true} {
					biases := "log-odds"
					if zero {
						biases = "zero"
					}
					all = append(all, p.run(fmt.Sprintf("grid-%s-%s-%g-%s", way, pixels, scale, biases),
						fmt.Sprintf("%s, %s pixels, weights of %g, biases %s", way, pixels, scale, biases), base, gridUpdates,
						func(c *runs.Settings) { c.Pixels, c.InitScale, c.ZeroBiases = pixels, scale, zero }))
				}
			}
		}
	}
	return all
}

// IsGrid reports whether a run is one of the grid.
func (r *Run) IsGrid() bool { return strings.HasPrefix(r.Name, "grid-") }

// unique returns an error for two different runs of one name.
func (p *planner) unique(all []Experiment) error {
	seen := map[string]runs.Settings{}
	for _, e := range all {
		for _, r := range e.Runs {
			if err := r.Settings.Validate(); err != nil {
				return fmt.Errorf("%s: %w", r.Name, err)
			}
			if c, ok := seen[r.Name]; ok && (c.Differs(&r.Settings) != "" || c.Updates != r.Settings.Updates) {
				return fmt.Errorf("%s: two configurations of one name", r.Name)
			}
			seen[r.Name] = r.Settings
		}
	}
	return nil
}

// Plan is all runs of some experiments, each once, in order.
func Plan(all []Experiment) []Run {
	var plan []Run
	seen := map[string]bool{}
	for _, e := range all {
		for _, r := range e.Runs {
			if !seen[r.Name] {
				seen[r.Name] = true
				plan = append(plan, r)
			}
		}
	}
	return plan
}

package reproduce

import (
	"fmt"
	"path"
	"strings"

	"tandem/internal/format"
)

// Claim is one statement of the paper, or an answer to a question that it leaves
// open, beside what was measured.
type Claim struct {
	Experiment string `json:"experiment"`
	Says       string `json:"says"`
	Measured   string `json:"measured"`
	Verdict    string `json:"verdict"`
	Picture    string `json:"picture,omitempty"` // file of the report
}

// Verdicts.
const (
	Holds    = "holds"
	Fails    = "does not hold"
	TooShort = "too short to say" // the run is much shorter than the paper's, or shorter and it does not hold
	Unsaid   = "cannot be said"   // nothing there that it is about
	Answer   = "our answer"       // to what the paper does not say
)

// What the words of the paper are taken to mean.
const (
	many        = 0.10 // noise or dead filters: a share of a layer
	few         = 0.02 // noise or dead filters
	evenSpread  = 0.15 // norms are much the same: standard deviation over mean
	wideSpread  = 0.30 // norms differ much
	ranked      = 0.90 // noise filters are those of lowest norm: Layer.NoiseRank
	enoughNoise = 5    // noise filters that make NoiseRank worth telling
)

// decide gives a verdict on a run. One that is shorter than a tenth of the paper's
// says nothing: every filter begins as noise.
func decide(ok bool, m *Measures) string {
	switch {
	case m.Updates < paperUpdates/10:
		return TooShort
	case ok:
		return Holds
	case m.Updates < paperUpdates:
		return TooShort
	default:
		return Fails
	}
}

// bad is the share of a layer's filters that are noise or have not left their start.
func (l *Layer) bad() float64 { return max(l.Noise, 1-l.Live) }

// Claims compares the experiments with what was measured. results are by the names of
// runs; an experiment without results has no claims.
func Claims(all []Experiment, results map[string]*Measures) []Claim {
	c := &claiming{results: results}
	for i := range all {
		c.experiment = &all[i]
		if first := c.first(); first != nil {
			c.compare(first)
		}
	}
	for i := range all {
		if c.experiment = &all[i]; c.experiment.Name == "figure2" {
			if found := noisySettings(c.experiment, results); found != "" {
				c.add("Which of the settings that the paper leaves open give many noise filters?", found, Answer, "")
			}
		}
	}
	return c.claims
}

// claiming collects claims, one experiment after the other.
type claiming struct {
	results    map[string]*Measures
	experiment *Experiment
	claims     []Claim
}

func (c *claiming) add(says, measured, verdict, picture string) {
	c.claims = append(c.claims, Claim{c.experiment.Name, says, measured, verdict, picture})
}

// first returns the measures of the first run that has ended, those of the grid left out,
// or nil.
func (c *claiming) first() *Measures {
	for _, r := range c.experiment.Runs {
		if m := c.results[r.Name]; m != nil && !r.IsGrid() {
			return m
		}
	}
	return nil
}

// compare adds the claims of an experiment, of which m is the first run.
func (c *claiming) compare(m *Measures) {
	e := c.experiment
	switch e.Name {
	case "figure2", "two-layer":
		c.fails(m)
	case "figure3", "three-layer":
		c.cures(m)
	case "rates":
		c.rates()
	case "likelihood":
		c.add("Which model gives test images the most probability?", bounds(e, c.results), Answer, "")
	case "depth":
		c.add("How many layers can be learnt simultaneously?", deepest(e, c.results), Answer,
			path.Join(picturesFolder, "depth-bound.svg"))
	}
	if e.Pictures && len(m.Layers) > 1 {
		c.add("Do the units of a layer learn filters that differ?",
			"share of filters that are nearly another one's, layer by layer: "+duplicates(m), Answer, picture(m, "filters.png"))
	}
}

// fails adds the claims about direct training.
func (c *claiming) fails(m *Measures) {
	first := &m.Layers[0]
	c.add("Trained directly, many filters of the first layer are noise.",
		fmt.Sprintf("after %s updates %s of layer 1 is noise, and %s has not left its random start",
			format.Count(m.Updates), format.Percent(first.Noise), format.Percent(1-first.Live)),
		decide(first.bad() >= many, m), picture(m, "filters.png"))
	noise := int(first.Noise*float64(first.Units) + 0.5)
	verdict, found := Unsaid, fmt.Sprintf("%d of the %d filters of layer 1 are noise: nothing to rank", noise, first.Units)
	if noise >= enoughNoise && first.NoiseRank >= 0 {
		verdict = decide(first.NoiseRank >= ranked, m)
		found = fmt.Sprintf("of all pairs of one of the %d noise filters of layer 1 and another filter, the noise filter "+
			"has the lower norm in %s",
			noise, format.Percent(first.NoiseRank))
	}
	c.add("The noise filters are those of lowest norm.", found, verdict, picture(m, "roughness.svg"))
	c.add("Norms differ much within the first layer.", fmt.Sprintf("standard deviation %s of the mean norm",
		format.Percent(first.Spread())),
		decide(first.Spread() >= wideSpread, m), picture(m, "sorted.svg"))
}

// cures adds the claims about training with the spring.
func (c *claiming) cures(m *Measures) {
	worst, spread := 0.0, 0.0
	var found, spreads []string
	for l := range m.Layers {
		layer := &m.Layers[l]
		worst, spread = max(worst, layer.bad()), max(spread, layer.Spread())
		found = append(found, fmt.Sprintf("layer %d %s noise and %s not live", l+1, format.Percent(layer.Noise),
			format.Percent(1-layer.Live)))
		spreads = append(spreads, format.Percent(layer.Spread()))
	}
	c.add(fmt.Sprintf("With the spring all %d layers learn together, without noise filters.", len(m.Layers)),
		fmt.Sprintf("after %s updates: %s", format.Count(m.Updates), strings.Join(found, "; ")), decide(worst <= few, m),
		picture(m, "filters.png"))
	c.add("The norms of a layer become much the same.", "standard deviation over mean, layer by layer: "+
		""+strings.Join(spreads, ", "),
		decide(spread <= evenSpread, m), picture(m, "sorted.svg"))
}

// rates adds a claim for each learning rate.
func (c *claiming) rates() {
	all := c.experiment.Runs
	for i := 0; i+1 < len(all); i += 2 {
		direct, joint := c.results[all[i].Name], c.results[all[i+1].Name]
		if direct == nil || joint == nil {
			continue
		}
		a, b := &direct.Layers[0], &joint.Layers[0]
		verdict := decide(b.bad() < a.bad(), direct)
		if a.bad() == 0 {
			verdict = Unsaid
		}
		c.add(fmt.Sprintf("At rate %g the spring leaves fewer bad filters in the first layer than direct training.",
			all[i].Settings.LearningRate),
			fmt.Sprintf("noise %s directly, %s with the spring; not live %s and %s",
				format.Percent(a.Noise), format.Percent(b.Noise), format.Percent(1-a.Live), format.Percent(1-b.Live)), verdict, "")
	}
}

// bounds returns the bound of each run, with what its log Z is worth.
func bounds(e *Experiment, results map[string]*Measures) string {
	var found []string
	for _, r := range e.Runs {
		if m := results[r.Name]; m != nil && m.Score != nil {
			s := fmt.Sprintf("%s: %.2f", r.Label, m.Score.Bound)
			if !m.Score.Trusted {
				s += " (not to be trusted)"
			}
			found = append(found, s)
		}
	}
	return "nats an image, at least: " + strings.Join(found, "; ")
}

// duplicates returns the fraction of duplicate filters of each layer.
func duplicates(m *Measures) string {
	var found []string
	for l := range m.Layers {
		found = append(found, format.Percent(m.Layers[l].Duplicate))
	}
	return strings.Join(found, ", ")
}

// deepest returns, for each way of training, the deepest model in which no layer
// has many bad or duplicate filters.
func deepest(e *Experiment, results map[string]*Measures) string {
	best := map[string]int{}
	var ways []string
	shortest := uint64(depthUpdates)
	for _, r := range e.Runs {
		m := results[r.Name]
		if m == nil {
			continue
		}
		shortest = min(shortest, m.Updates)
		_, way, _ := strings.Cut(r.Label, ", ")
		if _, ok := best[way]; !ok {
			best[way] = 0
			ways = append(ways, way)
		}
		good := true
		for l := range m.Layers {
			good = good && m.Layers[l].bad() < many && m.Layers[l].Duplicate < many
		}
		if good {
			best[way] = max(best[way], len(m.Layers))
		}
	}
	if shortest < depthUpdates/10 {
		return fmt.Sprintf("too short to say: %s updates", format.Count(shortest))
	}
	var found []string
	for _, way := range ways {
		found = append(found, fmt.Sprintf("%s: %d", way, best[way]))
	}
	return "the most hidden layers of which none has " + format.Percent(many) + " or more noise, dead or duplicate " +
		"filters: " + strings.Join(found, "; ")
}

// noisySettings names the settings in which many filters of layer 1 are bad.
func noisySettings(e *Experiment, results map[string]*Measures) string {
	var found []string
	n, shortest := 0, uint64(gridUpdates)
	for _, r := range e.Runs {
		if m := results[r.Name]; m != nil && r.IsGrid() {
			n++
			shortest = min(shortest, m.Updates)
			if l := &m.Layers[0]; l.bad() >= many {
				found = append(found, fmt.Sprintf("%s (noise %s, not live %s)", r.Label, format.Percent(l.Noise),
					format.Percent(1-l.Live)))
			}
		}
	}
	switch {
	case n == 0:
		return ""
	case shortest < gridUpdates/10:
		return fmt.Sprintf("too short to say: %s updates", format.Count(shortest))
	case len(found) == 0:
		return fmt.Sprintf("none of the %d: layer 1 has less than %s noise or dead filters in each", n, format.Percent(many))
	}
	return strings.Join(found, "; ")
}

package cli

import (
	"context"
	"fmt"
	"math"
	"strings"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/internal/format"
	"tandem/internal/session"
	"tandem/mnist"
)

// worth is what a layer and those above it add.
type worth struct {
	Layer    int      `json:"layer"`
	Ratio    float64  `json:"log_z_ratio"` // log Z of the model over that of the one without the layers
	StdErr   known    `json:"log_z_ratio_stderr"`
	Trusted  bool     `json:"trusted"`
	Distrust []string `json:"distrust"`
	gains
	Healed *healed `json:"healed,omitempty"`
}

// healed is the same after both models have been trained on.
type healed struct {
	Updates uint64   `json:"updates"`
	Rate    float64  `json:"learning_rate"` // at the beginning
	Whole   estimate `json:"whole"`         // log Z
	Without estimate `json:"without"`
	gains            // errors of both log Z included
}

// gains are in nats an image.
type gains struct {
	Test        *float64 `json:"test,omitempty"`
	TestStdErr  *known   `json:"test_stderr,omitempty"`
	Train       *float64 `json:"train,omitempty"`
	TrainStdErr *known   `json:"train_stderr,omitempty"`
}

// newGains returns the gains of sets, with another error that shifts them all.
func newGains(sets []likelihood.Gain, shift float64) (g gains) {
	for i := range sets {
		mean, stdErr := sets[i].Mean.Mean, known(math.Hypot(sets[i].StdErr, shift))
		if sets[i].Name == mnist.Train {
			g.Train, g.TrainStdErr = &mean, &stdErr
		} else {
			g.Test, g.TestStdErr = &mean, &stdErr
		}
	}
	return g
}

// addWorth finds what each upper layer is worth, with those above it.
func (o *evalOptions) addWorth(ctx context.Context, t *terminal, s *model, k *kernel.Set, training *mnist.Set,
	sets []likelihood.Examples, effort *likelihood.Effort, score *likelihood.Score, e *evaluation) error {
	c := &s.Settings.Config
	var whole *likelihood.Score
	for l := c.Hidden(); l > 1; l-- {
		found, err := effort.Worth(ctx, c, k, s.State, l, sets, score)
		if err != nil {
			return err
		}
		w := worth{Layer: l, Ratio: found.Ratio.LogZ, StdErr: known(found.Ratio.StdErr), Trusted: found.Ratio.Trusted(),
			Distrust: append([]string{}, found.Ratio.Distrust()...), gains: newGains(found.Sets, found.Ratio.StdErr)}
		if o.heal > 0 {
			if whole == nil {
				if whole, err = o.healed(ctx, t, s, k, s.State, len(c.Layers), training, sets); err != nil {
					return err
				}
			}
			cut, err := likelihood.Cut(c, s.State, l, effort.Exchange.Base)
			if err != nil {
				return err
			}
			without, err := o.healed(ctx, t, s, k, cut, l, training, sets)
			if err != nil {
				return err
			}
			estimated := func(z *likelihood.LogZ) estimate { return newEstimate(z.Value, z.StdErr, z.Low, z.High, z.Distrust) }
			w.Healed = &healed{o.heal, c.LearningRate / session.HealingRate, estimated(&whole.LogZ), estimated(&without.LogZ),
				newGains(likelihood.Compare(whole, without), math.Hypot(whole.LogZ.StdErr, without.LogZ.StdErr))}
		}
		e.Worth = append(e.Worth, w)
	}
	return nil
}

// healed returns the score of some layers of a model that are trained on.
func (o *evalOptions) healed(ctx context.Context, t *terminal, s *model, k *kernel.Set, state *dbm.State, layers int,
	training *mnist.Set, sets []likelihood.Examples) (*likelihood.Score, error) {
	name := fmt.Sprintf("training on %s", format.Shape(s.Settings.Layers[:layers]))
	c, state, err := session.Heal(ctx, &s.Settings, k, state, layers, training, o.heal, o.seed, o.execution.threads,
		t.stage(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	how := *o
	how.exchange.Before, how.exchange.Betas = nil, nil
	effort := how.effort()
	effort.Annealing, effort.Posterior = nil, nil
	effort.Begin = func(stage likelihood.Stage, _ string) func(done float64) {
		return t.stage(fmt.Sprintf("%s of %s", stage, format.Shape(c.Layers)))
	}
	if err := how.start(ctx, c, state, k, training, &effort); err != nil {
		return nil, err
	}
	return likelihood.Evaluate(ctx, c, k, state, sets, effort)
}

// worthRows returns the rows of what upper layers are worth.
func (e *evaluation) worthRows() (rows [][2]string) {
	for i := range e.Worth {
		w := &e.Worth[i]
		name := fmt.Sprintf("worth, layer %d", w.Layer)
		if i > 0 {
			name += " up"
		}
		rows = append(rows, [2]string{name, w.gains.String()}, [2]string{"",
			fmt.Sprintf("log Z changes by %.2f %s when it is cut", -w.Ratio, plusMinus(w.StdErr, ""))})
		rows = append(rows, against(w.Distrust)...)
		if h := w.Healed; h != nil {
			rows = append(rows, [2]string{"healed", fmt.Sprintf("%s after %s updates more, with it and without", h.gains,
				format.Count(h.Updates))})
			rows = append(rows, against(h.Whole.Distrust)...)
			rows = append(rows, against(h.Without.Distrust)...)
		}
	}
	return rows
}

func (g gains) String() string {
	var words []string
	add := func(set string, mean *float64, stdErr *known) {
		if mean != nil {
			words = append(words, fmt.Sprintf("%+.2f %s nats an example (%s)", *mean, plusMinus(*stdErr, "one example"), set))
		}
	}
	add(mnist.Test, g.Test, g.TestStdErr)
	add(mnist.Train, g.Train, g.TrainStdErr)
	return strings.Join(words, ", ")
}

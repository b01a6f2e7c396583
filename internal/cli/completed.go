package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"tandem/dbm/likelihood"
	"tandem/internal/format"
	"tandem/mnist"
)

// judgement says how well examples were completed, beside independent units: those that have
// the means of the training examples, whatever is known.
type judgement struct {
	missing, unknown, of int // values; those unknown are not missing, so that they tell what is right
	// Of the unknown ones, those that are on the side of ½ that probabilities say.
	averaged, meanField, baseline int
	logs, independent             []float64 // log-probabilities of what was not known; nil: not to be had
	compared                      bool      // there are training examples for the baseline
}

// judge compares completed examples with what they are.
func (o *completion) judge(ctx context.Context, t *terminal, s *model, p *parts) (*judgement, error) {
	j := &judgement{of: len(o.known)}
	var rates []float64
	var base *likelihood.Independent
	training, err := s.images(t, mnist.Train)
	if err == nil {
		j.compared, rates = true, training.Mean(mnist.Fixed)
		base = likelihood.NewIndependent(rates, training.N())
	}
	n := s.Settings.Layers[0]
	for i, known := range o.known {
		if known {
			continue
		}
		if o.set.Missing != nil && o.set.Missing[i] {
			j.missing++
			continue
		}
		j.unknown++
		is := o.binary[i] == 1
		if is == (p.averaged[i] > 0.5) {
			j.averaged++
		}
		if is == (p.meanField[i] > 0.5) {
			j.meanField++
		}
		if j.compared && is == (rates[i%n] > 0.5) {
			j.baseline++
		}
	}
	if j.unknown == 0 || j.missing > 0 {
		return j, nil
	}
	if j.logs, err = o.conditional(ctx, t, s); errors.Is(err, likelihood.ErrTooMany) {
		return j, nil
	}
	for i := 0; i < o.images && j.compared; i++ {
		j.independent = append(j.independent, base.LogPOfSome(o.binary[i*n:][:n], o.known[i*n:][:n]))
	}
	return j, err
}

// conditional returns the exact log-probability of what was not known of each example, given
// what was.
func (o *completion) conditional(ctx context.Context, t *terminal, s *model) (logs []float64, err error) {
	n := s.Settings.Layers[0]
	var x *likelihood.Conditional
	show := t.stage("probabilities of what was not known")
	for i := range o.images {
		known := o.known[i*n:][:n]
		if i == 0 || !slices.Equal(known, o.known[(i-1)*n:][:n]) {
			if x, err = likelihood.NewConditional(&s.Settings.Config, s.State, known); err != nil {
				return nil, err
			}
		}
		p, err := x.LogP(ctx, o.binary[i*n:][:n])
		if err != nil {
			return nil, err
		}
		logs = append(logs, p)
		show(float64(i+1) / float64(o.images))
	}
	return logs, nil
}

// print prints a table.
func (j *judgement) print(w io.Writer) {
	if j.missing > 0 {
		table(w, [][2]string{{"missing", fmt.Sprintf("%s of %s, filled in", format.Count(uint64(j.missing)),
			format.Number(j.of, "value"))}})
	}
	if j.unknown == 0 {
		return
	}
	share := func(n int) string { return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(j.unknown)) }
	right := fmt.Sprintf("%s of them by the average of samples, %s by mean field", share(j.averaged), share(j.meanField))
	if j.compared {
		right += ", " + share(j.baseline) + " by independent units"
	}
	rows := [][2]string{
		{"not known", fmt.Sprintf("%s of %s", format.Count(uint64(j.unknown)), format.Number(j.of, "value"))},
		{"right", right},
	}
	if j.logs != nil {
		mean := meanLog(j.logs)
		rows = append(rows, [2]string{"log-probability", fmt.Sprintf("%.2f %s nats an example given what is known, exactly",
			mean.Mean, plusMinus(known(mean.StdErr), "one example"))})
	}
	if j.independent != nil {
		rows = append(rows, [2]string{"baseline", fmt.Sprintf("%.2f by independent units", meanLog(j.independent).Mean)})
	}
	table(w, rows)
}

func meanLog(x []float64) likelihood.Mean {
	return likelihood.MeanOf(len(x), func(i int) float64 { return x[i] })
}

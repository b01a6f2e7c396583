package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"tandem/internal/format"
	"tandem/internal/reproduce"
	"tandem/internal/session"
)

// mostScale is the largest --scale.
const mostScale = 100

// experiments returns the names of the experiments, in words.
func experiments() string {
	return fmt.Sprintf("experiments: %s, all (default figure2 figure3)", strings.Join(reproduce.Names, ", "))
}

// reproduction is the verb that trains the paper's experiments.
func reproduction(ctx context.Context, t *terminal, m *Machine, args []string) (err error) {
	f := flags(t, "tandem reproduce [EXPERIMENT…] [flags]")
	var scale float64
	numberVar(f, &scale, "scale", "`X` times as many updates as the paper's 10⁶ for what it trains, 50,000 for the "+
		"map of settings, 100,000 for depths and 400,000 for models of likelihood (default as many as are planned to end "+
		"within 40 minutes)")
	out := f.String("out", "reproduction", "`DIR` for the runs and the report; a study that is there already is continued")
	x := executionFlags(f, t)
	help := f.Usage
	f.Usage = func() {
		if help(); t.helps == nil {
			fmt.Fprintln(t.out, "\n"+experiments())
		}
	}
	names, err := parse(f, args, "[EXPERIMENT…]")
	if err != nil {
		return err
	}
	if given(f)["scale"] && !(scale > 0 && scale <= mostScale) {
		return usageError{fmt.Errorf("scale: %v; must be above 0, and at most %v", scale, mostScale)}
	}
	if err := errors.Join(t.guard.writes(x.outputs()), t.guard.within(*out)); err != nil {
		return err
	}
	ignoreClosedPipes()
	if err := x.begin(ctx); err != nil {
		return err
	}
	defer x.end(&err)
	t.signals.wait(func() string { return "finishing an update and writing a checkpoint" })
	t.last = time.Now()
	watch := reproduce.Watch{Say: func(message string) { t.say("%s", message) }, Train: t.follow, Stage: t.stage}
	study, err := reproduce.Open(ctx, *out, m.trainer(x.threads), names, scale, watch)
	if err == nil {
		err = study.Run(ctx)
	}
	if err != nil {
		return explain(err)
	}
	t.clear()
	table(t.out, [][2]string{{"report", filepath.Join(*out, "report.html")}, {"", filepath.Join(*out, "report.md")},
		{"results", filepath.Join(*out, "results.json")}, {"runs", filepath.Join(*out, reproduce.RunsFolder)}})
	return nil
}

// follow shows the progress of a run of a study.
func (t *terminal) follow(p reproduce.Place, e *session.Event) {
	t.warn(e)
	if e.Begins() || !t.due(e.Time) {
		return
	}
	fields := append([]string{fmt.Sprintf("run %d of %d", p.Number, p.Of), "ETA " + format.Duration(e.Left()+p.After),
		p.Label}, updates(e)...)
	t.progress(e.Time, append(fields, measures(e)...))
}

// explain adds to the error of a study what to do about it.
func explain(err error) error {
	var request *reproduce.RequestError
	var failed *reproduce.RunError
	switch {
	case errors.As(err, new(signalError)):
		return hintedError{err, "the same command resumes"}
	case errors.As(err, &failed):
		return advise(failed.Dir, err)
	case errors.As(err, &request):
		return usageError{err}
	}
	return err
}

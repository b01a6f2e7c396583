package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// export is the verb that writes arrays for NumPy.
func export(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem export RUN --npz FILE [flags]")
	name := f.String("npz", "", "`FILE` for numpy.load, with float32 arrays: W1, W2, … (units below × above), b0, b1, "+
		"…, mu, and chains0, chains1, … (chains × units); tandem.json in it describes the model, so that sample, filters "+
		"and others read the file in place of a run")
	chains := f.Bool("chains", true, "the chains, too; --chains=false leaves them out")
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if *name == "" {
		return usageError{errors.New("--npz FILE is missing")}
	}
	if err := t.guard.writes([]output{{"npz", *name}}, found[0]); err != nil {
		return err
	}
	s, err := load(t, found[0])
	if err != nil {
		return err
	}
	if *chains && !s.State.HasChains() {
		if given(f)["chains"] {
			return fmt.Errorf("%s has no training chains; export it with --chains=false", s.from)
		}
		*chains = false
		t.say("%s has no training chains: the new file has none either", s.from)
	}
	if err := t.guard.write(ctx, *name, func(w io.Writer) error { return s.WriteModel(w, *chains) }); err != nil {
		return err
	}
	t.made(*name)
	return nil
}

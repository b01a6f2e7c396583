package cli

import (
	"flag"
	"testing"

	"tandem/internal/runs"
)

// A flag whose value nobody copies would be taken and forgotten.
func TestEveryConfigurationFlagIsCopied(t *testing.T) {
	f := flag.NewFlagSet("train", flag.ContinueOnError)
	set := configFlags(f, new(runs.Settings))
	f.VisitAll(func(g *flag.Flag) {
		if set[g.Name] == nil {
			t.Errorf("--%s is not copied", g.Name)
		}
		delete(set, g.Name)
	})
	for name := range set {
		t.Errorf("there is no --%s", name)
	}
}

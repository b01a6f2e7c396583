package cli

import (
	"strings"
	"testing"

	"tandem/mnist"
)

// Groups that are not like equilibrium are named, with the class that shows it, and no others.
func TestSharesThatDiffer(t *testing.T) {
	like := func(name string, first float64) group {
		return group{name, []float64{first, 1 - first}, []float64{0.03, 0.04}}
	}
	text := func(groups ...group) (all string) {
		for _, row := range shareRows(groups, (&mnist.Set{Classes: []string{"first", "second"}}).ClassName) {
			all += row[0] + ": " + row[1] + "\n"
		}
		return all
	}
	well := text(like("equilibrium", 0.5), like("a", 0.45), like("b", 0.55), like("chains", 0.6))
	if strings.Contains(well, "warning") || !strings.Contains(well, "50.0 ± 3.0%") || strings.Contains(well, " \n") {
		t.Errorf("of groups that are alike\n%s", well)
	}
	for _, c := range []struct {
		groups []group
		want   string
	}{
		{[]group{like("equilibrium", 0.5), like("a", 0.3), like("b", 0.7)},
			"have not forgotten where they began: the share of class first"},
		{[]group{like("equilibrium", 0.5), like("a", 0.5), like("b", 0.5), like("chains", 0.5), like("new chains", 0.9)},
			"new chains are not at equilibrium: the share of class first is 9.4 errors away"},
	} {
		if got := text(c.groups...); strings.Count(got, "warning") != 1 || !strings.Contains(got, c.want) {
			t.Errorf("want %q in\n%s", c.want, got)
		}
	}
}

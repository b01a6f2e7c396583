package session

import (
	"path/filepath"
	"testing"
)

// Looks by a listener stay within 2% of the arithmetic of training, however often the
// listener looks. Metrics always look, and the listener waits until that is made up for.
func TestLooksStayWithinTheirFraction(t *testing.T) {
	made, waited := 0, 0
	var recorded float64
	o := options(t, filepath.Join(t.TempDir(), "run"), 60)
	_, err := Run(t.Context(), o, func(e *Event) {
		s := e.session
		s.looks.trained += 30 * s.filterStats.Cost() // as if this were as many more updates
		before := s.looks.spent
		if e.Filters(); s.looks.spent == before {
			waited++
		} else {
			made++
			recorded = before
		}
		filters := s.looks.spent
		if e.Reconstruction(); s.looks.spent == before {
			return
		}
		if e.Update > 0 && s.looks.spent > filters && s.reconstruction <= 0 {
			t.Errorf("update %d: no reconstruction error", e.Update)
		}
		if s.looks.spent > 0.02*s.looks.trained {
			t.Errorf("%.3g of %.3g multiply-adds are spent on looks at update %d", s.looks.spent, s.looks.trained, e.Update)
		}
	})
	if err != nil || made < 2 || waited < 20 || recorded == 0 {
		t.Errorf("%d looks, %d times none (%v)", made, waited, err)
	}
}

// Without a listener only metrics look, at a cost that is counted too.
func TestMetricsLook(t *testing.T) {
	var spent []float64
	o := options(t, filepath.Join(t.TempDir(), "run"), 5)
	if _, err := Run(t.Context(), o, func(e *Event) { spent = append(spent, e.session.looks.spent) }); err != nil {
		t.Fatal(err)
	}
	for i, metrics := range []bool{false, true, false, false, true, true} {
		before := 0.0
		if i > 0 {
			before = spent[i-1]
		}
		if (spent[i] > before) != metrics {
			t.Errorf("update %d: %v multiply-adds on looks, %v before", i, spent[i], before)
		}
	}
}

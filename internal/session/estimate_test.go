package session

import (
	"testing"

	"tandem/dbm"
)

// Estimates are made where they are asked for, and take at most their part of the time.
func TestEstimateIsDue(t *testing.T) {
	c := &dbm.Config{Batch: 50, Chains: 50} // before the first estimate it is thought to take 500 updates
	every := Estimates{Every: 500}
	for _, test := range []struct {
		estimator    estimator
		update, made uint64
		seconds      float64
		want         bool
	}{
		{estimator{}, 1000, 1000, 1e9, false},
		{estimator{Estimates: Estimates{Every: 300}}, 1000, 1000, 1e9, false},
		{estimator{Estimates: every}, 1000, 1000, 100, false}, // 50 seconds of 100
		{estimator{Estimates: Estimates{Every: 500, Always: true}}, 1000, 1000, 100, true},
		{estimator{Estimates: every}, 9500, 9500, 950, false},
		{estimator{Estimates: every}, 10_500, 10_500, 1050, true},
		{estimator{Estimates: every}, 20_500, 10_500, 1050, true}, // after a resume
		{estimator{Estimates: every, cost: 2, spent: 4}, 1000, 1000, 119, false},
		{estimator{Estimates: every, cost: 2, spent: 4}, 1000, 1000, 121, true},
	} {
		if got := test.estimator.due(test.update, test.made, test.seconds, c); got != test.want {
			t.Errorf("%+v after %d updates, %d of them in %v seconds: %v", test.estimator, test.update, test.made,
				test.seconds, got)
		}
	}
}

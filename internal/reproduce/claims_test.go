package reproduce

import (
	"slices"
	"strings"
	"testing"
)

func measured(run string, updates uint64, layers ...Layer) *Measures {
	return &Measures{Run: run, Updates: updates, Layers: layers}
}

// The verdicts follow what was measured, and a run shorter than the paper's never
// refutes it.
func TestVerdicts(t *testing.T) {
	all, err := Experiments([]string{"figure2", "figure3"}, 1, bases())
	if err != nil {
		t.Fatal(err)
	}
	direct, joint := all[0].Runs[0].Name, all[1].Runs[0].Name
	noisy := Layer{Units: 500, Live: 1, Duplicate: 0.125, Noise: 0.3, NormMean: 1, NormSD: 0.5, NoiseRank: 0.99}
	clean := Layer{Units: 500, Live: 1, Duplicate: 0.125, Noise: 0, NormMean: 1, NormSD: 0.01, NoiseRank: -1}
	for _, test := range []struct {
		name    string
		updates uint64
		direct  Layer
		joint   Layer
		want    string
	}{
		{"as the paper says", paperUpdates, noisy, clean, "holds|holds|holds|our answer|holds|holds|our answer"},
		{"the other way round", paperUpdates, clean, noisy, "does not hold|cannot be said|does not hold|our answer|does " +
			"not hold|does not hold|our answer"},
		{"the other way round, short", 1000, clean, noisy, "too short to say|cannot be said|too short to say|our " +
			"answer|too short to say|too short to say|our answer"},
		{"as the paper says, at a part of its length", 420_000, noisy, clean,
			"holds|holds|holds|our answer|holds|holds|our answer"},
		{"the other way round, at a part of its length", 420_000, clean, noisy,
			"too short to say|cannot be said|too short to say|our answer|too short to say|too short to say|our answer"},
		{"noise of any norm", paperUpdates, Layer{Units: 500, Live: 1, Noise: 0.3, Duplicate: 0.125, NormMean: 1,
			NormSD: 0.5, NoiseRank: 0.5}, clean, "holds|does not hold|holds|our answer|holds|holds|our answer"},
		{"dead filters", paperUpdates, Layer{Units: 500, Live: 0.5, Duplicate: 0.125, NormMean: 1, NormSD: 0.5,
			NoiseRank: -1}, clean, "holds|cannot be said|holds|our answer|holds|holds|our answer"},
	} {
		claims := Claims(all, map[string]*Measures{direct: measured(direct, test.updates, test.direct, clean, clean),
			joint: measured(joint, test.updates, clean, test.joint)})
		var got []string
		for _, c := range claims {
			got = append(got, c.Verdict)
			if c.Verdict == Answer && !strings.Contains(c.Measured, ": 12.5%") {
				t.Errorf("%+v", c)
			}
			if c.Measured == "" || c.Says == "" {
				t.Errorf("%+v", c)
			}
		}
		if g, w := strings.Join(got, "|"), test.want; g != w {
			t.Errorf("%s: %s, want %s", test.name, g, w)
		}
	}
	likelihood, err := Experiments([]string{"likelihood"}, 1, bases())
	if err != nil {
		t.Fatal(err)
	}
	rbm := likelihood[0].Runs[4]
	scored := measured(rbm.Name, rbm.Settings.Updates, clean)
	scored.Score = &Score{Bound: -80.125}
	claims := Claims(likelihood, map[string]*Measures{rbm.Name: scored})
	if len(claims) != 1 || claims[0].Verdict != Answer || claims[0].Measured != "nats an image, at least: RBM, "+
		"784-500: -80.12 (not to be trusted)" {
		t.Errorf("likelihood: %+v", claims)
	}
	if claims := Claims(all, nil); len(claims) != 0 {
		t.Errorf("claims about nothing: %v", claims)
	}
}

// The answers about rates, depths and settings name what was measured.
func TestAnswers(t *testing.T) {
	all, err := Experiments([]string{"figure2", "rates", "depth"}, 1, bases())
	if err != nil {
		t.Fatal(err)
	}
	clean := Layer{Live: 1, Duplicate: 0.05}
	noisy, dead, copied := clean, clean, clean
	noisy.Noise, dead.Live, copied.Duplicate = 0.25, 0.5, 0.125
	results := map[string]*Measures{}
	give := func(e, run int, layers ...Layer) {
		r := &all[e].Runs[run]
		results[r.Name] = measured(r.Name, r.Settings.Updates, layers...)
	}
	told := func() (found [][2]string) {
		for _, c := range Claims(all, results) {
			found = append(found, [2]string{c.Measured, c.Verdict})
		}
		return found
	}
	figure2, rates, depth := 0, 1, 2
	give(rates, 0, noisy, clean)
	give(rates, 1, clean, noisy)
	give(rates, 2, clean, clean)
	give(rates, 3, noisy, clean)
	give(rates, 4, dead, clean)
	give(rates, 5, dead, clean)
	for i, r := range all[depth].Runs {
		switch r.Label {
		case "1 layer, direct", "1 layer, spring":
			give(depth, i, clean)
		case "2 layers, direct":
			give(depth, i, clean, copied)
		case "2 layers, spring":
			give(depth, i, clean, dead)
		case "3 layers, spring":
			give(depth, i, clean, clean, clean)
		case "3 layers, centering":
			give(depth, i, clean, noisy, clean)
		}
	}
	for i, r := range all[figure2].Runs {
		switch r.Label {
		case "direct, grey pixels, weights of 0.003, biases log-odds":
			give(figure2, i, clean, dead)
		case "joint, sample pixels, weights of 0.01, biases zero":
			give(figure2, i, noisy)
		}
	}
	want := [][2]string{
		{"noise 25% directly, 0% with the spring; not live 0% and 0%", Holds},
		{"noise 0% directly, 25% with the spring; not live 0% and 0%", Unsaid},
		{"noise 0% directly, 0% with the spring; not live 50% and 50%", Fails},
		{"the most hidden layers of which none has 10% or more noise, dead or duplicate filters: direct: 1; spring: 3; " +
			"spring and drawn posterior: 1; centering: 0", Answer},
		{"joint, sample pixels, weights of 0.01, biases zero (noise 25%, not live 0%)", Answer},
	}
	if got := told(); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	for _, m := range results {
		m.Updates = 4000
	}
	for i, got := range told() {
		if short := "too short to say"; got[1] != short && !strings.HasPrefix(got[0], short) && want[i][1] != Unsaid {
			t.Errorf("after 4,000 updates: %q", got)
		}
	}
}

func TestNoiseRank(t *testing.T) {
	for _, test := range []struct {
		norms, roughness []float64
		want             float64
	}{
		{[]float64{1, 2, 3, 4}, []float64{0.9, 0.8, 0.1, 0.2}, 1},
		{[]float64{4, 3, 2, 1}, []float64{0.9, 0.8, 0.1, 0.2}, 0},
		{[]float64{1, 2, 3, 2}, []float64{0.1, 0.9, 0.1, 0.2}, 0.5},
		{[]float64{1, 2}, []float64{0.1, 0.2}, -1},
	} {
		if got := noiseRank(test.norms, test.roughness); got != test.want {
			t.Errorf("norms %v, roughness %v: %v, want %v", test.norms, test.roughness, got, test.want)
		}
	}
}

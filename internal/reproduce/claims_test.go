package reproduce

import (
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
		{"the other way round", paperUpdates, clean, noisy, "does not hold|cannot be said|does not hold|our answer|does not hold|does not hold|our answer"},
		{"the other way round, short", 1000, clean, noisy, "too short to say|cannot be said|too short to say|our answer|too short to say|too short to say|our answer"},
		{"noise of any norm", paperUpdates, Layer{Units: 500, Live: 1, Noise: 0.3, Duplicate: 0.125, NormMean: 1, NormSD: 0.5, NoiseRank: 0.5}, clean, "holds|does not hold|holds|our answer|holds|holds|our answer"},
		{"dead filters", paperUpdates, Layer{Units: 500, Live: 0.5, Duplicate: 0.125, NormMean: 1, NormSD: 0.5, NoiseRank: -1}, clean, "holds|cannot be said|holds|our answer|holds|holds|our answer"},
	} {
		claims := Claims(all, map[string]*Measures{direct: measured(direct, test.updates, test.direct, clean, clean), joint: measured(joint, test.updates, clean, test.joint)})
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
	scored := measured(rbm.Name, rbm.Config.Updates, clean)
	scored.Score = &Score{Bound: -80.125}
	claims := Claims(likelihood, map[string]*Measures{rbm.Name: scored})
	if len(claims) != 1 || claims[0].Verdict != Answer || claims[0].Measured != "nats an image, at least: RBM, 784-500: -80.12 (not to be trusted)" {
		t.Errorf("likelihood: %+v", claims)
	}
	if claims := Claims(all, nil); len(claims) != 0 {
		t.Errorf("claims about nothing: %v", claims)
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

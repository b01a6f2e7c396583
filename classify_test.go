package main

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
)

func TestClassify(t *testing.T) {
	long(t)
	dir := t.TempDir()
	must(t, dir, small("--out", "run", "--updates", "400", "--learning-rate", "0.05")...)
	var r struct {
		Labels       int      `json:"labels"`
		HeldOut      int      `json:"held_out"`
		Error        float64  `json:"test_error"`
		Wrong        int      `json:"test_wrong"`
		HeldOutError *float64 `json:"held_out_error"`
		Epoch        int      `json:"epoch"`
		Epochs       int      `json:"epochs"`
		Scratch      bool     `json:"scratch"`
	}
	if err := json.Unmarshal([]byte(must(t, dir, "classify", "run", "--labels", "200", "--epochs", "400",
		"--drop-hidden", "0", "--learning-rate", "0.01", "--json", "--quiet")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Labels != 200 || r.HeldOut != 0 || r.HeldOutError != nil || r.Error > 0.5 || r.Error != float64(r.Wrong)/10000 {
		t.Errorf("classify says %+v", r)
	}
	wrong := map[int]bool{} // another start ends elsewhere
	for _, test := range []struct {
		flags        []string
		labels, held int
		most         float64 // errors on the test images
	}{
		{[]string{"--epochs", "5", "--learning-rate", "0.01"}, 50_000, 10_000, 0.25},
		{[]string{"--epochs", "5", "--learning-rate", "0.01", "--scratch"}, 50_000, 10_000, 0.25},
		{[]string{"--epochs", "2", "--top-first", "1", "--all"}, 60_000, 0, 0.85},
	} {
		r.HeldOutError = nil
		args := append([]string{"classify", "run", "--adversarial", "0", "--drop-hidden", "0", "--json", "--quiet"},
			test.flags...)
		if err := json.Unmarshal([]byte(must(t, dir, args...)), &r); err != nil {
			t.Fatal(err)
		}
		if r.Labels != test.labels || r.HeldOut != test.held || r.Error > test.most || r.Epoch < 1 || r.Epoch > r.Epochs ||
			r.Scratch != slices.Contains(test.flags, "--scratch") || (r.HeldOutError == nil) != (test.held == 0) {
			t.Errorf("classify %q says %+v", test.flags, r)
		}
		if wrong[r.Wrong] {
			t.Errorf("classify %q ends as if one of its flags did nothing", test.flags)
		}
		wrong[r.Wrong] = true
		if r.HeldOutError != nil && math.Abs(*r.HeldOutError-r.Error) > 0.05 {
			t.Errorf("classify %q: %v of those held out are wrong, and %v of the test images", test.flags, *r.HeldOutError,
				r.Error)
		}
	}
	refuse(t, 2, dir, []string{"classify", "run", "--labels", "5"}, "labels", "10")
	refuse(t, 2, dir, []string{"classify", "run", "--labels", "-1"}, "labels")
	refuse(t, 2, dir, []string{"classify", "run", "--labels", "100", "--all"}, "--all")
	refuse(t, 2, dir, []string{"classify", "run", "--epochs", "-1"}, "epochs")
	refuse(t, 1, dir, []string{"classify", "nowhere"}, "nowhere")
}

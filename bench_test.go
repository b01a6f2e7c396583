package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestBench(t *testing.T) {
	var r struct {
		Ceiling float64 `json:"fma_ceiling_gflops"`
		Kernels []struct {
			Name, Shape       string
			Threads           int
			GFLOPS, OfCeiling float64
		}
		Updates []struct {
			Layers     []int
			Threads    int
			PerSecond  float64 `json:"per_second"`
			Iterations float64 `json:"mean_field_iterations"`
			Phases     map[string]float64
		}
	}
	out := must(t, t.TempDir(), "bench", "scaling", "--layers", "784,20,10", "--batch", "6", "--chains", "4",
		"--mean-field-max", "3", "--threads", "3", "--seconds", "0.1", "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if len(vectorKernels()) > 0 && r.Ceiling < 1 {
		t.Errorf("a ceiling of %v GFLOP/s", r.Ceiling)
	}
	var threads []int
	for _, u := range r.Updates {
		threads = append(threads, u.Threads)
		sum := 0.0
		for _, share := range u.Phases {
			sum += share
		}
		if u.PerSecond <= 0 || math.Abs(sum-1) > 1e-9 || u.Phases["mean field"] <= 0 || math.Abs(u.Iterations-3) > 1e-9 ||
			fmt.Sprint(u.Layers) != "[784 20 10]" {
			t.Errorf("updates: %+v", u)
		}
	}
	if !slices.Equal(threads, []int{1, 2, 3}) {
		t.Errorf("scaling over %v threads", threads)
	}
	// However short, a measurement makes an update.
	for _, seconds := range []string{"1e-9", "1e-300"} {
		out := must(t, t.TempDir(), "bench", "update", "--layers", "784,20", "--seconds", seconds, "--json")
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.Updates[0].PerSecond <= 0 {
			t.Errorf("%s seconds: error %v\n%s", seconds, err, out)
		}
	}
	if out := must(t, t.TempDir(), "bench", "update", "--layers", "784,20", "--seconds", "0.1"); !strings.Contains(out,
		"784-20 ") {
		t.Errorf("bench prints\n%s", out)
	}
	refuse(t, 2, t.TempDir(), []string{"bench", "everything"}, "everything", "kernels")
}

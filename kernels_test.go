package main

import (
	"os"
	"slices"
	"testing"

	"tandem/dbm/kernel"
	"tandem/dbm/kernel/kerneltest"
)

// setsHere returns every set of kernels that this machine runs.
func setsHere() []kernel.Set { return append(vectorKernels(), genericKernels) }

// Every set on this machine, the definition among them, keeps the contract.
func TestKernels(t *testing.T) {
	for _, set := range setsHere() {
		t.Run(set.Name, func(t *testing.T) { kerneltest.Run(t, &set) })
	}
}

// hasKernels reports whether this machine runs the kernels of a name.
func hasKernels(name string) bool {
	return slices.ContainsFunc(setsHere(), func(k kernel.Set) bool { return k.Name == name })
}

// A green run proves nothing where there was no assembly to test. A run that is
// there to test it says so: TANDEM_TEST_REQUIRE=avx2 go test .
func TestRequiredKernels(t *testing.T) {
	want := os.Getenv("TANDEM_TEST_REQUIRE")
	if want == "" {
		t.Skip("TANDEM_TEST_REQUIRE is not set")
	}
	if !hasKernels(want) || want == genericKernels.Name {
		t.Fatalf("the %s kernels are not under test on this machine", want)
	}
	t.Setenv("TANDEM_KERNEL", want)
	if k, err := chooseKernels(); err != nil || k.Name != want {
		t.Fatalf("chose %q (%v), want %q", k.Name, err, want)
	}
}

func TestChooseKernels(t *testing.T) {
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"", true}, {"generic", true}, {"avx2", hasKernels("avx2")}, {"avx512", hasKernels("avx512")},
		{"neon", hasKernels("neon")}, {"AVX2", false}, {"sse", false},
	} {
		t.Setenv("TANDEM_KERNEL", c.name)
		k, err := chooseKernels()
		if (err == nil) != c.ok {
			t.Errorf("TANDEM_KERNEL=%q: error %v", c.name, err)
		}
		if err == nil && c.name != "" && k.Name != c.name {
			t.Errorf("TANDEM_KERNEL=%q: chose %q", c.name, k.Name)
		}
		if vectors := vectorKernels(); c.name == "" && len(vectors) > 0 && k.Name != vectors[0].Name {
			t.Errorf("chose %q, want the fastest, %q", k.Name, vectors[0].Name)
		}
	}
}

func BenchmarkKernels(b *testing.B) {
	for _, set := range setsHere() {
		b.Run(set.Name, func(b *testing.B) { kerneltest.Benchmark(b, &set) })
	}
}

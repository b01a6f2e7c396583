// Command tandem trains deep Boltzmann machines, all layers at once.
package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/klauspost/cpuid/v2"

	"tandem/internal/cli"
)

func main() {
	kernels, err := chooseKernels()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandem:", err)
		os.Exit(2)
	}
	os.Exit(cli.Main(&cli.Machine{CPU: processor(), Features: features(), Kernels: &kernels}, os.Args[1:]))
}

// processor is the name of the processor, as far as it is known.
func processor() string {
	if name := cpuid.CPU.BrandName; name != "" {
		return name
	}
	return runtime.GOARCH
}

// features is what this processor has of the instruction sets that kernels could
// make use of.
func features() []string {
	wanted := []cpuid.FeatureID{cpuid.SSE2, cpuid.AVX, cpuid.AVX2, cpuid.FMA3, cpuid.AVX512F, cpuid.AVX512DQ, cpuid.ASIMD,
		cpuid.SVE}
	var have []string
	for _, f := range wanted {
		if cpuid.CPU.Supports(f) && !slices.Contains(have, f.String()) {
			have = append(have, f.String())
		}
	}
	return have
}

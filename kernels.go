package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"tandem/dbm/kernel"
)

// kernelNames lists the kernels of all machines.
var kernelNames = []string{"generic", "avx2", "avx512", "neon"}

// chooseKernels returns the fastest kernels that this machine has, or those named by the
// environment variable TANDEM_KERNEL.
func chooseKernels() (kernel.Set, error) {
	here := append(vectorKernels(), genericKernels)
	name := os.Getenv("TANDEM_KERNEL")
	var names []string
	for _, k := range here {
		if k.Name == name || name == "" {
			return k, nil
		}
		names = append(names, k.Name)
	}
	what := "this machine does not have these kernels"
	if !slices.Contains(kernelNames, name) {
		what = "no such kernels"
	}
	return kernel.Set{}, fmt.Errorf("TANDEM_KERNEL=%q: %s; choose %s", name, what, strings.Join(names, " or "))
}

package main

import (
	"fmt"
	"os"
	"runtime"

	"tandem/dbm"
)

// chooseKernels picks the fastest kernels that this machine has, or those that
// the environment variable TANDEM_KERNEL names.
func chooseKernels() (dbm.Kernels, error) {
	switch name := os.Getenv("TANDEM_KERNEL"); name {
	case "":
		if hasVector() {
			return vector, nil
		}
		return genericKernels, nil
	case genericKernels.Name:
		return genericKernels, nil
	case "avx2", "neon":
		if name != vectorName {
			return dbm.Kernels{}, fmt.Errorf("TANDEM_KERNEL=%s: not for %s; here it can be generic%s", name, runtime.GOARCH, orVector())
		}
		if !hasVector() {
			return dbm.Kernels{}, fmt.Errorf("TANDEM_KERNEL=%s: this processor lacks what it needs; use generic", name)
		}
		return vector, nil
	default:
		return dbm.Kernels{}, fmt.Errorf("TANDEM_KERNEL=%s: no such kernel; here it can be generic%s", name, orVector())
	}
}

// orVector continues a list of kernels.
func orVector() string {
	if !hasVector() {
		return ""
	}
	return " or " + vectorName
}

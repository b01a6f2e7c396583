//go:build !amd64 && !arm64

package main

import "tandem/dbm"

// vectorKernels is empty: there is no assembly for this architecture.
func vectorKernels() []dbm.Kernels { return nil }

//go:build !amd64 && !arm64

package main

import "tandem/dbm/kernel"

// vectorKernels is empty: there is no assembly for this architecture.
func vectorKernels() []kernel.Set { return nil }

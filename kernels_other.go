//go:build !amd64 && !arm64

package main

import "tandem/dbm/kernel"

// vectorKernels returns nothing: there is no assembly for this architecture.
func vectorKernels() []kernel.Set { return nil }

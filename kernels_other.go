//go:build !amd64 && !arm64

package main

import "tandem/dbm"

const vectorName = ""

// vector is empty: there is no assembly for this architecture.
var vector dbm.Kernels

func hasVector() bool { return false }

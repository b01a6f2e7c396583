//go:build !amd64 && !arm64

package bench

const flops = 1

func hasCeiling() bool { return false }

func multiplyAdd(n int) {}

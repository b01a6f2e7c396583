//go:build !linux && !darwin

package kerneltest

import (
	"testing"

	"tandem/dbm/kernel"
)

func nothingReadBeyondItsEnd(t *testing.T, set *kernel.Set) {
	t.Skip("memory that ends at a page is made on Linux and macOS only")
}

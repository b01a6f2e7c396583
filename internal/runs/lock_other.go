//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package runs

import (
	"errors"
	"os"
)

// lockFile returns an error: here there is no lock that ends with its process.
func lockFile(*os.File) (bool, error) { return false, errors.ErrUnsupported }

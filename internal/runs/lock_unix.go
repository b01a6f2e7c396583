//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package runs

import (
	"os"
	"syscall"
)

// lockFile locks a file for this handle alone and reports whether it was free.
func lockFile(f *os.File) (bool, error) {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
		case nil:
			return true, nil
		case syscall.EWOULDBLOCK:
			return false, nil
		case syscall.EINTR:
		default:
			return false, os.NewSyscallError("flock", err)
		}
	}
}

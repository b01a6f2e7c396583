//go:build !unix

package files

// nonblock is not needed here: pipes have no names among files.
const nonblock = 0

package kernel

// Panel is the number of columns in a panel of packed weights.
const Panel = 16

// Padded rounds a number of units up to a multiple of Panel.
func Padded(n int) int { return (n + Panel - 1) / Panel * Panel }

// Panels is the number of panels of n units.
func Panels(n int) int { return (n + Panel - 1) / Panel }

// Stride is the length in memory of a row of n units: an odd number of panels, so
// that the rows of a block do not compete for the same sets of a cache.
func Stride(n int) int {
	s := Padded(n)
	if s/Panel%2 == 0 {
		s += Panel
	}
	return s
}

// Pack packs a matrix w of k × n, row-major, into panels of 16 columns: element
// (i, j) goes to ((j/16)·Padded(k) + i)·16 + j%16, and the padding is 0. If dst is
// nil, Pack allocates it.
func Pack(dst, w []float32, k, n int) []float32 {
	if dst == nil {
		dst = make([]float32, Padded(k)*Padded(n))
	}
	for j := 0; j < n; j += Panel {
		panel := dst[j*Padded(k):]
		for i := range k {
			copy(panel[i*Panel:], w[i*n+j:i*n+min(j+Panel, n)])
		}
	}
	return dst
}

// Unpack is the inverse of Pack: it writes the matrix of k × n into w, row-major.
func Unpack(w, packed []float32, k, n int) {
	for j := 0; j < n; j += Panel {
		panel := packed[j*Padded(k):]
		for i := range k {
			copy(w[i*n+j:i*n+min(j+Panel, n)], panel[i*Panel:])
		}
	}
}

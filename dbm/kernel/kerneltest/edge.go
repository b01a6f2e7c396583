//go:build linux || darwin

package kerneltest

import (
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"tandem/dbm/kernel"
)

// atEdge copies x to where its end is the end of memory: the next page cannot be
// touched.
func atEdge[T float32 | int32](t *testing.T, x []T) []T {
	t.Helper()
	page := os.Getpagesize()
	size := (4*len(x)/page + 1) * page
	b, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(b) })
	if err := syscall.Mprotect(b[size:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	y := unsafe.Slice((*T)(unsafe.Pointer(&b[size-4*len(x)])), len(x))
	copy(y, x)
	return y
}

// listsAtEdge is atEdge for lists.
func listsAtEdge(t *testing.T, l *kernel.Lists) *kernel.Lists {
	t.Helper()
	if l == nil || len(l.Index) == 0 {
		return l
	}
	return &kernel.Lists{Start: atEdge(t, l.Start), Index: atEdge(t, l.Index), Value: atEdge(t, l.Value),
		Cuts: atEdge(t, l.Cuts)}
}

// The units of a row are loaded several at a time. A load of more than there are
// faults only where the memory ends with the row.
func nothingReadBeyondItsEnd(t *testing.T, set *kernel.Set) {
	for i, c := range passCases() {
		p, _ := c.pass(uint64(i))
		wide := p.Panels * kernel.Panel
		if p.StartStride == 0 {
			p.Start = atEdge(t, p.Start[:wide])
		} else {
			p.Start = atEdge(t, p.Start[:(p.Rows-1)*p.StartStride+wide])
		}
		for _, in := range [2]*kernel.Input{&p.Below, &p.Above} {
			if in.K > 0 {
				in.X = atEdge(t, in.X[:(p.Rows-1)*in.Stride+in.K])
				in.W = atEdge(t, in.W)
				in.Nonzero = listsAtEdge(t, in.Nonzero)
			}
		}
		p.Out = atEdge(t, p.Out[:(p.Rows-1)*p.Stride+wide])
		set.Linear(p)
		set.Sigmoid(p, atEdge(t, make([]float32, p.Rows)))
		set.Sample(p, kernel.Draw{})
	}
	for i, c := range stepCases() {
		s := c.step(rand.New(rand.NewPCG(uint64(i), 4)))
		wide := kernel.Padded(s.Units)
		s.X = atEdge(t, s.X[:(s.Rows-1)*s.XStride+s.Below])
		s.Y = atEdge(t, s.Y[:(s.Rows-1)*s.YStride+wide])
		s.Pull = atEdge(t, s.Pull[:wide])
		s.Squares = atEdge(t, s.Squares[:wide])
		s.W = atEdge(t, s.W[:kernel.Padded(s.Below)*wide])
		s.Back = atEdge(t, s.Back[:kernel.Padded(s.Below)*wide])
		s.Nonzero = listsAtEdge(t, s.Nonzero)
		set.Learn(s)
		set.Refresh(s)
	}
	for n := 1; n <= 70; n++ {
		x := atEdge(t, make([]float32, 3*n))
		by := atEdge(t, make([]float32, 3))
		b := atEdge(t, make([]float32, n))
		set.LearnBias(b, x, n, by, 1)
		set.Scale(b, x[2*n:], 1)
		set.List(atEdge(t, make([]int32, n+8)), atEdge(t, make([]float32, n+8)), b, 0)
		set.Adam(b, x[2*n:], atEdge(t, make([]float32, n)), atEdge(t, make([]float32, n)), 1)
	}
	for panels := 1; panels <= 5; panels++ {
		vector := func() []float32 { return atEdge(t, make([]float32, panels*kernel.Panel)) }
		var sums [kernel.Panel]float32
		set.Softplus(vector(), vector(), kernel.Tempered{Beta: 1, Bias: vector()}, kernel.Tempered{Bias: vector()}, &sums)
	}
}

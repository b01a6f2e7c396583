package cli

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"sync"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/mnist"
)

// features is the verb that writes what the hidden units make of images.
func features(t *terminal, m *Machine, args []string) (err error) {
	f := flags(t, "tandem features RUN --npz FILE [flags]")
	name := f.String("npz", "", "`FILE` for numpy.load, with q1, q2, … (images × units of a layer, float32: the\n"+blank+"probabilities of mean field) and labels, if there are any")
	set := f.String("split", mnist.Test, "`test` or train: of which images")
	pixels := f.String("pixels", "grey", "`HOW` grey levels become values: grey, threshold or fixed")
	h := howFlags(f, t)
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if *name == "" {
		return usageError{fmt.Errorf("features: --npz FILE is missing")}
	}
	if *set != mnist.Test && *set != mnist.Train {
		return usageError{fmt.Errorf("features: split: %q; must be test or train", *set)}
	}
	way, err := mnist.ParsePixels(*pixels)
	if err == nil && way == mnist.Sample {
		err = fmt.Errorf("sample draws others at each use; fixed draws them once")
	}
	if err != nil {
		return usageError{fmt.Errorf("features: pixels: %w", err)}
	}
	if err := h.begin(); err != nil {
		return fmt.Errorf("features: %w", err)
	}
	defer h.end(&err)
	s, images, err := loadWith(found[0], *set)
	if err != nil {
		return fmt.Errorf("features: %w", err)
	}
	row := func(i int, v []float32) { images.Values(v, i, way, kernel.Draw{}) }
	write := func(w io.Writer) error { return writeFeatures(t, w, m, s, images, row, h.threads) }
	if err := writeFile(*name, write); err != nil {
		return fmt.Errorf("features: %w", err)
	}
	t.clear()
	t.tell(*name)
	return nil
}

// loadWith loads a run, and a set of its images.
func loadWith(run, name string) (saved, *mnist.Set, error) {
	s, err := load(run)
	if err != nil {
		return s, nil, err
	}
	set, err := mnist.Open(s.Settings.Data, name)
	if err != nil {
		return s, nil, err
	}
	if n := set.Rows() * set.Columns(); n != s.Settings.Layers[0] {
		return s, nil, fmt.Errorf("the model has %d visible units, but the images of %s have %d pixels", s.Settings.Layers[0], set.Source, n)
	}
	return s, set, nil
}

// The mean field that is written goes on until no unit changes by as much as
// finely, or for finelyMost iterations.
const (
	finely     = 1e-5
	finelyMost = 500
)

// writeFeatures writes one layer after the other, and infers anew for each: so no
// more than some images' are in memory.
func writeFeatures(t *terminal, w io.Writer, m *Machine, s saved, images *mnist.Set, row func(i int, v []float32), threads int) error {
	const size = 100 // images a worker infers at a time
	c := &s.Settings.Config
	workers := make([]*dbm.Inference, threads)
	for i := range workers {
		var err error
		if workers[i], err = dbm.NewInference(c, m.Kernels, s.State, size, finely, finelyMost); err != nil {
			return err
		}
	}
	z := zip.NewWriter(w)
	progress := t.share("mean field")
	for l := 1; l < len(c.Layers); l++ {
		f, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("q%d.npy", l), Method: zip.Store})
		if err != nil {
			return err
		}
		b, n := bufio.NewWriter(f), c.Layers[l]
		writeNPYHeader(b, "<f4", images.N(), n)
		for from := 0; from < images.N(); from += size * threads {
			var group sync.WaitGroup
			share := func(i int) (first, rows int) {
				first = min(from+i*size, images.N())
				return first, min(size, images.N()-first)
			}
			for i, inference := range workers {
				group.Go(func() {
					first, rows := share(i)
					for r := range rows {
						row(first+r, inference.Visible(r))
					}
					inference.Infer(rows)
				})
			}
			group.Wait()
			for i, inference := range workers {
				_, rows := share(i)
				for r := range rows {
					writeFloats(b, inference.Hidden(l)[r*kernel.Stride(n):][:n])
				}
			}
			progress((float64(l-1) + float64(min(from+size*threads, images.N()))/float64(images.N())) / float64(c.Hidden()))
		}
		if err := b.Flush(); err != nil {
			return err
		}
	}
	if images.Labels != nil {
		f, err := z.CreateHeader(&zip.FileHeader{Name: "labels.npy", Method: zip.Store})
		if err != nil {
			return err
		}
		b := bufio.NewWriter(f)
		writeNPYHeader(b, "|u1", images.N())
		b.Write(images.Labels)
		if err := b.Flush(); err != nil {
			return err
		}
	}
	return z.Close()
}

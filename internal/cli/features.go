package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/memory"
	"tandem/internal/npz"
	"tandem/internal/session"
	"tandem/mnist"
)

// features is the verb that exports hidden activations.
func features(ctx context.Context, t *terminal, m *Machine, args []string) (err error) {
	f := flags(t, "tandem features RUN --npz FILE [flags]")
	name := f.String("npz", "", "`FILE` for numpy.load, with q1, q2, … (images × units of a layer, float32: the "+
		"probabilities of mean field) and labels, if there are any")
	var from which
	from.flags(f)
	pixels := f.String("pixels", "grey", "`HOW` grey levels become values: grey, threshold or fixed")
	x := executionFlags(f, t)
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if *name == "" {
		return usageError{errors.New("--npz FILE is missing")}
	}
	if err := from.validate(); err != nil {
		return usageError{err}
	}
	way, err := mnist.ParsePixels(*pixels)
	if err == nil && way == mnist.Sample {
		err = errors.New("pixels: sample draws others at each use; fixed draws them once")
	}
	if err != nil {
		return usageError{asFlag(f, err)}
	}
	if err := t.guard.writes(append(x.outputs(), output{"npz", *name}), append(from.inputs(), found[0])...); err != nil {
		return err
	}
	s, err := load(t, found[0])
	if err != nil {
		return err
	}
	if err := x.begin(ctx); err != nil {
		return err
	}
	defer x.end(&err)
	images, err := from.open(t, s)
	if err != nil {
		return err
	}
	workers := dbm.Useful(x.threads, images.N(), featureRows)
	need := memory.Sum(uint64(s.Settings.StateBytes()), s.Settings.InferenceMemory(workers, featureRows),
		session.DataMemory(images))
	if err := room(need, "--threads"); err != nil {
		return err
	}
	e := &featureExport{model: s, images: images, pixels: way, progress: t.stage("mean field")}
	if err := e.begin(m.Kernels, workers); err != nil {
		return err
	}
	if err := t.guard.write(ctx, *name, func(w io.Writer) error { return e.write(ctx, w) }); err != nil {
		return err
	}
	t.clear()
	t.made(*name)
	return nil
}

// The mean field that is exported continues until no unit changes by as much as
// featureTolerance, or for featureMost iterations.
const (
	featureTolerance = 1e-5
	featureMost      = 500
)

// featureRows is how many images a worker infers at a time.
const featureRows = 100

// featureExport writes the hidden activations of images.
type featureExport struct {
	*model
	images   *mnist.Set
	pixels   mnist.Pixels
	workers  []*dbm.Inference
	progress func(done float64)
}

func (e *featureExport) begin(k *kernel.Set, workers int) (err error) {
	e.workers = make([]*dbm.Inference, workers)
	for i := range e.workers {
		e.workers[i], err = dbm.NewInference(&e.Settings.Config, k, e.State, featureRows, featureTolerance, featureMost)
		if err != nil {
			return err
		}
	}
	return nil
}

// write writes one layer after the other, and infers anew for each, so that no more than
// some images' are in memory.
func (e *featureExport) write(ctx context.Context, w io.Writer) error {
	z := npz.NewWriter(w)
	for l, n := range e.Settings.Layers {
		if l == 0 {
			continue
		}
		f, err := z.Array(fmt.Sprintf("q%d", l), npz.Float32, e.images.N(), n)
		if err != nil {
			return err
		}
		if err := e.writeLayer(ctx, f, l); err != nil {
			return err
		}
	}
	if e.images.Labels != nil {
		if err := z.Bytes("labels", e.images.Labels, e.images.N()); err != nil {
			return err
		}
	}
	return z.Close()
}

// writeLayer writes the activations of layer l.
func (e *featureExport) writeLayer(ctx context.Context, w io.Writer, l int) error {
	n, all, step := e.Settings.Layers[l], e.images.N(), featureRows*len(e.workers)
	for from := 0; from < all; from += step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e.infer(from)
		for i, inference := range e.workers {
			_, rows := e.rows(from, i)
			for r := range rows {
				if err := npz.WriteFloats(w, inference.Hidden(l)[r*kernel.Stride(n):][:n]); err != nil {
					return err
				}
			}
		}
		done := float64(min(from+step, all)) / float64(all)
		e.progress((float64(l-1) + done) / float64(e.Settings.Hidden()))
	}
	return nil
}

// rows returns which images from an image on a worker infers.
func (e *featureExport) rows(from, worker int) (first, rows int) {
	first = min(from+worker*featureRows, e.images.N())
	return first, min(featureRows, e.images.N()-first)
}

// infer infers images from one on, some by each worker.
func (e *featureExport) infer(from int) {
	var group sync.WaitGroup
	for i, inference := range e.workers {
		group.Go(func() {
			first, rows := e.rows(from, i)
			for r := range rows {
				e.images.Values(inference.Visible(r), first+r, e.pixels, kernel.Draw{})
			}
			inference.Infer(rows)
		})
	}
	group.Wait()
}

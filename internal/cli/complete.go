package cli

import (
	"context"
	"fmt"
	"math"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/figure"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/session"
	"tandem/mnist"
)

// completion is a picture to draw of images of which half is known.
type completion struct {
	half string // that is known
	which
	images int
	sweeps int
	seed   uint64
	set    *mnist.Set
	known  []bool
}

// complete is the verb that completes pictures of which half is known.
func complete(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem complete RUN [flags]")
	var o completion
	f.StringVar(&o.half, "known", "top", "`HALF` what is known of each image: top, bottom, left or right")
	o.images, o.sweeps, o.seed = 20, 1000, 1
	o.which.flags(f)
	countVar(f, &o.images, "images", 1, dbm.MaxRows, "`N` examples, the first ones")
	countVar(f, &o.sweeps, "sweeps", 1, mostSweeps, "`N` Gibbs sweeps with the known pixels clamped")
	countVar(f, &o.seed, "seed", 0, math.MaxUint64, "`N` of the random numbers")
	f.BoolVar(&t.quiet, "quiet", false, "show no progress")
	out := f.String("out", "", "`FILE` in PNG (default completed-HALF.png in the run's folder)")
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if _, err := knownPixels(o.half, 2, 2); err != nil {
		return usageError{fmt.Errorf("known: %w", err)}
	}
	if err := t.guard.pictures(found[0], output{"out", *out}); err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return usageError{err}
	}
	s, err := load(t, found[0])
	if err != nil {
		return err
	}
	if err := t.guard.reads(o.inputs()...); err != nil {
		return err
	}
	if o.set, err = o.open(t, s); err != nil {
		return err
	}
	if o.images > o.set.N() {
		return usageError{fmt.Errorf("images: %d; there are %d", o.images, o.set.N())}
	}
	need := memory.Sum(uint64(s.Settings.StateBytes()), session.DataMemory(o.set),
		4*samplesMemory(&s.Settings.Config, o.images, 0)) // with the four parts of the picture
	if err := room(need, "--images"); err != nil {
		return err
	}
	if o.known, err = knownPixels(o.half, o.set.Rows(), o.set.Columns()); err != nil {
		return err
	}
	grids, err := o.grids(ctx, t, s, m.Kernels)
	if err != nil {
		return err
	}
	t.clear()
	title := fmt.Sprintf("%s after %s updates completes %s images of which it knows the %s half",
		format.Shape(s.Settings.Layers), format.Count(s.Updates), o.set.Name, o.half)
	if s.otherData {
		title += ", of other data than it was trained on"
	}
	name, err := s.draw(ctx, *out, "completed-"+o.half+".png", title, grids)
	if err != nil {
		return err
	}
	t.made(name)
	return nil
}

// grids completes the images and returns the parts of the picture.
func (o *completion) grids(ctx context.Context, t *terminal, s *model, k *kernel.Set) ([]figure.Grid, error) {
	n := s.Settings.Layers[0]
	grey, binary, seen := make([]float32, o.images*n), make([]float32, o.images*n), make([]float32, o.images*n)
	for i := range o.images {
		o.set.Values(grey[i*n:(i+1)*n], i, mnist.Grey, kernel.Draw{})
		o.set.Values(binary[i*n:(i+1)*n], i, mnist.Fixed, kernel.Draw{})
	}
	for i := range seen {
		seen[i] = 0.5
		if o.known[i%n] {
			seen[i] = binary[i]
		}
	}
	p, err := dbm.NewCompletion(&s.Settings.Config, k, s.State, binary, o.known, o.seed)
	if err != nil {
		return nil, err
	}
	t.last = time.Now()
	for i := range o.sweeps {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		p.Sweep()
		t.count("sweep", i+1, o.sweeps)
	}
	grid := func(caption string, tiles []float32) figure.Grid {
		return figure.Grid{Caption: caption, Tiles: tiles, Rows: o.set.Rows(), Columns: o.set.Columns(), Scale: figure.Unit,
			Across: 10}
	}
	return []figure.Grid{
		grid("the images", grey),
		grid("what is known, sampled once; grey is not known", seen),
		grid("completed by mean field", p.MeanField(200)),
		grid(fmt.Sprintf("completed by sampling: probabilities after %s sweeps", format.Count(uint64(o.sweeps))), p.Means()),
	}, nil
}

// knownPixels returns which pixels belong to a half of an image.
func knownPixels(half string, rows, columns int) ([]bool, error) {
	known := make([]bool, rows*columns)
	for i := range known {
		row, column := i/columns, i%columns
		switch half {
		case "top":
			known[i] = row < rows/2
		case "bottom":
			known[i] = row >= rows/2
		case "left":
			known[i] = column < columns/2
		case "right":
			known[i] = column >= columns/2
		default:
			return nil, fmt.Errorf("%q; must be top, bottom, left or right", half)
		}
	}
	return known, nil
}

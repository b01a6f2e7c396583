package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/internal/dataset"
	"tandem/internal/figure"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/npz"
	"tandem/internal/session"
	"tandem/mnist"
)

// completion is a picture to draw of images of which half is known.
type completion struct {
	half string // that is known, or a file that says it
	mask bool   // it is a file
	npz  string // file for what was completed; "": none
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
	f.StringVar(&o.half, "known", "", "`WHAT` is known of each example: top, bottom, left or right, or a file with a 1 "+
		"for each unit that is, such as MASK.npy (default top, or left of a table)")
	f.StringVar(&o.npz, "npz", "", "`FILE` for numpy.load: known (1 for each unit that is), examples (0 or 1, what was "+
		"not known, too), mean_field and sampled (probabilities), all but known examples × visible; log_probability of "+
		"what was not known, exactly, where it can be enumerated")
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
	if err := t.guard.pictures(found[0], output{"out", *out}, output{"npz", o.npz}); err != nil {
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
	if err := o.findKnown(); err != nil {
		return usageError{fmt.Errorf("known: %w", err)}
	}
	grids, err := o.grids(ctx, t, s, m.Kernels)
	if err != nil {
		return err
	}
	t.clear()
	title := fmt.Sprintf("%s after %s updates completes %s examples of which it knows %s",
		format.Shape(s.Settings.Layers), format.Count(s.Updates), o.set.Name, o.what())
	if s.otherData {
		title += ", of other data than it was trained on"
	}
	if o.npz != "" {
		if err := o.write(ctx, t, s, grids); err != nil {
			return err
		}
	}
	standard := "completed-" + o.half + ".png"
	if o.mask {
		standard = "completed.png"
	}
	name, err := s.draw(ctx, *out, standard, title, grids)
	if err != nil {
		return err
	}
	t.made(name)
	if o.npz != "" {
		t.made(o.npz)
	}
	return nil
}

// findKnown finds out which units are known: of a half of an image, or by a file.
func (o *completion) findKnown() (err error) {
	rows, columns := o.set.Rows(), o.set.Columns()
	if o.half == "" {
		if o.half = "top"; rows == 1 {
			o.half = "left"
		}
	}
	if slices.Contains([]string{"top", "bottom", "left", "right"}, o.half) {
		if rows == 1 && (o.half == "top" || o.half == "bottom") {
			return fmt.Errorf("%s; a table has a left and a right half, but no %s", o.half, o.half)
		}
		o.known, err = knownPixels(o.half, rows, columns)
		return err
	}
	if _, err := os.Stat(o.half); err != nil {
		return fmt.Errorf("%q; must be top, bottom, left, right or a file: %w", o.half, err)
	}
	o.mask = true
	o.known, err = dataset.ReadMask(o.half, rows*columns)
	return err
}

// what returns what is known, in words.
func (o *completion) what() string {
	if !o.mask {
		return "the " + o.half + " half"
	}
	n := 0
	for _, known := range o.known {
		if known {
			n++
		}
	}
	return fmt.Sprintf("%s of %d", format.Number(n, "unit"), len(o.known))
}

// write writes what was known and what was completed as numbers.
func (o *completion) write(ctx context.Context, t *terminal, s *model, grids []figure.Grid) error {
	visible := s.Settings.Layers[0]
	known, binary := make([]byte, visible), make([]byte, 0, o.images*visible)
	for i, is := range o.known {
		if is {
			known[i] = 1
		}
	}
	conditional, err := likelihood.NewConditional(&s.Settings.Config, s.State, o.known)
	if err != nil {
		t.say("log-probabilities of what was not known are left out: %v", err)
	}
	var logs []float32
	v := make([]float32, visible)
	for i := range o.images {
		o.set.Values(v, i, mnist.Fixed, kernel.Draw{})
		for _, x := range v {
			binary = append(binary, byte(x))
		}
		if conditional == nil {
			continue
		}
		p, err := conditional.LogP(ctx, v)
		if err != nil {
			return err
		}
		logs = append(logs, float32(p))
	}
	return t.guard.write(ctx, o.npz, func(w io.Writer) error {
		z := npz.NewWriter(w)
		if err := z.Bytes("known", known, visible); err != nil {
			return err
		}
		if err := z.Bytes("examples", binary, o.images, visible); err != nil {
			return err
		}
		for i, name := range []string{"mean_field", "sampled"} {
			if err := z.Floats(name, grids[2+i].Tiles, o.images, visible); err != nil {
				return err
			}
		}
		if conditional != nil {
			if err := z.Floats("log_probability", logs, o.images); err != nil {
				return err
			}
		}
		return z.Close()
	})
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

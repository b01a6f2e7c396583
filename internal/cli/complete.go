package cli

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
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
	mask bool   // it is a file, or names of columns
	npz  string // file for what was completed; "": none
	csv  string // and for a table of it
	which
	images int
	sweeps int
	seed   uint64
	set    *mnist.Set
	known  []bool    // images × visible
	binary []float32 // the images: images × visible, each 0 or 1
}

// complete is the verb that completes pictures of which half is known.
func complete(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem complete RUN [flags]")
	var o completion
	f.StringVar(&o.half, "known", "", "`WHAT` is known of each example: top, bottom, left or right; names of columns, "+
		"as q1,q2; or a file, such as MASK.npy, with a 1 for each unit that is, once or for each example (default top, or "+
		"left of a table; with values that are missing in --data, all others)")
	f.StringVar(&o.csv, "csv", "", "`FILE` for the examples with what was not known filled in, by the average of samples")
	f.StringVar(&o.npz, "npz", "", "`FILE` for numpy.load: known (1 for each unit that is), examples (0 or 1, what was "+
		"not known, too), mean_field, sampled and averaged (probabilities; the last over the second half of the sweeps), "+
		"each examples × visible; log_probability of what was not known, exactly, where it can be enumerated")
	o.sweeps, o.seed, o.which.gaps = 1000, 1, true
	o.which.flags(f)
	countVar(f, &o.images, "images", 1, dbm.MaxRows, "`N` examples, the first ones (default 20, or all of --data)")
	countVar(f, &o.sweeps, "sweeps", 1, mostSweeps, "`N` Gibbs sweeps with the known pixels clamped")
	countVar(f, &o.seed, "seed", 0, math.MaxUint64, "`N` of the random numbers")
	f.BoolVar(&t.quiet, "quiet", false, "show no progress")
	out := f.String("out", "", "`FILE` in PNG (default completed-HALF.png in the run's folder)")
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if err := t.guard.pictures(found[0], output{"out", *out}, output{"npz", o.npz}, output{"csv", o.csv}); err != nil {
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
	switch {
	case o.images > o.set.N():
		return usageError{fmt.Errorf("images: %d; there are %d", o.images, o.set.N())}
	case o.images == 0 && o.data != "":
		o.images = o.set.N()
	case o.images == 0:
		o.images = min(standardCompleted, o.set.N())
	}
	need := memory.Sum(uint64(s.Settings.StateBytes()), session.DataMemory(o.set),
		4*samplesMemory(&s.Settings.Config, o.images, 0)) // with the four parts of the picture
	if err := room(need, "--images"); err != nil {
		return err
	}
	if err := o.findKnown(); err != nil {
		return usageError{fmt.Errorf("known: %w", err)}
	}
	parts, err := o.parts(ctx, t, s, m.Kernels)
	if err != nil {
		return err
	}
	r, err := o.judge(ctx, t, s, parts)
	if err != nil {
		return err
	}
	t.clear()
	r.print(t.out)
	from := o.set.Name
	if o.data != "" {
		from = "the"
	}
	title := fmt.Sprintf("%s after %s updates completes %s examples of which it knows %s",
		format.Shape(s.Settings.Layers), format.Count(s.Updates), from, o.what())
	if s.otherData {
		title += ", of other data than it was trained on"
	}
	if o.npz != "" {
		if err := o.write(ctx, t, parts, r.logs); err != nil {
			return err
		}
	}
	if o.csv != "" {
		if err := o.writeTable(ctx, t, s, parts); err != nil {
			return err
		}
	}
	standard := "completed-" + o.half + ".png"
	if o.mask {
		standard = "completed.png"
	}
	name, err := s.draw(ctx, *out, standard, title, parts.grids(s, o.sweeps))
	if err != nil {
		return err
	}
	for _, made := range []string{name, o.npz, o.csv} {
		if made != "" {
			t.made(made)
		}
	}
	return nil
}

// standardCompleted is how many of a model's own examples are completed unless --images asks for
// others, and shownCompleted how many a picture shows.
const (
	standardCompleted = 20
	shownCompleted    = 50
)

// findKnown finds out which units are known. What is missing in the examples is not.
func (o *completion) findKnown() error {
	missing := o.set.Missing
	if o.half == "" && missing != nil {
		o.mask, o.known = true, make([]bool, o.images*o.set.Rows()*o.set.Columns())
		for i := range o.known {
			o.known[i] = !missing[i]
		}
		return nil
	}
	err := o.findAsked()
	for i := range o.known {
		o.known[i] = o.known[i] && (missing == nil || !missing[i])
	}
	return err
}

// findAsked finds out which units are to be known: of a half of an image, by their names, or by a
// file.
func (o *completion) findAsked() error {
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
		known, err := knownPixels(o.half, rows, columns)
		o.known = slices.Repeat(known, o.images)
		return err
	}
	o.mask = true
	if _, err := os.Stat(o.half); err == nil {
		known, err := dataset.ReadMask(o.half, rows*columns, o.set.N())
		if err == nil {
			o.known = known[:o.images*rows*columns]
		}
		return err
	}
	known, err := named(o.half, o.set.Names)
	o.known = slices.Repeat(known, o.images)
	return err
}

// named returns which columns are in a list of names with commas between them.
func named(list string, names []string) ([]bool, error) {
	if names == nil {
		return nil, fmt.Errorf("%q; must be top, bottom, left, right or a file that exists, for the columns have no names",
			list)
	}
	known := make([]bool, len(names))
	for name := range strings.SplitSeq(list, ",") {
		at := slices.Index(names, name)
		if at < 0 {
			return nil, fmt.Errorf("%q; must be top, bottom, left, right, a file that exists, or names of columns%s", name,
				format.Meant(format.Nearest(name, names)))
		}
		known[at] = true
	}
	return known, nil
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
	return fmt.Sprintf("%s of %s", format.Count(uint64(n)), format.Number(len(o.known), "value"))
}

// write writes what was known and what was completed as numbers. logs are the log-probabilities
// of what was not known, if there are any.
func (o *completion) write(ctx context.Context, t *terminal, parts *parts, logs []float64) error {
	visible := len(o.known) / o.images
	known, binary := make([]byte, len(o.known)), make([]byte, len(o.known))
	for i, is := range o.known {
		if is {
			known[i] = 1
		}
		binary[i] = byte(o.binary[i])
	}
	return t.guard.write(ctx, o.npz, func(w io.Writer) error {
		z := npz.NewWriter(w)
		if err := z.Bytes("known", known, o.images, visible); err != nil {
			return err
		}
		if err := z.Bytes("examples", binary, o.images, visible); err != nil {
			return err
		}
		if err := z.Floats("mean_field", parts.meanField, o.images, visible); err != nil {
			return err
		}
		if err := z.Floats("sampled", parts.sampled, o.images, visible); err != nil {
			return err
		}
		if err := z.Floats("averaged", parts.averaged, o.images, visible); err != nil {
			return err
		}
		if logs != nil {
			if err := z.Floats("log_probability", float32s(logs), len(logs)); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

// writeTable writes the examples with what was not known filled in, on their own scale.
func (o *completion) writeTable(ctx context.Context, t *terminal, s *model, parts *parts) error {
	visible, levels := len(o.known)/o.images, cmp.Or(s.Settings.Levels, 255)
	return t.guard.write(ctx, o.csv, func(w io.Writer) error {
		table := csv.NewWriter(w)
		names := slices.Clone(o.set.Names)
		for i := len(names); i < visible; i++ {
			names = append(names, fmt.Sprintf("x%d", i+1))
		}
		table.Write(names) // the table keeps its first error
		line := make([]string, visible)
		for i := range o.images {
			for j := range line {
				at, x := i*visible+j, parts.averaged
				if o.known[at] {
					x = parts.examples
				}
				line[j] = strconv.FormatFloat(float64(float32(float64(x[at])*levels)), 'g', 6, 32)
			}
			table.Write(line)
		}
		table.Flush()
		return table.Error()
	})
}

// parts are what a picture of completed examples shows: examples × visible.
type parts struct {
	examples, seen, meanField, sampled []float32
	averaged                           []float32 // of the probabilities in the second half of the sweeps
	looks                              int       // how many of these are averaged
}

// add adds probabilities to the average.
func (p *parts) add(probabilities []float32) {
	if p.averaged == nil {
		p.averaged = make([]float32, len(probabilities))
	}
	for i, x := range probabilities {
		p.averaged[i] += x
	}
	p.looks++
}

// parts completes the examples.
func (o *completion) parts(ctx context.Context, t *terminal, s *model, k *kernel.Set) (*parts, error) {
	n := s.Settings.Layers[0]
	p := &parts{examples: make([]float32, o.images*n), seen: make([]float32, o.images*n)}
	o.binary = make([]float32, o.images*n)
	for i := range o.images {
		o.set.Values(p.examples[i*n:(i+1)*n], i, mnist.Grey, kernel.Draw{})
		o.set.Values(o.binary[i*n:(i+1)*n], i, mnist.Fixed, kernel.Draw{})
	}
	for i := range p.seen {
		p.seen[i] = 0.5
		if o.known[i] {
			p.seen[i] = o.binary[i]
		}
	}
	c, err := dbm.NewCompletion(&s.Settings.Config, k, s.State, o.binary, o.known, o.seed)
	if err != nil {
		return nil, err
	}
	t.last = time.Now()
	for i := range o.sweeps {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c.Sweep()
		if every := max(o.sweeps/200, 1); i >= o.sweeps/2 && (o.sweeps-1-i)%every == 0 {
			p.sampled = c.Means()
			p.add(p.sampled)
		}
		t.count("sweep", i+1, o.sweeps)
	}
	for i := range p.averaged {
		p.averaged[i] /= float32(p.looks)
	}
	p.meanField = c.MeanField(200)
	return p, nil
}

// grids returns the picture: of images a column for each, ten side by side; of a table four heat
// maps.
func (p *parts) grids(m *model, sweeps int) []figure.Grid {
	const across = 10
	all := [4][]float32{p.examples, p.seen, p.averaged, p.sampled}
	words := [4]string{"examples", "known", "average", "sampled"}
	captions := [4]string{"the examples", "what is known, sampled once; grey is not known", "the average of samples",
		fmt.Sprintf("one sample: probabilities after %s sweeps", format.Count(uint64(sweeps)))}
	visible := m.rows * m.columns
	if n := len(p.examples) / visible; n > shownCompleted {
		for i := range all {
			all[i] = all[i][:shownCompleted*visible]
		}
		captions[0] = fmt.Sprintf("the first %d of %d examples", shownCompleted, n)
	}
	grid := m.samples("", all[0])
	if grid.Across == 1 { // a heat map
		var grids []figure.Grid
		for i, values := range all {
			grids = append(grids, m.tiles(captions[i], values, figure.Unit))
		}
		return grids
	}
	size := grid.Rows * grid.Columns
	grid.Caption = fmt.Sprintf("from top to bottom: %s; %s; %s; %s", captions[0], captions[1], captions[2], captions[3])
	grid.Tiles = nil
	n := len(all[0]) / size
	grid.Across = min(across, n)
	for from := 0; from < n; from += across {
		to := min(from+across, n)
		for i, values := range all {
			grid.Tiles = append(grid.Tiles, values[from*size:to*size]...)
			grid.Labels = append(grid.Labels, words[i])
			for range grid.Across - 1 { // the last row may be unfinished
				grid.Labels = append(grid.Labels, "")
			}
			for range grid.Across - (to - from) {
				grid.Tiles = append(grid.Tiles, slices.Repeat([]float32{float32(math.NaN())}, size)...)
			}
		}
	}
	return []figure.Grid{grid}
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

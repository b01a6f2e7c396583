package cli

import (
	"fmt"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/figure"
	"tandem/mnist"
)

// complete is the verb that completes pictures of which half is known.
func complete(t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem complete RUN [flags]")
	half := f.String("known", "top", "`top` half of the picture, or bottom, left or right: what is known")
	images := f.Int("images", 20, "`N` test images, the first ones")
	sweeps := f.Int("sweeps", 1000, "`N` Gibbs sweeps with the known pixels clamped")
	seed := f.Uint64("seed", 1, "`N` of the random numbers")
	f.BoolVar(&t.quiet, "quiet", false, "no progress")
	out := f.String("out", "", "`FILE` in PNG (default completed-HALF.png in the run's folder)")
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if *images < 1 {
		return usageError{fmt.Errorf("complete: images: %d; must be at least 1", *images)}
	}
	if *sweeps < 1 {
		return usageError{fmt.Errorf("complete: sweeps: %d; must be at least 1", *sweeps)}
	}
	if _, err := knownPixels(*half, 2, 2); err != nil {
		return usageError{fmt.Errorf("complete: known: %w", err)}
	}
	s, set, err := loadWith(found[0], mnist.Test)
	if err != nil {
		return fmt.Errorf("complete: %w", err)
	}
	if *images > set.N() {
		return usageError{fmt.Errorf("complete: images: %d; there are %d", *images, set.N())}
	}
	known, err := knownPixels(*half, set.Rows(), set.Columns())
	if err != nil {
		return fmt.Errorf("complete: %w", err)
	}
	n := s.Settings.Layers[0]
	grey, binary, seen := make([]float32, *images*n), make([]float32, *images*n), make([]float32, *images*n)
	for i := range *images {
		set.Values(grey[i*n:(i+1)*n], i, mnist.Grey, kernel.Draw{})
		set.Values(binary[i*n:(i+1)*n], i, mnist.Fixed, kernel.Draw{})
	}
	for i := range seen {
		seen[i] = 0.5
		if known[i%n] {
			seen[i] = binary[i]
		}
	}
	p, err := dbm.NewCompletion(&s.Settings.Config, m.Kernels, s.State, binary, known, *seed)
	if err != nil {
		return fmt.Errorf("complete: %w", err)
	}
	t.last = time.Now()
	for i := range *sweeps {
		p.Sweep()
		if now := time.Now(); t.due(now) {
			t.progress(now, []string{fmt.Sprintf("sweep %s of %s", count(uint64(i+1)), count(uint64(*sweeps)))})
		}
	}
	t.clear()
	grid := func(caption string, tiles []float32) figure.Grid {
		return figure.Grid{Caption: caption, Tiles: tiles, Rows: set.Rows(), Columns: set.Columns(), Scale: figure.Unit, Across: 10}
	}
	name, err := draw(found[0], *out, "completed-"+*half+".png", fmt.Sprintf("%s after %s updates completes test images of which it knows the %s half",
		shape(s.Settings.Layers), count(s.Updates), *half), []figure.Grid{
		grid("the images", grey),
		grid("what is known, sampled once; grey is not known", seen),
		grid("completed by mean field", p.MeanField(200)),
		grid(fmt.Sprintf("completed by sampling: probabilities after %s sweeps", count(uint64(*sweeps))), p.Means()),
	})
	if err != nil {
		return fmt.Errorf("complete: %w", err)
	}
	t.tell(name)
	return nil
}

// knownPixels says of which pixels a half of an image is made.
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

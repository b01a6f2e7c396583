package cli

import (
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"io"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/figure"
	"tandem/internal/runs"
	"tandem/mnist"
)

// sampling says how to draw samples.
type sampling struct {
	fresh  int // new chains; 0: those of the checkpoint
	anneal int // sweeps at rising inverse temperatures first
	base   []float64
	sweeps int
	seed   uint64
	sweep  func(g *dbm.Sampler, done int) error // called after each sweep, if not nil
}

// sample is the verb that draws samples.
func sample(t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem sample RUN [flags]")
	var how sampling
	f.IntVar(&how.fresh, "fresh", 0, "`N` new chains that begin with fair coins (default the chains of the checkpoint)")
	sweeps := f.Int("sweeps", 0, "`N` Gibbs sweeps first (default 0, or 1000 for new chains)")
	f.IntVar(&how.anneal, "anneal", 0, "`N` sweeps of new chains at first, from base rates to the model: so that they come\n"+blank+"by all modes")
	film := f.String("gif", "", "`FILE` for an animation of the sweeps, at most a hundred frames")
	f.Uint64Var(&how.seed, "seed", 1, "`N` of the random numbers")
	f.BoolVar(&t.quiet, "quiet", false, "no progress")
	out := f.String("out", "", "`FILE` in PNG (default in the run's folder, with a name that tells chains and sweeps)")
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if how.fresh < 0 {
		return usageError{fmt.Errorf("sample: fresh: %d; must not be below 0", how.fresh)}
	}
	if how.anneal < 0 || how.anneal > 0 && how.fresh == 0 {
		return usageError{fmt.Errorf("sample: anneal: %d; must not be below 0, and needs --fresh", how.anneal)}
	}
	switch {
	case *sweeps < 0:
		return usageError{fmt.Errorf("sample: sweeps: %d; must not be below 0", *sweeps)}
	case flagsGiven(f)["sweeps"]:
		how.sweeps = *sweeps
	case how.fresh > 0 && how.anneal == 0:
		how.sweeps = 1000
	}
	if *film != "" && how.sweeps+how.anneal == 0 {
		return usageError{fmt.Errorf("sample: gif: nothing moves without --sweeps or --anneal")}
	}
	s, err := load(found[0])
	if err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	if how.anneal > 0 {
		if set, err := mnist.Open(s.Settings.Data, mnist.Train); err == nil && set.Rows()*set.Columns() == s.Settings.Layers[0] {
			how.base = set.Mean(mnist.Grey)
		}
	}
	t.last = time.Now()
	var frames gif.GIF
	all := how.sweeps + how.anneal
	how.sweep = func(g *dbm.Sampler, done int) error {
		if now := time.Now(); t.due(now) {
			t.progress(now, []string{fmt.Sprintf("sweep %s of %s", count(uint64(done)), count(uint64(all)))})
		}
		if *film == "" || done%((all+99)/100) != 0 {
			return nil
		}
		return addFrame(&frames, figure.Grid{Caption: "sweep " + count(uint64(done)), Tiles: g.Means(), Rows: s.rows, Columns: s.columns, Scale: figure.Unit, Across: 10})
	}
	name, err := drawSamples(found[0], *out, &s.Settings, s.State, m.Kernels, s.rows, s.columns, how)
	t.clear()
	if err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	t.tell(name)
	if *film == "" {
		return nil
	}
	if err := writeFile(*film, func(w io.Writer) error { return gif.EncodeAll(w, &frames) }); err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	t.tell(*film)
	return nil
}

// addFrame adds a picture of chains to an animation.
func addFrame(frames *gif.GIF, grid figure.Grid) error {
	img, err := figure.Draw("", grid)
	if err != nil {
		return err
	}
	greys := make(color.Palette, 256)
	for i := range greys {
		greys[i] = color.Gray{Y: uint8(i)}
	}
	frames.Image = append(frames.Image, &image.Paletted{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect, Palette: greys})
	// A caption may grow wider than few chains are.
	frames.Config.Width = max(frames.Config.Width, img.Rect.Dx())
	frames.Config.Height = max(frames.Config.Height, img.Rect.Dy())
	frames.Delay = append(frames.Delay, 8) // hundredths of a second
	return nil
}

// drawSamples draws the visible means of chains into a file, by default one of the
// run's folder, samples.png if they are those that training left, and returns its
// name.
func drawSamples(dir, name string, c *runs.Settings, s *dbm.State, k *kernel.Set, rows, columns int, how sampling) (string, error) {
	g, err := dbm.NewSampler(&c.Config, k, s, how.fresh, how.seed)
	if err != nil {
		return "", err
	}
	done := func(n int) {
		if how.sweep != nil && err == nil {
			err = how.sweep(g, n)
		}
	}
	g.Anneal(how.anneal, how.base, done)
	for i := range how.sweeps {
		g.Sweep()
		done(how.anneal + i + 1)
	}
	if err != nil {
		return "", err
	}
	chains := fmt.Sprintf("%d training chains", c.Chains)
	if how.fresh > 0 {
		chains = fmt.Sprintf("%d new chains", how.fresh)
	}
	if how.anneal > 0 {
		chains += fmt.Sprintf(", annealed for %s sweeps", count(uint64(how.anneal)))
	}
	if how.sweeps > 0 {
		chains += fmt.Sprintf(", %s sweeps on", count(uint64(how.sweeps)))
	}
	grid := figure.Grid{Caption: chains, Tiles: g.Means(), Rows: rows, Columns: columns, Scale: figure.Unit, Across: 10}
	standard := samplesFile
	switch {
	case how.anneal > 0:
		standard = fmt.Sprintf("samples-annealed-%d.png", how.anneal)
	case how.fresh > 0:
		standard = fmt.Sprintf("samples-fresh-%d.png", how.sweeps)
	case how.sweeps > 0:
		standard = fmt.Sprintf("samples-%d.png", how.sweeps)
	}
	return draw(dir, name, standard, fmt.Sprintf("samples of %s after %s updates", shape(c.Layers), count(s.Updates)), []figure.Grid{grid})
}

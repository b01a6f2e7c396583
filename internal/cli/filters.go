package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/figure"
	"tandem/internal/runs"
	"tandem/mnist"
)

// firstUnits is how many units of a layer a picture shows unless told otherwise.
const firstUnits = 100

// filters is the verb that draws filters.
func filters(t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem filters RUN [flags]")
	units := f.Int("units", firstUnits, "`N` units of each layer, the first ones; 0: all")
	out := f.String("out", "", "`FILE` in PNG (default filters.png in the run's folder)")
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if *units < 0 {
		return usageError{fmt.Errorf("filters: units: %d; must not be below 0", *units)}
	}
	s, err := load(found[0])
	if err != nil {
		return fmt.Errorf("filters: %w", err)
	}
	name, err := drawFilters(found[0], *out, &s.Settings, s.State, m.Kernels, s.rows, s.columns, *units)
	if err != nil {
		return fmt.Errorf("filters: %w", err)
	}
	t.tell(name)
	return nil
}

// saved is a checkpoint with the size of its images.
type saved struct {
	*runs.Checkpoint
	rows, columns int
}

// load reads the checkpoint of a run, whatever its version of the numerics, or
// what export wrote.
func load(dir string) (saved, error) {
	read := runs.ReadCheckpoint
	if strings.HasSuffix(dir, ".npz") {
		read = readNPZ
	}
	c, err := read(dir)
	if err != nil {
		return saved{}, err
	}
	rows, columns := imageSize(&c.Settings)
	return saved{c, rows, columns}, nil
}

// imageSize is the size of a run's images: that of its data, or, where the data
// has gone, of MNIST if that fits, else one row.
func imageSize(c *runs.Settings) (rows, columns int) {
	if c.Data != "" {
		if set, err := mnist.Open(c.Data, mnist.Train); err == nil && set.Rows()*set.Columns() == c.Layers[0] {
			return set.Rows(), set.Columns()
		}
	}
	if c.Layers[0] == 28*28 {
		return 28, 28
	}
	return 1, c.Layers[0]
}

// drawFilters draws the filters of a state into a file, by default filters.png
// of the run's folder, and returns its name. units = 0 stands for all.
func drawFilters(dir, name string, c *runs.Settings, s *dbm.State, k *kernel.Set, rows, columns, units int) (string, error) {
	a := dbm.NewAssessor(&c.Config, k, rows, columns).Assess(s)
	var grids []figure.Grid
	for l := 1; l < len(c.Layers); l++ {
		n := c.Layers[l]
		shown, caption := n, fmt.Sprintf("layer %d: %d units", l, n)
		if units > 0 && units < n {
			shown = units
			caption = fmt.Sprintf("layer %d: the first %d of %d units", l, units, n)
		}
		caption += fmt.Sprintf(", live %s%%", percents(a.Live[l-1:l]))
		if a.Noise != nil {
			caption += fmt.Sprintf(", noise %s%%", percents(a.Noise[l-1:l]))
		}
		caption += fmt.Sprintf(", duplicate %s%%, norm %.2f ± %.2f", percents(a.Duplicate[l-1:l]), a.NormMean[l-1], a.NormSD[l-1])
		grids = append(grids, figure.Grid{Caption: caption, Tiles: dbm.Pictures(&c.Config, s, l)[:shown*c.Layers[0]],
			Rows: rows, Columns: columns, Scale: figure.Symmetric})
	}
	title := fmt.Sprintf("filters of %s after %s updates", shape(c.Layers), count(s.Updates))
	return draw(dir, name, filtersFile, title, grids)
}

// The pictures in a run's folder.
const (
	filtersFile = "filters.png"
	samplesFile = "samples.png"
)

// draw writes a picture and returns its name.
func draw(dir, name, standard, title string, grids []figure.Grid) (string, error) {
	if name == "" {
		name = filepath.Join(dir, standard)
		if model, ok := strings.CutSuffix(dir, ".npz"); ok {
			name = model + "-" + standard
		}
	}
	img, err := figure.Draw(title, grids...)
	if err != nil {
		return "", err
	}
	return name, writeFile(name, func(w io.Writer) error { return figure.WritePNG(w, img) })
}

// writeFile writes a file whole or not at all, behind links too. What is no plain
// file, such as a pipe or /dev/stdout, is written to as it is.
func writeFile(name string, write func(io.Writer) error) error {
	if runs.Owns(filepath.Base(name)) {
		return fmt.Errorf("%s: a run keeps its own file by this name; choose another", name)
	}
	if isPlain(name) {
		if to, err := filepath.EvalSymlinks(name); err == nil {
			name = to
		}
		return runs.WriteFile(name, write)
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// isPlain says whether a name is that of a plain file or of nothing yet. The names
// below /dev lead to what a process has open.
func isPlain(name string) bool {
	if path, err := filepath.Abs(name); err == nil && strings.HasPrefix(path, "/dev/") {
		return false
	}
	info, err := os.Stat(name)
	return err != nil || info.Mode().IsRegular() || info.IsDir()
}

// tell writes the name of a file that was made.
func (t *terminal) tell(name string) {
	if isPlain(name) {
		fmt.Fprintln(t.out, name)
	}
}

package cli

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"

	"tandem/dbm"
	"tandem/internal/runs"
	"tandem/mnist"
)

// resume is the verb that goes on with a run.
func resume(t *terminal, m *Machine, args []string) (err error) {
	f := flags(t, "tandem resume RUN [flags]")
	updates := f.Uint64("updates", 0, "`N` updates in all, those done included (default as the run was begun)")
	data := f.String("data", "", "`DIR` with the IDX files, if they have moved")
	h := howFlags(f, t)
	estimates := estimateFlag(f)
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	dir := found[0]
	run, checkpoint, err := runs.Open(dir)
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	defer run.Close()
	c, done := run.Settings(), uint64(0)
	if checkpoint != nil {
		done = checkpoint.Updates
	}
	f.Visit(func(g *flag.Flag) {
		switch g.Name {
		case "updates":
			c.Updates = *updates
		case "data":
			c.Data = *data
		}
	})
	if c.Data, err = absolute(c.Data); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	if err := c.Validate(); err != nil {
		return usageError{fmt.Errorf("resume: %w", err)}
	}
	if c.Updates == done && (missing(dir, filtersFile) || missing(dir, samplesFile)) {
		// The run was killed after its last checkpoint and before its pictures.
		rows, columns := imageSize(&c)
		drawn, err := drawBoth(m, dir, &c, checkpoint.State, rows, columns)
		if err != nil {
			return fmt.Errorf("resume: %w", err)
		}
		table(t.out, drawn)
		return nil
	}
	if c.Updates <= done {
		err := fmt.Errorf("resume: %s has made %s updates, and %s are all it is to make", dir, count(done), count(c.Updates))
		return hintedError{err, fmt.Sprintf("tandem resume %s --updates %d makes as many again", dir, 2*done)}
	}
	if err := h.begin(); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	defer h.end(&err)
	set, err := mnist.Open(c.Data, mnist.Train)
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	if err := estimates.open(c.Data, c.Layers[0]); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	x := &training{terminal: t, machine: m, how: h, estimator: estimates, run: run, data: set, arguments: append([]string{"resume"}, args...)}
	if err := x.takeUp(c, done); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	return x.train(checkpoint)
}

// takeUp makes a run ready to go on, with a configuration, after so many updates.
func (x *training) takeUp(c runs.Settings, done uint64) error {
	manifest, err := runs.ReadManifest(x.run.Dir())
	killed := errors.Is(err, fs.ErrNotExist) // before it had one
	switch {
	case killed:
	case err != nil:
		return err
	case manifest.Data.SHA256 != x.data.SHA256:
		return fmt.Errorf("the images of %s are not those that %s was begun with: their SHA-256 is %.12s…, was %.12s…",
			x.data.Source, x.run.Dir(), x.data.SHA256, manifest.Data.SHA256)
	}
	if err := x.run.SetSettings(c); err != nil {
		return err
	}
	if killed {
		err = x.describe()
	} else {
		err = x.run.AddPart(x.part(time.Now(), done))
	}
	if err != nil {
		return err
	}
	return x.run.CutAfter(done)
}

// drawBoth draws the pictures of a run that is at its end, and returns what each
// shows and its name.
func drawBoth(m *Machine, dir string, c *runs.Settings, s *dbm.State, rows, columns int) ([][2]string, error) {
	filters, err := drawFilters(dir, "", c, s, m.Kernels, rows, columns, firstUnits)
	if err != nil {
		return nil, err
	}
	samples, err := drawSamples(dir, "", c, s, m.Kernels, rows, columns, sampling{})
	return [][2]string{{"filters", filters}, {"samples", samples}}, err
}

// absolute makes the name of a folder of images one that holds anywhere: a run may
// be resumed elsewhere. "" stands for the embedded images.
func absolute(data string) (string, error) {
	if data == "" {
		return "", nil
	}
	return filepath.Abs(data)
}

// missing says whether a run's folder lacks a file.
func missing(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return errors.Is(err, fs.ErrNotExist)
}

// count writes a number with commas.
func count(n uint64) string { return humanize.Comma(int64(n)) }

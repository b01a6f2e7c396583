package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tandem/internal/figure"
	"tandem/internal/files"
	"tandem/internal/runs"
)

// The pictures in a run's folder.
const (
	filtersFile = "filters.png"
	samplesFile = "samples.png"
)

// draw writes a picture, by default one of a standard name beside the model, and returns
// its name.
func (m *model) draw(ctx context.Context, name, standard, title string, grids []figure.Grid) (string, error) {
	if name == "" {
		name = filepath.Join(m.from, standard)
		if model, ok := strings.CutSuffix(m.from, ".npz"); ok {
			name = model + "-" + standard
		}
	}
	img, err := figure.Draw(title, grids...)
	if err != nil {
		return "", err
	}
	return name, writeFile(ctx, name, func(w io.Writer) error { return figure.WritePNG(w, img) })
}

// writer writes until its context ends.
type writer struct {
	ctx context.Context
	to  io.Writer
}

func (w writer) Write(b []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.to.Write(b)
}

// writeFile writes a file whole or not at all, behind links too. What is not a plain file,
// such as a pipe or /dev/stdout, is written to as it is. When ctx ends, writeFile returns
// its cause.
func writeFile(ctx context.Context, name string, write func(io.Writer) error) error {
	if runs.Owns(filepath.Base(name)) {
		return fmt.Errorf("%s: a run keeps its own file by this name; choose another", name)
	}
	until := func(w io.Writer) error {
		if err := write(writer{ctx, w}); err != nil {
			return err
		}
		return context.Cause(ctx)
	}
	if isPlain(name) {
		if to, err := filepath.EvalSymlinks(name); err == nil {
			name = to
		}
		return files.Write(name, until)
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(until(f), f.Close())
}

// isPlain reports whether a name is that of a plain file or of nothing yet. The names
// below /dev lead to what a process has open.
func isPlain(name string) bool {
	if path, err := filepath.Abs(name); err == nil && strings.HasPrefix(path, "/dev/") {
		return false
	}
	info, err := os.Stat(name)
	return err != nil || info.Mode().IsRegular() || info.IsDir()
}

// made prints the name of a file that was written.
func (t *terminal) made(name string) {
	if isPlain(name) {
		fmt.Fprintln(t.out, name)
	}
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tandem/internal/figure"
	"tandem/internal/files"
	"tandem/internal/runs"
	"tandem/mnist"
)

// draw writes a picture, by default one of a standard name beside the model, and returns
// its name. A link of a standard name is replaced: nobody has asked to follow it.
func (m *model) draw(ctx context.Context, name, standard, title string, grids []figure.Grid) (string, error) {
	img, err := figure.Draw(title, grids...)
	if err != nil {
		return "", err
	}
	write := func(w io.Writer) error { return figure.WritePNG(w, img) }
	if name != "" {
		return name, m.guard.write(ctx, name, write)
	}
	name = m.beside(standard)
	return name, files.Write(name, until(ctx, write))
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

// until returns a function that writes until ctx ends, and then returns its cause.
func until(ctx context.Context, write func(io.Writer) error) func(io.Writer) error {
	return func(w io.Writer) error {
		if err := write(writer{ctx, w}); err != nil {
			return err
		}
		return context.Cause(ctx)
	}
}

// output is a file that a verb is asked to write.
type output struct{ flag, name string }

// guard keeps a verb from writing over what it reads and where it must not write. Its zero
// value is ready.
type guard struct {
	outputs []output // all that the verb is asked to write
	inputs  []string // files and folders that it reads: runs, models, data
}

// write writes a file that the command line names, whole or not at all. What is not a plain
// file, such as a pipe or /dev/stdout, is written to as it is. When ctx ends, write returns
// its cause.
func (g *guard) write(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := g.check(name); err != nil { // it may have changed since the verb began
		return err
	}
	if isPlain(name) {
		return files.Write(name, until(ctx, write))
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(until(ctx, write)(f), f.Close())
}

// writes returns an error where the verb must not write one of outputs, before any work is
// done for it: see check. An empty name asks for nothing.
func (g *guard) writes(outputs []output, inputs ...string) error {
	for _, o := range outputs {
		if o.name != "" {
			g.outputs = append(g.outputs, o)
		}
	}
	return g.reads(inputs...)
}

// reads returns an error where the verb would write over one of inputs. Some inputs show
// only as a verb goes on: the data of a run, for one.
func (g *guard) reads(inputs ...string) error {
	g.inputs = append(g.inputs, inputs...)
	for i, o := range g.outputs {
		err := g.check(o.name)
		if same := slices.IndexFunc(g.outputs[:i], o.same); err == nil && same >= 0 && isPlain(o.name) {
			err = fmt.Errorf("%s is the file of --%s too", o.name, g.outputs[same].flag)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", o.flag, err)
		}
	}
	return nil
}

// same reports whether two names are of one file, which need not exist.
func (o output) same(p output) bool {
	return filepath.Base(o.name) == filepath.Base(p.name) && sameFolder(filepath.Dir(o.name), filepath.Dir(p.name))
}

func sameFolder(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// within returns an error where an output lies in a folder that the verb fills.
func (g *guard) within(folder string) error {
	for _, o := range g.outputs {
		path, err := filepath.Abs(o.name)
		if err != nil {
			return fmt.Errorf("%s: %w", o.flag, err)
		}
		for dir := filepath.Dir(path); !isDevice(o.name); dir = filepath.Dir(dir) {
			if sameFolder(dir, folder) {
				return fmt.Errorf("%s: %s lies in %s, which is filled here; choose another place", o.flag, o.name, folder)
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return nil
}

// check returns an error where no verb must write a file: where a run keeps a file of its
// own, through a link, over a folder, over what the verb reads, or into no folder.
func (g *guard) check(name string) error {
	if runs.Owns(filepath.Base(name)) {
		return fmt.Errorf("%s: a run keeps its own file by this name; choose another", name)
	}
	if isDevice(name) {
		return nil
	}
	dir := filepath.Dir(name)
	if in, err := os.Stat(dir); err != nil || !in.IsDir() {
		return fmt.Errorf("%s: there is no folder %s", name, dir)
	}
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		to, _ := os.Readlink(name)
		return fmt.Errorf("%s is a link; tandem does not write through links: name the file itself (%s)", name, to)
	case info.IsDir():
		return fmt.Errorf("%s is a folder; name a file", name)
	}
	for _, input := range g.inputs {
		for _, read := range reads(input) {
			if old, err := os.Stat(read); err == nil && os.SameFile(info, old) {
				return fmt.Errorf("%s is read here, and would be lost; choose another file", name)
			}
		}
	}
	return nil
}

// reads returns the files that a verb reads of an input: itself, the files of a run, those of
// a data folder.
func reads(input string) []string {
	if input == "" {
		return nil
	}
	all := []string{input}
	entries, err := os.ReadDir(input)
	if err != nil {
		return all
	}
	for _, e := range entries {
		if runs.Owns(e.Name()) || mnist.Reads(e.Name()) {
			all = append(all, filepath.Join(input, e.Name()))
		}
	}
	return all
}

// pictures is writes for what a model gives: a GIF for --gif, an archive for --npz, a table for
// --csv, else a PNG. It rejects names with the ending of another format.
func (g *guard) pictures(model string, pictures ...output) error {
	if err := g.writes(pictures, model); err != nil {
		return err
	}
	for _, o := range pictures {
		format := "png"
		if o.flag == "gif" || o.flag == "npz" || o.flag == "csv" {
			format = o.flag
		}
		switch ending := strings.ToLower(filepath.Ext(o.name)); ending {
		case ".png", ".gif", ".jpg", ".jpeg", ".svg", ".pdf", ".webp", ".bmp", ".tif", ".tiff", ".mp4", ".mov", ".webm",
			".npz", ".npy", ".csv", ".tsv", ".json":
			if ending != "."+format {
				return usageError{fmt.Errorf("%s: %s: this writes %s; give it a name that ends in .%s", o.flag, o.name,
					strings.ToUpper(format), format)}
			}
		}
	}
	return nil
}

// isDevice reports whether a name is below /dev, where names lead to what a process has
// open, and is no folder.
func isDevice(name string) bool {
	path, err := filepath.Abs(name)
	if err != nil || !strings.HasPrefix(path, "/dev/") {
		return false
	}
	info, err := os.Stat(name)
	return err == nil && !info.IsDir() && !info.Mode().IsRegular() || strings.HasPrefix(path, "/dev/fd/") ||
		path == "/dev/stdout" || path == "/dev/stderr"
}

// isPlain reports whether a name is that of a plain file or of nothing yet.
func isPlain(name string) bool {
	if isDevice(name) {
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

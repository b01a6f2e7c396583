package cli

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"strings"

	"tandem/internal/curves"
	"tandem/internal/figure"
	"tandem/internal/files"
	"tandem/internal/format"
	"tandem/internal/runs"
)

// curvesFile is the standard name of a picture of curves.
const curvesFile = "curves.svg"

// plot is the verb that draws the curves of runs.
func plot(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem plot RUN|FOLDER… [flags]")
	out := f.String("out", "", "`FILE` in SVG, or in PNG if its name ends so (default curves.svg, of one run in its "+
		"folder)")
	seconds := f.Bool("seconds", false, "by seconds of training instead of updates")
	log := f.Bool("log", false, "a logarithmic axis of updates or seconds")
	found, err := parse(f, args, "RUN|FOLDER…")
	if err != nil {
		return err
	}
	if err := t.guard.writes([]output{{"out", *out}}, found...); err != nil {
		return err
	}
	ending := strings.ToLower(filepath.Ext(*out))
	if *out != "" && ending != ".svg" && ending != ".png" {
		return usageError{fmt.Errorf("out: %s; the name must end in .svg or .png", *out)}
	}
	all, err := metricsOf(found)
	if err != nil {
		return err
	}
	charts := curves.Charts(all, *seconds, *log)
	if len(charts) == 0 {
		return errors.New("no line of metrics yet")
	}
	write := func(w io.Writer) error { return figure.WriteSheet(w, charts...) }
	if ending == ".png" {
		write = func(w io.Writer) error { return figure.WritePNG(w, image.Image(figure.DrawSheet(charts...))) }
	}
	name := *out
	switch {
	case name == "" && len(all) == 1:
		name = filepath.Join(found[0], curvesFile)
		err = files.Write(name, until(ctx, write)) // as the other pictures of a run
	case name == "":
		name = curvesFile
		fallthrough
	default:
		err = t.guard.write(ctx, name, write)
	}
	if err != nil {
		return err
	}
	t.made(name)
	return nil
}

// metricsOf reads the metrics of runs, and of all runs of folders.
func metricsOf(names []string) (all []curves.Run, err error) {
	folders, err := foldersOf(names)
	if err != nil {
		return nil, err
	}
	if len(folders) > mostLive {
		return nil, usageError{fmt.Errorf("%s; at most %d can be told apart", format.Number(len(folders), "run"), mostLive)}
	}
	for _, dir := range folders {
		metrics, err := runs.ReadMetrics(dir)
		if err != nil {
			return nil, err
		}
		all = append(all, curves.Run{Name: filepath.Base(filepath.Clean(dir)), Metrics: metrics})
	}
	return all, nil
}

// drawCurves draws the curves of a run into its folder, and returns the name of the picture.
func drawCurves(ctx context.Context, dir string) (string, error) {
	all, err := metricsOf([]string{dir})
	if err != nil {
		return "", err
	}
	charts := curves.Charts(all, false, true)
	name := filepath.Join(dir, curvesFile)
	return name, files.Write(name, until(ctx, func(w io.Writer) error { return figure.WriteSheet(w, charts...) }))
}

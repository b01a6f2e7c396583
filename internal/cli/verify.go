package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"tandem/internal/archive"
	"tandem/internal/files"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/runs"
	"tandem/internal/session"
)

// verification is what verify finds out about an archive.
type verification struct {
	File      string     `json:"file"`
	Checksums int        `json:"checksums"` // files whose checksums are right; else there is no verification
	Runs      []verified `json:"runs"`
}

// verified is what verify finds out about a run.
type verified struct {
	Run      string `json:"run"`
	Updates  uint64 `json:"updates"`  // that were made again
	Compared int    `json:"compared"` // hashes, that of the checkpoint included
	OK       bool   `json:"ok"`
	Error    string `json:"error,omitempty"` // what does not match
}

// verify is the verb that checks an archive: its checksums, and that the first updates of
// each run, made again by this program, have the hashes that the run recorded. Nothing of
// the archive is written or executed.
func verify(ctx context.Context, t *terminal, m *Machine, args []string) (err error) {
	f := flags(t, "tandem verify FILE [flags]")
	updates := uint64(100)
	countVar(f, &updates, "updates", 0, math.MaxUint32, "`N` updates of each run to make again, the first ones")
	folder := f.String("data", "", "`PATH` of the examples of runs that did not learn from the embedded MNIST")
	labels := f.String("label-file", "", "`FILE` of their labels, where some examples were held out by class")
	asJSON := f.Bool("json", false, "print JSON, for programs")
	x := executionFlags(f, t)
	found, err := parse(f, args, "FILE")
	if err != nil {
		return err
	}
	name := found[0]
	if err := t.guard.writes(x.outputs(), name, *folder, *labels); err != nil {
		return err
	}
	if err := x.begin(ctx); err != nil {
		return err
	}
	defer x.end(&err)
	for _, path := range []string{*folder, *labels} { // before the work
		if path == "" {
			continue
		}
		if err := session.Readable(path); err != nil {
			return err
		}
	}
	r := session.Replay{Kernels: m.Kernels, Threads: x.threads, Data: *folder, Labels: *labels}
	archived, sums, err := readArchive(ctx, name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	v := &verification{File: name, Checksums: sums}
	for _, run := range slices.Sorted(maps.Keys(archived)) {
		r.Progress = t.replaying(run)
		again, err := r.Verify(ctx, archived[run], updates)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		v.add(run, again, err)
	}
	t.clear()
	if *asJSON {
		err = format.JSON(t.out, v)
	} else {
		v.print(t)
	}
	if err != nil {
		return err
	}
	return v.failed()
}

// add adds a run.
func (v *verification) add(run string, r session.Replayed, err error) {
	x := verified{Run: run, Updates: r.Updates, Compared: r.Compared, OK: err == nil}
	var few *session.TooFewError
	switch {
	case errors.As(err, &few):
		x.Error = fmt.Sprintf("%v; --updates %d is enough", err, few.First)
	case errors.Is(err, session.ErrNoImages):
		x.Error = fmt.Sprintf("%v: --data PATH names them", err)
	case err != nil:
		x.Error = err.Error()
	}
	v.Runs = append(v.Runs, x)
}

// print prints a row for each run.
func (v *verification) print(t *terminal) {
	rows := [][2]string{{"checksums", fmt.Sprintf("%s match %s", format.Number(v.Checksums, "file"), archive.Sums)}}
	for _, x := range v.Runs {
		row := "FAILED"
		if len(v.Runs) > 1 { // the message tells the reason of one
			row += ": " + x.Error
		}
		if x.OK {
			hashes := format.Number(x.Compared, "hash")
			if x.Compared != 1 {
				hashes = format.Count(uint64(x.Compared)) + " hashes"
			}
			row = fmt.Sprintf("the same bits: %s compared, %s made again", hashes, format.Number(int(x.Updates), "update"))
		}
		rows = append(rows, [2]string{x.Run, row})
	}
	table(t.out, rows)
}

// failed returns the error of the runs that do not match.
func (v *verification) failed() error {
	var failed []string
	for _, x := range v.Runs {
		if !x.OK {
			failed = append(failed, fmt.Sprintf("run %s: %s", x.Run, x.Error))
		}
	}
	switch {
	case len(failed) == 1:
		return fmt.Errorf("%s: %s", v.File, failed[0])
	case len(failed) > 1:
		return fmt.Errorf("%s: %d of %d runs failed, the first is %s", v.File, len(failed), len(v.Runs), failed[0])
	}
	return nil
}

// replaying returns what shows the progress of a replay.
func (t *terminal) replaying(run string) func(update, last uint64) {
	began := time.Now()
	if t.last.IsZero() {
		t.last = began
	}
	return func(update, last uint64) {
		if now := time.Now(); t.due(now) {
			rate := float64(update) / now.Sub(began).Seconds()
			t.progress(now, []string{fmt.Sprintf("%s: update %s of %s", run, format.Count(update), format.Count(last)),
				fmt.Sprintf("%.0f/s", rate), "ETA " + format.Duration(float64(last-update)/rate)})
		}
	}
}

// readArchive reads the runs' own files from an archive, by run and name, and returns how
// many files have the right checksum.
func readArchive(ctx context.Context, name string) (map[string]map[string][]byte, int, error) {
	file, _, err := files.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	found := map[string]map[string][]byte{}
	// A file is held once as it is, and once decoded.
	most, _ := memory.Limit()
	kept, sums, err := archive.ReadWithin(reader{ctx, file}, int64(min(most/3, math.MaxInt64)), func(name string) bool {
		parts := strings.Split(name, "/")
		if parts[0] != runsFolder || len(parts) < 3 {
			return false
		}
		if found[parts[1]] == nil {
			found[parts[1]] = map[string][]byte{} // a run, were it of pictures alone
		}
		return len(parts) == 3 && runs.Owns(parts[2])
	})
	if err != nil {
		return nil, 0, err
	}
	for name, data := range kept {
		found[path.Base(path.Dir(name))][path.Base(name)] = data
	}
	if len(found) == 0 {
		return nil, 0, errors.New("no run in it")
	}
	return found, sums, nil
}

// reader reads until its context ends.
type reader struct {
	ctx  context.Context
	from io.Reader
}

func (r reader) Read(b []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.from.Read(b)
}

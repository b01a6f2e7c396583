package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"tandem/dbm/kernel"
	"tandem/internal/archive"
	"tandem/internal/runs"
	"tandem/mnist"
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

// verify is the verb that checks an archive: its checksums, and that the first
// updates of each run, made again by this program, have the hashes that the run
// recorded. Nothing of the archive is written or executed.
func verify(t *terminal, m *Machine, args []string) (err error) {
	f := flags(t, "tandem verify FILE [flags]")
	updates := f.Uint64("updates", 100, "`N` updates of each run to make again, the first ones")
	folder := f.String("data", "", "`DIR` with the IDX files of runs that did not learn from the embedded MNIST")
	asJSON := f.Bool("json", false, "for programs")
	h := howFlags(f, t)
	found, err := parse(f, args, "FILE")
	if err != nil {
		return err
	}
	name := found[0]
	if err := h.begin(); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	defer h.end(&err)
	data, err := trainingSets(*folder)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	files, sums, err := readArchive(name)
	if err != nil {
		return fmt.Errorf("verify: %s: %w", name, err)
	}
	t.last = time.Now()
	v := verification{File: name, Checksums: sums}
	rows := [][2]string{{"checksums", fmt.Sprintf("%s as %s says", number(sums, "file"), archive.Sums)}}
	var failed []string
	for _, run := range slices.Sorted(maps.Keys(files)) {
		x := verifying{terminal: t, machine: m, data: data, threads: h.threads, verified: verified{Run: run}}
		row := ""
		if err := x.verify(files[run], *updates); err != nil {
			x.Error = err.Error()
			failed, row = append(failed, fmt.Sprintf("run %s: %v", run, err)), "FAILED: "+x.Error
		} else {
			x.OK = true
			row = fmt.Sprintf("the same bits: %s compared, %s made again", plurals(x.Compared, "hash", "hashes"), number(int(x.Updates), "update"))
		}
		v.Runs, rows = append(v.Runs, x.verified), append(rows, [2]string{run, row})
	}
	t.clear()
	if *asJSON {
		err = writeJSON(t.out, v)
	} else {
		table(t.out, rows)
	}
	switch {
	case err != nil:
		return fmt.Errorf("verify: %w", err)
	case len(failed) == 1:
		return fmt.Errorf("verify: %s: %s", name, failed[0])
	case len(failed) > 1:
		return fmt.Errorf("verify: %s: %d of %d runs failed, the first is %s", name, len(failed), len(v.Runs), failed[0])
	}
	return nil
}

// readArchive reads the runs' own files from an archive, by run and name, and
// returns how many files have the right checksum.
func readArchive(name string) (map[string]map[string][]byte, int, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	files := map[string]map[string][]byte{}
	kept, sums, err := archive.Read(file, func(name string) bool {
		parts := strings.Split(name, "/")
		if parts[0] != runsFolder || len(parts) < 3 {
			return false
		}
		if files[parts[1]] == nil {
			files[parts[1]] = map[string][]byte{} // a run, were it of pictures alone
		}
		return len(parts) == 3 && runs.Owns(parts[2])
	})
	if err != nil {
		return nil, 0, err
	}
	for name, data := range kept {
		files[path.Base(path.Dir(name))][path.Base(name)] = data
	}
	if len(files) == 0 {
		return nil, 0, errors.New("no run in it")
	}
	return files, sums, nil
}

// trainingSets returns the embedded images, and those of a folder if one is named.
func trainingSets(folder string) ([]*mnist.Set, error) {
	var sets []*mnist.Set
	for _, dir := range slices.Compact([]string{"", folder}) {
		set, err := mnist.Open(dir, mnist.Train)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// verifying is a run of an archive that is being verified.
type verifying struct {
	terminal *terminal
	machine  *Machine
	data     []*mnist.Set
	threads  int
	verified
}

// verify makes the updates of a run again, of the first so many up to the last
// with a hash, and compares all hashes it can. Which images the run learnt
// from its manifest tells: where config.json says they were is of no concern here.
func (x *verifying) verify(files map[string][]byte, most uint64) error {
	s, err := runs.DecodeSnapshot(files)
	if err != nil {
		return err
	}
	if n := s.Checkpoint.Numerics; n != kernel.Version {
		return fmt.Errorf("numerics version %d, this build has %d: it cannot give the same bits; use tandem %q", n, kernel.Version, s.Checkpoint.Version)
	}
	recorded, first := hashes(s.Metrics)
	if len(recorded) == 0 {
		return errors.New("nothing to compare: metrics.jsonl has no hash")
	}
	if first > most {
		return fmt.Errorf("nothing to compare before update %s; --updates %d is enough", count(first), first)
	}
	at, sum := s.Checkpoint.Updates, s.Checkpoint.State.SHA256()
	if len(recorded[at]) == 0 {
		return fmt.Errorf("metrics.jsonl has no hash for update %s, at which the checkpoint is", count(at))
	}
	if err := x.compare(recorded[at], sum, "the checkpoint, at update "+count(at)); err != nil {
		return err
	}
	x.Compared = 1 // the checkpoint, however often its update is recorded
	last := uint64(0)
	for u := range recorded {
		if u <= most {
			last = max(last, u)
		}
	}
	return x.again(s, recorded, last)
}

// hashes gives the hashes of metrics by update, and the first update that has one.
func hashes(metrics []runs.Metrics) (recorded map[uint64][]string, first uint64) {
	recorded = map[uint64][]string{}
	for _, m := range metrics {
		if m.ParamsSHA256 == "" || m.Update == 0 { // the beginning is no update
			continue
		}
		if len(recorded) == 0 {
			first = m.Update
		}
		first = min(first, m.Update)
		recorded[m.Update] = append(recorded[m.Update], m.ParamsSHA256)
	}
	return recorded, first
}

// again makes a run's updates again, to the last, and compares the hashes recorded.
func (x *verifying) again(s *runs.Snapshot, recorded map[uint64][]string, last uint64) error {
	set, err := x.images(s)
	if err != nil {
		return err
	}
	if need := rowsMemory(&s.Settings); need > maxRows {
		return fmt.Errorf("batch %d and %d chains need %s of memory; must be at most %s",
			s.Settings.Batch, s.Settings.Chains, humanize.IBytes(need), humanize.IBytes(maxRows))
	}
	trainer, err := newStages(&s.Settings, x.machine.Kernels, nil, set, x.threads)
	if err != nil {
		return err
	}
	defer trainer.Close()
	began := time.Now()
	for {
		u := trainer.Updates()
		x.Updates = u
		if len(recorded[u]) > 0 {
			if err := x.compare(recorded[u], trainer.State().SHA256(), "update "+count(u)); err != nil {
				return err
			}
		}
		if u == last {
			return nil
		}
		if _, err := trainer.Update(); err != nil {
			return err
		}
		if now := time.Now(); x.terminal.due(now) {
			rate := float64(u+1) / now.Sub(began).Seconds()
			x.terminal.progress(now, []string{fmt.Sprintf("%s: update %s of %s", x.Run, count(u+1), count(last)), fmt.Sprintf("%.0f/s", rate),
				"ETA " + short(float64(last-u-1)/rate)})
		}
	}
}

// maxRows is how much memory the minibatch and the chains of an archived run may
// need, which nothing in the archive has the size of.
const maxRows = 2 << 30

// rowsMemory is about what they need: each unit's state, its probability and more.
func rowsMemory(c *runs.Settings) (bytes uint64) {
	for _, n := range c.Layers {
		bytes += 16 * uint64(n) * (uint64(c.Batch) + uint64(c.Chains))
	}
	return bytes
}

// compare compares a hash with those recorded for its update.
func (x *verifying) compare(recorded []string, sum, what string) error {
	for _, want := range recorded {
		if sum != want {
			return fmt.Errorf("%s: the hash is %.12s…, and metrics.jsonl has %.12q…", what, sum, want)
		}
		x.Compared++
	}
	return nil
}

// images finds the images that a run learnt from.
func (x *verifying) images(s *runs.Snapshot) (*mnist.Set, error) {
	d := s.Manifest.Data
	for _, set := range x.data {
		if set.SHA256 != d.SHA256 {
			continue
		}
		if n := set.Rows() * set.Columns(); n != s.Settings.Layers[0] {
			return nil, fmt.Errorf("the visible layer has %d units, but the images of %s have %d pixels", s.Settings.Layers[0], set.Source, n)
		}
		return set, nil
	}
	return nil, fmt.Errorf("no images with SHA-256 %.12q…, which it learnt from (%q): --data DIR names their folder", d.SHA256, d.Source)
}

func plurals(n int, one, more string) string {
	if n != 1 {
		one = more
	}
	return count(uint64(n)) + " " + one
}

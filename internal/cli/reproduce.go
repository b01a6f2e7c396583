package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem/internal/reproduce"
	"tandem/internal/runs"
	"tandem/mnist"
)

// reproducing is a folder of experiments.
type reproducing struct {
	terminal *terminal
	machine  *Machine
	how      *how
	dir      string
	asked    asked
	all      []reproduce.Experiment
	plan     []reproduce.Run
	rates    map[string]float64 // updates a second, by rateKey
	train    *mnist.Set
	test     *mnist.Set
}

// asked is what a folder of experiments is for: reproduce.json in it.
type asked struct {
	Experiments []string `json:"experiments"`
	Scale       float64  `json:"scale"`
}

const (
	askedFile    = "reproduce.json"
	measuresFile = "measures.json" // in the folder of a run
)

// bareMinutes is how long reproduce is planned to take at most unless told what to do.
const bareMinutes = 40

// trainingShare is what of them is planned for training at the speed of its first half
// second. Mean field takes twice as many iterations soon after, the curves of the
// bound and the pictures want some time, and on a machine that others use that speed
// varies by a third: planned with 0.82, one would have taken 45 minutes; with 0.66,
// one took 25.
const trainingShare = 0.66

// whole is the work that a run is a part of.
type whole struct {
	number, of int
	label      string
	after      float64 // seconds that the runs after this one will take
}

// place is the first fields of a progress line of a run that needs so many
// seconds more.
func (w *whole) place(seconds float64) []string {
	return []string{fmt.Sprintf("run %d of %d", w.number, w.of), "ETA " + short(seconds+w.after), w.label}
}

// reproduction is the verb that trains the paper's experiments.
func reproduction(t *terminal, m *Machine, args []string) (err error) {
	f := flags(t, "tandem reproduce [EXPERIMENT…] [flags]")
	scale := f.Float64("scale", 0, "`X` times as many updates as the paper's 10⁶ for what it trains, 50,000 for the map of settings,\n"+blank+"100,000 for depths and 400,000 for models of likelihood (default as many as are planned to end within 40 minutes)")
	out := f.String("out", "reproduction", "`DIR` for the runs and the report; what is there is gone on with")
	h := howFlags(f, t)
	help := f.Usage
	f.Usage = func() {
		help()
		fmt.Fprintf(t.out, "\nexperiments: %s, all (default figure2 figure3)\n", strings.Join(reproduce.Names, ", "))
	}
	names, err := parse(f, args, "[EXPERIMENT…]")
	if err != nil {
		return err
	}
	if err := h.begin(); err != nil {
		return fmt.Errorf("reproduce: %w", err)
	}
	defer h.end(&err)
	r := &reproducing{terminal: t, machine: m, how: h, dir: *out, rates: map[string]float64{}}
	if err := r.ask(names, *scale); err != nil {
		return fmt.Errorf("reproduce: %w", err)
	}
	t.last = time.Now()
	if err := r.run(); err != nil {
		if errors.As(err, new(stopped)) {
			t.say("hint: the same command goes on")
		}
		return fmt.Errorf("reproduce: %w", err)
	}
	t.clear()
	table(t.out, [][2]string{{"report", filepath.Join(r.dir, "report.html")}, {"", filepath.Join(r.dir, "report.md")},
		{"results", filepath.Join(r.dir, "results.json")}, {"runs", filepath.Join(r.dir, runsFolder)}})
	return nil
}

// ask settles what to do: what is asked for now, and what the folder was begun
// for.
func (r *reproducing) ask(names []string, scale float64) error {
	path := filepath.Join(r.dir, askedFile)
	before, err := readAsked(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, err)
	}
	begun := err == nil
	if begun && scale != 0 && scale != before.Scale {
		return usageError{fmt.Errorf("scale: %v, but the runs in %s are at %v; choose another --out", scale, r.dir, before.Scale)}
	}
	if len(names) == 0 && (!begun || len(before.Experiments) == 0) {
		names = []string{"figure2", "figure3"}
	}
	r.asked = asked{append(before.Experiments, names...), max(scale, before.Scale)}
	if scale < 0 {
		r.asked.Scale = scale
	}
	if r.train, err = mnist.Open("", mnist.Train); err != nil {
		return err
	}
	if r.test, err = mnist.Open("", mnist.Test); err != nil {
		return err
	}
	if r.asked.Scale == 0 { // known once this machine's speed is
		if err := r.expand(1); err != nil {
			return usageError{err}
		}
		r.terminal.say("measuring how fast this machine is")
		if err := r.measureRates(); err != nil {
			return err
		}
		seconds := 0.0
		for i := range r.plan {
			seconds += r.seconds(&r.plan[i], 0)
		}
		r.asked.Scale = min(roundDown(trainingShare*bareMinutes*60/seconds), 1)
	}
	if err := r.expand(r.asked.Scale); err != nil {
		return usageError{err}
	}
	r.asked.Experiments = nil
	for _, e := range r.all {
		r.asked.Experiments = append(r.asked.Experiments, e.Name)
	}
	if err := os.MkdirAll(filepath.Join(r.dir, runsFolder), 0o777); err != nil {
		return err
	}
	return runs.WriteFile(path, func(w io.Writer) error { return writeJSON(w, r.asked) })
}

func readAsked(path string) (a asked, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return a, err
	}
	err = json.Unmarshal(data, &a)
	return a, err
}

// expand finds the runs.
func (r *reproducing) expand(scale float64) error {
	bases := reproduce.Bases{}
	for _, p := range runs.Presets() {
		switch p.Preset {
		case "paper":
			bases.Paper = p
		case "direct":
			bases.Direct = p
		case "best":
			bases.Best = p
		}
	}
	var err error
	r.all, err = reproduce.Experiments(r.asked.Experiments, scale, &bases)
	r.plan = reproduce.Plan(r.all)
	return err
}

// rateKey is what decides how fast a run is.
func rateKey(c *runs.Settings) string {
	return fmt.Sprint(c.Layers, c.Gibbs, c.Pixels == mnist.Grey.String(), c.OffsetRate > 0, c.MeanFieldTolerance, c.SamplePosterior)
}

// measureRates trains half a second of each kind of run.
func (r *reproducing) measureRates() error {
	for i := range r.plan {
		c := &r.plan[i].Settings
		key := rateKey(c)
		if r.rates[key] > 0 {
			continue
		}
		joint := *c
		joint.Pretrain = 0 // all layers at once are slower than one
		trainer, err := newStages(&joint, r.machine.Kernels, nil, r.train, r.how.threads)
		if err != nil {
			return err
		}
		made, began := 0, time.Now()
		for time.Since(began) < time.Second/2 {
			if _, err := trainer.Update(); err != nil {
				trainer.Close()
				return err
			}
			made++
		}
		trainer.Close()
		r.rates[key] = float64(made) / time.Since(began).Seconds()
	}
	return nil
}

// seconds is how long a run will take after so many updates.
func (r *reproducing) seconds(run *reproduce.Run, done uint64) float64 {
	return float64(run.Settings.Updates-min(done, run.Settings.Updates)) / r.rates[rateKey(&run.Settings)]
}

// run trains what is missing, and writes the report after each run.
func (r *reproducing) run() error {
	done, left := make([]uint64, len(r.plan)), 0.0
	for i := range r.plan {
		if h, err := runs.ReadHeader(r.folder(&r.plan[i])); err == nil {
			done[i] = h.Updates
		}
		if m := r.measured(&r.plan[i]); r.enough(&r.plan[i], m) {
			done[i] = m.Updates // though its checkpoint may be gone, as from what is kept of a study
		}
	}
	missing := 0
	for i := range r.plan {
		if err := r.usable(&r.plan[i]); err != nil {
			return err
		}
		if done[i] < r.plan[i].Settings.Updates {
			missing++
		}
	}
	if missing > 0 {
		if err := r.measureRates(); err != nil {
			return err
		}
		for i := range r.plan {
			left += r.seconds(&r.plan[i], done[i])
		}
		r.terminal.say("%s at scale %v: %d of %s to train, about %s; Ctrl-C stops cleanly, and the same command goes on",
			strings.Join(r.asked.Experiments, ", "), r.asked.Scale, missing, number(len(r.plan), "run"), short(left))
	}
	for i := range r.plan {
		run := &r.plan[i]
		if done[i] < run.Settings.Updates {
			left -= r.seconds(run, done[i])
			if err := r.trainRun(run, &whole{i + 1, len(r.plan), run.Label, left}); err != nil {
				return err
			}
		}
		if err := r.measure(run); err != nil {
			return fmt.Errorf("%s: %w", run.Name, err)
		}
		if err := r.report(); err != nil {
			return err
		}
	}
	return nil
}

// usable refuses a folder whose run is another one of the same name, as of an older
// version, and one that was measured and would have to be trained again for more.
func (r *reproducing) usable(run *reproduce.Run) error {
	dir := r.folder(run)
	if missing(dir, "config.json") {
		return nil
	}
	c, err := runs.ReadSettings(dir)
	if err != nil {
		return err
	}
	if name := c.Differs(&run.Settings); name != "" {
		return hintedError{fmt.Errorf("%s: a run of another %s than this version trains under that name", dir, name), "choose another --out"}
	}
	if m := r.measured(run); m != nil && !r.enough(run, m) && missing(dir, "checkpoint.tandem") {
		return hintedError{fmt.Errorf("%s: more is to be measured now, but its checkpoint is gone", dir), "choose another --out, or move that folder away to train it again"}
	}
	return nil
}

func (r *reproducing) folder(run *reproduce.Run) string {
	return filepath.Join(r.dir, runsFolder, run.Name)
}

// trainRun begins a run or goes on with it.
func (r *reproducing) trainRun(run *reproduce.Run, w *whole) error {
	dir := r.folder(run)
	estimates := new(estimator)
	if _, whole := r.wanted(run); whole && run.Settings.Updates >= estimatesFrom {
		// The same ones however often the run is stopped. They are rough, and of short
		// runs worth nothing.
		*estimates = estimator{every: 2 * run.Settings.CheckpointEvery, always: true, temps: 5000, test: r.test}
	}
	x := &training{terminal: r.terminal, machine: r.machine, how: r.how, estimator: estimates, data: r.train, whole: w,
		arguments: append([]string{"reproduce"}, append(slices.Clone(r.asked.Experiments), "--scale", strconv.FormatFloat(r.asked.Scale, 'g', -1, 64))...)}
	var checkpoint *runs.Checkpoint
	var err error
	if missing(dir, "config.json") {
		if x.run, err = runs.Create(dir, run.Settings); err != nil {
			return err
		}
		defer x.run.Close()
		if err := x.describe(); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	} else {
		if x.run, checkpoint, err = runs.Open(dir); err != nil {
			return err
		}
		defer x.run.Close()
		before := uint64(0)
		if checkpoint != nil {
			before = checkpoint.Updates
		}
		if err := x.takeUp(run.Settings, before); err != nil {
			return err
		}
	}
	return x.train(checkpoint)
}

// estimatesFrom is how many updates make a curve of the bound worth its time.
const estimatesFrom = 10_000

// wanted says whether the likelihood of a run is to be estimated, and whether it is
// shown whole.
func (r *reproducing) wanted(run *reproduce.Run) (score, whole bool) {
	for _, e := range r.all {
		for _, other := range e.Runs {
			if other.Name == run.Name {
				score = score || e.Score
				whole = whole || e.Whole && !run.IsGrid()
			}
		}
	}
	return score, whole
}

// measure measures a run that has ended, and draws its pictures, unless that is
// done.
func (r *reproducing) measure(run *reproduce.Run) error {
	score, wholePictures := r.wanted(run)
	dir := r.folder(run)
	m := r.measured(run)
	if r.enough(run, m) {
		return nil
	}
	c, err := runs.ReadCheckpoint(dir)
	if err != nil {
		return err
	}
	metrics, err := runs.ReadMetrics(dir)
	if err != nil {
		return err
	}
	rows, columns := r.train.Rows(), r.train.Columns()
	if m == nil || !m.Whole {
		before := m
		m = reproduce.Measure(run.Name, c, r.machine.Kernels, rows, columns)
		if before != nil {
			m.Score = before.Score
		}
	}
	m.Whole = m.Whole || wholePictures
	if score && m.Score == nil {
		progress := func(what string) func(done float64) {
			return r.terminal.share(run.Label + ": " + what)
		}
		if m.Score, err = reproduce.Estimate(c, r.machine.Kernels, r.train, r.test, r.how.threads, progress); err != nil {
			return err
		}
	}
	pictures, err := reproduce.Pictures(c, metrics, m, r.machine.Kernels, rows, columns, m.Whole)
	if err != nil {
		return err
	}
	if err := r.write(pictures); err != nil {
		return err
	}
	if !m.Whole { // the numbers of each unit are for charts that it has not
		for l := range m.Layers {
			m.Layers[l].Norms, m.Layers[l].Roughness = nil, nil
		}
	}
	return runs.WriteFile(filepath.Join(dir, measuresFile), func(w io.Writer) error { return writeJSON(w, m) })
}

// enough says whether m, which may be nil, is all that is to be measured of a run.
func (r *reproducing) enough(run *reproduce.Run, m *reproduce.Measures) bool {
	score, whole := r.wanted(run)
	return m != nil && (m.Score != nil || !score) && (m.Whole || !whole)
}

// measured is what was measured of a run at its end, or nil.
func (r *reproducing) measured(run *reproduce.Run) *reproduce.Measures {
	data, err := os.ReadFile(filepath.Join(r.folder(run), measuresFile))
	if err != nil {
		return nil
	}
	m := new(reproduce.Measures)
	if json.Unmarshal(data, m) != nil || m.Updates != run.Settings.Updates {
		return nil
	}
	return m
}

// trainedBy is what the parts of a run were trained by.
func trainedBy(dir string) (*reproduce.Trained, error) {
	m, err := runs.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	by := new(reproduce.Trained)
	for _, p := range m.Parts {
		by.Threads = append(by.Threads, p.Threads)
		by.Machines = append(by.Machines, fmt.Sprintf("%s with %s kernels", cmp.Or(p.CPU, m.CPU), p.Kernel))
	}
	slices.Sort(by.Threads)
	slices.Sort(by.Machines)
	by.Threads, by.Machines = slices.Compact(by.Threads), slices.Compact(by.Machines)
	return by, nil
}

// report writes the report of what has ended.
func (r *reproducing) report() (err error) {
	report := &reproduce.Report{Experiments: r.all, Results: map[string]*reproduce.Measures{}, Scale: r.asked.Scale, Version: Version,
		TrainedBy: map[string]*reproduce.Trained{},
		Command:   fmt.Sprintf("tandem reproduce %s --scale %v", strings.Join(r.asked.Experiments, " "), r.asked.Scale)}
	for i := range r.plan {
		if m := r.measured(&r.plan[i]); m != nil {
			report.Results[r.plan[i].Name] = m
			if report.TrainedBy[m.Run], err = trainedBy(r.folder(&r.plan[i])); err != nil {
				return err
			}
		}
	}
	files, err := report.Files(func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(name))) })
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return r.write(files)
}

// write writes files by their names below the folder.
func (r *reproducing) write(files map[string][]byte) error {
	for name, data := range files {
		path := filepath.Join(r.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		err := runs.WriteFile(path, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// roundDown rounds to two digits, downwards.
func roundDown(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	y, _ := strconv.ParseFloat(strconv.FormatFloat(math.Floor(x/unit)*unit, 'g', 2, 64), 64)
	return y
}

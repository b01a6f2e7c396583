package reproduce

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tandem/internal/format"
	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/mnist"
)

// rateKey names what decides how fast a run is.
func rateKey(c *runs.Settings) string {
	return fmt.Sprint(c.Layers, c.Gibbs, c.Pixels == mnist.Grey.String(), c.OffsetRate > 0, c.MeanFieldTolerance,
		c.SamplePosterior)
}

// measureRates trains half a second of each kind of run.
func (s *Study) measureRates(ctx context.Context) error {
	for i := range s.plan {
		c := &s.plan[i].Settings
		key := rateKey(c)
		if s.rates[key] > 0 {
			continue
		}
		rate, err := s.rate(ctx, *c)
		if err != nil {
			return err
		}
		s.rates[key] = rate
	}
	return nil
}

// rate trains half a second and returns the updates a second.
func (s *Study) rate(ctx context.Context, c runs.Settings) (float64, error) {
	c.Pretrain = 0 // all layers at once are slower than one
	trainer, err := session.NewTrainer(&c, s.machine.Kernels, nil, s.train, s.machine.Threads)
	if err != nil {
		return 0, err
	}
	defer trainer.Close()
	made, began := 0, time.Now()
	for time.Since(began) < time.Second/2 {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		if _, err := trainer.Update(); err != nil {
			return 0, err
		}
		made++
	}
	return float64(made) / time.Since(began).Seconds(), nil
}

// seconds returns how long a run will take after some updates.
func (s *Study) seconds(r *Run, done uint64) float64 {
	return float64(r.Settings.Updates-min(done, r.Settings.Updates)) / s.rates[rateKey(&r.Settings)]
}

// Run trains what is missing, and writes the report after each run. When ctx ends, it
// stops with an error that wraps its cause; another Run of the same folder continues.
func (s *Study) Run(ctx context.Context) error {
	done, left, err := s.begin(ctx)
	if err != nil {
		return err
	}
	for i := range s.plan {
		r := &s.plan[i]
		if done[i] < r.Settings.Updates {
			left -= s.seconds(r, done[i])
			if err := s.trainRun(ctx, r, Place{i + 1, len(s.plan), r.Label, left}); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := s.measure(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		if err := s.report(); err != nil {
			return err
		}
	}
	return nil
}

// begin finds how many updates of each run are done, and how many seconds those left will
// take.
func (s *Study) begin(ctx context.Context) (done []uint64, left float64, err error) {
	done = make([]uint64, len(s.plan))
	missing := 0
	for i := range s.plan {
		r := &s.plan[i]
		if h, err := runs.ReadHeader(s.folder(r)); err == nil {
			done[i] = h.Updates
		}
		if m := s.measured(r); s.enough(r, m) {
			done[i] = m.Updates // though its checkpoint may be gone, as from what is kept of a study
		}
	}
	for i := range s.plan {
		if err := s.usable(&s.plan[i]); err != nil {
			return nil, 0, err
		}
		if done[i] < s.plan[i].Settings.Updates {
			missing++
		}
	}
	if missing == 0 {
		return done, 0, nil
	}
	if err := s.measureRates(ctx); err != nil {
		return nil, 0, err
	}
	for i := range s.plan {
		left += s.seconds(&s.plan[i], done[i])
	}
	s.watch.Say(fmt.Sprintf("%s: %d of %d %s to train, about %s; Ctrl-C stops cleanly, and the same command resumes",
		s.title(), missing, len(s.plan), format.Plural(len(s.plan), "run"), format.Duration(left)))
	return done, left, nil
}

// usable returns an error for a folder whose run is another one of the same name, as of an
// older version, and for one that was measured and would have to be trained again for more.
func (s *Study) usable(r *Run) error {
	dir := s.folder(r)
	if !runs.Has(dir, runs.SettingsFile) {
		return nil
	}
	c, err := runs.ReadSettings(dir)
	if err != nil {
		return err
	}
	if name := c.Differs(&r.Settings); name != "" {
		return &FolderError{fmt.Errorf("%s: a run of another %s than this version trains under that name", dir, name),
			"choose another --out"}
	}
	if m := s.measured(r); m != nil && !s.enough(r, m) && !runs.Has(dir, runs.CheckpointFile) {
		return &FolderError{fmt.Errorf("%s: more is to be measured now, but its checkpoint is gone", dir),
			"choose another --out, or move that folder away to train it again"}
	}
	return nil
}

// estimatesFrom is how many updates make a curve of the bound worth its time.
const estimatesFrom = 10_000

// trainRun begins or resumes a run.
func (s *Study) trainRun(ctx context.Context, r *Run, p Place) (err error) {
	o := session.Options{Machine: s.machine, Data: s.train, Arguments: s.command()}
	if _, all := s.wanted(r); all && r.Settings.Updates >= estimatesFrom {
		// The same ones however often the run is stopped. They are rough, and of short
		// runs worth nothing.
		o.Estimates = session.Estimates{Every: 2 * r.Settings.CheckpointEvery, Temperatures: 5000, Test: s.test}
	}
	dir := s.folder(r)
	if err := makeFolder(dir); err != nil {
		return err
	}
	if !runs.Has(dir, runs.SettingsFile) {
		o.Run, err = runs.Create(dir, r.Settings)
	} else {
		o.Run, o.Checkpoint, err = runs.Open(dir)
		o.Settings = &r.Settings
	}
	if err != nil {
		return err
	}
	defer o.Run.Close()
	if _, err = session.Run(ctx, o, func(e *session.Event) { s.watch.Train(p, e) }); err != nil {
		return &RunError{err, dir}
	}
	return nil
}

// RunError is the error of a run that could not be trained to its end.
type RunError struct {
	error
	Dir string // of the run
}

func (e *RunError) Unwrap() error { return e.error }

// wanted reports whether the likelihood of a run is to be estimated, and whether all its
// pictures are shown.
func (s *Study) wanted(r *Run) (score, pictures bool) {
	for _, e := range s.all {
		for _, other := range e.Runs {
			if other.Name == r.Name {
				score = score || e.Score
				pictures = pictures || e.Pictures && !r.IsGrid()
			}
		}
	}
	return score, pictures
}

// measure measures a run that has ended, and draws its pictures, unless that is done.
func (s *Study) measure(ctx context.Context, r *Run) error {
	score, allPictures := s.wanted(r)
	dir := s.folder(r)
	m := s.measured(r)
	if s.enough(r, m) {
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
	rows, columns := s.train.Rows(), s.train.Columns()
	if m == nil || !m.Pictures {
		before := m
		m = Measure(r.Name, c, s.machine.Kernels, rows, columns, s.machine.Threads)
		if before != nil {
			m.Score = before.Score
		}
	}
	m.Pictures = m.Pictures || allPictures
	if score && m.Score == nil {
		stage := func(name string) func(float64) { return s.watch.Stage(r.Label + ": " + name) }
		if m.Score, err = Estimate(ctx, c, s.machine.Kernels, s.train, s.test, s.machine.Threads, stage); err != nil {
			return err
		}
	}
	pictures, err := Pictures(c, metrics, m, s.machine.Kernels, rows, columns, m.Pictures)
	if err != nil {
		return err
	}
	if err := s.write(pictures); err != nil {
		return err
	}
	if !m.Pictures { // the numbers of each unit are for charts that it has not
		for l := range m.Layers {
			m.Layers[l].Norms, m.Layers[l].Roughness = nil, nil
		}
	}
	return writeJSON(filepath.Join(dir, measuresFile), m)
}

// enough reports whether m, which may be nil, is all that is to be measured of a run.
func (s *Study) enough(r *Run, m *Measures) bool {
	score, pictures := s.wanted(r)
	return m != nil && (m.Score != nil || !score) && (m.Pictures || !pictures)
}

// measured returns what was measured of a run at its end, or nil.
func (s *Study) measured(r *Run) *Measures {
	data, err := s.read(path.Join(RunsFolder, r.Name, measuresFile))
	if err != nil {
		return nil
	}
	m := new(Measures)
	if json.Unmarshal(data, m) != nil || m.Updates != r.Settings.Updates {
		return nil
	}
	return m
}

// trainedBy returns what the parts of a run were trained by.
func trainedBy(dir string) (*Trained, error) {
	m, err := runs.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	by := new(Trained)
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
func (s *Study) report() (err error) {
	report := &Report{Experiments: s.all, Results: map[string]*Measures{}, Scale: s.request.Scale,
		Version:   s.machine.Version,
		TrainedBy: map[string]*Trained{},
		Command:   fmt.Sprintf("tandem reproduce %s --scale %v", strings.Join(s.request.Experiments, " "), s.request.Scale)}
	for i := range s.plan {
		if m := s.measured(&s.plan[i]); m != nil {
			report.Results[s.plan[i].Name] = m
			if report.TrainedBy[m.Run], err = trainedBy(s.folder(&s.plan[i])); err != nil {
				return err
			}
		}
	}
	content, err := report.Files(s.read)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return s.write(content)
}

package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/runs"
	"tandem/mnist"
)

// training is a run that is being trained.
type training struct {
	terminal  *terminal
	machine   *Machine
	how       *how
	run       *runs.Run
	data      *mnist.Set
	arguments []string
	estimator *estimator
	whole     *whole  // that the run is a part of, or nil
	first     uint64  // updates before this process
	bound     float64 // the last estimate; 0: none yet

	trainer  *dbm.Trainer
	assessor *dbm.Assessor
	seconds  float64   // of training before this process
	began    time.Time // of training by this process

	// Since the last line of metrics.
	iterations float64
	since      uint64
	then       time.Time

	assessment dbm.Assessment // the last one
	assessed   time.Time
}

// assessEvery is how often the filters are looked at for the progress line.
const assessEvery = 5 * time.Second

// train trains from a checkpoint, or from the beginning if it is nil, to the end
// of the run, and draws the pictures.
func (x *training) train(checkpoint *runs.Checkpoint) (err error) {
	c, t := x.run.Settings(), x.terminal
	defer func() {
		if err != nil && !errors.As(err, new(stopped)) {
			err = fmt.Errorf("%s: %w", x.run.Dir(), err)
		}
	}()
	var state *dbm.State
	if checkpoint != nil {
		state, x.seconds = checkpoint.State, checkpoint.Seconds
	}
	x.trainer, err = newStages(&c, x.machine.Kernels, state, x.data, x.how.threads)
	if err != nil {
		return err
	}
	defer x.trainer.Close()
	x.assessor = dbm.NewAssessor(&c.Config, x.machine.Kernels, x.data.Rows(), x.data.Columns())
	first := x.trainer.Updates()
	x.first = first
	where := ""
	if first > 0 {
		where = " from update " + count(first)
	}
	if !t.quiet && x.whole == nil {
		t.say("training %s on %s (%s images)%s to update %s, with %s kernels and %d %s", shape(c.Layers), x.data.Source,
			count(uint64(x.data.N())), where, count(c.Updates), x.machine.Kernels.Name, x.how.threads, plural(x.how.threads, "thread"))
		t.say("the run is in %s; Ctrl-C stops it cleanly", x.run.Dir())
	}
	signals := catch()
	defer signals.release()
	x.began = time.Now()
	x.then, x.since, t.last = x.began, first, x.began
	for x.trainer.Updates() < c.Updates {
		stats, err := x.trainer.Update()
		if err != nil {
			if _, none := runs.ReadHeader(x.run.Dir()); none != nil {
				return hintedError{err, "begin again with a lower --learning-rate"}
			}
			return hintedError{err, "the last good checkpoint stays; tandem info " + x.run.Dir() + " tells where it is"}
		}
		x.iterations += stats.Iterations
		u := x.trainer.Updates()
		code := signals.code.Load()
		if u%c.CheckpointEvery == 0 || u == c.Updates || code != 0 {
			if err := x.checkpoint(); err != nil {
				return err
			}
		} else if powerOfTen(u) || x.estimateDue(time.Now()) {
			if err := x.record(x.trainer.State()); err != nil {
				return err
			}
		}
		if now := time.Now(); t.due(now) {
			t.progress(now, x.line(now, first))
		}
		if code != 0 && (u < c.Updates || x.whole != nil) {
			t.keep()
			t.say("stopped at update %s; the checkpoint is written", count(u))
			if x.whole == nil {
				t.say("hint: tandem resume %s goes on", x.run.Dir())
			}
			return stopped{int(code)}
		}
	}
	now := time.Now()
	if x.whole != nil {
		return nil
	}
	if !t.quiet {
		t.clear()
		fmt.Fprintln(t.err, strings.Join(x.line(now, first), "  "))
	}
	return x.finish(now, first)
}

// newStages returns what trains a run from a state, or from its beginning where the
// state is nil.
func newStages(c *runs.Settings, k *kernel.Set, state *dbm.State, data *mnist.Set, threads int) (*dbm.Trainer, error) {
	pixels, err := mnist.ParsePixels(c.Pixels)
	if err != nil {
		return nil, err
	}
	if state == nil {
		if state, err = dbm.Initial(&c.Config, data.Mean(pixels)); err != nil {
			return nil, err
		}
	}
	examples, err := mnist.NewMinibatches(data, pixels, c.Seed, c.Batch)
	if err != nil {
		return nil, err
	}
	return dbm.NewTrainer(c.Config, k, state, examples, threads)
}

// checkpoint writes a line of metrics and a checkpoint.
func (x *training) checkpoint() error {
	s := x.trainer.State()
	if err := x.record(s); err != nil {
		return err
	}
	return x.run.WriteCheckpoint(s, x.elapsed(time.Now()), Version)
}

// elapsed is the time of training, that before a resume included, and estimates of
// the likelihood not.
func (x *training) elapsed(now time.Time) float64 {
	return x.seconds + now.Sub(x.began).Seconds() - x.estimator.spent
}

// record appends a line to the metrics.
func (x *training) record(s *dbm.State) error {
	c, now := x.run.Settings(), time.Now()
	x.assess(s, now)
	made := float64(s.Updates - x.since)
	line := &runs.Metrics{
		Update:              s.Updates,
		Seconds:             x.elapsed(now),
		PerSecond:           made / max(now.Sub(x.then).Seconds(), 1e-9),
		MeanFieldIterations: x.iterations / made,
		ReconstructionError: x.trainer.ReconstructionError(),
		LearningRate:        c.Rate(s.Updates),
		Mu:                  s.Mu,
		NormMean:            x.assessment.NormMean,
		NormSD:              x.assessment.NormSD,
		LiveFilters:         x.assessment.Live,
		NoiseFilters:        x.assessment.Noise,
		DuplicateFilters:    x.assessment.Duplicate,
		ParamsSHA256:        s.SHA256(),
	}
	if x.estimateDue(now) {
		var err error
		if line.LogZ, line.BoundTest, err = x.estimator.estimate(x, s); err != nil {
			return err
		}
		x.bound = line.BoundTest
	}
	x.iterations, x.since, x.then = 0, s.Updates, time.Now()
	return x.run.Append(line)
}

// estimateDue says whether it is time for an estimate of the likelihood.
func (x *training) estimateDue(now time.Time) bool {
	c, u := x.run.Settings(), x.trainer.Updates()
	return x.estimator.due(u, u-x.first, now.Sub(x.began).Seconds(), &c.Config)
}

// assess looks at the filters.
func (x *training) assess(s *dbm.State, now time.Time) {
	x.assessment, x.assessed = x.assessor.Assess(s), now
}

// line is the fields of the line of progress, the most important first.
func (x *training) line(now time.Time, first uint64) []string {
	if now.Sub(x.assessed) >= assessEvery {
		x.assess(x.trainer.State(), now)
	}
	u, all := x.trainer.Updates(), x.run.Settings().Updates
	rate := float64(u-first) / now.Sub(x.began).Seconds()
	var fields []string
	if x.whole != nil {
		fields = x.whole.place(float64(all-u) / rate)
	}
	fields = append(fields, fmt.Sprintf("update %s of %s (%d%%)", count(u), count(all), u*100/all), fmt.Sprintf("%.0f/s", rate))
	add := func(format string, args ...any) { fields = append(fields, fmt.Sprintf(format, args...)) }
	if l := x.trainer.Layer(); l > 0 {
		add("pretraining layer %d", l)
	}
	if u < all && x.whole == nil {
		add("ETA %s", short(float64(all-u)/rate))
	}
	a := &x.assessment
	add("live %s%%", percents(a.Live))
	if a.Noise != nil {
		add("noise %s%%", percents(a.Noise))
	}
	add("duplicate %s%%", percents(a.Duplicate))
	norms := "norm"
	for l := range a.NormMean {
		norms += fmt.Sprintf(" %.2f±%.2f", a.NormMean[l], a.NormSD[l])
	}
	add("%s", norms)
	if x.bound != 0 {
		add("bound about %.0f", x.bound)
	}
	add("reconstruction %.1f", x.trainer.ReconstructionError())
	if made := u - x.since; made > 0 {
		add("mean field %.1f", x.iterations/float64(made))
	}
	return fields
}

// finish draws the pictures and tells what there is and what to do next.
func (x *training) finish(now time.Time, first uint64) error {
	c, dir := x.run.Settings(), x.run.Dir()
	drawn, err := drawBoth(x.machine, dir, &c, x.trainer.State(), x.data.Rows(), x.data.Columns())
	if err != nil {
		return err
	}
	spent := now.Sub(x.began).Seconds()
	fmt.Fprintf(x.terminal.out, "%s updates in %s (%.0f a second)\n\n", count(c.Updates-first), short(spent), float64(c.Updates-first)/spent)
	table(x.terminal.out, append(drawn, [][2]string{
		{"next", fmt.Sprintf("tandem resume %s --updates %d   train longer", dir, 2*c.Updates)},
		{"", fmt.Sprintf("tandem filters %s --units 0   all filters", dir)},
		{"", fmt.Sprintf("tandem info %s   the figures", dir)},
	}...))
	return nil
}

// signals holds the exit code that a signal asks for, 0 while there was none.
type signals struct {
	code atomic.Int32
	c    chan os.Signal
}

// catch makes SIGINT and SIGTERM set the code. A second one ends the program.
func catch() *signals {
	s := &signals{c: make(chan os.Signal, 2)}
	signal.Notify(s.c, os.Interrupt, syscall.SIGTERM)
	signal.Ignore(syscall.SIGPIPE) // whoever reads the messages may go; the run goes on
	go func() {
		for sig := range s.c {
			code := 130
			if sig == syscall.SIGTERM {
				code = 143
			}
			if !s.code.CompareAndSwap(0, int32(code)) {
				os.Exit(code)
			}
		}
	}()
	return s
}

func (s *signals) release() {
	signal.Stop(s.c)
	close(s.c)
}

// powerOfTen says whether u is 1, 10, 100 and so on.
func powerOfTen(u uint64) bool {
	for u >= 10 && u%10 == 0 {
		u /= 10
	}
	return u == 1
}

// shape writes layer sizes with dashes.
func shape(layers []int) string { return strings.ReplaceAll(join(layers), ",", "-") }

func plural(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}

// percents writes shares as percentages with slashes between them.
func percents(shares []float64) string {
	words := make([]string, len(shares))
	for i, s := range shares {
		words[i] = strings.TrimSuffix(fmt.Sprintf("%.1f", 100*s), ".0")
	}
	return strings.Join(words, "/")
}

// short writes a duration with the two units that matter.
func short(seconds float64) string {
	d := time.Duration(min(seconds, 1e9) * float64(time.Second)).Round(time.Second)
	switch h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60; {
	case h > 0:
		return fmt.Sprintf("%dh%02dm", h, m)
	case m > 0:
		return fmt.Sprintf("%dm%02ds", m, s)
	default:
		return fmt.Sprintf("%ds", s)
	}
}

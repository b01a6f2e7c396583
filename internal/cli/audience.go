package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"time"

	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/internal/tensorboard"
)

// audience is who is told how training goes, beside the terminal.
type audience struct {
	live        watching
	tensorboard string // folder for event files; "": none
	progress    string // text or json
}

// flags defines its flags.
func (a *audience) flags(f *flag.FlagSet) {
	a.live.flag(f)
	f.StringVar(&a.tensorboard, "tensorboard", "", "`DIR` for files of events, for tensorboard --logdir DIR")
	a.progress = "text"
	f.StringVar(&a.progress, "progress", a.progress, "`text` on standard error, or json: a line of JSON on standard "+
		"output "+
		"for each thing that happens, for other programs")
}

// validate returns an error that names the flag that is wrong.
func (a *audience) validate() error {
	if a.progress != "text" && a.progress != "json" {
		return fmt.Errorf("progress: %q; must be text or json", a.progress)
	}
	return nil
}

// prepare makes the folder of event files, before a run is begun.
func (a *audience) prepare() error {
	if a.tensorboard == "" {
		return nil
	}
	return prefixed("tensorboard", os.MkdirAll(a.tensorboard, 0o777))
}

// told is an audience that has come together for one run.
type told struct {
	terminal *terminal
	moments  *moments
	page     *reporter
	board    *eventFile // nil: none
	lines    *jsonLines // nil: none
	stop     context.CancelFunc
}

// assemble brings the audience of a run together. leave must be called.
func (a *audience) assemble(ctx context.Context, t *terminal, o *session.Options) (*told, error) {
	watched, stop := context.WithCancel(context.WithoutCancel(ctx))
	all := &told{terminal: t, moments: newMoments(o), stop: stop}
	if a.tensorboard != "" {
		var err error
		if all.board, err = openEvents(a.tensorboard, o); err != nil {
			stop()
			return nil, fmt.Errorf("tensorboard: %w", err)
		}
		all.moments.kept = all.board.picture
	}
	if a.progress == "json" {
		all.lines = &jsonLines{to: t.out}
		t.quiet = true
	}
	all.page = &reporter{board: a.live.board(watched, t, o.Run.Dir()), moments: all.moments}
	return all, nil
}

// tell tells all of them what happened.
func (a *told) tell(e *session.Event) {
	if err := a.moments.keep(e); err != nil {
		a.terminal.say("warning: %v", err)
	}
	a.page.tell(e)
	if a.lines != nil {
		a.lines.tell(e)
	}
	if a.board == nil || e.Line == nil {
		return
	}
	if err := a.board.line(e.Line); err != nil { // training goes on without
		a.terminal.say("warning: tensorboard: %v; nothing more is written there", err)
		a.board.close()
		a.board, a.moments.kept = nil, nil
	}
}

// leave ends what the audience holds.
func (a *told) leave() {
	a.stop()
	if a.board != nil {
		a.board.close()
	}
}

// jsonLines writes events as lines of JSON.
type jsonLines struct {
	to   *checked
	last time.Time
}

// tell writes what happened: that training begins, a line of metrics, progress now and then.
func (l *jsonLines) tell(e *session.Event) {
	type position struct {
		Event   string  `json:"event"`
		Update  uint64  `json:"update"`
		Updates uint64  `json:"updates"`
		Rate    float64 `json:"rate,omitempty"`         // updates a second
		Left    float64 `json:"seconds_left,omitempty"` // at this rate
		Text    string  `json:"text,omitempty"`         // of a warning
	}
	where := position{Update: e.Update, Updates: e.Updates, Rate: e.Rate, Left: e.Left()}
	if e.Warning != nil {
		where.Event, where.Text = "warning", e.Warning.Error()
		l.write(where)
		where.Text = ""
	}
	switch {
	case e.Begins():
		where.Event = "begin"
		l.write(where)
	case e.Line != nil:
		l.write(struct {
			Event   string        `json:"event"`
			Metrics *runs.Metrics `json:"metrics"`
		}{"metrics", e.Line})
	case e.Time.Sub(l.last) >= redrawEvery:
		l.last = e.Time
		where.Event = "progress"
		l.write(where)
	}
}

// end writes that training has ended.
func (l *jsonLines) end(found *session.Result) error {
	l.write(struct {
		Event   string  `json:"event"`
		Updates uint64  `json:"updates"` // made in this session
		Seconds float64 `json:"seconds"`
	}{"end", found.Updates, found.Seconds})
	return l.to.err
}

func (l *jsonLines) write(v any) {
	data, err := json.Marshal(v)
	if err != nil { // metrics of a model that diverges, which session refuses as well
		data, _ = json.Marshal(map[string]string{"event": "warning", "text": err.Error()})
	}
	l.to.Write(append(data, '\n'))
}

// eventFile is a file of events for TensorBoard.
type eventFile struct {
	file *os.File
	to   *tensorboard.Writer
	err  error
}

// openEvents begins a file of events of a run, which goes on beside those of earlier sessions.
func openEvents(dir string, o *session.Options) (*eventFile, error) {
	now, update := time.Now(), uint64(0)
	if o.Checkpoint != nil {
		update = o.Checkpoint.Updates
	}
	// TensorBoard looks for tfevents in a name, and reads files in the order of their names.
	name := fmt.Sprintf("events.out.tfevents.%d.tandem.%d.%d", now.Unix(), os.Getpid(), update)
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	f := &eventFile{file: file}
	if f.to, err = tensorboard.NewWriter(file, time.Now, update); err != nil {
		file.Close()
		return nil, err
	}
	return f, nil
}

// line writes a line of metrics.
func (f *eventFile) line(m *runs.Metrics) error {
	var scalars []tensorboard.Scalar
	add := func(tag string, values ...float64) {
		for l, x := range values {
			name := tag
			if len(values) > 1 {
				name = fmt.Sprintf("%s/layer %d", tag, l+1)
			}
			scalars = append(scalars, tensorboard.Scalar{Tag: name, Value: x})
		}
	}
	if m.BoundHeldOut != nil && m.IndependentHeldOut != nil {
		add("bound/held-out", *m.BoundHeldOut)
		add("bound/independent units, held-out", *m.IndependentHeldOut)
	}
	if m.BoundTest != 0 {
		add("bound/test", m.BoundTest)
		add("bound/independent units, test", m.IndependentTest)
	}
	add("varying units", m.VaryingUnits...)
	add("stuck on units", m.StuckOnUnits...)
	add("stuck off units", m.StuckOffUnits...)
	for l, n := range m.Components {
		scalars = append(scalars, tensorboard.Scalar{Tag: fmt.Sprintf("components/layer %d", l+1), Value: float64(n)})
	}
	add("started filters", m.LiveFilters...)
	add("noise filters", m.NoiseFilters...)
	add("duplicate filters", m.DuplicateFilters...)
	add("norm mean", m.NormMean...)
	add("norm sd", m.NormSD...)
	add("reconstruction error", m.ReconstructionError)
	add("mean-field iterations", m.MeanFieldIterations)
	add("learning rate", m.LearningRate)
	add("updates a second", m.PerSecond)
	if f.err == nil {
		f.err = f.to.Scalars(m.Update, scalars)
	}
	return f.err
}

// picture writes a moment. An error waits for the next line.
func (f *eventFile) picture(update uint64, data []byte) {
	size, err := png.DecodeConfig(bytes.NewReader(data))
	if err == nil {
		err = f.to.Image(update, "moment", size.Width, size.Height, data)
	}
	if f.err == nil {
		f.err = err
	}
}

func (f *eventFile) close() { f.file.Close() }

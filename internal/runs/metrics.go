package runs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"tandem/internal/files"
)

// Metrics is how a run fares at one update: a line of metrics.jsonl. Lists have
// a value for each hidden layer, the lowest first.
type Metrics struct {
	Update              uint64    `json:"update"`
	Seconds             float64   `json:"seconds"` // of training so far, the parts before a resume included
	PerSecond           float64   `json:"per_second"`
	MeanFieldIterations float64   `json:"mean_field_iterations"`
	ReconstructionError float64   `json:"reconstruction_error"`
	LearningRate        float64   `json:"learning_rate"`
	Mu                  []float64 `json:"mu"`
	NormMean            []float64 `json:"norm_mean"`
	NormSD              []float64 `json:"norm_sd"`
	LiveFilters         []float64 `json:"live_filters"`
	NoiseFilters        []float64 `json:"noise_filters,omitempty"` // none where the visible layer is no image
	DuplicateFilters    []float64 `json:"duplicate_filters"`
	VaryingUnits        []float64 `json:"varying_units,omitempty"` // dbm.Activity; not in old runs
	StuckOnUnits        []float64 `json:"stuck_on_units,omitempty"`
	StuckOffUnits       []float64 `json:"stuck_off_units,omitempty"`
	Components          []int     `json:"components,omitempty"`
	InputFromAbove      []float64 `json:"input_from_above,omitempty"` // of layers 0 … the last but one
	LogZ                float64   `json:"log_z,omitempty"`            // rough estimates (train --eval-every)
	BoundTest           float64   `json:"bound_test,omitempty"`       // of the bound on some test images, in nats
	IndependentTest     float64   `json:"independent_test,omitempty"`
	BoundHeldOut        *float64  `json:"bound_held_out,omitempty"`
	IndependentHeldOut  *float64  `json:"independent_held_out,omitempty"` // of independent units, on the same examples
	ParamsSHA256        string    `json:"params_sha256,omitempty"`        // dbm.State.SHA256
}

// Append adds a line to metrics.jsonl. What is not finite is an error. Half a
// line that a killed process or a full disk left at the end is cut first.
func (r *Run) Append(m *Metrics) error {
	if err := r.check(); err != nil {
		return err
	}
	r.noticeMetrics()
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("%s: update %d: %w", filepath.Join(r.dir, MetricsFile), m.Update, err)
	}
	if r.metrics == nil {
		if err := r.cutMetrics(math.MaxUint64); err != nil {
			return err
		}
		if r.metrics, err = r.folder.OpenFile(MetricsFile, os.O_WRONLY|os.O_APPEND|os.O_CREATE); err != nil {
			return err
		}
	}
	// One write, so that readers see whole lines, but for the end.
	if _, err := r.metrics.Write(append(line, '\n')); err != nil {
		r.closeMetrics() // the next Append cuts what was written
		return err
	}
	r.appended = m.Update
	return nil
}

// noticeMetrics lets go of a metrics.jsonl that was deleted or replaced: what is appended to
// it nobody would find.
func (r *Run) noticeMetrics() {
	if r.metrics == nil {
		return
	}
	held, err := r.metrics.Stat()
	if err != nil {
		return
	}
	if now, err := r.folder.Lstat(MetricsFile); err == nil && os.SameFile(held, now) {
		return
	}
	r.closeMetrics()
	r.notice = fmt.Errorf("%s was deleted or replaced while the run was trained; its lines begin again",
		filepath.Join(r.dir, MetricsFile))
}

// AppendNew appends the lines beyond the last one that was appended.
func (r *Run) AppendNew(lines ...*Metrics) error {
	for _, m := range lines {
		if m.Update <= r.appended {
			continue
		}
		if err := r.Append(m); err != nil {
			return err
		}
	}
	return nil
}

// syncMetrics puts the lines on the disk.
func (r *Run) syncMetrics() error {
	if r.metrics == nil {
		return nil
	}
	return r.metrics.Sync()
}

// takeBack removes the lines beyond an update again, if it can: those before are had.
func (r *Run) takeBack(update, had uint64) {
	if r.closeMetrics() == nil && r.cutMetrics(update) == nil {
		r.appended = had
	}
}

// CutAfter removes from metrics.jsonl the lines beyond an update, which a
// resume from a checkpoint at that update will write again, and half a line at
// the end. All other lines keep their bytes. Moments beyond the update go, too.
func (r *Run) CutAfter(update uint64) error {
	if err := r.check(); err != nil {
		return err
	}
	if err := r.closeMetrics(); err != nil {
		return err
	}
	r.appended = 0
	if err := r.cutMetrics(update); err != nil {
		return err
	}
	if err := r.cutMoments(update); err != nil { // the run is whole without pictures
		r.notice = fmt.Errorf("the moments beyond update %d are still there: %w", update, err)
	}
	return nil
}

func (r *Run) closeMetrics() error {
	if r.metrics == nil {
		return nil
	}
	err := r.metrics.Close()
	r.metrics = nil
	return err
}

// cutMetrics removes the lines beyond an update, by a new file: what else may be linked to
// the old one stays as it is.
func (r *Run) cutMetrics(update uint64) error {
	path := filepath.Join(r.dir, MetricsFile)
	data, err := readLines(r.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var kept []byte
	var damage error
	err = eachLine(data, func(number int, line []byte) error {
		m, err := parseMetrics(line)
		switch {
		case err != nil:
			// A machine that lost its power can leave any bytes beyond the last
			// checkpoint, before which the lines were put on the disk.
			if damage == nil {
				damage = fmt.Errorf("%s: line %d: %w; fix or delete the line", path, number, err)
			}
		case m.Update > update:
		case damage != nil:
			return damage
		default:
			kept = append(kept, line...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.folder.Write(MetricsFile, func(w io.Writer) error {
		_, err := w.Write(kept)
		return err
	})
}

// ReadMetrics reads all lines of metrics.jsonl of a run folder, none where there is
// no such file. Half a line at the end is passed over, for the run may be writing it.
func ReadMetrics(dir string) ([]Metrics, error) {
	return inRun(dir, readMetrics)
}

// Limits of metrics.jsonl. A line has some hundred bytes for each layer.
const (
	maxLine    = 1 << 20
	maxMetrics = 1 << 30
)

// readLines reads metrics.jsonl of a run folder. Memory is taken for lines alone: a file
// of anything else ends at its first megabyte.
func readLines(d *files.Folder) ([]byte, error) {
	f, size, err := d.Open(MetricsFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > maxMetrics {
		return nil, fmt.Errorf("%s: more than %d bytes", f.Name(), maxMetrics)
	}
	var data []byte
	from := bufio.NewReaderSize(io.LimitReader(f, size), maxLine)
	for number := 1; ; number++ {
		line, err := from.ReadSlice('\n')
		data = append(data, line...)
		switch err {
		case nil:
		case io.EOF:
			return data, nil
		case bufio.ErrBufferFull:
			return nil, fmt.Errorf("%s: line %d: more than %d bytes", f.Name(), number, maxLine)
		default:
			return nil, err
		}
	}
}

func readMetrics(d *files.Folder) ([]Metrics, error) {
	data, err := readLines(d)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := decodeMetrics(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(d.Path(), MetricsFile), err)
	}
	return all, nil
}

func decodeMetrics(data []byte) (all []Metrics, err error) {
	err = eachLine(data, func(number int, line []byte) error {
		m, err := parseMetrics(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		all = append(all, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// eachLine calls f for each whole line, its newline included.
func eachLine(data []byte, f func(number int, line []byte) error) error {
	for number := 1; ; number++ {
		n := bytes.IndexByte(data, '\n') + 1
		if n == 0 {
			return nil
		}
		if err := f(number, data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
}

func parseMetrics(line []byte) (Metrics, error) {
	var m struct {
		Metrics
		Update *uint64 `json:"update"`
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return Metrics{}, err
	}
	if m.Update == nil {
		return Metrics{}, errors.New("no update")
	}
	m.Metrics.Update = *m.Update
	return m.Metrics, nil
}

package reproduce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tandem/internal/files"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/mnist"
)

// Study is a folder of experiments: their runs, and the report about them.
type Study struct {
	dir     string
	machine session.Machine
	watch   Watch
	request request
	all     []Experiment
	plan    []Run
	rates   map[string]float64 // updates a second, by rateKey
	train   *mnist.Set
	test    *mnist.Set
}

// Watch receives what a study does. All functions are called by one goroutine at a time.
type Watch struct {
	Say   func(message string)                     // what begins
	Train func(p Place, e *session.Event)          // the events of the run that is being trained
	Stage func(name string) func(fraction float64) // a long stage begins; the result receives the fraction done
}

// Place is where a run stands in a study.
type Place struct {
	Number, Of int
	Label      string
	After      float64 // seconds that the runs after this one will take
}

// request is what a study is for: reproduce.json of its folder.
type request struct {
	Experiments []string `json:"experiments"`
	Scale       float64  `json:"scale"`
}

const (
	requestFile  = "reproduce.json"
	measuresFile = "measures.json" // in the folder of a run
	// RunsFolder is the folder of a study that has its runs.
	RunsFolder = "runs"
)

// planMinutes is how long a study without a scale is planned to take at most.
const planMinutes = 40

// trainingFraction is the fraction of that time that is planned for training, at the speed
// of its first half second. Mean field takes twice as many iterations soon after, the
// curves of the bound and the pictures take time, and on a shared machine the speed varies
// by a third: planned with 0.82, one study would have taken 45 minutes; with 0.66, one
// took 25.
const trainingFraction = 0.66

// RequestError is the error of a request that cannot be met as it is.
type RequestError struct{ error }

func (e *RequestError) Unwrap() error { return e.error }

// FolderError is the error of a folder whose runs cannot be used, with a remedy.
type FolderError struct {
	error
	remedy string
}

// Hint returns the remedy.
func (e *FolderError) Hint() string { return e.remedy }

// Open returns the study of a folder: of the experiments named, and those that the folder
// was begun for; figure2 and figure3 where there are none. A scale of 0 stands for that of
// the folder, or, in a new one, for the largest that is planned to take 40 minutes.
func Open(ctx context.Context, dir string, m session.Machine, names []string, scale float64, w Watch) (*Study, error) {
	s := &Study{dir: dir, machine: m, watch: w, rates: map[string]float64{}}
	path := filepath.Join(dir, requestFile)
	before, err := readRequest(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	begun := err == nil
	if begun && scale != 0 && scale != before.Scale {
		return nil, &RequestError{fmt.Errorf("scale: %v, but the runs in %s are at %v; choose another --out", scale, dir,
			before.Scale)}
	}
	if len(names) == 0 && (!begun || len(before.Experiments) == 0) {
		names = []string{"figure2", "figure3"}
	}
	s.request = request{append(before.Experiments, names...), max(scale, before.Scale)}
	if scale < 0 {
		s.request.Scale = scale
	}
	if s.train, err = mnist.Open("", mnist.Train); err != nil {
		return nil, err
	}
	if s.test, err = mnist.Open("", mnist.Test); err != nil {
		return nil, err
	}
	if s.request.Scale == 0 {
		if err := s.chooseScale(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.expand(s.request.Scale); err != nil {
		return nil, &RequestError{err}
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	s.request.Experiments = nil
	for _, e := range s.all {
		s.request.Experiments = append(s.request.Experiments, e.Name)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	if err := makeFolder(filepath.Join(dir, RunsFolder)); err != nil {
		return nil, err
	}
	return s, writeJSON(path, s.request)
}

// room returns an error where there is no room for the largest run.
func (s *Study) room() error {
	need := uint64(0)
	for i := range s.plan {
		c := &s.plan[i].Settings
		need = max(need, session.Memory(c, s.train, new(session.Estimates), s.machine.Threads))
	}
	return memory.Check(memory.Sum(need, session.DataMemory(s.test)), "lower --threads")
}

// chooseScale measures this machine, and sets the largest scale that fits the time.
func (s *Study) chooseScale(ctx context.Context) error {
	if err := s.expand(1); err != nil {
		return &RequestError{err}
	}
	s.watch.Say("measuring how fast this machine is")
	if err := s.measureRates(ctx); err != nil {
		return err
	}
	seconds := 0.0
	for i := range s.plan {
		seconds += s.seconds(&s.plan[i], 0)
	}
	s.request.Scale = min(roundDown(trainingFraction*planMinutes*60/seconds), 1)
	return nil
}

// maxFile is more bytes than any file of a study has.
const maxFile = 64 << 20

func readRequest(path string) (r request, err error) {
	data, err := files.Read(path, maxFile)
	if err != nil {
		return r, err
	}
	err = json.Unmarshal(data, &r)
	return r, err
}

// expand finds the runs.
func (s *Study) expand(scale float64) error {
	bases := Bases{}
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
	s.all, err = Experiments(s.request.Experiments, scale, &bases)
	s.plan = Plan(s.all)
	return err
}

// command returns the arguments that ask for the study.
func (s *Study) command() []string {
	scale := strconv.FormatFloat(s.request.Scale, 'g', -1, 64)
	return append(append([]string{"reproduce"}, s.request.Experiments...), "--scale", scale)
}

func (s *Study) folder(r *Run) string { return filepath.Join(s.dir, RunsFolder, r.Name) }

// makeFolder makes a folder of a study where there is none. It rejects a link, which could
// lead anywhere.
func makeFolder(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.Mkdir(path, 0o777)
	case err == nil && !info.IsDir():
		return &FolderError{fmt.Errorf("%s is not a folder", path), "move it away, or choose another --out"}
	}
	return err
}

// read reads a file by its name in the folder. It rejects links: what they lead to would be
// shown in the report.
func (s *Study) read(name string) ([]byte, error) {
	d, err := files.OpenFolder(s.dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Read(filepath.FromSlash(name), maxFile)
}

// write writes files by their names in the folder, or in a folder of it.
func (s *Study) write(content map[string][]byte) error {
	for name, data := range content {
		path := filepath.Join(s.dir, filepath.FromSlash(name))
		if dir := filepath.Dir(path); dir != filepath.Clean(s.dir) {
			if err := makeFolder(dir); err != nil {
				return err
			}
		}
		err := files.Write(path, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(path string, v any) error {
	return files.Write(path, func(w io.Writer) error { return format.JSON(w, v) })
}

// roundDown rounds to two digits, downwards.
func roundDown(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	y, _ := strconv.ParseFloat(strconv.FormatFloat(math.Floor(x/unit)*unit, 'g', 2, 64), 64)
	return y
}

// title returns the experiments of a study and its scale.
func (s *Study) title() string {
	return fmt.Sprintf("%s at scale %v", strings.Join(s.request.Experiments, ", "), s.request.Scale)
}

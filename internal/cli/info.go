package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"tandem/dbm"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/runs"
	"tandem/mnist"
)

// info is the verb that describes the machine or a run.
func info(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem info [RUN] [--json]")
	asJSON := f.Bool("json", false, "print JSON, for programs")
	found, err := parse(f, args, "[RUN]")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return machineInfo(t, m, *asJSON)
	}
	return runInfo(t, m, found[0], *asJSON)
}

// machineInfo prints what tandem finds here.
func machineInfo(t *terminal, m *Machine, asJSON bool) error {
	set, err := mnist.Open("", mnist.Train)
	if err != nil {
		return err
	}
	if asJSON {
		return format.JSON(t.out, map[string]any{
			"cpu": m.CPU, "features": m.Features, "kernel": m.Kernels.Name, "threads": runtime.GOMAXPROCS(0),
			"data": map[string]any{"source": set.Source, "examples": set.N(), "rows": set.Rows(), "columns": set.Columns(),
				"sha256": set.SHA256, "credit": set.Credit},
		})
	}
	table(t.out, [][2]string{
		{"processor", m.CPU},
		{"features", strings.Join(m.Features, " ")},
		{"kernels", m.Kernels.Name + " (TANDEM_KERNEL overrides)"},
		{"threads", fmt.Sprint(runtime.GOMAXPROCS(0))},
		{"data", fmt.Sprintf("%s: %s images of %d × %d", set.Source, format.Count(uint64(set.N())), set.Rows(),
			set.Columns())},
		{"credit", set.Credit},
	})
	return nil
}

// report is what info prints about a run.
type report struct {
	Folder           string    `json:"folder"`
	Preset           string    `json:"preset"`
	Updates          uint64    `json:"updates"`       // done
	UpdatesTotal     uint64    `json:"updates_total"` // to do in all
	Seconds          float64   `json:"seconds"`
	Layers           []int     `json:"layers"`
	Kernel           string    `json:"kernel"`
	Threads          int       `json:"threads"`
	Seed             uint64    `json:"seed"`
	Pixels           string    `json:"pixels"`
	Numerics         int       `json:"numerics"`
	Version          string    `json:"version"`
	LearningRate     float64   `json:"learning_rate"`
	Alpha            []float64 `json:"alpha"`
	Gamma            float64   `json:"gamma"`
	Batch            int       `json:"batch"`
	Chains           int       `json:"chains"`
	Gibbs            int       `json:"gibbs"`
	Mu               []float64 `json:"mu"`
	LiveFilters      []float64 `json:"live_filters"`
	NoiseFilters     []float64 `json:"noise_filters"`
	DuplicateFilters []float64 `json:"duplicate_filters"`
	NormMean         []float64 `json:"norm_mean"`
	NormSD           []float64 `json:"norm_sd"`
	ParamsSHA256     string    `json:"params_sha256,omitempty"` // of a run; an exported model is not all that it is of
	Data             runs.Data `json:"data"`
	Started          time.Time `json:"started"`
	Checkpoint       string    `json:"checkpoint"`

	Best *uint64 `json:"best_update,omitempty"` // of the model that other commands look at; none: that of the checkpoint

	HasChains bool `json:"has_chains"` // an exported model may be without

	Settings *runs.Settings `json:"config"`

	exported  bool // not a run, but a file
	elsewhere bool // weights of another program
}

// options returns what settings make use of that is not in every training.
func options(c *runs.Settings) string {
	used := ""
	add := func(is bool, format string, args ...any) {
		if is {
			used += ", " + fmt.Sprintf(format, args...)
		}
	}
	add(c.Spring(), "spring of alpha %s and gamma %v", format.List(c.Alpha), c.Gamma)
	add(c.OffsetRate > 0, "centering at rate %v", c.OffsetRate)
	add(c.LearningRateEnd > 0, "rate falling to update %s", format.Count(c.LearningRateEnd))
	add(c.UpperRate > 0, "upper rate %v", c.UpperRate)
	add(c.WeightDecay > 0, "weight decay %v", c.WeightDecay)
	add(c.Pretrain > 0, "pretraining of %s updates a layer", format.Count(c.Pretrain))
	add(c.ContrastiveDivergence, "contrastive divergence")
	add(c.Patch > 0, "patches of %d × %d pixels", c.Patch, c.Patch)
	add(c.ZeroBiases, "biases from 0")
	add(c.SamplePosterior && c.Hidden() > 1, "posterior drawn")
	return used
}

// runInfo describes a run, from its checkpoint.
func runInfo(t *terminal, m *Machine, dir string, asJSON bool) error {
	s, err := loadLast(t, dir)
	if errors.Is(err, runs.ErrNoCheckpoint) {
		return hintedError{err, "tandem resume " + format.Argument(dir) + " restarts it"}
	}
	if err != nil {
		return err
	}
	r, err := describeRun(s)
	if err != nil {
		return err
	}
	need := memory.Sum(uint64(s.Settings.StateBytes()), s.Settings.MeasureMemory(runtime.GOMAXPROCS(0)))
	if err := memory.Check(need, ""); err != nil {
		return err
	}
	a := s.measure(m.Kernels, runtime.GOMAXPROCS(0))
	r.LiveFilters, r.NoiseFilters, r.DuplicateFilters, r.NormMean, r.NormSD = a.Live, a.Noise, a.Duplicate, a.NormMean,
		a.NormSD
	if asJSON {
		return format.JSON(t.out, r)
	}
	r.print(t, a)
	return nil
}

// describeRun returns the report of a run or of an exported model, but for its filters.
func describeRun(s *model) (*report, error) {
	manifest, checkpoint, sum := &runs.Manifest{}, s.from, ""
	c := &s.Settings
	if !s.exported { // an exported model is all there is
		checkpoint, sum = filepath.Join(s.from, runs.CheckpointFile), s.State.SHA256()
		if read, err := runs.ReadManifest(s.from); err == nil { // else load has said so
			manifest = read
		}
		if now, err := runs.ReadSettings(s.from); err == nil {
			c.Updates = now.Updates // a resume may have raised it since the checkpoint
		}
	}
	r := &report{
		Folder: s.from, Preset: c.Preset, Updates: s.Updates, UpdatesTotal: c.Updates, Seconds: s.Seconds, Layers: c.Layers,
		Kernel: manifest.Kernel, Threads: manifest.Threads, Seed: c.Seed, Pixels: c.Pixels, Numerics: s.Numerics,
		Version: s.Version, LearningRate: c.LearningRate, Alpha: c.Alpha, Gamma: c.Gamma, Batch: c.Batch,
		Chains: c.Chains, Gibbs: c.Gibbs, Mu: s.State.Mu, ParamsSHA256: sum, Data: manifest.Data, Started: manifest.Started,
		Checkpoint: checkpoint, HasChains: s.State.HasChains(), Settings: c, exported: s.exported,
		elsewhere: s.fromElsewhere(),
	}
	if s.Data != nil {
		r.Data = *s.Data
	}
	if !s.exported {
		best, err := runs.ReadBest(s.from, c)
		if err != nil {
			return nil, err
		}
		if best != nil {
			r.Best = &best.Updates
		}
	}
	if n := len(manifest.Parts); n > 0 {
		r.Kernel, r.Threads = manifest.Parts[n-1].Kernel, manifest.Parts[n-1].Threads
	}
	return r, nil
}

// print prints a table.
func (r *report) print(t *terminal, a *dbm.FilterMeasures) {
	from := ""
	if r.Preset != "" {
		from = ", begun with preset " + r.Preset
	}
	rows := [][2]string{{"run", r.Folder}}
	if r.elsewhere {
		rows = append(rows, [2]string{"model", format.Shape(r.Layers) + ", weights that another program wrote"})
	} else {
		rows = append(rows, [][2]string{
			{"model", fmt.Sprintf("%s%s, seed %d, %s pixels", format.Shape(r.Layers), from, r.Seed, r.Pixels)},
			{"learning", fmt.Sprintf("rate %v, batch %d, %d chains, %d %s an update", r.LearningRate, r.Batch, r.Chains, r.Gibbs,
				format.Plural(r.Gibbs, "sweep")) + options(r.Settings)},
			{"updates", fmt.Sprintf("%s of %s", format.Count(r.Updates), format.Count(r.UpdatesTotal)) + r.took()},
			{"trained by", fmt.Sprintf("tandem %s%s, numerics %d", r.Version, r.with(), r.Numerics)},
		}...)
	}
	if r.Best != nil {
		rows = append(rows, [2]string{"best", fmt.Sprintf("update %s, by the held-out examples; other commands look at it",
			format.Count(*r.Best))})
	}
	if !r.HasChains {
		rows = append(rows, [2]string{"chains", "none in the file; sample draws new ones"})
	}
	for l := range a.Live {
		row := fmt.Sprintf("%s, norm %.3f ± %.3f, mu %.3f", fractions(a, l+1), a.NormMean[l], a.NormSD[l], r.Mu[l])
		rows = append(rows, [2]string{fmt.Sprintf("layer %d", l+1), row})
	}
	if r.Data.Source != "" {
		rows = append(rows, [2]string{"data", strings.Trim(r.Data.Source+". "+r.Data.Credit, ". ")})
	}
	if !r.exported {
		rows = append(rows, [2]string{"checkpoint", r.Checkpoint})
	}
	if r.ParamsSHA256 != "" {
		rows = append(rows, [2]string{"sha256", r.ParamsSHA256})
	}
	table(t.out, rows)
}

// took returns how long training took, where that is known.
func (r *report) took() string {
	if r.exported {
		return ""
	}
	return " in " + format.Duration(r.Seconds)
}

// with returns the kernels and threads that trained a model, where they are known.
func (r *report) with() string {
	s := ""
	if r.Kernel != "" {
		s += fmt.Sprintf(", %s kernels", r.Kernel)
	}
	if r.Threads > 0 {
		s += fmt.Sprintf(", %d %s", r.Threads, format.Plural(r.Threads, "thread"))
	}
	return s
}

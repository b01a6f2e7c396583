package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"tandem/dbm"
	"tandem/internal/runs"
	"tandem/mnist"
)

// info is the verb that tells about the machine or about a run.
func info(t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem info [RUN] [--json]")
	asJSON := f.Bool("json", false, "for programs")
	found, err := parse(f, args, "[RUN]")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return machineInfo(t, m, *asJSON)
	}
	return runInfo(t, m, found[0], *asJSON)
}

// writeJSON writes a value for programs.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// machineInfo tells what tandem finds here.
func machineInfo(t *terminal, m *Machine, asJSON bool) error {
	set, err := mnist.Open("", mnist.Train)
	if err != nil {
		return fmt.Errorf("info: %w", err)
	}
	if asJSON {
		return writeJSON(t.out, map[string]any{
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
		{"data", fmt.Sprintf("%s: %s images of %d × %d", set.Source, count(uint64(set.N())), set.Rows(), set.Columns())},
		{"credit", set.Credit},
	})
	return nil
}

// report is what info tells about a run.
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

	Config *runs.Settings `json:"config"`
}

// options tells of what a configuration makes use of that is not in every training.
func options(c *runs.Settings) string {
	told := ""
	add := func(is bool, format string, args ...any) {
		if is {
			told += ", " + fmt.Sprintf(format, args...)
		}
	}
	add(c.Spring(), "spring of alpha %s and gamma %v", join(c.Alpha), c.Gamma)
	add(c.OffsetRate > 0, "centering at rate %v", c.OffsetRate)
	add(c.LearningRateEnd > 0, "rate falling to update %s", count(c.LearningRateEnd))
	add(c.UpperRate > 0, "upper rate %v", c.UpperRate)
	add(c.WeightDecay > 0, "weight decay %v", c.WeightDecay)
	add(c.Pretrain > 0, "pretraining of %s updates a layer", count(c.Pretrain))
	add(c.ContrastiveDivergence, "contrastive divergence")
	add(c.Patch > 0, "patches of %d × %d pixels", c.Patch, c.Patch)
	add(c.ZeroBiases, "biases from 0")
	add(c.SamplePosterior && c.Hidden() > 1, "posterior drawn")
	return told
}

// runInfo tells about a run, from its checkpoint.
func runInfo(t *terminal, m *Machine, dir string, asJSON bool) error {
	s, err := load(dir)
	if err != nil {
		if errors.Is(err, runs.ErrNoCheckpoint) {
			return hintedError{fmt.Errorf("info: %w", err), "tandem resume " + dir + " begins it anew"}
		}
		return fmt.Errorf("info: %w", err)
	}
	manifest, checkpoint, sum := &runs.Manifest{}, dir, ""
	c := &s.Settings
	if filepath.Ext(dir) != ".npz" { // an exported model is all there is
		checkpoint, sum = filepath.Join(dir, "checkpoint.tandem"), s.State.SHA256()
		if manifest, err = runs.ReadManifest(dir); errors.Is(err, fs.ErrNotExist) {
			manifest = &runs.Manifest{}
		} else if err != nil {
			return fmt.Errorf("info: %w", err)
		}
		if now, err := runs.ReadSettings(dir); err == nil {
			c.Updates = now.Updates // a resume may have raised it since the checkpoint
		}
	}
	a := dbm.NewAssessor(&c.Config, m.Kernels, s.rows, s.columns).Assess(s.State)
	r := report{
		Folder: dir, Preset: c.Preset, Updates: s.Updates, UpdatesTotal: c.Updates, Seconds: s.Seconds, Layers: c.Layers,
		Kernel: manifest.Kernel, Threads: manifest.Threads, Seed: c.Seed, Pixels: c.Pixels, Numerics: s.Numerics, Version: s.Version,
		LearningRate: c.LearningRate, Alpha: c.Alpha, Gamma: c.Gamma, Batch: c.Batch, Chains: c.Chains, Gibbs: c.Gibbs, Mu: s.State.Mu,
		LiveFilters: a.Live, NoiseFilters: a.Noise, DuplicateFilters: a.Duplicate, NormMean: a.NormMean, NormSD: a.NormSD,
		ParamsSHA256: sum, Data: manifest.Data, Started: manifest.Started, Checkpoint: checkpoint, Config: c,
	}
	if n := len(manifest.Parts); n > 0 {
		r.Kernel, r.Threads = manifest.Parts[n-1].Kernel, manifest.Parts[n-1].Threads
	}
	if asJSON {
		return writeJSON(t.out, r)
	}
	from := ""
	if c.Preset != "" {
		from = ", begun with preset " + c.Preset
	}
	rows := [][2]string{
		{"run", dir},
		{"model", fmt.Sprintf("%s%s, seed %d, %s pixels", shape(c.Layers), from, c.Seed, c.Pixels)},
		{"learning", fmt.Sprintf("rate %v, batch %d, %d chains, %d %s an update", c.LearningRate, c.Batch, c.Chains, c.Gibbs, plural(c.Gibbs, "sweep")) + options(c)},
		{"updates", fmt.Sprintf("%s of %s in %s", count(s.Updates), count(c.Updates), short(s.Seconds))},
		{"trained by", fmt.Sprintf("tandem %s, %s kernels, %d %s, numerics %d", s.Version, r.Kernel, r.Threads, plural(r.Threads, "thread"), s.Numerics)},
	}
	for l := range a.Live {
		row := fmt.Sprintf("live %s%%", percents(a.Live[l:l+1]))
		if a.Noise != nil {
			row += fmt.Sprintf(", noise %s%%", percents(a.Noise[l:l+1]))
		}
		row += fmt.Sprintf(", duplicate %s%%, norm %.3f ± %.3f, mu %.3f", percents(a.Duplicate[l:l+1]), a.NormMean[l], a.NormSD[l], s.State.Mu[l])
		rows = append(rows, [2]string{fmt.Sprintf("layer %d", l+1), row})
	}
	if r.Data.Source != "" {
		rows = append(rows, [2]string{"data", strings.Trim(r.Data.Source+". "+r.Data.Credit, ". ")})
	}
	rows = append(rows, [2]string{"checkpoint", r.Checkpoint})
	if sum != "" {
		rows = append(rows, [2]string{"sha256", sum})
	}
	table(t.out, rows)
	return nil
}

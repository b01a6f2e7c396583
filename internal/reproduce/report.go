package reproduce

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"

	"tandem/dbm/kernel"
	"tandem/internal/figure"
	"tandem/internal/format"
	"tandem/internal/runs"
)

// Report is what is known so far.
type Report struct {
	Experiments []Experiment
	Results     map[string]*Measures // by the names of runs; those that are not there have not ended
	Scale       float64
	Version     string              // of tandem
	TrainedBy   map[string]*Trained // for each of Results, by its Run
	Command     string              // that makes it
}

// Trained is what a run was trained by; several, where it was trained in parts.
type Trained struct {
	Machines []string `json:"machines"`
	Threads  []int    `json:"threads"`
}

// Machines are those that the runs were trained on.
func (r *Report) Machines() string {
	var all []string
	for _, by := range r.TrainedBy {
		all = append(all, by.Machines...)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " and ")
}

// picturesFolder is where a report has its pictures, beside it.
const picturesFolder = "pictures"

// picture names a picture of a run.
func picture(m *Measures, what string) string { return path.Join(picturesFolder, m.Run+"-"+what) }

// Pictures draws the pictures of a run that has ended, by the names that the
// report has for them: of every run its filters, of one that is scored its samples
// too, and of one that is shown whole also its curves.
func Pictures(c *runs.Checkpoint, metrics []runs.Metrics, m *Measures, k *kernel.Set, rows, columns int,
	whole bool) (map[string][]byte, error) {
	out := map[string][]byte{}
	each := 10
	if whole {
		each = 60
	}
	filters, err := drawFilters(c, m, rows, columns, each)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := figure.WritePNG(&b, filters); err != nil {
		return nil, err
	}
	out[picture(m, "filters.png")] = bytes.Clone(b.Bytes())
	if whole || m.Score != nil {
		samples, err := drawSamples(c, k, rows, columns)
		if err != nil {
			return nil, err
		}
		b.Reset()
		if err := figure.WritePNG(&b, samples); err != nil {
			return nil, err
		}
		out[picture(m, "samples.png")] = bytes.Clone(b.Bytes())
	}
	if !whole {
		return out, nil
	}
	for name, chart := range curves(planned(metrics, c.Settings.CheckpointEvery), m) {
		if out[picture(m, name+".svg")], err = svg(chart); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func svg(c *figure.Chart) ([]byte, error) {
	var b bytes.Buffer
	err := c.WriteSVG(&b)
	return b.Bytes(), err
}

// page is a report as the templates see it.
type page struct {
	Report   *Report
	Done     int // runs
	All      int
	Claims   []claim
	Sections []section
}

type claim struct {
	Claim
	Title, Anchor, Class string // of its experiment; of the verdict
}

type section struct {
	Title, Anchor string
	About         []string
	Charts        []shown // of all runs together
	Head          []string
	Rows          [][]string
	Figures       []shown // of each
	Missing       string  // runs that have not ended
}

// shown is a picture with its caption.
type shown struct {
	File, Caption string
	Anchor        string // a run may be shown by several experiments
	inside        template.HTML
}

// Inside is the picture for the middle of a page.
func (s *shown) Inside() template.HTML { return s.inside }

//go:embed report.html.tmpl
var pageHTML string

//go:embed report.md.tmpl
var pageMarkdown string

// Files makes the report: report.html, which needs no other file, report.md,
// results.json, timings.json, and charts of whole experiments. read reads a picture of a run, by
// the name that Pictures gave it; one that is missing is left out.
func (r *Report) Files(read func(name string) ([]byte, error)) (map[string][]byte, error) {
	out := map[string][]byte{}
	for name, chart := range r.charts() {
		data, err := svg(chart)
		if err != nil {
			return nil, err
		}
		out[path.Join(picturesFolder, name)] = data
	}
	look := func(name string) ([]byte, error) {
		if data, ok := out[name]; ok {
			return data, nil
		}
		return read(name)
	}
	p := page{Report: r, All: len(Plan(r.Experiments))}
	for _, run := range Plan(r.Experiments) {
		if r.Results[run.Name] != nil {
			p.Done++
		}
	}
	titles := map[string]string{}
	for _, e := range r.Experiments {
		titles[e.Name] = e.Title
		s, err := r.section(&e, look)
		if err != nil {
			return nil, err
		}
		p.Sections = append(p.Sections, s)
	}
	claims := Claims(r.Experiments, r.Results)
	for _, c := range claims {
		if c.Picture != "" {
			if _, err := look(c.Picture); err != nil {
				c.Picture = ""
			}
		}
		p.Claims = append(p.Claims, claim{c, titles[c.Experiment], c.Experiment, strings.ReplaceAll(c.Verdict, " ", "-")})
	}
	var err error
	if out["report.html"], out["report.md"], err = p.render(); err != nil {
		return nil, err
	}
	if out["results.json"], err = r.results(claims); err != nil {
		return nil, err
	}
	out["timings.json"], err = r.timings()
	return out, err
}

// render returns the page as HTML and as Markdown.
func (p *page) render() (asHTML, asMarkdown []byte, err error) {
	h, err := template.New("report").Parse(pageHTML)
	if err != nil {
		return nil, nil, err
	}
	var html, markdown bytes.Buffer
	if err := h.Execute(&html, p); err != nil {
		return nil, nil, err
	}
	funcs := texttemplate.FuncMap{"cell": cell, "row": row, "text": asText}
	t, err := texttemplate.New("report").Funcs(funcs).Parse(pageMarkdown)
	if err != nil {
		return nil, nil, err
	}
	err = t.Execute(&markdown, p)
	return html.Bytes(), markdown.Bytes(), err
}

// section returns the section of an experiment.
func (r *Report) section(e *Experiment, look func(name string) ([]byte, error)) (section, error) {
	s := section{Title: e.Title, Anchor: e.Name, About: e.About}
	s.Head = []string{"run", "updates", "layer", "live", "noise", "duplicate", "norm"}
	if e.Score {
		s.Head = append(s.Head, "test bound, nats", "log Z")
	}
	var missing []string
	for i := range e.Runs {
		run := &e.Runs[i]
		m := r.Results[run.Name]
		if m == nil {
			missing = append(missing, run.Label)
			continue
		}
		s.Rows = append(s.Rows, rows(e, run, m)...)
		if err := s.addFigures(e, run, m, look); err != nil {
			return s, err
		}
	}
	for _, c := range r.chartNames(e) {
		f := shown{File: path.Join(picturesFolder, c[0]), Caption: c[1], Anchor: path.Join(e.Name, picturesFolder, c[0])}
		data, err := look(f.File)
		if err != nil {
			continue
		}
		f.inside = inside(&f, data)
		s.Charts = append(s.Charts, f)
	}
	const named = 3
	if more := len(missing) - named; more > 1 {
		missing = append(missing[:named], fmt.Sprintf("and %d more", more))
	}
	s.Missing = strings.Join(missing, "; ")
	return s, nil
}

// rows returns the rows of a run in the table of an experiment, one for each layer.
func rows(e *Experiment, run *Run, m *Measures) (all [][]string) {
	for l := range m.Layers {
		layer := &m.Layers[l]
		cells := []string{"", "", fmt.Sprint(l + 1), format.Percent(layer.Live), format.Percent(layer.Noise),
			format.Percent(layer.Duplicate), fmt.Sprintf("%.3f ± %.3f", layer.NormMean, layer.NormSD)}
		if e.Score {
			cells = append(cells, "", "")
		}
		if l == 0 {
			cells[0], cells[1] = run.Label, format.Count(m.Updates)
			if e.Score && m.Score != nil {
				cells[7] = fmt.Sprintf("%.2f ± %.2f", m.Score.Bound, m.Score.BoundStdErr)
				cells[8] = fmt.Sprintf("%.2f ± %.2f", m.Score.LogZ, m.Score.LogZStdErr)
				if !m.Score.Trusted {
					cells[8] += " (not to be trusted)"
				}
			}
		}
		all = append(all, cells)
	}
	return all
}

// curveCaptions are the curves of a run that is shown with all its pictures.
var curveCaptions = [][2]string{{"sorted.svg", "norms at the end"}, {"roughness.svg", "norm and roughness at the end"},
	{"norms.svg", "norms over training"}, {"mu.svg", "mean norms that the spring learns"}, {"live.svg",
		"filters over training"},
	{"mean-field.svg", "mean field over training"}, {"bound.svg", "likelihood over training"}}

// addFigures adds the pictures of a run that are there.
func (s *section) addFigures(e *Experiment, run *Run, m *Measures, look func(name string) ([]byte, error)) error {
	pictures := [][2]string{{"filters.png", "what the units look for, by norm (below each)"}}
	all := e.Pictures && !run.IsGrid()
	if all || e.Score {
		pictures = append(pictures, [2]string{"samples.png", "the chains of training"})
	}
	if all {
		pictures = append(pictures, curveCaptions...)
	}
	for _, p := range pictures {
		f := shown{File: picture(m, p[0]), Caption: run.Label + ": " + p[1], Anchor: path.Join(e.Name, picture(m, p[0]))}
		data, err := look(f.File)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		f.inside = inside(&f, data)
		s.Figures = append(s.Figures, f)
	}
	return nil
}

// inside puts a picture into a page: no other file and no address is needed.
func inside(f *shown, data []byte) template.HTML {
	kind := "png"
	if strings.HasSuffix(f.File, ".svg") {
		if chart, ok := figure.Inline(data); ok { // what is written in it is escaped
			return template.HTML(chart)
		}
		kind = "svg+xml" // of somebody else's; as an image it can do nothing
	}
	return template.HTML(fmt.Sprintf(`<img loading="lazy" alt="%s" src="data:image/%s;base64,%s">`,
		template.HTMLEscapeString(f.Caption), kind, base64.StdEncoding.EncodeToString(data)))
}

// chartNames are the charts of a whole experiment with their captions.
func (r *Report) chartNames(e *Experiment) [][2]string {
	if e.Name == "depth" {
		return [][2]string{{"depth-bound.svg", "the bound by depth"}, {"depth-bad.svg", "the worst layer by depth"}}
	}
	return nil
}

// charts draws the charts of whole experiments.
func (r *Report) charts() map[string]*figure.Chart {
	out := map[string]*figure.Chart{}
	for _, e := range r.Experiments {
		if e.Name != "depth" {
			continue
		}
		bound := &figure.Chart{Title: "variational bound on test images", X: figure.Axis{Label: "hidden layers"},
			Y: figure.Axis{Label: "nats an image"}}
		bad := &figure.Chart{Title: "noise, dead or duplicate filters in the worst layer",
			X: figure.Axis{Label: "hidden layers"}, Y: figure.Axis{Label: "% of its filters", Zero: true}}
		at := map[string]int{}
		for _, run := range e.Runs {
			m := r.Results[run.Name]
			if m == nil {
				continue
			}
			_, way, _ := strings.Cut(run.Label, ", ")
			i, ok := at[way]
			if !ok {
				i = len(bound.Series)
				at[way] = i
				bound.Series = append(bound.Series, figure.Series{Name: way})
				bad.Series = append(bad.Series, figure.Series{Name: way})
			}
			worst := 0.0
			for l := range m.Layers {
				worst = max(worst, m.Layers[l].bad(), m.Layers[l].Duplicate)
			}
			bad.Series[i].X, bad.Series[i].Y = append(bad.Series[i].X, float64(len(m.Layers))), append(bad.Series[i].Y,
				100*worst)
			if m.Score != nil {
				bound.Series[i].X, bound.Series[i].Y = append(bound.Series[i].X, float64(len(m.Layers))),
					append(bound.Series[i].Y, m.Score.Bound)
			}
		}
		if len(at) > 0 {
			out["depth-bound.svg"], out["depth-bad.svg"] = bound, bad
		}
	}
	return out
}

// results is results.json: for programs, and the same however often the runs were
// stopped, so it has no times.
func (r *Report) results(claims []Claim) ([]byte, error) {
	type result struct {
		Label string `json:"label"`
		*Measures
	}
	type experiment struct {
		Name  string   `json:"name"`
		Title string   `json:"title"`
		Runs  []result `json:"runs"`
	}
	file := struct {
		Version     string       `json:"version"`
		Numerics    int          `json:"numerics"`
		Scale       float64      `json:"scale"`
		Claims      []Claim      `json:"claims"`
		Experiments []experiment `json:"experiments"`
	}{r.Version, kernel.Version, r.Scale, append([]Claim{}, claims...), nil}
	for _, e := range r.Experiments {
		x := experiment{Name: e.Name, Title: e.Title, Runs: []result{}}
		for _, run := range e.Runs {
			if m := r.Results[run.Name]; m != nil {
				short := *m
				short.Seconds = 0
				short.Layers = slices.Clone(m.Layers)
				for l := range short.Layers { // a number a unit is in measures.json of the run
					short.Layers[l].Norms, short.Layers[l].Roughness = nil, nil
				}
				x.Runs = append(x.Runs, result{run.Label, &short})
			}
		}
		file.Experiments = append(file.Experiments, x)
	}
	data, err := json.MarshalIndent(file, "", "  ")
	return append(data, '\n'), err
}

// timings is timings.json: how long each run took to train, beside whatever else its
// machine did.
func (r *Report) timings() ([]byte, error) {
	type timing struct {
		Updates   uint64  `json:"updates"`
		Seconds   float64 `json:"seconds"`
		PerSecond float64 `json:"per_second"`
		*Trained
	}
	file := struct {
		Runs map[string]timing `json:"runs"`
	}{map[string]timing{}}
	for name, m := range r.Results {
		file.Runs[name] = timing{m.Updates, m.Seconds, float64(m.Updates) / max(m.Seconds, 1e-9), r.TrainedBy[name]}
	}
	data, err := json.MarshalIndent(file, "", "  ")
	return append(data, '\n'), err
}

// Counts returns how many claims have each verdict, in the order of the verdicts.
func (p *page) Counts() string {
	n := map[string]int{}
	for _, c := range p.Claims {
		n[c.Verdict]++
	}
	var counts []string
	for _, v := range []string{Holds, Fails, TooShort, Unsaid, Answer} {
		if n[v] > 0 {
			counts = append(counts, fmt.Sprintf("%s: %d", v, n[v]))
		}
	}
	return strings.Join(counts, ", ")
}

// ScaleTold writes the scale.
func (p *page) ScaleTold() string {
	return fmt.Sprintf("scale %.3g, where 1 is the paper's %s updates for its figures, %s for the map of settings, %s "+
		"for models of several depths, %s for those trained for likelihood",
		p.Report.Scale, format.Count(paperUpdates), format.Count(gridUpdates), format.Count(depthUpdates),
		format.Count(bestUpdates))
}

// cell escapes a cell of a Markdown table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// asText returns a text, which may come from a manifest that somebody else has made, so
// that Markdown shows it as it is.
func asText(s string) string {
	var b strings.Builder
	for _, r := range format.Printable(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
			continue
		case r == '&':
			b.WriteString("&amp;")
			continue
		case strings.ContainsRune("\\`*_[]|>#!", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// row is a row of a Markdown table.
func row(cells []string) string {
	escaped := make([]string, len(cells))
	for i, c := range cells {
		escaped[i] = cell(c)
	}
	return "| " + strings.Join(escaped, " | ") + " |"
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"

	"github.com/dustin/go-humanize"

	"tandem/dbm/kernel"
	"tandem/dbm/likelihood"
	"tandem/internal/dataset"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/mnist"
)

// dataReport is what data prints of examples.
type dataReport struct {
	Source      string               `json:"source"`
	Credit      string               `json:"credit"`
	SHA256      string               `json:"sha256"` // of the training examples
	One         float64              `json:"one"`    // the value that stands for 1
	Notes       []string             `json:"notes"`
	Train       *dataset.Description `json:"train"` // without those held out
	HeldOut     int                  `json:"held_out"`
	Test        int                  `json:"test"`
	Independent []independentFigure  `json:"independent"` // log-likelihood of independent units
	Settings    *runs.Settings       `json:"settings"`    // that train would take
	Memory      uint64               `json:"memory"`      // bytes that training would take
}

// independentFigure is what independent units, with the means of the training examples, give to
// the examples of a set.
type independentFigure struct {
	Set    string  `json:"set"`
	Mean   float64 `json:"log_likelihood"`
	StdErr known   `json:"log_likelihood_stderr"`
}

// data is the verb that describes examples, and what train would make of them.
func data(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem data [PATH] [flags]")
	c, err := runs.Preset(runs.FitPreset)
	if err != nil {
		return err
	}
	readingFlags(f, &c.Reading, false)
	asJSON := f.Bool("json", false, "print JSON, for programs")
	found, err := parse(f, args, "[PATH]")
	if err != nil {
		return err
	}
	if len(found) > 0 { // otherwise the embedded images
		c.Data = found[0]
	}
	c.KeepBest = c.HoldOut > 0
	if err := c.Validate(); err != nil {
		return usageError{asFlag(f, err)}
	}
	if err := absolute(&c.Reading); err != nil {
		return err
	}
	examples, err := session.Begin(&c.Reading)
	if err != nil {
		return err
	}
	c.FitTo(examples.Train.Rows()*examples.Train.Columns(), examples.Train.N(), func(string) bool { return false })
	c.Layers[0] = examples.Train.Rows() * examples.Train.Columns()
	r, err := look(ctx, &c, examples)
	if err != nil {
		return err
	}
	if *asJSON {
		return format.JSON(t.out, r)
	}
	table(t.out, r.rows())
	return nil
}

// look looks at examples.
func look(ctx context.Context, c *runs.Settings, examples *session.Examples) (*dataReport, error) {
	train, threads := examples.Train, runtime.GOMAXPROCS(0)
	r := &dataReport{Source: train.Source, Credit: train.Credit, SHA256: train.SHA256, One: c.Levels,
		Notes: append([]string{}, examples.Notes...), Train: dataset.Describe(train), Independent: []independentFigure{},
		Settings: c, Memory: session.Memory(c, train, new(session.Estimates), threads)}
	if r.One == 0 {
		r.One = 255
	}
	test, err := session.OpenData(&c.Reading, mnist.Test)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	independent := likelihood.NewIndependent(train.Mean(mnist.Fixed), train.N())
	for _, set := range []*mnist.Set{examples.HeldOut, test} {
		if set == nil {
			continue
		}
		if set.Rows()*set.Columns() != c.Layers[0] {
			return nil, fmt.Errorf("the examples of %s have %s, those of %s %s", set.Source, sizeOf(set), train.Source,
				sizeOf(train))
		}
		if set == test {
			r.Test = set.N()
		} else {
			r.HeldOut = set.N()
		}
		row := func(i int, v []float32) { set.Values(v, i, mnist.Fixed, kernel.Draw{}) }
		each, err := independent.Each(ctx, likelihood.Examples{N: set.N(), Row: row}, threads)
		if err != nil {
			return nil, err
		}
		mean := likelihood.MeanOf(len(each), func(i int) float64 { return each[i] })
		r.Independent = append(r.Independent, independentFigure{set.Name, mean.Mean, known(mean.StdErr)})
	}
	return r, nil
}

// rows returns the rows of the table.
func (r *dataReport) rows() [][2]string {
	d, c := r.Train, r.Settings
	shape := format.Number(d.Columns, "column")
	if d.Rows > 1 {
		shape = fmt.Sprintf("%d × %d", d.Rows, d.Columns)
	}
	sets := format.Number(d.Examples, "example")
	if r.HeldOut > 0 {
		sets += fmt.Sprintf(", and %s held out", format.Count(uint64(r.HeldOut)))
	}
	if r.Test > 0 {
		sets += fmt.Sprintf(", and %s for tests", format.Count(uint64(r.Test)))
	}
	values := fmt.Sprintf("%s; %v stands for 1", d.Kind, r.One)
	if d.Kind == dataset.Binary && r.One == 1 {
		values = d.Kind
	}
	rows := [][2]string{{"data", strings.Trim(r.Source+". "+r.Credit, ". ")}, {"examples", sets}, {"shape", shape},
		{"values", values}, {"ones", fmt.Sprintf("%.1f%%, of a column %.1f%% to %.1f%%", 100*d.Mean, 100*d.Least,
			100*d.Largest)}}
	for _, note := range r.Notes {
		rows = append(rows, [2]string{"note", note})
	}
	for _, note := range notes(d) {
		rows = append(rows, [2]string{"note", note})
	}
	if len(d.Classes) > 0 {
		var words []string
		for _, class := range d.Classes[:min(len(d.Classes), 12)] {
			words = append(words, fmt.Sprintf("%s: %s", class.Label, format.Count(uint64(class.Examples))))
		}
		if n := len(d.Classes) - len(words); n > 0 {
			words = append(words, fmt.Sprintf("and %d more", n))
		}
		rows = append(rows, [2]string{"labels", fmt.Sprintf("%s: %s", format.Number(len(d.Classes), "class"),
			strings.Join(words, ", "))})
	}
	for _, x := range r.Independent {
		rows = append(rows, [2]string{"baseline, " + x.Set, fmt.Sprintf("%.2f %s nats an example by independent units",
			x.Mean, plusMinus(x.StdErr, "one example"))})
	}
	return append(rows, [2]string{"train would", fmt.Sprintf("make %s updates of %s by preset %s, and take %s",
		format.Count(c.Updates), format.Shape(c.Layers), c.Preset, humanize.IBytes(memory.Sum(r.Memory, programMemory)))})
}

// plural returns one of two words.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// notes returns what a person should know of examples.
func notes(d *dataset.Description) (words []string) {
	if n := len(d.Constant); n > 0 {
		words = append(words, fmt.Sprintf("%s never %s; the model learns %s, and nothing from %s",
			format.Number(n, "column"), plural(n, "changes", "change"), plural(n, "its mean", "their means"),
			plural(n, "it", "them")))
	}
	if d.Empty > 0 {
		words = append(words, fmt.Sprintf("%s of zeros alone", format.Number(d.Empty, "example")))
	}
	if d.Duplicate > 0 {
		words = append(words, plural(d.Duplicate, "1 example is", format.Count(uint64(d.Duplicate))+" examples are")+
			" the same as one before")
	}
	return words
}

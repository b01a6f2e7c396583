package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/format"
	"tandem/internal/runs"
)

// compared is what compare says of a run.
type compared struct {
	Run       string         `json:"run"`
	Updates   uint64         `json:"updates"` // of the last line of metrics
	Score     *float64       `json:"score"`   // the best bound of the run, a rough estimate in nats; null: none was made
	At        uint64         `json:"score_update,omitempty"`
	Baseline  *float64       `json:"independent"` // of independent units, on the same examples
	Examples  string         `json:"score_examples,omitempty"`
	Varying   []float64      `json:"varying_units"`
	Stuck     []float64      `json:"stuck_units"`
	Seconds   float64        `json:"seconds"`
	PerSecond float64        `json:"per_second"` // on average
	Settings  map[string]any `json:"settings"`   // those that differ between the runs
}

// compare is the verb that says what differs between runs, and what came out.
func compare(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem compare RUN|FOLDER… [flags]")
	asJSON := f.Bool("json", false, "print JSON, for programs")
	asCSV := f.Bool("csv", false, "print CSV, for spreadsheets")
	found, err := parse(f, args, "RUN|FOLDER…")
	if err != nil {
		return err
	}
	if *asJSON && *asCSV {
		return usageError{fmt.Errorf("csv: --json prints JSON; give one of the two")}
	}
	folders, err := foldersOf(found)
	if err != nil {
		return err
	}
	all := []*compared{}
	settings := []map[string]any{}
	for _, dir := range folders {
		c, fields, err := compareOne(dir)
		if err != nil {
			return err
		}
		all, settings = append(all, c), append(settings, fields)
	}
	names := differing(settings)
	for i, c := range all {
		c.Settings = map[string]any{}
		for _, name := range names {
			c.Settings[name] = settings[i][name]
		}
	}
	slices.SortStableFunc(all, bestFirst)
	switch {
	case *asJSON:
		return format.JSON(t.out, all)
	case *asCSV:
		return writeCompared(t, all, names)
	}
	printCompared(t, all, names)
	return nil
}

// compareOne reads what is compared of a run, and its settings by their names in JSON.
func compareOne(dir string) (*compared, map[string]any, error) {
	s, err := runs.ReadSettings(dir)
	if err != nil {
		return nil, nil, err
	}
	data, err := json.Marshal(&s)
	if err != nil {
		return nil, nil, err
	}
	fields := map[string]any{}
	numbers := json.NewDecoder(bytes.NewReader(data))
	numbers.UseNumber() // as they are written
	if err := numbers.Decode(&fields); err != nil {
		return nil, nil, err
	}
	metrics, err := runs.ReadMetrics(dir)
	if err != nil {
		return nil, nil, err
	}
	c := &compared{Run: filepath.Base(filepath.Clean(dir)), Varying: []float64{}, Stuck: []float64{}}
	for i := range metrics {
		c.add(&metrics[i])
	}
	return c, fields, nil
}

// add takes over a line of metrics. Held-out examples go before test examples.
func (c *compared) add(m *runs.Metrics) {
	c.Updates, c.Seconds = m.Update, m.Seconds
	if m.Seconds > 0 {
		c.PerSecond = float64(m.Update) / m.Seconds
	}
	if m.VaryingUnits != nil {
		c.Varying, c.Stuck = m.VaryingUnits, make([]float64, len(m.VaryingUnits))
		for l := range min(len(c.Stuck), len(m.StuckOnUnits), len(m.StuckOffUnits)) {
			c.Stuck[l] = m.StuckOnUnits[l] + m.StuckOffUnits[l]
		}
	}
	score, base, of := m.BoundHeldOut, m.IndependentHeldOut, "held-out"
	if score == nil && m.BoundTest != 0 && c.Examples != "held-out" {
		score, base, of = &m.BoundTest, &m.IndependentTest, "test"
	}
	if score != nil && (c.Score == nil || c.Examples != of || *score > *c.Score) {
		c.Score, c.Baseline, c.Examples, c.At = score, base, of, m.Update
	}
}

// bestFirst orders by score, those without one last.
func bestFirst(a, b *compared) int {
	switch {
	case a.Score == nil && b.Score == nil:
		return 0
	case a.Score == nil:
		return 1
	case b.Score == nil:
		return -1
	}
	return cmp.Compare(*b.Score, *a.Score)
}

// differing returns the names of settings that are not the same in all runs, in order.
func differing(settings []map[string]any) (names []string) {
	all := map[string]bool{}
	for _, s := range settings {
		for name := range s {
			all[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name == "column_names" || name == "classes" || name == "moments" { // which follow from the data, or are pictures
			continue
		}
		first := fmt.Sprint(settings[0][name])
		if slices.ContainsFunc(settings, func(s map[string]any) bool { return fmt.Sprint(s[name]) != first }) {
			names = append(names, name)
		}
	}
	return names
}

// setting returns a setting as text; "–" where a run does not have it.
func setting(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case string:
		if hash := []rune(v); len(hash) == 64 { // of the model that a run began with
			return string(hash[:12]) + "…"
		}
	case []any:
		words := []string{}
		for _, x := range v {
			words = append(words, fmt.Sprint(x))
		}
		return strings.Join(words, ",")
	}
	return fmt.Sprint(v)
}

// printCompared prints a table, a run a line.
func printCompared(t *terminal, all []*compared, names []string) {
	head := append([]string{"run", "updates", "score", "above", "varying", "stuck", "time"}, names...)
	lines := [][]string{head}
	for _, c := range all {
		score, above := "–", "–"
		if c.Score != nil {
			score = fmt.Sprintf("%.2f", *c.Score)
		}
		if c.Score != nil && c.Baseline != nil {
			above = fmt.Sprintf("%.2f", *c.Score-*c.Baseline)
		}
		varying, stuck := "–", "–"
		if len(c.Varying) > 0 {
			varying, stuck = format.Percents(c.Varying)+"%", format.Percents(c.Stuck)+"%"
		}
		line := []string{c.Run, format.Count(c.Updates), score, above, varying, stuck, format.Duration(c.Seconds)}
		for _, name := range names {
			line = append(line, setting(c.Settings[name]))
		}
		lines = append(lines, line)
	}
	widths := make([]int, len(head))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, line := range lines {
		text := ""
		for i, cell := range line {
			text += printable(cell) + strings.Repeat(" ", widths[i]-len([]rune(cell))+2)
		}
		fmt.Fprintln(t.out, strings.TrimRight(text, " "))
	}
	if slices.ContainsFunc(all, func(c *compared) bool { return c.Score != nil }) {
		fmt.Fprintln(t.out, "\nscore: the best rough estimate of a run, in nats; above: what it is above independent units. "+
			"tandem eval has\nscores with errors, which differences of less than about a nat need.")
	}
}

// writeCompared prints CSV.
func writeCompared(t *terminal, all []*compared, names []string) error {
	w := csv.NewWriter(t.out)
	w.Write(append([]string{"run", "updates", "score", "score_update", "score_examples", "independent", "varying_units",
		"stuck_units", "seconds", "per_second"}, names...)) // the table keeps its first error
	number := func(x *float64) string {
		if x == nil {
			return ""
		}
		return strconv.FormatFloat(*x, 'g', -1, 64)
	}
	list := func(x []float64) string {
		words := []string{}
		for _, v := range x {
			words = append(words, number(&v))
		}
		return strings.Join(words, " ")
	}
	for _, c := range all {
		line := []string{c.Run, fmt.Sprint(c.Updates), number(c.Score), "", c.Examples, number(c.Baseline), list(c.Varying),
			list(c.Stuck), number(&c.Seconds), number(&c.PerSecond)}
		if c.Score != nil {
			line[3] = fmt.Sprint(c.At)
		}
		for _, name := range names {
			line = append(line, setting(c.Settings[name]))
		}
		w.Write(line)
	}
	w.Flush()
	return w.Error()
}

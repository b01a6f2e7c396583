// Coverage finds out whether the intervals that tandem eval calls trusted cover log Z. It
// makes models whose log Z is known exactly, evaluates each with many seeds, and prints how
// often the 95% interval has the truth, how often an estimate was trusted, and what it
// missed by. See docs/likelihood.md.
//
//	coverage [-seeds N] [-only WORD] [-from N] tandem FOLDER [flags of eval]
//
// FOLDER keeps the models and a line for each evaluation in results.jsonl; what is there is
// not done again.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	seeds := flag.Int("seeds", 20, "`N` seeds of each model")
	from := flag.Int("from", 1, "`N` the first seed")
	only := flag.String("only", "", "models whose name has this `WORD`")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "coverage [flags] tandem FOLDER [flags of eval]")
		os.Exit(2)
	}
	s := &study{tandem: flag.Arg(0), dir: flag.Arg(1), flags: flag.Args()[2:]}
	if err := s.run(*only, *from, *seeds); err != nil {
		fmt.Fprintln(os.Stderr, "coverage:", err)
		os.Exit(1)
	}
}

// study is models and what was found of them.
type study struct {
	tandem, dir string
	flags       []string
}

// result is one evaluation.
type result struct {
	Model string   `json:"model"`
	Kind  string   `json:"kind"` // easy, full or hidden
	Seed  int      `json:"seed"`
	Flags []string `json:"flags"`
	Exact float64  `json:"exact"`
	Found found    `json:"found"`
}

// found is what matters of what eval prints.
type found struct {
	LogZ     float64  `json:"log_z"`
	StdErr   float64  `json:"log_z_stderr"`
	Low      float64  `json:"log_z_low"`
	High     float64  `json:"log_z_high"`
	Trusted  bool     `json:"trusted"`
	Distrust []string `json:"distrust"`
	Seconds  float64  `json:"log_z_seconds"`
	Exchange *struct {
		Sweeps  int       `json:"sweeps"`
		Betas   []float32 `json:"temperatures"`
		Times   float64   `json:"autocorrelation_times"`
		Trips   int       `json:"round_trips"`
		Overlap float64   `json:"least_overlap"`
	} `json:"exchange"`
	Annealing *struct {
		LogZ    float64 `json:"log_z"`
		StdErr  float64 `json:"log_z_stderr"`
		Trusted bool    `json:"trusted"`
		Tail    float64 `json:"tail_k"`
	} `json:"annealing"`
}

// run makes what is missing, and prints the table.
func (s *study) run(only string, from, seeds int) error {
	if err := os.MkdirAll(s.dir, 0o777); err != nil {
		return err
	}
	done, err := s.read()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.results(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer log.Close()
	for _, m := range models() {
		if !strings.Contains(m.name, only) {
			continue
		}
		file, exact, err := s.make(&m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for seed := from; seed < from+seeds; seed++ {
			r := result{Model: m.name, Kind: m.kind, Seed: seed, Flags: s.flags, Exact: exact}
			if slices.ContainsFunc(done, r.same) {
				continue
			}
			if err := s.evaluate(&r, file); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			line, err := json.Marshal(r)
			if err != nil {
				return err
			}
			if _, err := log.Write(append(line, '\n')); err != nil {
				return err
			}
			done = append(done, r)
		}
	}
	print(slices.DeleteFunc(done, func(r result) bool { return !slices.Equal(r.Flags, s.flags) }))
	return nil
}

func (r *result) same(other result) bool {
	return r.Model == other.Model && r.Seed == other.Seed && slices.Equal(r.Flags, other.Flags) && r.Exact == other.Exact
}

func (s *study) results() string { return filepath.Join(s.dir, "results.jsonl") }

// read returns the evaluations that were made before.
func (s *study) read() (all []result, err error) {
	data, err := os.ReadFile(s.results())
	if err != nil {
		return nil, nil // none yet
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", s.results(), err)
		}
		all = append(all, r)
	}
	return all, nil
}

// evaluate runs eval.
func (s *study) evaluate(r *result, file string) error {
	args := []string{"eval", file, "--json", "--quiet", "--exact", "no", "--seed", fmt.Sprint(r.Seed)}
	out, err := s.command(append(args, s.flags...)...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, &r.Found)
}

// command runs tandem.
func (s *study) command(args ...string) ([]byte, error) {
	c := exec.Command(s.tandem, args...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("tandem %s: %w: %s", strings.Join(args, " "), err, &said)
	}
	return out, nil
}

// tally counts evaluations.
type tally struct {
	all, trusted, covered, covers int // covers: of all, trusted or not
	worst, error, seconds         float64
	sweeps                        int
	distrust                      map[string]int
}

func (t *tally) add(r *result) {
	t.all++
	t.seconds += r.Found.Seconds
	t.error += r.Found.StdErr
	if r.Found.Exchange != nil {
		t.sweeps = max(t.sweeps, r.Found.Exchange.Sweeps)
	}
	in := r.Found.Low <= r.Exact && r.Exact <= r.Found.High
	if in {
		t.covers++
	}
	if !r.Found.Trusted {
		for _, why := range r.Found.Distrust {
			if t.distrust == nil {
				t.distrust = map[string]int{}
			}
			t.distrust[strings.Join(strings.Fields(strings.Map(letters, why)), " ")]++
		}
		return
	}
	t.trusted++
	if in {
		t.covered++
	}
	t.worst = max(t.worst, math.Abs(r.Found.LogZ-r.Exact))
}

// letters keeps letters and spaces.
func letters(r rune) rune {
	if r == ' ' || 'a' <= r && r <= 'z' {
		return r
	}
	return -1
}

// row is a line of the table.
func (t *tally) row(name, exact string) {
	coverage := "–"
	if t.trusted > 0 {
		coverage = fmt.Sprintf("%d (%.0f%%)", t.covered, 100*float64(t.covered)/float64(t.trusted))
	}
	fmt.Printf("| %s | %s | %d | %d | %s | %d | %.2f | %.3f | %.1f |\n", name, exact, t.all, t.trusted, coverage, t.covers,
		t.worst, t.error/float64(t.all), t.seconds/float64(t.all))
}

// print prints the table.
func print(all []result) {
	fmt.Println("| model | log Z | seeds | trusted | of these cover | all cover | worst trusted miss | mean error | " +
		"seconds |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	slices.SortStableFunc(all, func(a, b result) int { return cmp.Compare(place(a.Model), place(b.Model)) })
	kinds := map[string]*tally{}
	for i := 0; i < len(all); {
		var t tally
		first := all[i]
		for ; i < len(all) && all[i].Model == first.Model; i++ {
			t.add(&all[i])
			for _, kind := range []string{first.Kind, "all but hidden"} {
				if kind == "all but hidden" && first.Kind == "hidden" {
					continue
				}
				if kinds[kind] == nil {
					kinds[kind] = new(tally)
				}
				kinds[kind].add(&all[i])
			}
		}
		t.row(first.Model, fmt.Sprintf("%.2f", first.Exact))
	}
	for _, kind := range []string{"easy", "full", "all but hidden", "hidden"} {
		if t := kinds[kind]; t != nil {
			t.row("**"+kind+"**", "")
		}
	}
	for _, kind := range []string{"all but hidden", "hidden"} {
		if t := kinds[kind]; t != nil {
			for why, n := range t.distrust {
				fmt.Printf("\n%s, distrusted %d times: %s", kind, n, why)
			}
		}
	}
	fmt.Println()
}

// place is where a model stands in the list.
func place(name string) int {
	return slices.IndexFunc(models(), func(m model) bool { return m.name == name })
}

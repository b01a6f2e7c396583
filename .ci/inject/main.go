// Command inject breaks what tandem relies on, again and again, and looks at what is left:
// files are cut and changed, calls of the system fail or end the process, disks are full,
// signals come at any moment. It prints a table: what was injected, how often, and how often
// something was lost, a wrong file was believed, or the program panicked or did not end.
//
//	inject [-long] [-seed N] TANDEM
//
// TANDEM is the program. With the same seed the same faults are injected, apart from moments,
// which the machine decides. The exit code is 1 if anything in the table is not as it must be.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// suite is one session of injections.
type suite struct {
	long   bool
	random *rand.Rand
	tandem string // the program
	dir    string // for everything that is made
	rows   []*row
}

// row is a line of the table.
type row struct {
	what     string
	injected int
	refused  int   // with an error, as it must be
	survived int   // nothing had to be refused, and nothing is missing
	lost     int   // a checkpoint that was there is gone, or the run ends with other numbers
	believed int   // a damaged file was accepted with other content
	panics   int   // or a message that is not tandem's
	hangs    int   // took more than five seconds
	memory   int64 // KiB, the most of a process
	note     string
	examples []string
}

// most is how many examples of what went wrong a row keeps.
const most = 3

// begin begins a row.
func (s *suite) begin(what string) *row {
	r := &row{what: what}
	s.rows = append(s.rows, r)
	fmt.Fprintf(os.Stderr, "%s\n", what)
	return r
}

// wrong adds an example of what went wrong.
func (r *row) wrong(count *int, format string, args ...any) {
	*count++
	if len(r.examples) < most {
		r.examples = append(r.examples, fmt.Sprintf(format, args...))
	}
}

func (r *row) bad() int { return r.lost + r.believed + r.panics + r.hangs }

func main() {
	long := flag.Bool("long", false, "all faults, not a part of them")
	seed := flag.Uint64("seed", 1, "of what is drawn")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*long, *seed, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "inject:", err)
		os.Exit(1)
	}
}

func run(long bool, seed uint64, program string) error {
	tandem, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tandem-faults-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &suite{long: long, random: rand.New(rand.NewPCG(seed, 0)), tandem: tandem, dir: dir}
	began := time.Now()
	for _, part := range []func() error{s.prepare, s.damage, s.special, s.systemCalls, s.fullDisk, s.signals} {
		if err := part(); err != nil {
			return err
		}
	}
	return s.report(time.Since(began))
}

// report prints the table, and returns an error if anything went wrong.
func (s *suite) report(took time.Duration) error {
	all, bad := 0, 0
	fmt.Println("| injected | times | rejected | survived | lost | believed | panics | hangs | memory |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, r := range s.rows {
		memory := ""
		if r.memory > 0 {
			memory = fmt.Sprintf("%d MiB", r.memory>>10)
		}
		if r.note != "" {
			fmt.Printf("| %s | %s | | | | | | | |\n", r.what, r.note)
			continue
		}
		fmt.Printf("| %s | %d | %d | %d | %d | %d | %d | %d | %s |\n", r.what, r.injected, r.refused, r.survived, r.lost,
			r.believed, r.panics, r.hangs, memory)
		all, bad = all+r.injected, bad+r.bad()
		for _, e := range r.examples {
			fmt.Fprintf(os.Stderr, "%s: %s\n", r.what, e)
		}
	}
	fmt.Printf("\n%d injections in %.0f seconds.\n", all, took.Seconds())
	if bad > 0 {
		return fmt.Errorf("%d of %d injections did harm", bad, all)
	}
	return nil
}

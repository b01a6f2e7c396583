// Package cli is the command line: one file a verb.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"tandem/dbm/kernel"
)

// Version is the version of tandem.
const Version = "0.2.0"

// Machine is what main found out about the machine.
type Machine struct {
	CPU      string   // its name
	Features []string // what of its instruction set matters here
	Kernels  *kernel.Set
}

// verb is a command.
type verb struct {
	name, arguments, what string
	run                   func(t *terminal, m *Machine, args []string) error
}

// verbs returns all commands in the order in which they are listed.
func verbs() []verb {
	return []verb{
		{"train", "[flags]", "train a model on MNIST, or on other images", train},
		{"resume", "RUN [flags]", "go on with a run", resume},
		{"eval", "RUN [flags]", "score a model: log Z from both sides, and the bound", eval},
		{"classify", "RUN [flags]", "make a classifier of a model, and test it", classify},
		{"filters", "RUN [flags]", "draw what the units of each layer look for", filters},
		{"sample", "RUN [flags]", "draw samples from the model", sample},
		{"complete", "RUN [flags]", "complete pictures of which half is known", complete},
		{"features", "RUN --npz FILE", "write what the hidden units make of images, for NumPy", features},
		{"export", "RUN --npz FILE", "write weights, biases and chains for NumPy", export},
		{"archive", "RUN… --out FILE", "pack runs and this program into one file", pack},
		{"verify", "FILE [flags]", "check an archive, and train its first updates again", verify},
		{"info", "[RUN] [--json]", "tell about this machine, or about a run", info},
		{"bench", "[kernels|update|scaling]", "measure how fast this machine trains", benchmark},
		{"reproduce", "[EXPERIMENT…] [flags]", "train the paper's experiments and write a report", reproduction},
		{"version", "[--json]", "tell the version", version},
	}
}

// usageError is a mistake on the command line.
type usageError struct{ error }

// hintedError is an error with advice.
type hintedError struct {
	error
	hint string
}

func (e hintedError) Unwrap() error { return e.error }

// stopped says that a signal ended the work cleanly.
type stopped struct{ code int }

func (s stopped) Error() string { return fmt.Sprintf("stopped by a signal (exit code %d)", s.code) }

// Main runs the command line and returns the exit code: 0 done, 1 failed, 2
// wrong usage, 130 or 143 after a clean stop by SIGINT or SIGTERM.
func Main(m *Machine, args []string) int {
	return run(newTerminal(os.Stdout, os.Stderr), m, args)
}

func run(t *terminal, m *Machine, args []string) int {
	if len(args) == 2 && args[0] == "help" {
		args = []string{args[1], "--help"}
	}
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		overview(t.out)
		return 0
	}
	if args[0] == "--version" || args[0] == "-version" {
		args = []string{"version"}
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			return t.exit(v.run(t, m, args[1:]))
		}
	}
	return t.exit(usageError{fmt.Errorf("%s: no such command; tandem alone lists them", args[0])})
}

// overview lists the verbs.
func overview(w io.Writer) {
	fmt.Fprintf(w, "tandem trains deep Boltzmann machines, all layers at once.\n\nusage:\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  tandem %-32s %s\n", v.name+" "+v.arguments, v.what)
	}
	fmt.Fprintf(w, "\ntandem COMMAND --help lists a command's flags. To begin: tandem train\n")
}

// exit tells about an error, if there is one, and returns the exit code.
func (t *terminal) exit(err error) int {
	var s stopped
	var hinted hintedError
	var usage usageError
	switch {
	case (err == nil || errors.Is(err, flag.ErrHelp)) && t.out.err == nil:
		return 0
	case err == nil:
		err = t.out.err
	case errors.As(err, &s):
		return s.code
	}
	t.say("%v", err)
	if errors.As(err, &hinted) {
		t.say("hint: %s", hinted.hint)
	}
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// flags is a command's flags, with a synopsis for its help. The usage of a flag
// that takes a value begins with its name in back quotes.
func flags(t *terminal, synopsis string) *flag.FlagSet {
	f := flag.NewFlagSet(strings.Fields(synopsis)[1], flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {
		fmt.Fprintf(t.out, "usage: %s\n\n", synopsis)
		f.VisitAll(func(g *flag.Flag) {
			value, what := flag.UnquoteUsage(g)
			what = strings.TrimPrefix(what, value+" ")
			if g.DefValue != "" && g.DefValue != "false" && g.DefValue != "0" && g.DefValue != "-1" {
				what += " (default " + g.DefValue + ")"
			}
			fmt.Fprintf(t.out, "  %-30s %s\n", strings.TrimSpace("--"+g.Name+" "+value), what)
		})
	}
	return f
}

// flagsGiven returns the names of the flags that were given.
func flagsGiven(f *flag.FlagSet) map[string]bool {
	given := map[string]bool{}
	f.Visit(func(g *flag.Flag) { given[g.Name] = true })
	return given
}

// parse parses flags, before, between and behind the arguments, of which there
// must be as many as names; those in brackets may be missing, and of a last one
// with an ellipsis there may be more.
func parse(f *flag.FlagSet, args []string, names ...string) ([]string, error) {
	var found []string
	for {
		help := f.Usage
		f.Usage = func() {} // not for a mistake
		err := f.Parse(args)
		f.Usage = help
		if err != nil {
			if errors.Is(err, flag.ErrHelp) {
				help()
				return nil, err
			}
			return nil, usageError{fmt.Errorf("%s: %w; tandem %s --help lists the flags", f.Name(), err, f.Name())}
		}
		if f.NArg() == 0 {
			break
		}
		found = append(found, f.Arg(0))
		args = f.Args()[1:]
	}
	if len(found) > len(names) && (len(names) == 0 || !strings.Contains(names[len(names)-1], "…")) {
		return nil, usageError{fmt.Errorf("%s: %q is one argument too many", f.Name(), found[len(names)])}
	}
	if len(found) < len(names) && names[len(found)][0] != '[' {
		return nil, usageError{fmt.Errorf("%s: %s is missing; tandem %s --help tells more", f.Name(), names[len(found)], f.Name())}
	}
	return found, nil
}

// Package cli is the command line: one file a verb, and what the verbs share.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"tandem/dbm/kernel"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/session"
)

// Version is the version of tandem.
const Version = "0.6.0"

// Machine describes the machine that tandem runs on.
type Machine struct {
	CPU      string   // its name
	Features []string // the instruction sets that kernels could use
	Kernels  *kernel.Set
}

// trainer returns the machine as a session has it.
func (m *Machine) trainer(threads int) session.Machine {
	return session.Machine{CPU: m.CPU, Version: Version, Kernels: m.Kernels, Threads: threads}
}

// verb is a command.
type verb struct {
	name, arguments, summary string
	run                      func(ctx context.Context, t *terminal, m *Machine, args []string) error
}

// verbs returns all commands in the order in which they are listed.
func verbs() []verb {
	return []verb{
		{"data", "[PATH] [flags]", "describe examples, and what train would make of them", data},
		{"train", "[flags]", "train a model on MNIST, or on your own examples", train},
		{"resume", "RUN [flags]", "resume a run", resume},
		{"eval", "RUN [flags]", "score a model: log Z, and the bound of the log-likelihood", eval},
		{"classify", "RUN [flags]", "turn a model into a classifier, and test it", classify},
		{"filters", "RUN [flags]", "draw each layer's filters", filters},
		{"sample", "RUN [flags]", "draw samples from the model", sample},
		{"live", "RUN|FOLDER… [flags]", "show runs in a browser: curves, filters, samples", live},
		{"compare", "RUN|FOLDER… [flags]", "compare runs: what differs in their settings, and what came out", compare},
		{"plot", "RUN|FOLDER… [flags]", "draw the curves of runs", plot},
		{"film", "RUN [flags]", "make an animation of a run: how its filters and samples came to be", film},
		{"complete", "RUN [flags]", "complete pictures of which half is known", complete},
		{"features", "RUN --npz FILE", "export hidden activations for NumPy", features},
		{"export", "RUN --npz FILE", "export weights, biases and chains for NumPy", export},
		{"archive", "RUN… --out FILE", "pack runs and this program into one file", pack},
		{"verify", "FILE [flags]", "check an archive, and train its first updates again", verify},
		{"info", "[RUN] [--json]", "describe this machine, or a run", info},
		{"bench", "[kernels|update|scaling]", "measure how fast this machine trains", benchmark},
		{"reproduce", "[EXPERIMENT…] [flags]", "train the paper's experiments and write a report", reproduction},
		{"completion", "bash|zsh|fish", "print what lets a shell complete commands and flags", completions},
		{"version", "[--json]", "print the version", version},
	}
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// hintedError is an error with advice.
type hintedError struct {
	error
	hint string
}

func (e hintedError) Unwrap() error { return e.error }

// Hint returns the advice.
func (e hintedError) Hint() string { return e.hint }

// Main runs the command line and returns the exit code: 0 done, 1 failed, 2 wrong usage,
// 129, 130 or 143 after a stop by SIGHUP, SIGINT or SIGTERM. A second signal ends the
// program at once.
func Main(m *Machine, args []string) int {
	memory.Heed()
	t := newTerminal(os.Stdout, os.Stderr)
	ctx, signals := untilSignal(func(message string) { t.say("%s", message) }, func(e signalError) {
		t.say("%v", e)
		os.Exit(e.code)
	})
	t.signals = signals
	return run(ctx, t, m, args)
}

func run(ctx context.Context, t *terminal, m *Machine, args []string) int {
	if len(args) == 2 && args[0] == "help" {
		switch {
		case args[1] == "--markdown":
			return t.exit(reference(ctx, t, m))
		case args[1] == "--man":
			return t.exit(manPage(ctx, t, m))
		case slices.Contains([]string{"-h", "-help", "--help"}, args[1]):
			overview(t.out)
			return t.exit(nil)
		case !isVerb(args[1]):
			return t.exit(find(ctx, t, m, args[1]))
		}
		args = []string{args[1], "--help"}
	}
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		overview(t.out)
		return t.exit(nil)
	}
	if args[0] == "--version" || args[0] == "-version" {
		args = []string{"version"}
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			err := undisguised(v.run(ctx, t, m, args[1:]))
			if err != nil && !errors.Is(err, flag.ErrHelp) {
				err = fmt.Errorf("%s: %w", v.name, err)
			}
			return t.exit(err)
		}
	}
	return t.exit(usageError{noSuchVerb(args[0])})
}

func isVerb(word string) bool {
	return slices.ContainsFunc(verbs(), func(v verb) bool { return v.name == word })
}

// noSuchVerb returns the error of a word that is no verb, with the verb that is most like it.
func noSuchVerb(word string) error {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	if like := format.Nearest(word, names); like != "" {
		return fmt.Errorf("%s: no such command; did you mean tandem %s? tandem alone lists them", word, like)
	}
	return fmt.Errorf("%s: no such command; tandem alone lists them", word)
}

// variables are the environment variables that change what tandem does.
var variables = [][2]string{
	{"TANDEM_KERNEL", "kernels to use: generic, avx2, avx512 or neon (default the fastest of this machine)"},
	{memory.Variable, "memory that tandem may use, such as 64GiB (default what this machine and its limits allow)"},
}

// overview lists the verbs.
func overview(w io.Writer) {
	fmt.Fprintf(w, "tandem trains deep Boltzmann machines, all layers at once.\n\nusage:\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  tandem %-32s %s\n", v.name+" "+v.arguments, v.summary)
	}
	fmt.Fprintf(w, "\nenvironment:\n")
	for _, v := range variables {
		fmt.Fprintf(w, "  %-16s %s\n", v[0], v[1])
	}
	fmt.Fprintf(w, "\nRUN is the folder of a run, or a model that tandem export wrote (.npz).\n")
	fmt.Fprintf(w, "tandem COMMAND --help lists a command's flags, and tandem help WORD finds a flag or a term. To "+
		"begin: "+
		"tandem train\n")
}

// hinter is an error that says what to do about it.
type hinter interface {
	error
	Hint() string
}

// undisguised returns the signal that ended a verb, where a reader has taken it for a
// damaged file. An error with a hint says what a signal has left, and stays.
func undisguised(err error) error {
	var signal signalError
	var hinted hinter
	if errors.As(err, &signal) && !errors.As(err, &hinted) {
		return signal
	}
	return err
}

// unread reports whether whoever reads the output has gone, of a verb whose work does not
// depend on it.
func (t *terminal) unread() bool {
	return errors.Is(t.out.err, syscall.EPIPE) && t.signals != nil && t.signals.doing() != ""
}

// exit prints an error, if there is one, and returns the exit code.
func (t *terminal) exit(err error) int {
	var hinted hinter
	var signal signalError
	var usage usageError
	switch {
	case (err == nil || errors.Is(err, flag.ErrHelp)) && (t.out.err == nil || t.unread()):
		return 0
	case err == nil:
		err = t.out.err
	}
	stopped := errors.As(err, &signal)
	if stopped {
		t.keep()
	}
	t.say("%v", err)
	if errors.As(err, &hinted) {
		t.say("hint: %s", hinted.Hint())
	}
	switch {
	case stopped:
		return signal.code
	case errors.As(err, &usage):
		return 2
	}
	return 1
}

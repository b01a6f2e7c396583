package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"tandem/internal/format"
	"tandem/internal/session"
)

// flags returns a command's flags, with a synopsis for its help. The usage of a flag that
// takes a value begins with the value's name in back quotes.
func flags(t *terminal, synopsis string) *flag.FlagSet {
	f := flag.NewFlagSet(strings.Fields(synopsis)[1], flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {
		if t.helps != nil {
			t.helps(f, synopsis)
			return
		}
		printHelp(t.out, f, synopsis, t.helpWidth())
	}
	return f
}

// given returns the names of the flags that were given.
func given(f *flag.FlagSet) map[string]bool {
	names := map[string]bool{}
	f.Visit(func(g *flag.Flag) { names[g.Name] = true })
	return names
}

// parse parses flags before, between and after the arguments, of which there must be as
// many as names. Those in brackets may be missing; of a last one with an ellipsis there
// may be more.
func parse(f *flag.FlagSet, args []string, names ...string) ([]string, error) {
	var found []string
	for {
		help := f.Usage
		f.Usage = func() {} // not for a mistake
		err := f.Parse(args)
		f.Usage = help
		if errors.Is(err, flag.ErrHelp) {
			help()
			return nil, err
		}
		if err != nil {
			return nil, usageError{fmt.Errorf("%s; tandem %s --help lists the flags", mistake(f, err), f.Name())}
		}
		if f.NArg() == 0 {
			break
		}
		found = append(found, f.Arg(0))
		args = f.Args()[1:]
	}
	if name := emptyFlag(f); name != "" {
		return nil, usageError{fmt.Errorf("--%s: \"\"; must not be empty", name)}
	}
	if len(found) > len(names) && (len(names) == 0 || !strings.Contains(names[len(names)-1], "…")) {
		return nil, usageError{unexpected(f, found[len(names)])}
	}
	if len(found) < len(names) && names[len(found)][0] != '[' {
		return nil, usageError{fmt.Errorf("%s is missing; see tandem %s --help", names[len(found)], f.Name())}
	}
	return found, nil
}

// unexpected returns the error of an argument too many, which may be examples.
func unexpected(f *flag.FlagSet, argument string) error {
	err := fmt.Errorf("unexpected argument %q", argument)
	if session.Readable(argument) == nil && f.Lookup("data") != nil {
		return hintedError{err, "--data " + format.Argument(argument) + " has its examples"}
	}
	return err
}

// emptyFlag returns the name of a flag that was given as nothing, as an unset variable of a
// shell does: a file, a folder, a word. Nothing stands for the embedded data alone.
func emptyFlag(f *flag.FlagSet) (name string) {
	f.Visit(func(given *flag.Flag) {
		if given.Value.String() == "" && given.Name != "data" {
			name = given.Name
		}
	})
	return name
}

// What package flag says of mistakes.
var (
	invalidValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-([^:]+): (.*)$`)
	noSuchFlag   = regexp.MustCompile(`(?s)^flag provided but not defined: -(.*)$`)
	noValue      = regexp.MustCompile(`(?s)^flag needs an argument: -(.*)$`)
)

// mistake returns what is wrong with a command line, of which package flag says it with one
// dash, and with the flag that may have been meant.
func mistake(f *flag.FlagSet, err error) string {
	said := err.Error()
	if m := invalidValue.FindStringSubmatch(said); m != nil {
		reason := m[3]
		if reason == "parse error" || reason == "value out of range" {
			reason = "not a value for it"
		}
		return fmt.Sprintf("--%s: %s: %s", m[2], m[1], reason)
	}
	if m := noValue.FindStringSubmatch(said); m != nil {
		return fmt.Sprintf("--%s needs a value", m[1])
	}
	if m := noSuchFlag.FindStringSubmatch(said); m != nil {
		var names []string
		f.VisitAll(func(g *flag.Flag) { names = append(names, g.Name) })
		like := format.Nearest(m[1], names)
		if like != "" {
			like = "--" + like
		}
		return fmt.Sprintf("there is no flag --%s%s", m[1], format.Meant(like))
	}
	return said
}

// asFlag returns an error of a setting with the name of its flag in place of that of its
// field in JSON.
func asFlag(f *flag.FlagSet, err error) error {
	field, rest, ok := strings.Cut(err.Error(), ":")
	name := strings.ReplaceAll(field, "_", "-")
	if !ok || f.Lookup(name) == nil {
		return err
	}
	return fmt.Errorf("--%s:%s", name, rest)
}

// describe returns the name of a flag with that of its value, and what it does.
func describe(g *flag.Flag) (name, usage string) {
	value, usage := flag.UnquoteUsage(g)
	usage = strings.TrimPrefix(usage, value+" ")
	switch g.DefValue {
	case "", "false", "0", "-1":
	default:
		usage += " (default " + g.DefValue + ")"
	}
	return strings.TrimSpace("--" + g.Name + " " + value), usage
}

// printHelp prints the help of a command in columns.
func printHelp(w io.Writer, f *flag.FlagSet, synopsis string, width int) {
	fmt.Fprintf(w, "usage: %s\n\n", synopsis)
	const indent = 33
	f.VisitAll(func(g *flag.Flag) {
		name, usage := describe(g)
		for i, line := range wrap(usage, max(width-indent, 30)) {
			if i == 0 {
				fmt.Fprintf(w, "  %-*s %s\n", indent-3, name, line)
			} else {
				fmt.Fprintf(w, "%*s%s\n", indent, "", line)
			}
		}
	})
}

// wrap cuts a text into lines of at most width characters, where words allow.
func wrap(text string, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"tandem/internal/format"
)

// terminal is where the output goes. Data goes to out. Messages go to err, begin
// with the program's name, start in lower case and end without a full stop.
// While something runs, err may show a line of progress: one that is redrawn if
// err is a terminal, else a plain line now and then.
type terminal struct {
	out     *checked
	err     io.Writer
	redraws bool // err is a terminal
	quiet   bool
	width   func() int
	columns int                                    // of out, if it is a terminal, else 0
	helps   func(f *flag.FlagSet, synopsis string) // what is done where a command would print its help; nil: that
	drawn   bool                                   // a progress line is on the screen
	last    time.Time                              // of the last progress line
	signals *signals                               // nil in tests
	guard   guard

	mutex sync.Mutex // of err and drawn: a signal prints from a goroutine of its own
}

// On a terminal progress is redrawn often; elsewhere lines pile up.
const (
	redrawEvery = 250 * time.Millisecond
	lineEvery   = 10 * time.Second
)

// checked is a writer that remembers the first error.
type checked struct {
	to  io.Writer
	err error
}

func (c *checked) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

func newTerminal(out, err *os.File) *terminal {
	fd := int(err.Fd())
	columns, _, _ := term.GetSize(int(out.Fd()))
	return &terminal{columns: columns, out: &checked{to: out}, err: err, redraws: term.IsTerminal(fd) &&
		os.Getenv("TERM") != "dumb", width: func() int {
		if w, _, err := term.GetSize(fd); err == nil && w > 0 {
			return w
		}
		return 80
	}}
}

// helpWidth returns the number of columns of help.
func (t *terminal) helpWidth() int {
	if t.columns > 0 {
		return t.columns
	}
	return 100
}

// printable returns a text as a terminal may show it. Names and messages may come from
// files that somebody else has made.
func printable(text string) string { return format.Printable(text) }

// say prints a message.
func (t *terminal) say(format string, args ...any) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.erase()
	fmt.Fprintf(t.err, "tandem: %s\n", shorten(printable(fmt.Sprintf(format, args...))))
}

// mostSaid is how many characters a message has at most: what it quotes may be as long as
// anybody likes.
const mostSaid = 5000

// shorten returns a message without its middle if it is longer than that.
func shorten(message string) string {
	characters := []rune(message)
	if len(characters) <= mostSaid {
		return message
	}
	return string(characters[:mostSaid/2]) + " … " + string(characters[len(characters)-mostSaid/2:])
}

// due reports whether it is time for another progress line.
func (t *terminal) due(now time.Time) bool {
	if t.quiet {
		return false
	}
	if t.redraws {
		return now.Sub(t.last) >= redrawEvery
	}
	return now.Sub(t.last) >= lineEvery
}

// progress shows a line of progress. On a terminal, the last fields are left out
// where it is too narrow for them.
func (t *terminal) progress(now time.Time, fields []string) {
	t.last = now
	if !t.redraws {
		t.line(fields)
		return
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	line := fields[0]
	for _, f := range fields[1:] {
		if utf8.RuneCountInString(line)+2+utf8.RuneCountInString(f) >= t.width() {
			break
		}
		line += "  " + f
	}
	fmt.Fprintf(t.err, "\r%s\x1b[K", cut(printable(line), t.width()-1))
	t.drawn = true
}

// cut returns at most so many characters of a line, and at least one: a line that wraps
// could not be redrawn.
func cut(line string, columns int) string {
	characters := []rune(line)
	return string(characters[:min(len(characters), max(columns, 1))])
}

// line prints fields as a line that stays.
func (t *terminal) line(fields []string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	fmt.Fprintln(t.err, printable(strings.Join(fields, "  ")))
}

// clear removes the progress line from the screen.
func (t *terminal) clear() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.erase()
}

func (t *terminal) erase() {
	if t.drawn {
		fmt.Fprint(t.err, "\r\x1b[K")
		t.drawn = false
	}
}

// keep leaves the progress line on the screen.
func (t *terminal) keep() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.drawn {
		fmt.Fprintln(t.err)
		t.drawn = false
	}
}

// table writes rows of two columns.
func table(w io.Writer, rows [][2]string) {
	wide := 0
	for _, r := range rows {
		wide = max(wide, utf8.RuneCountInString(r[0]))
	}
	for _, r := range rows {
		fmt.Fprintf(w, "%s%s  %s\n", printable(r[0]), strings.Repeat(" ", max(wide-utf8.RuneCountInString(r[0]), 0)),
			printable(r[1]))
	}
}

// stage returns what shows the progress of a long stage, by the fraction done.
func (t *terminal) stage(name string) func(done float64) {
	began := time.Now()
	t.last = began
	return func(done float64) {
		if now := time.Now(); t.due(now) {
			left := now.Sub(began).Seconds() * (1 - done) / max(done, 1e-9)
			t.progress(now, []string{fmt.Sprintf("%s: %.0f%%", name, 100*done), "ETA " + format.Duration(left)})
		}
	}
}

// count shows the progress of something that is counted: sweep 3 of 1,000.
func (t *terminal) count(what string, done, all int) {
	if now := time.Now(); t.due(now) {
		t.progress(now, []string{fmt.Sprintf("%s %s of %s", what, format.Count(uint64(done)), format.Count(uint64(all)))})
	}
}

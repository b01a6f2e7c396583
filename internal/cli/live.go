package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tandem/internal/format"
	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/internal/web"
)

// watching is where a live page is served, if it is: --live, --live=ADDR or --live ADDR.
type watching struct {
	on       bool
	address  string // "": any that is free
	listener net.Listener
}

// IsBoolFlag lets --live stand alone.
func (w *watching) IsBoolFlag() bool { return true }

func (w *watching) String() string {
	if w.on && w.address == "" {
		return "true"
	}
	return w.address
}

// Set takes true, false or an address.
func (w *watching) Set(text string) error {
	switch text {
	case "true", "false":
		w.on, w.address = text == "true", ""
	default:
		w.on, w.address = true, text
	}
	return nil
}

// flag defines the flag.
func (w *watching) flag(f *flag.FlagSet) {
	f.Var(w, "live", "a page for a browser on this machine that shows how the run fares, at `ADDR`, such as "+
		"localhost:8080 (default any port that is free)")
}

// parse parses flags and arguments as the function parse does, and takes an address behind --live,
// which stands as an argument too many.
func (w *watching) parse(f *flag.FlagSet, args []string, names ...string) ([]string, error) {
	found, err := parse(f, args, append(slices.Clone(names), "[ADDR]")...)
	if err != nil || len(found) <= len(names) {
		return found, err
	}
	if !w.on || w.address != "" {
		return nil, usageError{unexpected(f, found[len(names)])}
	}
	at := len(names) // the last one, unless another stands behind --live
	for i, arg := range args[:len(args)-1] {
		if k := slices.Index(found, args[i+1]); (arg == "--live" || arg == "-live") && k >= 0 {
			at = k
		}
	}
	w.address = found[at]
	return slices.Delete(found, at, at+1), nil
}

// close stops listening.
func (w *watching) close() {
	if w.listener != nil {
		w.listener.Close()
	}
}

// listen listens at the address, before anything else is done.
func (w *watching) listen() (err error) {
	if !w.on {
		return nil
	}
	address := w.address
	if address == "" {
		address = "localhost:0"
	}
	w.listener, err = web.Listen(address)
	var bad *web.AddressError
	if !errors.As(err, &bad) {
		return prefixed("live", err)
	}
	port := "8080"
	if _, given, split := net.SplitHostPort(address); split == nil && given != "" && given != "0" {
		port = given
	}
	return usageError{hintedError{prefixed("live", err), fmt.Sprintf("to see the page from another machine, leave it at "+
		"--live localhost:%s and run there: ssh -L %s:localhost:%s THIS-MACHINE", port, port, port)}}
}

// prefixed puts the name of a flag before an error, if there is one.
func prefixed(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// board serves the page of a run that is trained, until the context ends; nil where nobody asked
// for it.
func (w *watching) board(ctx context.Context, t *terminal, dir string) *web.Board {
	if w == nil || w.listener == nil {
		return nil
	}
	b := web.NewBoard(dir)
	t.sayPage(w.listener)
	go b.Watch(ctx)
	go func() {
		if err := web.Serve(ctx, w.listener, b.Handler()); err != nil {
			t.say("warning: live: the page is no longer served: %v", err)
		}
	}()
	return b
}

// sayPage says where the page is, as a link where the terminal knows links.
func (t *terminal) sayPage(l net.Listener) {
	address := fmt.Sprintf("http://%s/", l.Addr())
	if t.redraws {
		address = fmt.Sprintf("\x1b]8;;%s\x1b\\%s\x1b]8;;\x1b\\", address, address)
		t.mutex.Lock()
		defer t.mutex.Unlock()
		t.erase()
		fmt.Fprintf(t.err, "tandem: the live page is at %s\n", address) // say would show the link as it is written
		return
	}
	t.say("the live page is at %s", address)
}

// reporter tells a board how training is going. It is called by the goroutine that trains.
type reporter struct {
	board   *web.Board
	moments *moments
	last    time.Time // report
	drawn   time.Time // present picture
	took    time.Duration
}

// How often a board is told.
const (
	reportEvery = 250 * time.Millisecond
	drawShare   = 100 // a picture may take one part in so many of the time
	drawEvery   = 2 * time.Second
)

// tell tells the board what an event says, now and then.
func (r *reporter) tell(e *session.Event) {
	if r.board == nil || !e.Ends() && !e.Begins() && e.Time.Sub(r.last) < reportEvery {
		return
	}
	r.last = e.Time
	state := "training"
	if e.Layer > 0 {
		state = fmt.Sprintf("pretraining layer %d", e.Layer)
	}
	if e.Ends() {
		state = "finished"
	}
	if r.board.Wants() && e.Time.Sub(r.drawn) >= max(drawEvery, drawShare*r.took) {
		began := time.Now()
		if picture, err := r.moments.draw(e.State()); err == nil {
			r.board.Show(picture)
		}
		r.drawn = time.Now()
		r.took = r.drawn.Sub(began)
	}
	r.board.Report(web.Status{Update: e.Update, Rate: e.Rate, State: state})
}

// live is the verb that shows runs in a browser.
func live(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem live RUN|FOLDER… [flags]")
	w := &watching{on: true}
	f.StringVar(&w.address, "at", "", "`ADDR` of this machine to serve the page at, such as localhost:8080 (default any "+
		"port that is free)")
	found, err := parse(f, args, "RUN|FOLDER…")
	if err != nil {
		return err
	}
	folders, err := foldersOf(found)
	if err != nil {
		return err
	}
	if len(folders) > mostLive {
		return usageError{fmt.Errorf("%s; a page shows at most %d", format.Number(len(folders), "run"), mostLive)}
	}
	if err := w.listen(); err != nil {
		return err
	}
	b := web.NewBoard(folders...)
	t.sayPage(w.listener)
	t.say("%s; Ctrl-C ends the page", format.Number(len(folders), "run"))
	go b.Watch(ctx)
	if err := web.Serve(ctx, w.listener, b.Handler()); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// mostLive is the most runs of a page.
const mostLive = 100

// foldersOf returns the runs that names stand for, and those in folders of runs.
func foldersOf(names []string) (folders []string, err error) {
	for _, name := range names {
		these, err := runsIn(name)
		if err != nil {
			return nil, err
		}
		folders = append(folders, these...)
	}
	return folders, nil
}

// runsIn returns the run that a folder is, or the runs in it, in the order of their names.
func runsIn(name string) ([]string, error) {
	if runs.Has(name, runs.SettingsFile) && !isFile(name) {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, suggest(err, name)
	}
	var found []string
	for _, e := range entries {
		dir := filepath.Join(name, e.Name())
		if info, err := os.Stat(dir); err == nil && info.IsDir() && !strings.HasPrefix(e.Name(), ".") &&
			runs.Has(dir, runs.SettingsFile) {
			found = append(found, dir)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: neither a run nor a folder of runs", name)
	}
	slices.Sort(found)
	return found, nil
}

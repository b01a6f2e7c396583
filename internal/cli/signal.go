package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// signalError is the cause of a context that a signal has ended.
type signalError struct {
	name string
	code int // exit code
}

func (e signalError) Error() string { return "stopped by " + e.name }

// The signals that end a verb. A terminal that closes sends a hangup.
var signalErrors = map[os.Signal]signalError{
	os.Interrupt:    {"an interrupt", 130},
	syscall.SIGTERM: {"a request to terminate", 143},
	syscall.SIGHUP:  {"a hangup", 129},
}

const (
	// grace is how long a verb has to stop after a signal. One that is still busy then, as
	// with a file that does not answer, is ended.
	grace = 2 * time.Second
	// doubled is how soon after the first signal another one is the same one: some programs
	// send it to a process and then to its group.
	doubled = time.Second
)

// signals ends a context with the first signal. A second one ends the program at once.
type signals struct {
	c chan os.Signal

	mutex    sync.Mutex
	finishes func() string // what the work in progress does before it stops; nil: it just stops
}

// untilSignal returns a context that ends with the first signal. say prints a message; exit
// ends the program with an exit code.
func untilSignal(say func(message string), exit func(signalError)) (context.Context, *signals) {
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &signals{c: make(chan os.Signal, 2)}
	watched := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		watched = append(watched, syscall.SIGHUP)
	}
	signal.Notify(s.c, watched...)
	go func() {
		var first time.Time
		for sig := range s.c {
			e := signalErrors[sig]
			if ctx.Err() != nil {
				if time.Since(first) < doubled {
					continue
				}
				os.Exit(e.code)
			}
			first = time.Now()
			cancel(e)
			if doing := s.doing(); doing != "" {
				say(doing + "; a second signal ends tandem at once, without it")
				continue
			}
			time.AfterFunc(grace, func() {
				if s.doing() == "" {
					exit(e)
				}
			})
		}
	}()
	return ctx, s
}

// wait gives the work in progress all the time it needs to stop. finishes returns what it
// does in that time, for a message.
func (s *signals) wait(finishes func() string) {
	if s != nil {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.finishes = finishes
	}
}

// doing returns what the work in progress does before it stops, or "".
func (s *signals) doing() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.finishes == nil {
		return ""
	}
	return s.finishes()
}

// ignoreClosedPipes lets a run continue when whoever reads its messages has gone.
func ignoreClosedPipes() { signal.Ignore(syscall.SIGPIPE) }

package cli

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// signalError is the cause of a context that a signal has ended.
type signalError struct {
	name string
	code int // exit code
}

func (e signalError) Error() string { return "stopped by " + e.name }

// grace is how long a verb has to stop after a signal. One that is still busy then, as
// with a file that does not answer, is ended.
const grace = 2 * time.Second

// signals ends a context with the first SIGINT or SIGTERM. A second signal ends the program
// at once.
type signals struct {
	c       chan os.Signal
	patient atomic.Bool // the work in progress has all the time it needs, to write a checkpoint
}

// untilSignal returns a context that ends with the first signal. exit ends the program
// with an exit code.
func untilSignal(exit func(signalError)) (context.Context, *signals) {
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &signals{c: make(chan os.Signal, 2)}
	signal.Notify(s.c, os.Interrupt, syscall.SIGTERM)
	go func() {
		for sig := range s.c {
			e := signalError{"an interrupt", 130}
			if sig == syscall.SIGTERM {
				e = signalError{"a request to terminate", 143}
			}
			if ctx.Err() != nil {
				os.Exit(e.code)
			}
			cancel(e)
			time.AfterFunc(grace, func() {
				if !s.patient.Load() {
					exit(e)
				}
			})
		}
	}()
	return ctx, s
}

// wait gives the work in progress all the time it needs to stop.
func (s *signals) wait() {
	if s != nil {
		s.patient.Store(true)
	}
}

// ignoreClosedPipes lets a run continue when whoever reads its messages has gone.
func ignoreClosedPipes() { signal.Ignore(syscall.SIGPIPE) }

package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signalError is the cause of a context that a signal has ended.
type signalError struct {
	name string
	code int // exit code
}

func (e signalError) Error() string { return "stopped by " + e.name }

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. A second
// signal ends the program at once. release stops listening.
func untilSignal() (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	go func() {
		for sig := range c {
			e := signalError{"an interrupt", 130}
			if sig == syscall.SIGTERM {
				e = signalError{"a request to terminate", 143}
			}
			if ctx.Err() != nil {
				os.Exit(e.code)
			}
			cancel(e)
		}
	}()
	return ctx, func() {
		signal.Stop(c)
		close(c)
		cancel(nil)
	}
}

// ignoreClosedPipes lets a run continue when whoever reads its messages has gone.
func ignoreClosedPipes() { signal.Ignore(syscall.SIGPIPE) }

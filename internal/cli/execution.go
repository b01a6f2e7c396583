package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"runtime"
	runtimepprof "runtime/pprof"

	"tandem/internal/web"
)

// mostThreads is the most threads that --threads may ask for.
const mostThreads = 1024

// execution holds the options that do not affect the result: threads, profiles.
type execution struct {
	threads                           int
	cpuProfile, memoryProfile, listen string

	guard *guard
	say   func(format string, args ...any)
	ctx   context.Context // until the end
	stop  func()
	cpu   *bytes.Buffer // the CPU profile
}

// executionFlags defines the flags of an execution, and --quiet.
func executionFlags(f *flag.FlagSet, t *terminal) *execution {
	x := &execution{guard: &t.guard, say: t.say}
	x.threads = runtime.GOMAXPROCS(0)
	countVar(f, &x.threads, "threads", 1, mostThreads, "`N` threads (default one a core); they do not change the "+
		"numbers")
	f.Lookup("threads").DefValue = "" // not the same on all machines
	f.BoolVar(&t.quiet, "quiet", false, "show no progress")
	f.StringVar(&x.cpuProfile, "cpuprofile", "", "`FILE` for a CPU profile, for go tool pprof")
	f.StringVar(&x.memoryProfile, "memprofile", "", "`FILE` for a memory profile")
	f.StringVar(&x.listen, "pprof", "", "serve profiles at the local `ADDR`, such as localhost:6060")
	return x
}

// outputs returns the files that an execution writes.
func (x *execution) outputs() []output {
	return []output{{"cpuprofile", x.cpuProfile}, {"memprofile", x.memoryProfile}}
}

// begin starts the profiles that were asked for.
func (x *execution) begin(ctx context.Context) error {
	x.ctx, x.stop = context.WithCancel(context.WithoutCancel(ctx))
	if x.listen != "" {
		if err := x.serve(); err != nil {
			return fmt.Errorf("pprof: %w", err)
		}
	}
	if x.cpuProfile != "" {
		x.cpu = new(bytes.Buffer)
		if err := runtimepprof.StartCPUProfile(x.cpu); err != nil {
			return fmt.Errorf("cpuprofile: %w", err)
		}
	}
	return nil
}

// serve offers profiles over HTTP, to this machine only, until the end.
func (x *execution) serve() error {
	l, err := web.Listen(x.listen)
	var address *web.AddressError
	if errors.As(err, &address) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	x.say("profiles are at http://%s/debug/pprof/", l.Addr())
	go x.answer(l)
	return nil
}

// answer answers requests for profiles until the end. The work goes on where it cannot.
func (x *execution) answer(l net.Listener) {
	if err := web.Serve(x.ctx, l, web.Profiles()); err != nil {
		x.say("warning: pprof: profiles are no longer served: %v", err)
	}
}

// end writes what begin started, and joins what fails to err.
func (x *execution) end(err *error) {
	var failed []error
	if x.cpu != nil {
		runtimepprof.StopCPUProfile()
		failed = append(failed, x.guard.write(x.ctx, x.cpuProfile, func(w io.Writer) error {
			_, err := w.Write(x.cpu.Bytes())
			return err
		}))
	}
	if x.memoryProfile != "" {
		runtime.GC() // so that the profile has what is in use now
		failed = append(failed, x.guard.write(x.ctx, x.memoryProfile, runtimepprof.WriteHeapProfile))
	}
	x.stop()
	if profile := errors.Join(failed...); profile != nil {
		*err = errors.Join(*err, fmt.Errorf("profile: %w", profile))
	}
}

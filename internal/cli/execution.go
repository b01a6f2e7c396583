package cli

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	runtimepprof "runtime/pprof"
)

// execution holds the options that do not affect the result: threads, profiles.
type execution struct {
	threads                           int
	cpuProfile, memoryProfile, listen string

	cpu      *os.File
	listener net.Listener
}

// executionFlags defines the flags of an execution, and --quiet.
func executionFlags(f *flag.FlagSet, t *terminal) *execution {
	x := new(execution)
	f.IntVar(&x.threads, "threads", runtime.GOMAXPROCS(0), "`N` threads (default one a core); they do not change the "+
		"numbers")
	f.Lookup("threads").DefValue = "" // not the same on all machines
	f.BoolVar(&t.quiet, "quiet", false, "show no progress")
	f.StringVar(&x.cpuProfile, "cpuprofile", "", "`FILE` for a CPU profile, for go tool pprof")
	f.StringVar(&x.memoryProfile, "memprofile", "", "`FILE` for a memory profile")
	f.StringVar(&x.listen, "pprof", "", "serve profiles at the local `ADDR`, such as localhost:6060")
	return x
}

// begin starts the profiles that were asked for.
func (x *execution) begin() error {
	if x.threads < 1 || x.threads > 1024 {
		return usageError{fmt.Errorf("threads: %d; must be 1 to 1024", x.threads)}
	}
	if x.listen != "" {
		if err := x.serve(); err != nil {
			return fmt.Errorf("pprof: %w", err)
		}
	}
	if x.cpuProfile != "" {
		file, err := os.Create(x.cpuProfile)
		if err != nil {
			return fmt.Errorf("cpuprofile: %w", err)
		}
		if err := runtimepprof.StartCPUProfile(file); err != nil {
			file.Close()
			return fmt.Errorf("cpuprofile: %w", err)
		}
		x.cpu = file
	}
	return nil
}

// serve offers profiles over HTTP, to this machine only.
func (x *execution) serve() error {
	host, port, err := net.SplitHostPort(x.listen)
	if err != nil {
		return usageError{err}
	}
	if host == "" {
		host = "localhost"
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usageError{fmt.Errorf("%s is not a loopback address; profiles are for this machine only", host)}
	}
	x.listener, err = net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	go http.Serve(x.listener, mux)
	return nil
}

// end writes and closes what begin started, and joins what fails to err.
func (x *execution) end(err *error) {
	var failed []error
	if x.cpu != nil {
		runtimepprof.StopCPUProfile()
		failed = append(failed, x.cpu.Close())
	}
	if x.memoryProfile != "" {
		failed = append(failed, writeMemoryProfile(x.memoryProfile))
	}
	if x.listener != nil {
		failed = append(failed, x.listener.Close())
	}
	if profile := errors.Join(failed...); profile != nil {
		*err = errors.Join(*err, fmt.Errorf("profile: %w", profile))
	}
}

func writeMemoryProfile(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	runtime.GC() // so that the profile has what is in use now
	return errors.Join(runtimepprof.WriteHeapProfile(file), file.Close())
}

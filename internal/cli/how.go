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

// how is what can be said about training that does not change its numbers.
type how struct {
	threads                           int
	cpuProfile, memoryProfile, listen string

	cpu      *os.File
	listener net.Listener
}

func howFlags(f *flag.FlagSet, t *terminal) *how {
	h := new(how)
	f.IntVar(&h.threads, "threads", runtime.GOMAXPROCS(0), "`N` threads; they do not change the numbers")
	f.BoolVar(&t.quiet, "quiet", false, "no progress")
	f.StringVar(&h.cpuProfile, "cpuprofile", "", "`FILE` for a CPU profile, for go tool pprof")
	f.StringVar(&h.memoryProfile, "memprofile", "", "`FILE` for a memory profile")
	f.StringVar(&h.listen, "pprof", "", "`ADDR` on this machine to serve profiles at, such as localhost:6060")
	return h
}

// begin starts what was asked for.
func (h *how) begin() error {
	if h.threads < 1 || h.threads > 1024 {
		return usageError{fmt.Errorf("threads: %d; must be 1 to 1024", h.threads)}
	}
	if h.listen != "" {
		if err := h.serve(); err != nil {
			return fmt.Errorf("pprof: %w", err)
		}
	}
	if h.cpuProfile != "" {
		file, err := os.Create(h.cpuProfile)
		if err != nil {
			return fmt.Errorf("cpuprofile: %w", err)
		}
		if err := runtimepprof.StartCPUProfile(file); err != nil {
			file.Close()
			return fmt.Errorf("cpuprofile: %w", err)
		}
		h.cpu = file
	}
	return nil
}

// serve offers profiles over HTTP, to this machine only.
func (h *how) serve() error {
	host, port, err := net.SplitHostPort(h.listen)
	if err != nil {
		return usageError{err}
	}
	if host == "" {
		host = "localhost"
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usageError{fmt.Errorf("%s is not a loopback address; profiles are for this machine only", host)}
	}
	h.listener, err = net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	go http.Serve(h.listener, mux)
	return nil
}

// end writes and closes what begin started, and adds what fails to err.
func (h *how) end(err *error) {
	var failed []error
	if h.cpu != nil {
		runtimepprof.StopCPUProfile()
		failed = append(failed, h.cpu.Close())
	}
	if h.memoryProfile != "" {
		failed = append(failed, writeMemoryProfile(h.memoryProfile))
	}
	if h.listener != nil {
		failed = append(failed, h.listener.Close())
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
	runtime.GC() // so that it tells what is in use now
	return errors.Join(runtimepprof.WriteHeapProfile(file), file.Close())
}

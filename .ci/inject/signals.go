package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// signals ends training at random moments, by every signal that ends a process.
func (s *suite) signals() error {
	times := 15
	if s.long {
		times = 150
	}
	all := map[string]syscall.Signal{"SIGHUP": syscall.SIGHUP, "SIGINT": syscall.SIGINT, "SIGKILL": syscall.SIGKILL,
		"SIGTERM": syscall.SIGTERM}
	for _, name := range sortedKeys(all) {
		sig, r := all[name], s.begin(name+" at a random moment")
		for range times {
			r.injected++
			s.interrupt(r, sig)
		}
	}
	return nil
}

// interrupt resumes a run for many updates, ends it, and looks at what is left.
func (s *suite) interrupt(r *row, sig syscall.Signal) {
	if err := s.fresh("stopped"); err != nil {
		r.wrong(&r.panics, "%v", err)
		return
	}
	c := exec.Command(s.tandem, "resume", "stopped", "--updates", "4000000", "--threads", "1", "--quiet")
	c.Dir = s.dir
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Start(); err != nil {
		r.wrong(&r.panics, "%v", err)
		return
	}
	moment := time.Duration(s.random.IntN(400_000)) * time.Microsecond
	what := fmt.Sprintf("%v after %v", sig, moment)
	time.Sleep(moment)
	c.Process.Signal(sig)
	sent := time.Now()
	kill := time.AfterFunc(forStart, func() { c.Process.Signal(syscall.SIGQUIT) }) // prints where it is
	c.Wait()
	kill.Stop()
	if time.Since(sent) > patience {
		r.wrong(&r.hangs, "%s: ended %v later: %s", what, time.Since(sent), &said)
		return
	}
	at, sum, err := s.sum("stopped")
	if err != nil || at < before {
		r.wrong(&r.lost, "%s: update %d, %v", what, at, err)
		return
	}
	// Nothing happened to this one: it ends at the update where the other was stopped.
	os.RemoveAll(filepath.Join(s.dir, "same"))
	if at > before {
		same := append(s.training("same"), "--updates", fmt.Sprint(at), "--checkpoint-every", "4000000")
		if o := s.start(nil, same...); o.code != 0 {
			r.wrong(&r.panics, "%s: %s", what, o.said)
			return
		}
		if _, want, err := s.sum("same"); err != nil || sum != want {
			r.wrong(&r.lost, "%s: other numbers at update %d, %v", what, at, err)
			return
		}
	}
	r.survived++
}

package cli

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
)

// broken is a listener that fails.
type broken struct{ net.Listener }

func (broken) Accept() (net.Conn, error) { return nil, errors.New("no more files") }

// A server of profiles that fails says so, while the work goes on and shows its progress.
func TestProfilesThatFail(t *testing.T) {
	var said strings.Builder
	t2 := &terminal{err: &said, redraws: true, width: func() int { return 80 }}
	x := executionFlags(flags(t2, "tandem train"), t2)
	if err := x.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.answer(broken{l})
	}()
	for range 100 {
		t2.progress(t2.last, []string{"update 1"})
	}
	<-done
	const want = "tandem: warning: pprof: profiles are no longer served: no more files\n"
	if !strings.Contains(said.String(), want) {
		t.Errorf("%q has no %q", said.String(), want)
	}

	// Where port 0 has led is said.
	var where strings.Builder
	t3 := &terminal{err: &where}
	y := executionFlags(flags(t3, "tandem train"), t3)
	y.listen = "localhost:0"
	if err := y.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	said4, said6 := "are at http://127.0.0.1:", "are at http://[::1]:"
	if s := where.String(); !strings.Contains(s, said4) && !strings.Contains(s, said6) {
		t.Errorf("the address is not in %q", s)
	}
	y.stop()

	// The end of the work is no failure.
	said.Reset()
	l, err = net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	x.ctx = ctx
	cancel()
	x.answer(l)
	if said.Len() > 0 {
		t.Errorf("at the end: %q", said.String())
	}
}

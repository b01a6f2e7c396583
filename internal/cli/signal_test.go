package cli

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

// A signal that ends the reading of a file is told as a signal, not as a damaged file.
func TestSignalIsNotTakenForDamage(t *testing.T) {
	interrupt := signalError{"an interrupt", 130}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupt)
	_, _, err := readArchive(ctx, filepath.Join("..", "..", "testdata", "0.1.0", "runs.tar.gz"))
	if !errors.As(err, new(signalError)) {
		t.Fatalf("an interrupted read fails with %v", err)
	}
	if got := undisguised(err); got != interrupt {
		t.Errorf("%v becomes %v, want %v", err, got, interrupt)
	}
	kept := hintedError{err, "tandem resume run resumes it"}
	for _, want := range []error{nil, errors.New("damaged"), kept} {
		if got := undisguised(want); got != want {
			t.Errorf("%v becomes %v", want, got)
		}
	}
}

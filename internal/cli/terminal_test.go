package cli

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"tandem/internal/session"
)

// A line that wraps cannot be redrawn: each would stay on the screen.
func TestProgressFitsTheTerminal(t *testing.T) {
	fields := []string{"update 11,909 of 300,000 (3%)", "45725/s", "norm 2.02±0.04"}
	for columns, want := range map[int]string{
		200: "update 11,909 of 300,000 (3%)  45725/s  norm 2.02±0.04",
		40:  "update 11,909 of 300,000 (3%)  45725/s",
		30:  "update 11,909 of 300,000 (3%)",
		29:  "update 11,909 of 300,000 (3%",
		12:  "update 11,9",
		1:   "u",
	} {
		var b strings.Builder
		t2 := &terminal{err: &b, redraws: true, width: func() int { return columns }}
		t2.progress(time.Now(), fields)
		line, found := strings.CutSuffix(strings.TrimPrefix(b.String(), "\r"), "\x1b[K")
		if !found || line != want || utf8.RuneCountInString(line) >= max(columns, 2) {
			t.Errorf("%d columns: %q, want %q", columns, line, want)
		}
	}
	if got := cut("±±±", 2); got != "±±" {
		t.Errorf("cut in the middle of a character: %q", got)
	}
}

// What a message quotes may be as long as anybody likes.
func TestLongMessagesAreShortened(t *testing.T) {
	var b strings.Builder
	t2 := &terminal{err: &b}
	t2.say("begins %s ends", strings.Repeat("±", 100_000))
	if got := b.String(); utf8.RuneCountInString(got) > 6000 || !strings.HasPrefix(got, "tandem: begins ±") ||
		!strings.HasSuffix(got, "± ends\n") || !strings.Contains(got, "± … ±") {
		t.Errorf("%d characters: %.40q", len(got), got)
	}
}

// Room is made only where there was none.
func TestAdviceOnSaveErrors(t *testing.T) {
	for cause, room := range map[error]bool{syscall.ENOSPC: true, syscall.EFBIG: true, syscall.EMFILE: false,
		syscall.EACCES: false} {
		err := advise("run", &session.SaveError{Update: 5, Cause: fmt.Errorf("run/x: %w", cause)})
		var hinted hintedError
		if !errors.As(err, &hinted) || strings.Contains(hinted.Hint(), "make room") != room ||
			!strings.Contains(hinted.Hint(), "tandem resume run") {
			t.Errorf("%v: %v", cause, err)
		}
	}
}

func TestPace(t *testing.T) {
	for want, c := range map[string]struct {
		updates uint64
		seconds float64
	}{
		"1 update in 0s":                     {1, 0},
		"1 update in 0.1s (10 a second)":     {1, 0.1},
		"2,000 updates in 4s (500 a second)": {2000, 4},
		"30 updates in 0.1s (3000 a second)": {30, 0.01},
		"0 updates in 2s (0 a second)":       {0, 2},
	} {
		if got := pace(c.updates, c.seconds); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
}

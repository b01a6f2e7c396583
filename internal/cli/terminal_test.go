package cli

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
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

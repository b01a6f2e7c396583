package cli

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestWhole(t *testing.T) {
	for s, want := range map[string]uint64{"0": 0, "7": 7, "100000": 1e5, "100_000": 1e5, "1e5": 1e5, "1E5": 1e5,
		"1.5e3": 1500, "9007199254740992": 1 << 53, "18446744073709551615": 1<<64 - 1, "0e0": 0, "007": 7} {
		if n, ok := whole(s); !ok || n != want {
			t.Errorf("%q is %d, %v; want %d", s, n, ok, want)
		}
	}
	for _, s := range []string{"", "-1", "+1", "1.5", "1.5e0", "1e-1", "1e400", "1e-400", "1e19", "_1",
		"1_", "1__0", "0x10", "0x1p3",
		"1e1_0", "NaN", "Inf", "1 000", "1,000", "18446744073709551616", "e5", "-1e5"} {
		if n, ok := whole(s); ok {
			t.Errorf("%q is %d", s, n)
		}
	}
}

// program runs tandem within the test.
func program(t *testing.T, args ...string) (out, messages string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	here := &terminal{out: &checked{to: &stdout}, err: &stderr, width: func() int { return 80 }}
	code = run(t.Context(), here, &Machine{}, args)
	return stdout.String(), stderr.String(), code
}

// Every flag of a number, of every verb, rejects what is no such number, and says which flag
// that was. Counts have a range.
func TestFlagsOfNumbersHaveLimits(t *testing.T) {
	reference, _, code := program(t, "help", "--markdown")
	if code != 0 {
		t.Fatal("no reference")
	}
	verb, checked := "", 0
	for line := range strings.Lines(reference) {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			verb = strings.TrimSpace(name)
		}
		m := regexp.MustCompile("^\\| `--([a-z-]+) (N,N,…|N of|N|X,…|X)`").FindStringSubmatch(line)
		if m == nil {
			continue
		}
		checked++
		values := []string{"", "x", "NaN", "Inf", "-Inf", "1e400", "1e-400"}
		if m[2][0] == 'N' {
			values = append(values, "-1", "1.5", "18446744073709551616", "1e30")
			if m[1] != "seed" {
				values = append(values, "9223372036854775807", "18446744073709551615")
			}
		}
		for _, v := range values {
			_, messages, code := program(t, verb, "--"+m[1], v)
			if code != 2 || !strings.Contains(messages, "-"+m[1]+":") {
				t.Errorf("tandem %s --%s %q: exit code %d\n%s", verb, m[1], v, code, messages)
			}
			if m[2][0] == 'N' && !regexp.MustCompile(`from \d+ to \d+`).MatchString(messages) {
				t.Errorf("tandem %s --%s %q: no range in\n%s", verb, m[1], v, messages)
			}
		}
	}
	if checked < 60 {
		t.Errorf("only %d flags were found", checked)
	}
}

// What 0 once stood for in silence is said by leaving the flag out.
func TestZerosAreMistakes(t *testing.T) {
	for _, args := range [][]string{{"classify", "run", "--epochs", "0"}, {"classify", "run", "--labels", "0"},
		{"reproduce", "--scale", "0"}, {"reproduce", "--scale", "-1"}, {"reproduce", "--scale", "101"},
		{"bench", "--seconds", "0"}, {"bench", "--seconds", "1e9"}, {"resume", "run", "--updates", "0"},
		{"complete", "run", "--images", "0"}, {"complete", "run", "--sweeps", "0"},
		{"eval", "run", "--temps", "1"}, {"train", "--threads", "0"}, {"train", "--threads", "1025"},
		{"train", "--layers", "784,0"}, {"train", "--layers", "784,1e7"}, {"train", "--batch", "0"}} {
		_, messages, code := program(t, args...)
		if flag := strings.TrimPrefix(args[len(args)-2], "--"); code != 2 || !strings.Contains(messages, flag) {
			t.Errorf("tandem %v: exit code %d\n%s", args, code, messages)
		}
	}
}

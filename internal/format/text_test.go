package format

import (
	"bytes"
	"encoding/json"
	"runtime"
	"testing"
)

func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"plain, ö, 日本, 🙂":     "plain, ö, 日本, 🙂",
		"a\nb":                "a; b",
		"\x1b[2J":             `\u001b[2J`,
		"\x1b]0;title\x07":    `\u001b]0;title\u0007`,
		"\u009b2J":            `\u009b2J`,
		"a\rb\tc\x7f":         `a\u000db\u0009c\u007f`,
		"evil\u202egpj.exe":   `evil\u202egpj.exe`,
		"\u2066x\u2069":       `\u2066x\u2069`,
		"\xffbytes\xc3":       `\xffbytes\xc3`,
		"line\u2028and\u2029": `line\u2028and\u2029`,
	} {
		if got := Printable(s); got != want {
			t.Errorf("%q became %q; want %q", s, got, want)
		}
	}
}

func TestArgument(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("another shell")
	}
	for s, want := range map[string]string{
		"runs/a-b_1.npz": "runs/a-b_1.npz", "ä/日": "ä/日", "": "''", "a b": "'a b'", "$x": "'$x'", "it's": `'it'\''s'`,
		"a;b": "'a;b'", "~": "'~'", "*": "'*'", "a\nb": "'a\nb'",
	} {
		if got := Argument(s); got != want {
			t.Errorf("%q became %s; want %s", s, got, want)
		}
	}
}

// JSON for a terminal has no control characters, and means the same.
func TestJSONIsPrintable(t *testing.T) {
	const s = "a<b & \x1b[2J \u009b \x7f \u202e é"
	var b bytes.Buffer
	if err := JSON(&b, map[string]string{"x": s}); err != nil {
		t.Fatal(err)
	}
	if want := "{\n  \"x\": \"a<b & \\u001b[2J \\u009b \\u007f \\u202e é\"\n}\n"; b.String() != want {
		t.Errorf("JSON %q; want %q", b.String(), want)
	}
	var back map[string]string
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back["x"] != s {
		t.Errorf("read back as %q, %v", back["x"], err)
	}
}

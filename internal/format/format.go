// Package format writes numbers, durations and shapes for people, and JSON for programs.
package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// Count returns a number with commas between groups of three digits.
func Count(n uint64) string { return humanize.Comma(int64(min(n, math.MaxInt64))) }

// Plural returns a noun, with an s or es unless n is 1.
func Plural(n int, noun string) string {
	switch {
	case n == 1:
		return noun
	case strings.HasSuffix(noun, "s"):
		return noun + "es"
	}
	return noun + "s"
}

// Number returns a number with its noun: 1 image, 10,000 images.
func Number(n int, noun string) string { return Count(uint64(n)) + " " + Plural(n, noun) }

// Percents returns fractions as percentages with slashes between them, without the sign.
func Percents(fractions []float64) string {
	words := make([]string, len(fractions))
	for i, x := range fractions {
		words[i] = strings.TrimSuffix(fmt.Sprintf("%.1f", 100*x), ".0")
	}
	return strings.Join(words, "/")
}

// Percent returns a fraction as a percentage.
func Percent(fraction float64) string { return Percents([]float64{fraction}) + "%" }

// Shape returns the sizes of layers with dashes between them.
func Shape(layers []int) string { return join(layers, "-") }

// List returns numbers with commas between them.
func List[T any](values []T) string { return join(values, ",") }

func join[T any](values []T, separator string) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, separator)
}

// Duration returns a duration in its two largest units.
func Duration(seconds float64) string {
	d := time.Duration(min(seconds, 1e9) * float64(time.Second)).Round(time.Second)
	switch h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60; {
	case h > 0:
		return fmt.Sprintf("%dh%02dm", h, m)
	case m > 0:
		return fmt.Sprintf("%dm%02ds", m, s)
	case s == 0 && seconds > 0:
		return fmt.Sprintf("%.1fs", max(seconds, 0.1))
	default:
		return fmt.Sprintf("%ds", s)
	}
}

// JSON writes indented JSON and a newline. Paths keep their & and <. Characters that a
// terminal might obey become escapes.
func JSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, escapeJSON(b.String()))
	return err
}

// escapeJSON escapes what encoding/json leaves in strings. Outside strings JSON has no such
// characters but newlines.
func escapeJSON(s string) string {
	hidden := func(r rune) bool { return r != '\n' && r != utf8.RuneError && unprintable(r) }
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Package format writes numbers, durations and shapes for people, and JSON for programs.
package format

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Count returns a number with commas between groups of three digits.
func Count(n uint64) string { return humanize.Comma(int64(min(n, math.MaxInt64))) }

// Plural returns a noun, with an s unless n is 1.
func Plural(n int, noun string) string {
	if n == 1 {
		return noun
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
	default:
		return fmt.Sprintf("%ds", s)
	}
}

// JSON writes indented JSON and a newline. Paths keep their & and <.
func JSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

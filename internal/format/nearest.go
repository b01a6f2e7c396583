package format

import (
	"fmt"
	"strings"
)

// Nearest returns the name that a word with a mistake in it may have been meant as, in whatever
// case, or "".
func Nearest(word string, names []string) string {
	if len(word) < 3 { // any other is as near
		return ""
	}
	best, least := "", min(3, (len(word)+2)/3+1) // more changes than this make another word
	for _, name := range names {
		if d := changes(strings.ToLower(word), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	for _, name := range names {
		if best == "" && strings.HasPrefix(strings.ToLower(name), strings.ToLower(word)) {
			best = name
		}
	}
	return best
}

// Meant returns the question whether a name was meant, to end an error with; "" for none.
func Meant(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", name)
}

// changes returns how many letters must be added, removed or replaced to make one word of
// another (Levenshtein).
func changes(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

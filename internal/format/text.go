package format

import (
	"fmt"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns a text, which may come from a file that somebody else has made, so
// that a terminal shows it and obeys nothing in it: control characters, those that turn the
// direction of writing, and bytes that are not UTF-8 become escapes. A newline becomes a
// semicolon.
func Printable(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\n':
			b.WriteString("; ")
		case unprintable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// unprintable reports whether a terminal may do with a character what nobody sees.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError || r == '\u2028' ||
		r == '\u2029'
}

// Argument returns a word as a shell takes it: quoted where it has other than letters,
// digits and harmless signs.
func Argument(word string) string {
	harmless := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(`_./:@%+=,-`, r) ||
			r == '\\' && runtime.GOOS == "windows"
	}
	switch {
	case word != "" && strings.IndexFunc(word, func(r rune) bool { return !harmless(r) }) < 0:
		return word
	case runtime.GOOS == "windows":
		return `"` + word + `"`
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

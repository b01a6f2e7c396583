package figure

import (
	"image"
	"strings"
	"unicode/utf8"
)

// Sizes of text in pixels. All letters have the same width.
const (
	letter    = 7  // from one letter to the next
	above     = 2  // from the top of a line to the top of its letters
	letterFit = 40 // letters in a line that a panel is widened for
)

// textWidth is the width in pixels of a column that holds a text and something
// else that is width wide.
func textWidth(text string, width int) int {
	n := utf8.RuneCountInString(strings.Join(strings.Fields(text), " "))
	return max(width, min(n, letterFit)*letter)
}

// wrap cuts a text into lines that are at most width pixels wide, between words
// where it can.
func wrap(text string, width int) []string {
	most := max(1, width/letter)
	var lines []string
	var line []rune
	for _, field := range strings.Fields(text) {
		word := []rune(field)
		if len(line) > 0 && len(line)+1+len(word) <= most {
			line = append(append(line, ' '), word...)
			continue
		}
		if len(line) > 0 {
			lines = append(lines, string(line))
		}
		for len(word) > most {
			lines = append(lines, string(word[:most]))
			word = word[most:]
		}
		line = word
	}
	if len(line) > 0 {
		lines = append(lines, string(line))
	}
	return lines
}

// write writes lines, the first with its top left corner at x, y.
func write(img *image.Paletted, lines []string, x, y int, ink uint8) {
	for i, line := range lines {
		for j, r := range []rune(line) {
			for row, pixels := range glyph(r) {
				for column, p := range pixels {
					if p == '#' {
						img.SetColorIndex(x+j*letter+column, y+i*leading+above+row, ink)
					}
				}
			}
		}
	}
}

// writeUp writes a line from bottom to top, with the left edge of its letters' cells at x and
// its beginning at y.
func writeUp(img *image.Paletted, line string, x, y int, ink uint8) {
	for j, r := range []rune(line) {
		for row, pixels := range glyph(r) {
			for column, p := range pixels {
				if p == '#' {
					img.SetColorIndex(x+row, y-1-j*letter-column, ink)
				}
			}
		}
	}
}

package figure

import (
	"image"
	"image/color"
	"strings"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Sizes of the one font there is, in pixels. All letters have the same width, and
// the last column of it is empty.
const (
	letter    = 7  // from one letter to the next
	ascent    = 11 // of a line
	letterFit = 40 // letters in a line that a panel is widened for
)

// part is a letter that is moved up by some pixels.
type part struct {
	letter rune
	up     int
}

// composed returns the parts of a sign. The font has ASCII alone; captions need a
// few signs more. Any other is a question mark: the font's own box looks like a 0.
func composed(r rune) []part {
	switch r {
	case '±':
		return []part{{'+', 1}, {'-', -4}}
	case '×':
		return []part{{'x', 1}}
	case '−', '–':
		return []part{{'-', 0}}
	case '·':
		return []part{{'.', 3}}
	}
	if r < ' ' || r > '~' {
		r = '?'
	}
	return []part{{r, 0}}
}

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
func write(img *image.Gray, lines []string, x, y int, ink uint8) {
	d := font.Drawer{Dst: img, Src: image.NewUniform(color.Gray{Y: ink}), Face: basicfont.Face7x13}
	for i, line := range lines {
		for j, r := range []rune(line) {
			for _, p := range composed(r) {
				d.Dot = fixed.P(x+j*letter, y+i*leading+ascent-p.up)
				d.DrawString(string(p.letter))
			}
		}
	}
}

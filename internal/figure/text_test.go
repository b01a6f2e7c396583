package figure

import (
	"image"
	"slices"
	"strings"
	"testing"
)

// ink returns the box around all pixels of one grey in part of a picture, and
// their number.
func ink(img *image.Paletted, part image.Rectangle, grey uint8) (box image.Rectangle, n int) {
	part = part.Intersect(img.Rect)
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			if img.ColorIndexAt(x, y) == grey {
				box = box.Union(image.Rect(x, y, x+1, y+1))
				n++
			}
		}
	}
	return box, n
}

// letterInk draws one letter far from any edge and returns the box around it,
// relative to where it was asked for, and its pixels.
func letterInk(r rune) (image.Rectangle, int) {
	img := newPicture(image.Rect(0, 0, 60, 60))
	write(img, []string{string(r)}, 20, 20, 200)
	box, n := ink(img, img.Rect, 200)
	return box.Sub(image.Pt(20, 20)), n
}

func textInk(text string) int {
	total := 0
	for _, r := range text {
		_, n := letterInk(r)
		total += n
	}
	return total
}

// No text may lose a pixel, to an edge, a tile or other text, nor leave its panel.
func TestTextIsWhole(t *testing.T) {
	short := "layer 1: 5 units"
	long := "layer 2: 500 units, live 99.4%, noise 0.6%, duplicate 0.0%, norm 2.27 ± 0.03, 28 × 28, −1–1 gjpqy_|"
	word := strings.Repeat("a_very_long_word/", 12)
	for _, test := range []struct {
		name  string
		title string
		one   string
		two   string
		n     int // tiles of the first grid, side by side
	}{
		{"short", "title", short, short, 6},
		{"second wrapped", "title", short, long, 6},
		{"first wrapped", "title", long, short, 6},
		{"wrapped over a wide grid", "title", long + " " + long, long, 10},
		{"narrow grids", long, long, long, 1},
		{"long words", word, word, word + " " + word, 2},
		{"one caption", "", "", long, 3},
		{"no caption", long + long + long, "", "", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			one := Grid{Caption: test.one, Tiles: make([]float32, test.n*28*28), Rows: 28, Columns: 28, Across: test.n}
			two := Grid{Caption: test.two, Tiles: make([]float32, 28*28), Rows: 28, Columns: 28}
			img, err := Draw(test.title, one, two)
			if err != nil {
				t.Fatal(err)
			}

			inner := img.Rect.Inset(margin)
			if box, n := ink(img, img.Rect, titleInk); n != textInk(test.title) || !box.In(inner) {
				t.Errorf("title: %d pixels in %v, want %d in %v", n, box, textInk(test.title), inner)
			}
			tiles, n := ink(img, img.Rect, zero)
			if n != (test.n+1)*56*56 || !tiles.In(inner) {
				t.Errorf("tiles: %d pixels in %v, want %d in %v", n, tiles, (test.n+1)*56*56, inner)
			}
			// The second grid begins with the last tile of the row.
			left := tiles.Max.X - 56
			titleBottom := margin
			if box, n := ink(img, img.Rect, titleInk); n > 0 {
				titleBottom = box.Max.Y
			}
			for i, panel := range []struct {
				caption string
				x0, x1  int
			}{{test.one, margin, left - between}, {test.two, left, inner.Max.X}} {
				part := image.Rect(panel.x0, titleBottom, panel.x1, tiles.Min.Y)
				if box, n := ink(img, part, captionInk); n != textInk(panel.caption) {
					t.Errorf("caption %d: %d pixels in %v, want %d", i+1, n, box, textInk(panel.caption))
				} else if n > 0 && tiles.Min.Y-box.Max.Y > leading {
					t.Errorf("caption %d ends %d pixels above its grid", i+1, tiles.Min.Y-box.Max.Y)
				}
			}
		})
	}
}

func TestTextWidens(t *testing.T) {
	for _, test := range []struct{ letters, tiles, want int }{
		{0, 1, 56}, {8, 1, 56}, {9, 1, 63}, {40, 1, 280}, {41, 1, 280}, {400, 1, 280}, {400, 10, 578},
	} {
		text := strings.Repeat("x", test.letters)
		grid := Grid{Tiles: make([]float32, test.tiles*28*28), Rows: 28, Columns: 28, Across: test.tiles}
		captioned := grid
		captioned.Caption = text
		for what, draw := range map[string]func() (*image.Paletted, error){
			"caption": func() (*image.Paletted, error) { return Draw("", captioned) },
			"title":   func() (*image.Paletted, error) { return Draw(text, grid) },
		} {
			img, err := draw()
			if err != nil {
				t.Fatal(err)
			}
			if got := img.Bounds().Dx() - 2*margin; got != test.want {
				t.Errorf("a %s of %d letters over %d tiles: %d pixels wide, want %d", what, test.letters, test.tiles, got,
					test.want)
			}
		}
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text    string
		letters int
		want    []string
	}{
		{"", 10, nil},
		{" \n\t ", 10, nil},
		{"one two", 7, []string{"one two"}},
		{"one two", 6, []string{"one", "two"}},
		{" one \n two  ", 7, []string{"one two"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"abcdefgh", 3, []string{"abc", "def", "gh"}},
		{"a bcdefgh i", 3, []string{"a", "bcd", "efg", "h i"}},
		{"abc def", 3, []string{"abc", "def"}},
		{"±±± ±", 5, []string{"±±± ±"}},
		{"ab", 0, []string{"a", "b"}},
	} {
		if got := wrap(test.text, test.letters*letter); !slices.Equal(got, test.want) {
			t.Errorf("%q in lines of %d: %q, want %q", test.text, test.letters, got, test.want)
		}
	}
	if got := wrap("abcd", 4*letter-1); len(got) != 2 {
		t.Errorf("a line one pixel too narrow: %q", got)
	}
}

// Letters that stay within their cells cannot touch those beside or below them.
func TestLettersStayInTheirCells(t *testing.T) {
	for _, r := range strings.TrimSpace(allLetters()) {
		box, n := letterInk(r)
		if n == 0 || !box.In(image.Rect(0, 0, letter-1, leading)) {
			t.Errorf("%c takes up %v", r, box)
		}
	}
}

func TestFontIsWhole(t *testing.T) {
	if rows := ('~' - ' ' + 1 + len([]rune(signs)) + fontAcross - 1) / fontAcross; len(fontLines) != rows*fontHeight {
		t.Fatalf("the font has %d lines, want %d", len(fontLines), rows*fontHeight)
	}
	seen := map[string]rune{}
	for i, r := range []rune(allLetters()) {
		shape := strings.Join(glyph(r), "\n")
		if strings.Trim(shape, ".#\n") != "" {
			t.Errorf("%c has more than ink and paper", r)
		}
		if other, ok := seen[shape]; ok && string(other)+string(r) != "–−" {
			t.Errorf("%c looks like %c", r, other)
		}
		seen[shape] = r
		if row := fontLines[i/fontAcross*fontHeight]; len(row) < (i%fontAcross+1)*letter {
			t.Errorf("the line of %c is too short", r)
		}
	}
	for _, r := range "é\x00\x1f\x7f\u00a0\ufffd" {
		if !slices.Equal(glyph(r), glyph('?')) {
			t.Errorf("%q is not drawn as a question mark", r)
		}
	}
}

// allLetters is what the font has.
func allLetters() string {
	var all []rune
	for r := ' '; r <= '~'; r++ {
		all = append(all, r)
	}
	return string(all) + signs
}

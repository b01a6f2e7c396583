package figure

import (
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"unicode/utf8"
)

// Scale says how numbers become colours. What is not finite is mid grey in any.
type Scale uint8

// The scales.
const (
	// Symmetric scales each tile by its own largest magnitude m: −m is blue, 0 white, m red; a
	// tile of zeros is white.
	Symmetric Scale = iota
	Unit            // 0 is black, 1 white, and what lies beyond is as the nearer of them
)

// Grid is a number of pictures of one size, the tiles, in rows and columns, the
// first at the top left and the next to the right of it.
type Grid struct {
	Caption       string    // which tiles they are, and of how many if some were left out
	Labels        []string  // of the tiles, below each, as much of it as there is room for; none: no room for them
	Tiles         []float32 // tiles × rows × columns, row-major; at least one tile; one of NaN alone is left out
	Rows, Columns int       // of a tile; a single row is no image and is folded into a near-square block
	Across        int       // most tiles side by side; 0: so many that the grid is near square
	Scale         Scale
	Zoom          int      // pixels across one value, to 64; 0: so many that a tile is at most 64 pixels across
	Names         []string // of the columns of a tile, below the last row of tiles; none where they are too narrow
	Bar           bool     // a bar below the tiles shows the scale
}

const (
	maxZoom = 64
	tileFit = 64 // pixels across a tile where Zoom is 0, if it has no more values than that

	nameWidth = fontHeight // pixels of a column that has room for its name
	nameMost  = 24         // letters of a name

	barWidth, barHeight = 127, 8
	barGap              = 6
)

// panel is a grid laid out.
type panel struct {
	*Grid
	n, across, down int      // tiles
	rows, columns   int      // of a tile as it is drawn
	zoom, gap       int      // pixels
	label           int      // pixels below a tile for its label
	names           int      // pixels below all tiles for the names of columns
	bar             int      // and for the bar of the scale
	width           int      // of the grid or the caption, pixels
	caption         []string // lines
}

func newPanel(g *Grid) (panel, error) {
	switch {
	case g.Rows < 1 || g.Columns < 1:
		return panel{}, fmt.Errorf("tiles of %d rows × %d columns; both must be at least 1", g.Rows, g.Columns)
	case len(g.Tiles) == 0:
		return panel{}, errors.New("it has no tiles")
	case g.Columns > len(g.Tiles)/g.Rows || len(g.Tiles)%(g.Rows*g.Columns) != 0:
		return panel{}, fmt.Errorf("%d values are no whole number of tiles of %d rows × %d columns", len(g.Tiles), g.Rows,
			g.Columns)
	case g.Across < 0:
		return panel{}, fmt.Errorf("%d tiles across; must not be below 0", g.Across)
	case g.Zoom < 0 || g.Zoom > maxZoom:
		return panel{}, fmt.Errorf("zoom %d; must be 0 to %d", g.Zoom, maxZoom)
	case g.Scale > Unit:
		return panel{}, fmt.Errorf("there is no scale %d", g.Scale)
	case len(g.Names) > 0 && len(g.Names) != g.Columns:
		return panel{}, fmt.Errorf("%d names of %d columns", len(g.Names), g.Columns)
	case len(g.Labels) > len(g.Tiles)/(g.Rows*g.Columns):
		return panel{}, fmt.Errorf("%d labels for %d tiles", len(g.Labels), len(g.Tiles)/(g.Rows*g.Columns))
	}
	p := panel{Grid: g, n: len(g.Tiles) / (g.Rows * g.Columns), rows: g.Rows, columns: g.Columns, across: g.Across,
		zoom: g.Zoom}
	if p.rows == 1 {
		p.columns = nearSquare(g.Columns, 1, 1)
		p.rows = over(g.Columns, p.columns)
	}
	if p.zoom == 0 {
		p.zoom = max(1, tileFit/max(p.rows, p.columns))
	}
	p.gap = min(p.zoom, 2)
	if len(g.Labels) > 0 {
		p.label = leading
	}
	if p.across == 0 {
		p.across = nearSquare(p.n, p.columns*p.zoom+p.gap, p.rows*p.zoom+p.label+p.gap)
	}
	p.across = min(p.across, p.n)
	p.down = over(p.n, p.across)
	p.width = p.across*(p.columns*p.zoom+p.gap) - p.gap
	if len(g.Names) > 0 && p.zoom >= nameWidth && p.rows == g.Rows {
		longest := 0
		for _, name := range g.Names {
			longest = max(longest, min(utf8.RuneCountInString(name), nameMost))
		}
		p.names = longest*letter + textGap
	}
	if g.Bar {
		p.bar = barGap + leading
		p.width = max(p.width, barWidth+2*letter*5)
	}
	p.width = textWidth(g.Caption, p.width)
	p.caption = wrap(g.Caption, p.width)
	return p, nil
}

func (p *panel) height() int {
	return p.down*(p.rows*p.zoom+p.label+p.gap) - p.gap + p.names + p.bar
}

// nearSquare is how many of n boxes, width × height each, stand side by side in
// the narrowest block that is not higher than it is wide.
func nearSquare(n, width, height int) int {
	across := 1
	for across < n && across*width < over(n, across)*height {
		across++
	}
	return across
}

// over is a/b rounded up.
func over(a, b int) int { return (a + b - 1) / b }

// draw draws the tiles, the first with its top left corner at x, y.
func (p *panel) draw(img *image.Paletted, x, y int) {
	size := p.Rows * p.Columns
	for t := range p.n {
		tile := p.Tiles[t*size : (t+1)*size]
		if isBlank(tile) {
			continue
		}
		ink := p.Scale.inks(tile)
		left := x + t%p.across*(p.columns*p.zoom+p.gap)
		top := y + t/p.across*(p.rows*p.zoom+p.label+p.gap)
		p.fence(img, t, left, top)
		if t < len(p.Labels) {
			word := []rune(p.Labels[t])
			word = word[:min(len(word), p.columns*p.zoom/letter)]
			write(img, []string{string(word)}, left+(p.columns*p.zoom-len(word)*letter)/2, top+p.rows*p.zoom, captionInk)
		}
		for i, v := range tile {
			c := ink(v)
			at := img.PixOffset(left+i%p.columns*p.zoom, top+i/p.columns*p.zoom)
			for range p.zoom {
				for j := range p.zoom {
					img.Pix[at+j] = c
				}
				at += img.Stride
			}
		}
	}
	p.below(img, x, y+p.down*(p.rows*p.zoom+p.label+p.gap)-p.gap)
}

// isBlank reports whether a tile has no number at all.
func isBlank(tile []float32) bool {
	return !slices.ContainsFunc(tile, func(v float32) bool { return v == v })
}

// fence draws what stands between a tile and those to the right of it and below.
func (p *panel) fence(img *image.Paletted, t, left, top int) {
	right, bottom := left+p.columns*p.zoom, top+p.rows*p.zoom
	if t%p.across+1 < p.across && t+1 < p.n {
		fill(img, image.Rect(right, top, right+p.gap, bottom), gutter)
	}
	if p.label == 0 && t+p.across < p.n {
		fill(img, image.Rect(left, bottom, right, bottom+p.gap), gutter)
		if t%p.across+1 < p.across && t+1 < p.n {
			fill(img, image.Rect(right, bottom, right+p.gap, bottom+p.gap), gutter)
		}
	}
}

// below draws the names of columns and the bar of the scale, from x and y on.
func (p *panel) below(img *image.Paletted, x, y int) {
	if p.names > 0 {
		for t := range min(p.across, p.n) {
			left := x + t*(p.columns*p.zoom+p.gap)
			for i, name := range p.Names {
				word := []rune(name)
				word = word[:min(len(word), nameMost)]
				writeUp(img, string(word), left+i*p.zoom+(p.zoom-fontHeight)/2, y+textGap+len(word)*letter, captionInk)
			}
		}
		y += p.names
	}
	if p.bar == 0 {
		return
	}
	from, to, first, last := "-max", "max", lowest, highest
	if p.Scale == Unit {
		from, to, first, last = "0", "1", black, white
	}
	y += barGap
	write(img, []string{from}, x, y-2, captionInk)
	x += (len(from) + 1) * letter
	for i := range barWidth {
		fill(img, image.Rect(x+i, y, x+i+1, y+barHeight), uint8(first+i*(last-first)/(barWidth-1)))
	}
	write(img, []string{to}, x+barWidth+letter, y-2, captionInk)
}

// inks returns the colour of each number of a tile. The products are exact in
// float64, so that no machine rounds them otherwise.
func (s Scale) inks(tile []float32) func(float32) uint8 {
	scale := func(v float64) float64 { return black + (white-black)*min(max(v, 0), 1) }
	if s == Symmetric {
		m := float64(math.SmallestNonzeroFloat32) // so that a tile of zeros divides by something
		for _, v := range tile {
			if a := math.Abs(float64(v)); a > m && !math.IsInf(a, 0) {
				m = a
			}
		}
		scale = func(v float64) float64 { return zero + (highest-zero)*v/m }
	}
	return func(v float32) uint8 {
		x := float64(v)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return half
		}
		return uint8(scale(x) + 0.5)
	}
}

package figure

import (
	"errors"
	"fmt"
	"image"
	"math"
)

// Scale says how numbers become greys. What is not finite is mid grey in any.
type Scale uint8

// The scales.
const (
	// Symmetric scales each tile by its own largest magnitude m: −m is black, 0 mid grey, m
	// white; a tile of zeros is mid grey.
	Symmetric Scale = iota
	Unit            // 0 is black, 1 white, and what lies beyond is as the nearer of them
)

// Grid is a number of pictures of one size, the tiles, in rows and columns, the
// first at the top left and the next to the right of it.
type Grid struct {
	Caption       string    // which tiles they are, and of how many if some were left out
	Labels        []string  // of the tiles, below each, as much of it as there is room for; none: no room for them
	Tiles         []float32 // tiles × rows × columns, row-major; at least one tile
	Rows, Columns int       // of a tile; a single row is no image and is folded into a near-square block
	Across        int       // most tiles side by side; 0: so many that the grid is near square
	Scale         Scale
	Zoom          int // pixels across one value, to 64; 0: so many that a tile is at most 64 pixels across
}

const (
	maxZoom = 64
	tileFit = 64 // pixels across a tile where Zoom is 0, if it has no more values than that
	midGrey = 128
)

// panel is a grid laid out.
type panel struct {
	*Grid
	n, across, down int      // tiles
	rows, columns   int      // of a tile as it is drawn
	zoom, gap       int      // pixels
	label           int      // pixels below a tile for its label
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
	p.width = textWidth(g.Caption, p.across*(p.columns*p.zoom+p.gap)-p.gap)
	p.caption = wrap(g.Caption, p.width)
	return p, nil
}

func (p *panel) height() int { return p.down*(p.rows*p.zoom+p.label+p.gap) - p.gap }

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
func (p *panel) draw(img *image.Gray, x, y int) {
	size := p.Rows * p.Columns
	for t := range p.n {
		tile := p.Tiles[t*size : (t+1)*size]
		grey := p.Scale.greys(tile)
		left := x + t%p.across*(p.columns*p.zoom+p.gap)
		top := y + t/p.across*(p.rows*p.zoom+p.label+p.gap)
		if t < len(p.Labels) {
			word := []rune(p.Labels[t])
			word = word[:min(len(word), p.columns*p.zoom/letter)]
			write(img, []string{string(word)}, left+(p.columns*p.zoom-len(word)*letter)/2, top+p.rows*p.zoom, captionInk)
		}
		for i, v := range tile {
			c := grey(v)
			at := img.PixOffset(left+i%p.columns*p.zoom, top+i/p.columns*p.zoom)
			for range p.zoom {
				for j := range p.zoom {
					img.Pix[at+j] = c
				}
				at += img.Stride
			}
		}
	}
}

// greys returns the grey of each number of a tile. The products are exact in
// float64, so that no machine rounds them otherwise.
func (s Scale) greys(tile []float32) func(float32) uint8 {
	scale := func(v float64) float64 { return 255 * min(max(v, 0), 1) }
	if s == Symmetric {
		m := float64(math.SmallestNonzeroFloat32) // so that a tile of zeros divides by something
		for _, v := range tile {
			if a := math.Abs(float64(v)); a > m && !math.IsInf(a, 0) {
				m = a
			}
		}
		scale = func(v float64) float64 { return midGrey + 127*v/m }
	}
	return func(v float32) uint8 {
		x := float64(v)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return midGrey
		}
		return uint8(scale(x) + 0.5)
	}
}

package cli

import (
	"fmt"
	"math"
	"strings"

	"tandem/internal/figure"
	"tandem/internal/format"
)

// tiles returns a grid of examples, or of what has their shape, examples × visible. Images are
// tiles. The rows of a table stand below one another, as a heat map with the names of its columns
// below; but columns that count up to a square, as pixels do, are folded into it.
func (m *model) tiles(caption string, values []float32, scale figure.Scale) figure.Grid {
	g := figure.Grid{Caption: caption, Tiles: values, Rows: m.rows, Columns: m.columns, Scale: scale}
	if m.rows > 1 {
		return g
	}
	if side := int(math.Sqrt(float64(m.columns))); m.isSquare() {
		g.Rows, g.Columns = side, side
		g.Caption += fmt.Sprintf(" (%s folded)", format.Number(m.columns, "column"))
		return g
	}
	g.Rows = len(values) / m.columns
	g.Across, g.Zoom, g.Names, g.Bar = 1, heatZoom(g.Rows, m.columns), m.Settings.Names, true
	return g
}

// samples returns a grid of samples, or of their means, ten images side by side.
func (m *model) samples(caption string, values []float32) figure.Grid {
	g := m.tiles(caption, values, figure.Unit)
	if g.Across == 0 {
		g.Across = 10
	}
	return g
}

// isSquare reports whether the columns of a table are those of a square image: as many as one of
// at least 8 × 8 has pixels, without names or with names that only count.
func (m *model) isSquare() bool {
	side := int(math.Sqrt(float64(m.columns)))
	if side < 8 || side*side != m.columns {
		return false
	}
	const digits = "0123456789"
	for _, name := range m.Settings.Names {
		if stem := strings.TrimRight(name, digits); stem == name || stem != strings.TrimRight(m.Settings.Names[0], digits) {
			return false
		}
	}
	return true
}

// heatZoom returns the pixels across a cell of a heat map: so many that it is seen well, and that
// the columns have room for their names where they are few.
func heatZoom(rows, columns int) int {
	const most, named, width, height = 16, 11, 640, 960
	zoom := min(most, width/columns, height/rows)
	if zoom < named && columns*named <= height && rows*named <= 3*height/2 {
		zoom = named
	}
	return max(zoom, 1)
}

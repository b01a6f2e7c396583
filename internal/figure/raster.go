package figure

import (
	"image"
	"image/color"
	"math"
	"strconv"
)

// Charts as pixels, for where SVG is not shown: the same frame, ticks and curves as in a file in
// SVG, on white.

// DrawSheet draws several charts, two side by side.
func DrawSheet(charts ...*Chart) *image.RGBA {
	heights, total := rowHeights(charts), 0
	for _, h := range heights {
		total += h
	}
	img := image.NewRGBA(image.Rect(0, 0, across*chartWidth, total))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	y := 0
	for i, c := range charts {
		r := &raster{img: img, left: i % across * chartWidth, top: y}
		r.x, r.y = c.axes()
		r.draw(c)
		if i%across == across-1 {
			y += heights[i/across]
		}
	}
	return img
}

// raster is a chart that is being drawn.
type raster struct {
	img       *image.RGBA
	left, top int // of the chart
	x, y      *scale
}

var (
	textColour = color.RGBA{0x33, 0x33, 0x33, 0xff}
	gridColour = color.RGBA{0xdd, 0xdd, 0xdd, 0xff}
	axisColour = color.RGBA{0x88, 0x88, 0x88, 0xff}
)

// atX and atY return the place of a value in the chart.
func (r *raster) atX(v float64) float64 { return frameLeft + (frameRight-frameLeft)*r.x.share(v) }
func (r *raster) atY(v float64) float64 { return frameBottom - (frameBottom-frameTop)*r.y.share(v) }

func (r *raster) draw(c *Chart) {
	r.text(chartWidth/2-len([]rune(c.Title))*letter/2, 8, c.Title)
	for _, v := range r.x.ticks {
		x := r.atX(v)
		r.segment(x, frameTop, x, frameBottom, 1, gridColour, 1)
		word := tick(v)
		r.text(int(x)-len(word)*letter/2, frameBottom+6, word)
	}
	for _, v := range r.y.ticks {
		y := r.atY(v)
		r.segment(frameLeft, y, frameRight, y, 1, gridColour, 1)
		word := tick(v)
		r.text(frameLeft-6-len(word)*letter, int(y)-leading/2, word)
	}
	r.segment(frameLeft, frameTop, frameLeft, frameBottom, 1, axisColour, 1)
	r.segment(frameLeft, frameBottom, frameRight, frameBottom, 1, axisColour, 1)
	r.text((frameLeft+frameRight)/2-len(c.X.Label)*letter/2, frameBottom+24, c.X.Label)
	r.textUp(4, (frameTop+frameBottom)/2+len([]rune(c.Y.Label))*letter/2, c.Y.Label)
	below := chartHeight - 8
	for i := range c.Series {
		s := &c.Series[i]
		name, dash := s.style(i)
		colour := parseColour(name)
		r.band(s, colour)
		r.curve(s, colour, dash)
		if s.Name != "" {
			r.path([][2]float64{{frameLeft, float64(below + 8)}, {frameLeft + 22, float64(below + 8)}}, 3, colour, dash)
			r.text(frameLeft+30, below, s.Name)
			below += legendLine
		}
	}
}

// parseColour reads #rrggbb.
func parseColour(s string) color.RGBA {
	n, err := strconv.ParseUint(s[1:], 16, 32)
	if err != nil {
		panic(err) // it is one of inks
	}
	return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 0xff}
}

// mix puts some of a colour on a pixel of the chart.
func (r *raster) mix(x, y int, c color.RGBA, share float64) {
	at := image.Pt(r.left+x, r.top+y)
	if share <= 0 || !at.In(r.img.Rect) {
		return
	}
	p := r.img.Pix[r.img.PixOffset(at.X, at.Y):]
	for i, v := range [3]uint8{c.R, c.G, c.B} {
		p[i] = uint8(float64(p[i]) + (float64(v)-float64(p[i]))*min(share, 1) + 0.5)
	}
}

// segment draws a straight line of some width: a pixel has the more of it, the nearer it is.
func (r *raster) segment(x0, y0, x1, y1, width float64, c color.RGBA, share float64) {
	reach := width/2 + 1
	dx, dy := x1-x0, y1-y0
	long := dx*dx + dy*dy
	for y := int(math.Floor(min(y0, y1) - reach)); y <= int(math.Ceil(max(y0, y1)+reach)); y++ {
		for x := int(math.Floor(min(x0, x1) - reach)); x <= int(math.Ceil(max(x0, x1)+reach)); x++ {
			px, py, t := float64(x)+0.5, float64(y)+0.5, 0.0
			if long > 0 {
				t = min(max(((px-x0)*dx+(py-y0)*dy)/long, 0), 1)
			}
			far := math.Hypot(px-x0-t*dx, py-y0-t*dy)
			r.mix(x, y, c, share*min(max(width/2+0.5-far, 0), 1))
		}
	}
}

// path draws lines from point to point, whole or broken.
func (r *raster) path(points [][2]float64, width float64, c color.RGBA, dash []float64) {
	at, drawn, gone := 0, true, 0.0 // of the dash
	for i := 1; i < len(points); i++ {
		from, to := points[i-1], points[i]
		long := math.Hypot(to[0]-from[0], to[1]-from[1])
		if dash == nil {
			r.segment(from[0], from[1], to[0], to[1], width, c, 1)
			continue
		}
		for done := 0.0; done < long; {
			step := min(dash[at%len(dash)]-gone, long-done)
			if drawn {
				a, b := done/long, (done+step)/long
				r.segment(from[0]+a*(to[0]-from[0]), from[1]+a*(to[1]-from[1]), from[0]+b*(to[0]-from[0]),
					from[1]+b*(to[1]-from[1]), width, c, 1)
			}
			done += step
			if gone += step; gone >= dash[at%len(dash)]-1e-9 {
				at, drawn, gone = at+1, !drawn, 0
			}
		}
	}
}

// curve draws the line, or the points, of a series.
func (r *raster) curve(s *Series, c color.RGBA, dash []float64) {
	var points [][2]float64
	for k := range min(len(s.X), len(s.Y)) {
		if r.x.shows(s.X[k]) && r.y.shows(s.Y[k]) {
			points = append(points, [2]float64{r.atX(s.X[k]), r.atY(s.Y[k])})
		}
	}
	if s.Points || len(points) == 1 {
		for _, p := range points {
			r.segment(p[0], p[1], p[0], p[1], 4, c, 0.6)
		}
		return
	}
	r.path(points, 1.8, c, dash)
}

// band fills the area between Low and High of a series that has both.
func (r *raster) band(s *Series, c color.RGBA) {
	if len(s.Low) != len(s.Y) || len(s.High) != len(s.Y) {
		return
	}
	last := -1
	for k := range min(len(s.X), len(s.Y)) {
		if !r.x.shows(s.X[k]) || !r.y.shows(s.Low[k]) || !r.y.shows(s.High[k]) {
			continue
		}
		if last >= 0 {
			x0, x1 := r.atX(s.X[last]), r.atX(s.X[k])
			for x := int(math.Ceil(x0 - 0.5)); float64(x)+0.5 < x1; x++ {
				t := (float64(x) + 0.5 - x0) / (x1 - x0)
				at := func(v []float64) float64 { return r.atY(v[last]) + t*(r.atY(v[k])-r.atY(v[last])) }
				for y := int(at(s.High)); y < int(at(s.Low)); y++ {
					r.mix(x, y, c, 0.15)
				}
			}
		}
		last = k
	}
}

// text writes a line with its top left corner at x, y of the chart.
func (r *raster) text(x, y int, line string) {
	for j, letterOf := range []rune(line) {
		for row, pixels := range glyph(letterOf) {
			for column, p := range pixels {
				if p == '#' {
					r.mix(x+j*letter+column, y+above+row, textColour, 1)
				}
			}
		}
	}
}

// textUp writes a line from bottom to top.
func (r *raster) textUp(x, y int, line string) {
	for j, letterOf := range []rune(line) {
		for row, pixels := range glyph(letterOf) {
			for column, p := range pixels {
				if p == '#' {
					r.mix(x+above+row, y-1-j*letter-column, textColour, 1)
				}
			}
		}
	}
}

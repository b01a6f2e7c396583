package figure

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Chart is curves or points in a frame, drawn as SVG. Its colours suit light and
// dark pages: ink is the colour of the text around it, or, in a file of its own,
// that of the reader's scheme.
type Chart struct {
	Title  string
	X, Y   Axis
	Series []Series // what is not finite, or not above 0 on a logarithmic axis, is left out
}

// Axis is one side of the frame.
type Axis struct {
	Label string // with the unit, if there is one
	Log   bool
	Zero  bool // 0 is shown
}

// Series is one curve.
type Series struct {
	Name   string // for the legend; "": not in it
	X, Y   []float64
	Points bool // points, not a line
	// Styled says that Colour and Dash, numbers of which equal ones look alike, are to be used, and
	// not the place among the series.
	Styled       bool
	Colour, Dash int

	Low, High []float64 // a band around the line, if they are as many as Y
}

// Lengths in the units of the viewBox.
const (
	chartWidth, chartHeight = 640, 360
	frameLeft, frameTop     = 64, 34
	frameRight, frameBottom = 624, 312
	legendLine              = 17
)

// inks are colours that most eyes tell apart, on white and on black alike; after
// them the lines are broken.
var inks = []string{"#0d7dc4", "#d55e00", "#0b9e76", "#c05f98", "#b98600", "#5a6ee0"}

// colours gives a file of its own the colours that a page around it would have.
const colours = "<style>svg{color:#222;background:#fff}" +
	"@media(prefers-color-scheme:dark){svg{color:#ddd;background:#161616}}</style>\n"

// Inline makes of what WriteSVG wrote a part for the middle of a page in HTML,
// whose colours it takes. It reports false for a file that has more in it than a chart
// has, such as a script.
func Inline(svg []byte) (part string, ok bool) {
	part = strings.Replace(string(svg), colours, "", 1)
	for d := xml.NewDecoder(strings.NewReader(part)); ; {
		token, err := d.Token()
		if err != nil {
			return part, err == io.EOF
		}
		switch x := token.(type) {
		case xml.StartElement:
			if !slices.Contains(chartElements, x.Name.Local) || slices.ContainsFunc(x.Attr, active) {
				return "", false
			}
		case xml.Directive, xml.ProcInst:
			return "", false
		}
	}
}

// chartElements are the elements of which charts are made.
var chartElements = []string{"svg", "g", "path", "circle", "text"}

// active reports whether an attribute can run something or lead somewhere.
func active(a xml.Attr) bool {
	name, value := strings.ToLower(a.Name.Local), strings.ToLower(a.Value)
	return strings.HasPrefix(name, "on") || name == "href" || name == "style" || strings.Contains(value, "url(")
}

// Dotted is the Dash of a baseline.
const Dotted = -1

// style returns the colour of a series, and the lengths of its dashes and gaps; none: a whole line.
func (s *Series) style(place int) (colour string, dash []float64) {
	number, broken := place, place/len(inks)
	if s.Styled {
		number, broken = s.Colour, s.Dash
	}
	colour = inks[number%len(inks)]
	switch {
	case broken == Dotted:
		return colour, []float64{2, 4}
	case broken > 0:
		return colour, [][]float64{{7, 3}, {3, 3}, {10, 3, 2, 3}, {5, 5}, {1, 5}}[(broken-1)%5]
	}
	return colour, nil
}

// height returns how high a chart is, with its legend.
func (c *Chart) height() int {
	height := chartHeight
	for _, s := range c.Series {
		if s.Name != "" {
			height += legendLine
		}
	}
	return height
}

// axes lays the axes out.
func (c *Chart) axes() (x, y *scale) {
	return c.scale(func(s *Series) [][]float64 { return [][]float64{s.X} }, &c.X, 8),
		c.scale(func(s *Series) [][]float64 { return [][]float64{s.Y, s.Low, s.High} }, &c.Y, 6)
}

// across is how many charts stand side by side in a file of several.
const across = 2

// WriteSheet writes several charts as one SVG file, two side by side.
func WriteSheet(w io.Writer, charts ...*Chart) error {
	width, heights := across*chartWidth, rowHeights(charts)
	total := 0
	for _, h := range heights {
		total += h
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d">`+"\n%s", width, total,
		width, colours)
	y := 0
	for i, c := range charts {
		fmt.Fprintf(b, `<svg x="%d" y="%d" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s" `+
			`font-family="system-ui, sans-serif" font-size="13">`+"\n", i%across*chartWidth, y, chartWidth, c.height(),
			chartWidth,
			c.height(), html.EscapeString(c.Title))
		c.write(b)
		fmt.Fprint(b, "</svg>\n")
		if i%across == across-1 {
			y += heights[i/across]
		}
	}
	fmt.Fprint(b, "</svg>\n")
	return b.Flush()
}

// rowHeights returns how high each row of charts is.
func rowHeights(charts []*Chart) []int {
	heights := make([]int, over(len(charts), across))
	for i, c := range charts {
		heights[i/across] = max(heights[i/across], c.height()+16)
	}
	return heights
}

// WriteSVG writes the chart as a file that any browser shows.
func (c *Chart) WriteSVG(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s" `+
		`font-family="system-ui, sans-serif" font-size="13">`+"\n", chartWidth, c.height(), html.EscapeString(c.Title))
	fmt.Fprint(b, colours)
	c.write(b)
	fmt.Fprint(b, "</svg>\n")
	return b.Flush()
}

// write writes what is in the chart.
func (c *Chart) write(w *bufio.Writer) {
	p := &plot{Writer: w}
	p.x, p.y = c.axes()
	p.frame(c)
	below := chartHeight + 4
	for i := range c.Series {
		s := &c.Series[i]
		colour, dash := s.style(i)
		if p.colour, p.dash = colour, ""; dash != nil {
			p.dash = fmt.Sprintf(` stroke-dasharray="%s"`, strings.Trim(fmt.Sprint(dash), "[]"))
		}
		p.band(s)
		p.line(s)
		if s.Name != "" {
			fmt.Fprintf(p, `<path d="M%d %dh22" stroke="%s" stroke-width="3"%s/>`+"\n", frameLeft, below-4, p.colour, p.dash)
			p.text(frameLeft+30, float64(below), "start", "", s.Name)
			below += legendLine
		}
	}
}

// inkColour is the colour of text and frame.
const inkColour = "currentColor"

// plot is a chart that is being written.
type plot struct {
	*bufio.Writer
	x, y         *scale
	colour, dash string // of the present series
}

// atX and atY return the place of a value.
func (p *plot) atX(v float64) string { return tenth(frameLeft + (frameRight-frameLeft)*p.x.share(v)) }
func (p *plot) atY(v float64) string {
	return tenth(frameBottom - (frameBottom-frameTop)*p.y.share(v))
}

func (p *plot) text(x, y float64, anchor, extra, s string) {
	fmt.Fprintf(p, `<text x="%s" y="%s" text-anchor="%s" fill="%s"%s>%s</text>`+"\n",
		tenth(x), tenth(y), anchor, inkColour, extra, html.EscapeString(s))
}

// frame writes the title, the axes and their labels.
func (p *plot) frame(c *Chart) {
	p.text(chartWidth/2, 20, "middle", ` font-weight="600"`, c.Title)
	for _, v := range p.x.ticks {
		fmt.Fprintf(p, `<path d="M%s %dV%d" stroke="%s" stroke-opacity="0.15"/>`+"\n", p.atX(v), frameTop, frameBottom,
			inkColour)
		p.text(frameLeft+(frameRight-frameLeft)*p.x.share(v), frameBottom+17, "middle", "", tick(v))
	}
	for _, v := range p.y.ticks {
		fmt.Fprintf(p, `<path d="M%d %sH%d" stroke="%s" stroke-opacity="0.15"/>`+"\n", frameLeft, p.atY(v), frameRight,
			inkColour)
		p.text(frameLeft-6, frameBottom-(frameBottom-frameTop)*p.y.share(v)+4, "end", "", tick(v))
	}
	fmt.Fprintf(p, `<path d="M%d %dV%dH%d" fill="none" stroke="%s" stroke-opacity="0.6"/>`+"\n",
		frameLeft, frameTop, frameBottom, frameRight, inkColour)
	p.text((frameLeft+frameRight)/2, frameBottom+36, "middle", "", c.X.Label)
	p.text(0, 0, "middle", fmt.Sprintf(` transform="translate(15 %d) rotate(-90)"`, (frameTop+frameBottom)/2), c.Y.Label)
}

// band writes the area between Low and High of a series that has both.
func (p *plot) band(s *Series) {
	if len(s.Low) != len(s.Y) || len(s.High) != len(s.Y) || len(s.Y) == 0 {
		return
	}
	var edge []int // points that are in the frame
	for k := range min(len(s.X), len(s.Y)) {
		if p.x.shows(s.X[k]) && p.y.shows(s.Low[k]) && p.y.shows(s.High[k]) {
			edge = append(edge, k)
		}
	}
	pen := "M"
	fmt.Fprintf(p, `<path fill="%s" fill-opacity="0.15" d="`, p.colour)
	for _, k := range edge {
		fmt.Fprintf(p, "%s%s %s", pen, p.atX(s.X[k]), p.atY(s.High[k]))
		pen = "L"
	}
	for _, k := range slices.Backward(edge) {
		fmt.Fprintf(p, "%s%s %s", pen, p.atX(s.X[k]), p.atY(s.Low[k]))
	}
	fmt.Fprint(p, `"/>`+"\n")
}

// line writes the line, or the points, of a series.
func (p *plot) line(s *Series) {
	open := false
	for k := range min(len(s.X), len(s.Y)) {
		if !p.x.shows(s.X[k]) || !p.y.shows(s.Y[k]) {
			continue
		}
		x, y := p.atX(s.X[k]), p.atY(s.Y[k])
		switch {
		case s.Points:
			fmt.Fprintf(p, `<circle cx="%s" cy="%s" r="2.2" fill="%s" fill-opacity="0.55"/>`+"\n", x, y, p.colour)
		case !open:
			fmt.Fprintf(p, `<path fill="none" stroke="%s" stroke-width="1.8"%s d="M%s %s`, p.colour, p.dash, x, y)
			open = true
		default:
			fmt.Fprintf(p, "L%s %s", x, y)
		}
	}
	if open {
		fmt.Fprint(p, `"/>`+"\n")
	}
}

// scale is an axis laid out.
type scale struct {
	log       bool
	low, high float64 // log10 of the ends on a logarithmic axis
	ticks     []float64
}

func (s *scale) shows(v float64) bool { return v-v == 0 && (!s.log || v > 0) }

func (s *scale) share(v float64) float64 {
	if s.log {
		v = math.Log10(v)
	}
	return (v - s.low) / (s.high - s.low)
}

// scale lays an axis out so that it holds all values, with about so many ticks.
func (c *Chart) scale(values func(*Series) [][]float64, a *Axis, ticks int) *scale {
	s := &scale{log: a.Log, low: math.Inf(1), high: math.Inf(-1)}
	for i := range c.Series {
		for _, v := range slices.Concat(values(&c.Series[i])...) {
			if s.shows(v) {
				if a.Log {
					v = math.Log10(v)
				}
				s.low, s.high = min(s.low, v), max(s.high, v)
			}
		}
	}
	if s.low > s.high { // nothing to show
		s.low, s.high = 0, 1
	}
	if a.Zero && !a.Log {
		s.low, s.high = min(s.low, 0), max(s.high, 0)
	}
	if s.low == s.high {
		pad := max(math.Abs(s.low)*0.1, 0.1)
		s.low, s.high = s.low-pad, s.high+pad
	}
	if a.Log {
		s.low, s.high = math.Floor(s.low), math.Ceil(s.high)
		for e := s.low; e <= s.high; e++ {
			s.ticks = append(s.ticks, math.Pow(10, e))
		}
		return s
	}
	step := step((s.high - s.low) / float64(ticks))
	s.low, s.high = step*math.Floor(s.low/step+1e-9), step*math.Ceil(s.high/step-1e-9)
	for k := range int(math.Round((s.high-s.low)/step)) + 1 {
		s.ticks = append(s.ticks, s.low+float64(k)*step)
	}
	return s
}

// step is the least of 1, 2, 5, 10, … times a power of ten that is not below x.
func step(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// tick writes the number at a tick; thousands and millions get a letter.
func tick(v float64) string {
	round := func(v float64) string {
		if math.Abs(v) < 1e-9 {
			return "0"
		}
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	switch a := math.Abs(v); {
	case a >= 1e6:
		return round(v/1e6) + "M"
	case a >= 1e4:
		return round(v/1e3) + "k"
	default:
		return round(v)
	}
}

// tenth writes a length to a tenth.
func tenth(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }

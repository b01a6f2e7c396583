package figure

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func svg(t *testing.T, c *Chart) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("no XML: %v\n%s", err, b.String())
		}
	}
	return b.String()
}

// The values of a curve come out again when its path is read with the ticks as
// the measure.
func TestChartShowsItsNumbers(t *testing.T) {
	for _, log := range []bool{false, true} {
		x, y := []float64{1, 10, 500, 1000}, []float64{0.2, 0.35, -1, 4}
		s := svg(t, &Chart{Title: "a < b", X: Axis{Label: "updates", Log: log}, Y: Axis{Label: "norm"},
			Series: []Series{{Name: "one", X: x, Y: y}}})
		ticks := func(anchor string, axis func(px, py float64) float64) (at []float64, value []float64) {
			tick := regexp.MustCompile(`<text x="([0-9.-]+)" y="([0-9.-]+)" text-anchor="` + anchor +
				`" fill="currentColor">([0-9.e+k-]+)</text>`)
			for _, m := range tick.FindAllStringSubmatch(s, -1) {
				px, _ := strconv.ParseFloat(m[1], 64)
				py, _ := strconv.ParseFloat(m[2], 64)
				v, err := strconv.ParseFloat(m[3], 64)
				if err != nil {
					t.Fatal(err)
				}
				at, value = append(at, axis(px, py)), append(value, v)
			}
			return at, value
		}
		// By the first and last tick.
		read := func(p float64, at, value []float64, log bool) float64 {
			n := len(at) - 1
			share := (p - at[0]) / (at[n] - at[0])
			if log {
				return value[0] * math.Pow(value[n]/value[0], share)
			}
			return value[0] + share*(value[n]-value[0])
		}
		atX, valueX := ticks("middle", func(px, py float64) float64 { return px })
		atY, valueY := ticks("end", func(px, py float64) float64 { return py - 4 })
		path := regexp.MustCompile(`stroke-width="1.8" d="M([^"]*)"`).FindStringSubmatch(s)
		if len(atX) < 3 || len(atY) < 3 || path == nil {
			t.Fatalf("%d and %d ticks, path %v", len(atX), len(atY), path)
		}
		points := strings.Split(path[1], "L")
		if len(points) != len(x) {
			t.Fatalf("%d points, want %d", len(points), len(x))
		}
		for i, p := range points {
			px, py, _ := strings.Cut(p, " ")
			left, _ := strconv.ParseFloat(px, 64)
			top, _ := strconv.ParseFloat(py, 64)
			if got := read(left, atX, valueX, log); math.Abs(got-x[i]) > 0.01*x[i]+1 {
				t.Errorf("log %v: x of point %d reads as %v, want %v", log, i, got, x[i])
			}
			if got := read(top, atY, valueY, false); math.Abs(got-y[i]) > 0.02 {
				t.Errorf("y of point %d reads as %v, want %v", i, got, y[i])
			}
		}
		if !strings.Contains(s, "a &lt; b") {
			t.Error("the title is not there, or not escaped")
		}
	}
}

func TestChartLeavesOutWhatHasNoPlace(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	s := svg(t, &Chart{X: Axis{Log: true}, Series: []Series{{X: []float64{0, -1, 10, nan, 100},
		Y: []float64{1, 1, 1, 1, inf}, Points: true}}})
	if n := strings.Count(s, "<circle"); n != 1 {
		t.Errorf("%d points, want 1", n)
	}
	if strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
		t.Error(s)
	}
	// A band is closed, and the frame holds it.
	band := svg(t, &Chart{Series: []Series{{X: []float64{0, 1, 2}, Y: []float64{1, 1, 1}, Low: []float64{0, nan, -3},
		High: []float64{2, 2, 5}}}})
	if !strings.Contains(band, `fill-opacity="0.15" d="M64 `) || !strings.Contains(band, ">-4</text>") ||
		!strings.Contains(band, ">6</text>") || strings.Contains(band, "NaN") {
		t.Error(band)
	}
	if s := svg(t, &Chart{}); !strings.Contains(s, "<style>") || strings.Contains(inlined(s), "style") {
		t.Error("colours are only for a file of its own")
	}
	svg(t, &Chart{Series: []Series{{X: []float64{3}, Y: []float64{0}}}})
}

// inlined returns what Inline makes of a chart, or "" where it refuses.
func inlined(svg string) string {
	part, _ := Inline([]byte(svg))
	return part
}

// A chart becomes part of a page, and what somebody else has put in its place does not.
func TestInlineTakesChartsOnly(t *testing.T) {
	chart := svg(t, &Chart{Title: "a <b> & c", Series: []Series{{Name: "s", X: []float64{1, 2}, Y: []float64{3, 4}}}})
	if inlined(chart) == "" {
		t.Errorf("a chart is refused:\n%s", chart)
	}
	for _, bad := range []string{
		"<script>alert(1)</script>", `<g onload="alert(1)"/>`, `<a href="https://evil.example"><text>x</text></a>`,
		"<foreignObject><p>x</p></foreignObject>", `<path style="fill:url(https://evil.example)"/>`,
		`<path fill="url(https://evil.example)"/>`, "<style>*{}</style>", `<image href="x"/>`, "</svg><script>",
		`<g xlink:href="x"/>`, `<g ONCLICK="x"/>`, "<?xml-stylesheet href='x'?>", "<!DOCTYPE svg>",
	} {
		if got := inlined(strings.Replace(chart, "</svg>", bad+"</svg>", 1)); got != "" {
			t.Errorf("%s is let in", bad)
		}
	}
}

// A sheet has all charts, in SVG and as pixels, and a curve goes where its numbers are in both.
func TestSheet(t *testing.T) {
	chart := func(title string, y ...float64) *Chart {
		return &Chart{Title: title, X: Axis{Label: "updates"}, Y: Axis{Label: "norm"}, Series: []Series{
			{Name: "one", X: []float64{0, 10}, Y: y, Styled: true, Colour: 1},
			{Name: "two", X: []float64{0, 10}, Y: []float64{0, 0}, Styled: true, Colour: 2, Dash: Dotted}}}
	}
	charts := []*Chart{chart("first", 0, 1), chart("second <", 1, 1), chart("third", 0.5, 1)}
	var b bytes.Buffer
	if err := WriteSheet(&b, charts...); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"first", "second &lt;", "third", `stroke-dasharray="2 4"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in the sheet", want)
		}
	}
	img := DrawSheet(charts...)
	if got, want := img.Rect.Dx(), 2*chartWidth; got != want || img.Rect.Dy() != 2*(charts[0].height()+16) {
		t.Errorf("%v", img.Rect)
	}
	at := func(chart int, x, y float64) bool { // whether a pixel there has the colour of the first curve
		c := parseColour(inks[1])
		left, top := float64(chart%2*chartWidth), float64(chart/2*(charts[0].height()+16))
		for shift := -2; shift <= 2; shift++ {
			p := img.RGBAAt(int(left+frameLeft+x*(frameRight-frameLeft)), int(top+frameBottom-y*(frameBottom-frameTop))+shift)
			near := func(a, b uint8) bool { return a-b < 60 || b-a < 60 }
			if near(p.R, c.R) && near(p.G, c.G) && near(p.B, c.B) {
				return true
			}
		}
		return false
	}
	for _, place := range []struct {
		chart int
		x, y  float64
		drawn bool
	}{{0, 0.5, 0.5, true}, {0, 0.25, 0.25, true}, {0, 0.5, 0.75, false}, {1, 0.5, 0.998, true}, {1, 0.5, 0.5, false},
		{2, 0.5, 0.75, true}, {2, 0.5, 0.25, false}} {
		if at(place.chart, place.x, place.y) != place.drawn {
			t.Errorf("chart %d at %v, %v: drawn %v", place.chart, place.x, place.y, !place.drawn)
		}
	}
}

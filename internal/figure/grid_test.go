package figure

import (
	"image"
	"math"
	"slices"
	"strings"
	"testing"
)

// marks stand for greys in sketches of pictures.
var marks = map[uint8]rune{background: ' ', gutter: ' ', black: '#', lowest: '%', half: '-', zero: '-', white: 'o',
	highest: 'o'}

// sketch draws a picture with letters, without its margin, which must be empty.
func sketch(t *testing.T, img *image.Paletted) []string {
	t.Helper()
	b := img.Bounds()
	inner := b.Inset(margin)
	var lines []string
	for y := range b.Dy() {
		var line strings.Builder
		for x := range b.Dx() {
			c := img.ColorIndexAt(x, y)
			if !image.Pt(x, y).In(inner) {
				if c != background {
					t.Errorf("grey %d in the margin at %d, %d", c, x, y)
				}
				continue
			}
			mark, ok := marks[c]
			if !ok {
				t.Fatalf("grey %d at %d, %d, which is none of the expected", c, x, y)
			}
			line.WriteRune(mark)
		}
		if y >= inner.Min.Y && y < inner.Max.Y {
			lines = append(lines, line.String())
		}
	}
	return lines
}

func TestTiles(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	six := []float32{0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 1} // two tiles of 2 × 3 or three of 2 × 2
	for _, test := range []struct {
		name  string
		grids []Grid
		want  []string
	}{
		{"row-major, a gap, an unfinished row", []Grid{{Tiles: six, Rows: 2, Columns: 2, Across: 2, Scale: Unit, Zoom: 1}},
			[]string{
				"#o o#",
				"oo ##",
				"     ",
				"oo   ",
				"#o   "}},
		{"rows and columns that differ", []Grid{{Tiles: six, Rows: 2, Columns: 3, Across: 2, Scale: Unit, Zoom: 1}}, []string{
			"#oo ##o",
			"oo# o#o"}},
		{"zoom 3, gap 2", []Grid{{Tiles: six[:8], Rows: 2, Columns: 2, Across: 2, Scale: Unit, Zoom: 3}}, []string{
			"###ooo  ooo###",
			"###ooo  ooo###",
			"###ooo  ooo###",
			"oooooo  ######",
			"oooooo  ######",
			"oooooo  ######"}},
		{"near square", []Grid{{Tiles: six, Rows: 2, Columns: 2, Scale: Unit, Zoom: 1}}, []string{
			"#o o#",
			"oo ##",
			"     ",
			"oo   ",
			"#o   "}},
		{"one above the other", []Grid{{Tiles: six[:8], Rows: 2, Columns: 2, Across: 1, Scale: Unit, Zoom: 1}}, []string{
			"#o",
			"oo",
			"  ",
			"o#",
			"##"}},
		{"more across than tiles", []Grid{{Tiles: six[:8], Rows: 2, Columns: 2, Across: 9, Scale: Unit, Zoom: 1}}, []string{
			"#o o#",
			"oo ##"}},
		{"a single row is folded", []Grid{{Tiles: []float32{0, 1, 0, 1, 1, 1, 1, 0, 0, 1}, Rows: 1, Columns: 5, Scale: Unit,
			Zoom: 1, Across: 2}}, []string{
			"#o# oo#",
			"oo  #o "}},
		{"a single column is not", []Grid{{Tiles: []float32{0, 1, 0}, Rows: 3, Columns: 1, Scale: Unit, Zoom: 1}}, []string{
			"#",
			"o",
			"#"}},
		{"beyond 0 and 1", []Grid{{Tiles: []float32{-0.5, 1.5, -math.MaxFloat32, math.MaxFloat32}, Rows: 2, Columns: 2,
			Scale: Unit, Zoom: 1}}, []string{
			"#o",
			"#o"}},
		{"each tile on its own scale, zeros", []Grid{{Tiles: []float32{0.01, -0.01, 0, 0, 100, 0, -100, 0, 0, 0, 0, 0},
			Rows: 2, Columns: 2, Across: 3, Zoom: 1}}, []string{
			"o% o- --",
			"-- %- --"}},
		{"the ends of float32", []Grid{{Tiles: []float32{math.MaxFloat32, -math.MaxFloat32, 0, 0,
			math.SmallestNonzeroFloat32, 0, 0, -math.SmallestNonzeroFloat32}, Rows: 2, Columns: 2, Across: 2, Zoom: 1}},
			[]string{
				"o% o-",
				"-- -%"}},
		{"not finite, symmetric", []Grid{{Tiles: []float32{nan, inf, -inf, 3, nan, inf, -inf, nan}, Rows: 2, Columns: 2,
			Across: 2, Zoom: 1}}, []string{
			"-- --",
			"-o --"}},
		{"nothing but NaN is no tile", []Grid{{Tiles: []float32{nan, nan, 0, 1}, Rows: 2, Columns: 1, Scale: Unit, Zoom: 1,
			Across: 2}}, []string{
			"  #",
			"  o"}},
		{"not finite, unit", []Grid{{Tiles: []float32{nan, inf, -inf, 1}, Rows: 2, Columns: 2, Scale: Unit, Zoom: 1}},
			[]string{
				"--",
				"-o"}},
		{"side by side", []Grid{
			{Tiles: six[:4], Rows: 2, Columns: 2, Scale: Unit, Zoom: 1},
			{Tiles: []float32{-1, 1, 0}, Rows: 3, Columns: 1, Zoom: 2}}, []string{
			"#o" + strings.Repeat(" ", between) + "%%",
			"oo" + strings.Repeat(" ", between) + "%%",
			"  " + strings.Repeat(" ", between) + "oo",
			"  " + strings.Repeat(" ", between) + "oo",
			"  " + strings.Repeat(" ", between) + "--",
			"  " + strings.Repeat(" ", between) + "--"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			img, err := Draw("", test.grids...)
			if err != nil {
				t.Fatal(err)
			}
			if got := sketch(t, img); !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestInks(t *testing.T) {
	for _, test := range []struct {
		scale   Scale
		v, most float32 // most: the other value in the tile
		want    uint8
	}{
		{Symmetric, 2, 2, highest}, {Symmetric, 1, 2, 95}, {Symmetric, 0, 2, zero}, {Symmetric, -1, 2, 32},
		{Symmetric, -2, 2, lowest}, {Symmetric, 1, -2, 95}, {Symmetric, -0.01, 2, zero}, {Symmetric, 0.02, 2, zero + 1},
		{Unit, 0, 1, black}, {Unit, 1, 0, white}, {Unit, 0.5, 1, half}, {Unit, 0.25, 0.25, black + 32},
		{Unit, 1.0 / 127, 1, black + 1}, {Unit, 0.0039, 1, black}, {Unit, 0.004, 1, black + 1},
	} {
		img, err := Draw("", Grid{Tiles: []float32{test.v, test.most}, Rows: 2, Columns: 1, Scale: test.scale})
		if err != nil {
			t.Fatal(err)
		}
		if got := img.ColorIndexAt(margin, margin); got != test.want {
			t.Errorf("scale %d: %v beside %v is colour %d, want %d", test.scale, test.v, test.most, got, test.want)
		}
	}
}

func TestNearSquare(t *testing.T) {
	for _, test := range []struct{ n, width, height, want int }{
		{1, 1, 1, 1}, {2, 1, 1, 2}, {3, 1, 1, 2}, {4, 1, 1, 2}, {5, 1, 1, 3}, {50, 1, 1, 8}, {100, 1, 1, 10}, {500, 1, 1, 23},
		{100, 10, 40, 20}, {100, 40, 10, 5}, {3, 1, 1000, 3},
	} {
		if got := nearSquare(test.n, test.width, test.height); got != test.want {
			t.Errorf("%d boxes of %d × %d: %d across, want %d", test.n, test.width, test.height, got, test.want)
		}
	}
}

func TestZoomOfItsOwn(t *testing.T) {
	for _, test := range []struct{ rows, columns, want int }{
		{28, 28, 2}, {8, 8, 8}, {16, 32, 2}, {33, 32, 1}, {32, 65, 1}, {200, 200, 1}, {1, 9, 21}, {1, 1, 64},
	} {
		img, err := Draw("", Grid{Tiles: make([]float32, test.rows*test.columns), Rows: test.rows, Columns: test.columns})
		if err != nil {
			t.Fatal(err)
		}
		columns := test.columns
		if test.rows == 1 {
			columns = int(math.Sqrt(float64(columns)))
		}
		if got := img.Bounds().Dx() - 2*margin; got != columns*test.want {
			t.Errorf("%d × %d: %d pixels wide, want %d columns zoomed by %d", test.rows, test.columns, got, columns, test.want)
		}
	}
}

// Each label stands below its tile, and moves the next row of tiles down.
func TestLabels(t *testing.T) {
	grid := Grid{Tiles: make([]float32, 4*28*28), Rows: 28, Columns: 28, Across: 2, Scale: Unit, Zoom: 2}
	plain, err := Draw("", grid)
	if err != nil {
		t.Fatal(err)
	}
	grid.Labels = []string{"0.25", "", "a label too long for it"}
	img, err := Draw("", grid)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := img.Bounds().Dy(), plain.Bounds().Dy()+2*leading; got != want ||
		img.Bounds().Dx() != plain.Bounds().Dx() {
		t.Fatalf("%v, without labels %v", img.Bounds(), plain.Bounds())
	}
	ink := func(left, top int) (n int) {
		for y := top; y < top+leading; y++ {
			for x := left; x < left+56; x++ {
				if img.ColorIndexAt(x, y) == captionInk {
					n++
				}
			}
		}
		return n
	}
	first, below := margin+56, margin+2*56+leading+2
	if ink(margin, first) == 0 || ink(margin+58, first) != 0 || ink(margin, below) == 0 || ink(margin+58, below) != 0 {
		t.Errorf("ink below the tiles: %d %d %d %d", ink(margin, first), ink(margin+58, first), ink(margin, below),
			ink(margin+58, below))
	}
	if img.ColorIndexAt(margin, margin) != black || img.ColorIndexAt(margin, margin+56+leading+2) != black {
		t.Error("the tiles are not where they should be")
	}
	grid.Labels = make([]string, 5)
	if _, err := Draw("", grid); err == nil {
		t.Error("five labels for four tiles were taken")
	}
}

// Names stand below their columns, from bottom to top, where there is room for them, and a bar
// shows the scale below that.
func TestNamesAndBar(t *testing.T) {
	grid := Grid{Tiles: []float32{-1, 0, 1, 1, 0, -1}, Rows: 2, Columns: 3, Across: 1, Zoom: 20}
	plain, err := Draw("", grid)
	if err != nil {
		t.Fatal(err)
	}
	grid.Names, grid.Bar = []string{"a", "", "age"}, true
	img, err := Draw("", grid)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := img.Bounds().Dy()-plain.Bounds().Dy(), 3*letter+textGap+barGap+leading; got != want {
		t.Errorf("%d pixels higher, want %d", got, want)
	}
	names := image.Rect(margin, margin+40, margin+60, margin+40+textGap+3*letter)
	for i, want := range []int{textInk("a"), 0, textInk("age")} {
		column := image.Rect(margin+20*i, names.Min.Y, margin+20*(i+1), names.Max.Y)
		if _, n := ink(img, column, captionInk); n != want {
			t.Errorf("%d pixels below column %d, want %d", n, i, want)
		}
	}
	for _, colour := range []uint8{lowest, zero, highest} {
		if _, n := ink(img, image.Rect(0, names.Max.Y, 400, 400), colour); n != barHeight {
			t.Errorf("colour %d is %d times in the bar, want %d", colour, n, barHeight)
		}
	}
	grid.Zoom = nameWidth - 1 // too narrow
	if img, err = Draw("", grid); err != nil {
		t.Fatal(err)
	}
	if got, want := img.Bounds().Dy(), 2*margin+2*(nameWidth-1)+barGap+leading; got != want {
		t.Errorf("without room for names %d pixels high, want %d", got, want)
	}
	grid.Names = []string{"a"}
	if _, err := Draw("", grid); err == nil {
		t.Error("one name for three columns was taken")
	}
}

// What stands between tiles is in no map, so that no tile can be mistaken for it.
func TestGutter(t *testing.T) {
	img, err := Draw("", Grid{Tiles: make([]float32, 3*4), Rows: 2, Columns: 2, Across: 2, Zoom: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, n := ink(img, img.Rect, gutter); n != 2*6+2*6+2*2 {
		t.Errorf("%d pixels between three tiles, want %d", n, 2*6+2*6+2*2)
	}
	for i, c := range palette {
		if r, g, b, _ := c.RGBA(); i != gutter && g > r && g > b {
			t.Errorf("colour %d is green, as the gutter is: %v", i, c)
		}
	}
}

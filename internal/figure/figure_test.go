package figure

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// strokes returns n tiles of 28 × 28 with a stroke each and noise on it.
func strokes(n int, noise float64, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 0))
	tiles := make([]float32, 0, n*28*28)
	for range n {
		sin, cos := math.Sincos(math.Pi * r.Float64())
		x0, y0 := 6+16*r.Float64(), 6+16*r.Float64()
		for i := range 28 * 28 {
			x, y := float64(i%28)-x0, float64(i/28)-y0
			across, along := x*cos+y*sin, y*cos-x*sin
			v := math.Exp(-(across*across+along*along/4)/12)*math.Cos(across) + noise*r.NormFloat64()
			tiles = append(tiles, float32(v))
		}
	}
	return tiles
}

func encode(t *testing.T, title string, grids ...Grid) []byte {
	t.Helper()
	img, err := Draw(title, grids...)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := WritePNG(&file, img); err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if back, ok := decoded.(*image.Paletted); !ok || back.Rect != img.Rect || !bytes.Equal(back.Pix, img.Pix) {
		t.Fatal("the file is not the picture that was drawn")
	}
	return file.Bytes()
}

func TestSameBytes(t *testing.T) {
	tiles := strokes(12, 0.1, 1)
	before := slices.Clone(tiles)
	grid := Grid{Caption: "12 strokes", Tiles: tiles, Rows: 28, Columns: 28}
	first := encode(t, "strokes", grid)
	if !bytes.Equal(first, encode(t, "strokes", grid)) {
		t.Error("the same grid gave other bytes")
	}
	if !slices.Equal(tiles, before) {
		t.Error("drawing changed the tiles")
	}
	tiles[0] = 2
	if bytes.Equal(first, encode(t, "strokes", grid)) {
		t.Error("another grid gave the same bytes")
	}
}

// Filters that are nearly all noise are the hardest to pack.
func TestFileSize(t *testing.T) {
	grid := Grid{Caption: "noise", Tiles: strokes(100, 1, 2), Rows: 28, Columns: 28, Zoom: 2}
	other := grid
	other.Tiles = strokes(100, 1, 3)
	if n := len(encode(t, "two layers", grid, other)); n > 300_000 {
		t.Errorf("%d bytes, want at most 300,000", n)
	}
}

func TestDrawRefuses(t *testing.T) {
	good := Grid{Tiles: make([]float32, 8), Rows: 2, Columns: 2}
	with := func(change func(*Grid)) []Grid {
		g := good
		change(&g)
		return []Grid{good, g}
	}
	for _, test := range []struct {
		name  string
		grids []Grid
		want  string
	}{
		{"no grids", nil, "no grids"},
		{"no tiles", with(func(g *Grid) { g.Tiles = nil }), "grid 2 of 2: it has no tiles"},
		{"a value too few", with(func(g *Grid) { g.Tiles = g.Tiles[:7] }),
			"7 values are no whole number of tiles of 2 rows × 2 columns"},
		{"less than a tile", with(func(g *Grid) { g.Tiles = g.Tiles[:3] }), "3 values"},
		{"rows 0", with(func(g *Grid) { g.Rows = 0 }), "0 rows × 2 columns"},
		{"rows below 0", with(func(g *Grid) { g.Rows, g.Columns = -2, -2 }), "-2 rows × -2 columns"},
		{"columns 0", with(func(g *Grid) { g.Columns = 0 }), "2 rows × 0 columns"},
		{"rows × columns overflows to 0", with(func(g *Grid) { g.Rows, g.Columns = 1<<(intBits/2), 1<<(intBits/2) }),
			"8 values are no whole number"},
		{"rows × columns overflows to 4", with(func(g *Grid) { g.Rows, g.Columns = 2, 1<<(intBits-2)|2 }),
			"8 values are no whole number"},
		{"across below 0", with(func(g *Grid) { g.Across = -1 }), "-1 tiles across"},
		{"zoom below 0", with(func(g *Grid) { g.Zoom = -1 }), "zoom -1"},
		{"zoom above 64", with(func(g *Grid) { g.Zoom = 65 }), "zoom 65; must be 0 to 64"},
		{"no such scale", with(func(g *Grid) { g.Scale = 2 }), "no scale 2"},
		{"a large tile", with(func(g *Grid) { g.Tiles, g.Rows, g.Columns, g.Zoom = make([]float32, 20_000), 100, 200, 64 }),
			"draw fewer tiles"},
		{"many tiles", with(func(g *Grid) { g.Tiles, g.Rows, g.Columns = make([]float32, 20_000), 1, 1 }),
			"draw fewer tiles"},
		{"one high, one wide", []Grid{
			{Tiles: make([]float32, 9_000), Rows: 9_000, Columns: 1, Zoom: 1},
			{Tiles: make([]float32, 18_000), Rows: 2, Columns: 9_000, Zoom: 1}}, "draw fewer tiles"},
	} {
		t.Run(test.name, func(t *testing.T) {
			img, err := Draw("title", test.grids...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if img != nil {
				t.Error("a picture beside the error")
			}
		})
	}
	if _, err := Draw(strings.Repeat("word ", 1<<18), good); err == nil {
		t.Error("a title of a million letters was drawn")
	}
}

const intBits = 32 << (^uint(0) >> 63)

// full is a writer to a full disk.
type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWritePNGFails(t *testing.T) {
	img, err := Draw("", Grid{Tiles: []float32{0}, Rows: 1, Columns: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := WritePNG(full{}, img); !errors.Is(err, errFull) {
		t.Errorf("error %v, want %v", err, errFull)
	}
}

// Pictures below one another are whole, a margin apart, and the title stands above them.
func TestStack(t *testing.T) {
	one, err := Draw("", Grid{Tiles: []float32{0, 1}, Rows: 1, Columns: 2, Scale: Unit, Zoom: 10})
	if err != nil {
		t.Fatal(err)
	}
	two, err := Draw("", Grid{Caption: "wider", Tiles: make([]float32, 30), Rows: 1, Columns: 1, Across: 30, Zoom: 4})
	if err != nil {
		t.Fatal(err)
	}
	img := Stack("title", one, two)
	top := leading + titleGap
	if got, want := img.Rect, image.Rect(0, 0, two.Rect.Dx(), top+one.Rect.Dy()+two.Rect.Dy()-margin); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	for i, part := range []*image.Paletted{one, two} {
		at := top + i*(one.Rect.Dy()-margin)
		for y := margin; y < part.Rect.Dy()-margin; y++ {
			if !bytes.Equal(img.Pix[img.PixOffset(0, at+y):][:part.Rect.Dx()], part.Pix[y*part.Stride:][:part.Rect.Dx()]) {
				t.Fatalf("line %d of picture %d is another", y, i+1)
			}
		}
	}
	if box, n := ink(img, img.Rect, titleInk); n != textInk("title") || box.Max.Y > top+margin {
		t.Errorf("the title has %d pixels in %v", n, box)
	}
}

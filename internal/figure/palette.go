package figure

import (
	"image"
	"image/color"
)

// A picture has at most 256 colours, so that a file of it is small and an animation can take it
// as it is: a diverging map for signed numbers, white at 0 (the red and blue of ColorBrewer's
// RdBu, which nearly all eyes tell apart), a colour that is in no map for what stands between
// tiles, and greys.
const (
	lowest  = 0          // −1 in the diverging map
	zero    = 63         // 0
	highest = 126        // 1
	gutter  = 127        // between tiles
	black   = 128        // 0 among the greys
	white   = 255        // 1
	half    = black + 64 // ½, and what is not finite

	background = black + 125 // of everything that is no tile
	titleInk   = black + 16
	captionInk = black + 40
)

// palette is the colours by their numbers.
var palette = func() color.Palette {
	p := make(color.Palette, 256)
	for i := lowest; i <= highest; i++ {
		p[i] = diverging(float64(i-zero) / (highest - zero))
	}
	p[gutter] = color.RGBA{0xa9, 0xbf, 0x9f, 0xff}
	for i := black; i <= white; i++ {
		p[i] = color.Gray{Y: uint8((i - black) * 255 / (white - black))}
	}
	return p
}()

// stops are the colours of the diverging map at 0, ½ and 1 on either side.
var stops = [2][3][3]float64{
	{{247, 247, 247}, {146, 197, 222}, {5, 80, 160}},
	{{247, 247, 247}, {244, 165, 130}, {178, 16, 36}},
}

// diverging returns the colour of a number from −1 to 1.
func diverging(x float64) color.RGBA {
	side := stops[0]
	if x > 0 {
		side = stops[1]
	} else {
		x = -x
	}
	from, at := 0, 2*x
	if at > 1 {
		from, at = 1, at-1
	}
	mix := func(i int) uint8 { return uint8(side[from][i] + at*(side[from+1][i]-side[from][i]) + 0.5) }
	return color.RGBA{mix(0), mix(1), mix(2), 0xff}
}

// newPicture returns a picture of the background.
func newPicture(bounds image.Rectangle) *image.Paletted {
	img := image.NewPaletted(bounds, palette)
	fill(img, bounds, background)
	return img
}

// fill fills a part of a picture with one colour.
func fill(img *image.Paletted, part image.Rectangle, ink uint8) {
	part = part.Intersect(img.Rect)
	for y := part.Min.Y; y < part.Max.Y; y++ {
		row := img.Pix[img.PixOffset(part.Min.X, y):][:part.Dx()]
		for i := range row {
			row[i] = ink
		}
	}
}

// Coarse returns a picture that Draw made in fewer colours, for animations, which hold noise in
// all its shades badly.
func Coarse(img *image.Paletted) *image.Paletted {
	const step = 9 // from one shade to the next
	shade := func(x, from, to, fixed uint8) uint8 {
		d := (int(x) - int(fixed) + (1<<8)*step) % step // how far the shade is above one that stays
		y := int(x) - d
		if d > step/2 {
			y += step
		}
		return uint8(min(max(y, int(from)), int(to)))
	}
	coarse := image.NewPaletted(img.Rect, img.Palette)
	for i, x := range img.Pix {
		switch {
		case x <= highest:
			coarse.Pix[i] = shade(x, lowest, highest, zero)
		case x == gutter || x == background || x == titleInk || x == captionInk:
			coarse.Pix[i] = x
		default:
			coarse.Pix[i] = shade(x, black, white, black)
		}
	}
	return coarse
}

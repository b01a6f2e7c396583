// Package figure draws pictures of filters and of samples, and charts. It is given
// numbers and words and does not know where they come from.
package figure

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
)

// Lengths in pixels.
const (
	margin   = 16 // around everything
	between  = 24 // from one panel to the next
	leading  = 16 // from one line of text to the next
	textGap  = 4  // from the last line of a caption down to the grid
	titleGap = 10 // from the last line of the title down to the captions
)

// maxPixels is the most pixels that a picture may have.
const maxPixels = 1 << 26

// Draw draws grids side by side, each below its caption, and the title above
// them all. Captions are wrapped to the width of their grid, or to about 40
// letters where the grid is narrower, and the title to that of the picture; white
// space separates words, and a word that does not fit a line is broken. Text may
// have ASCII, ±, ×, ·, –, − and …; anything else becomes a question mark. Draw rejects
// no grids at all, a grid whose fields do not fit together, and what would have
// more than 2²⁶ pixels.
func Draw(title string, grids ...Grid) (*image.Paletted, error) {
	if len(grids) == 0 {
		return nil, errors.New("no grids to draw")
	}
	panels := make([]panel, len(grids))
	width, height, captionLines := -between, 0, 0 // of all panels together
	for i := range grids {
		p, err := newPanel(&grids[i])
		if err != nil {
			return nil, fmt.Errorf("grid %d of %d: %w", i+1, len(grids), err)
		}
		panels[i] = p
		width += between + p.width
		height = max(height, p.height())
		captionLines = max(captionLines, len(p.caption))
	}
	width = textWidth(title, width)
	titleLines := wrap(title, width)
	top := margin // of the grids
	if len(titleLines) > 0 {
		top += len(titleLines)*leading + titleGap
	}
	if captionLines > 0 {
		top += captionLines*leading + textGap
	}
	bounds := image.Rect(0, 0, width+2*margin, top+height+margin)
	if float64(bounds.Dx())*float64(bounds.Dy()) > maxPixels {
		return nil, fmt.Errorf("the picture would have %d × %d pixels, more than %d in all; "+
			"draw fewer tiles, zoom less or write less",
			bounds.Dx(), bounds.Dy(), maxPixels)
	}

	img := newPicture(bounds)
	write(img, titleLines, margin, margin, titleInk)
	x := margin
	for _, p := range panels {
		write(img, p.caption, x, top-textGap-len(p.caption)*leading, captionInk)
		p.draw(img, x, top)
		x += p.width + between
	}
	return img, nil
}

// Stack puts pictures that Draw made below one another, each without the margin that it
// shares with its neighbour, and a title above them all.
func Stack(title string, parts ...*image.Paletted) *image.Paletted {
	width, height := textWidth(title, 0)+2*margin, margin
	for _, p := range parts {
		width = max(width, p.Rect.Dx())
		height += p.Rect.Dy() - margin
	}
	lines, y := wrap(title, width-2*margin), 0 // of the top margin of the first picture
	if len(lines) > 0 {
		y = len(lines)*leading + titleGap
	}
	img := newPicture(image.Rect(0, 0, width, y+height))
	for _, p := range parts {
		for row := range p.Rect.Dy() {
			copy(img.Pix[img.PixOffset(0, y+row):][:p.Rect.Dx()], p.Pix[row*p.Stride:])
		}
		y += p.Rect.Dy() - margin
	}
	write(img, lines, margin, margin, titleInk)
	return img
}

// WritePNG writes a picture as a PNG file, packed as tightly as image/png can:
// the same bytes for the same picture from any build by one release of Go.
func WritePNG(w io.Writer, img image.Image) error {
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(w, img); err != nil {
		return fmt.Errorf("write PNG: %w", err)
	}
	return nil
}

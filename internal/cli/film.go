package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"

	"github.com/dustin/go-humanize"

	"tandem/internal/figure"
	"tandem/internal/files"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/runs"
)

// filmFile is the standard name of a film.
const filmFile = "film.gif"

// film is the verb that makes an animation of the moments of a run.
func film(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem film RUN [flags]")
	out := f.String("gif", "", "`FILE` (default film.gif in the run's folder)")
	most := 1000
	countVar(f, &most, "kilobytes", 10, 1<<20, "`N` at most, by leaving out moments that differ little from those before")
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if err := t.guard.pictures(found[0], output{"gif", *out}); err != nil {
		return err
	}
	s, err := loadLast(t, found[0])
	if err != nil {
		return err
	}
	if s.exported {
		return fmt.Errorf("%s: a film needs the moments of a run, and this is a model", found[0])
	}
	pictures, err := readMoments(found[0])
	if err != nil {
		return err
	}
	data, kept, err := shootFilm(ctx, pictures, most*1000)
	if err != nil {
		return err
	}
	name, write := *out, func(w io.Writer) error { _, err := w.Write(data); return err }
	if name == "" {
		name = s.beside(filmFile)
		err = files.Write(name, until(ctx, write)) // as the other pictures of a run
	} else {
		err = t.guard.write(ctx, name, write)
	}
	if err != nil {
		return err
	}
	t.say("%s of %d, %s", format.Number(kept, "moment"), len(pictures), humanize.Bytes(uint64(len(data))))
	t.made(name)
	return nil
}

// readMoments returns the pictures of all moments of a run, in order.
func readMoments(run string) ([]*image.Paletted, error) {
	updates, err := runs.Moments(run)
	if err != nil {
		return nil, err
	}
	if len(updates) < 2 {
		return nil, hintedError{fmt.Errorf("%s: %s; a film needs two", run, format.Number(len(updates), "moment")),
			"train keeps moments unless --moments 0 is given; versions before 0.6.0 kept none"}
	}
	const most = 20 * runs.MostMoments // of a run that was resumed to ever more updates
	if len(updates) > most {
		return nil, fmt.Errorf("%s: %s; a film has at most %d", run, format.Number(len(updates), "moment"), most)
	}
	var pictures []*image.Paletted
	for _, u := range updates {
		picture, err := readMoment(run, u, len(updates))
		if err != nil {
			return nil, fmt.Errorf("%s: the moment of update %d: %w", run, u, err)
		}
		if len(pictures) > 0 && picture.Rect != pictures[0].Rect {
			return nil, fmt.Errorf("%s: the moment of update %d has another size than the first", run, u)
		}
		pictures = append(pictures, figure.Coarse(picture))
	}
	return pictures, nil
}

// readMoment returns the picture of one moment. Few bytes may stand for a large picture, so there
// must be room for as many as there are.
func readMoment(run string, update uint64, of int) (*image.Paletted, error) {
	data, err := runs.ReadMoment(run, update)
	if err != nil {
		return nil, err
	}
	size, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if colours, ok := size.ColorModel.(color.Palette); !ok || len(colours) != 256 {
		return nil, errors.New("no picture that tandem drew")
	}
	const most = 1 << 26 // pixels, as figure.Draw has it
	pixels := uint64(size.Width) * uint64(size.Height)
	if pixels > most {
		return nil, fmt.Errorf("%d × %d pixels; no picture that tandem drew", size.Width, size.Height)
	}
	if err := memory.Check(pixels*uint64(of+1), ""); err != nil {
		return nil, err
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	picture, ok := img.(*image.Paletted)
	if !ok {
		return nil, errors.New("no picture that tandem drew")
	}
	return picture, nil
}

// shootFilm returns an animation of as many pictures as most bytes allow, and how many these are.
func shootFilm(ctx context.Context, pictures []*image.Paletted, most int) (data []byte, kept int, err error) {
	way := distances(pictures)
	for n := len(pictures); n >= 2; n-- {
		if ctx.Err() != nil {
			return nil, 0, context.Cause(ctx)
		}
		frames := spread(way, n)
		var b bytes.Buffer
		if err := gif.EncodeAll(&b, animation(pictures, frames)); err != nil {
			return nil, 0, err
		}
		if b.Len() <= most {
			return b.Bytes(), len(frames), nil
		}
		n = min(n, n*most/b.Len()+3) // nearer at once, and two are tried at last
	}
	return nil, 0, errors.New("two moments take more than that; allow more with --kilobytes")
}

// Times in hundredths of a second.
const (
	frameTime = 20
	lastTime  = 250
)

// animation returns the animation of some pictures.
func animation(pictures []*image.Paletted, frames []int) *gif.GIF {
	g := new(gif.GIF)
	for _, i := range frames {
		g.Image, g.Delay = append(g.Image, pictures[i]), append(g.Delay, frameTime)
	}
	g.Delay[len(g.Delay)-1] = lastTime
	return g
}

// distances returns how far each picture is from the first one, by what changes from each to the
// next.
func distances(pictures []*image.Paletted) []float64 {
	way := make([]float64, len(pictures))
	for i := range pictures[1:] {
		changed := 0
		for j, x := range pictures[i+1].Pix {
			if d := int(x) - int(pictures[i].Pix[j]); d < 0 {
				changed -= d
			} else {
				changed += d
			}
		}
		way[i+1] = way[i] + float64(changed)
	}
	return way
}

// spread returns n of the pictures on a way, or fewer, evenly spread over what changes, the first
// and the last among them.
func spread(way []float64, n int) []int {
	last := len(way) - 1
	frames, next := []int{0}, 1
	for i := 1; i < last; i++ {
		if way[i]*float64(n-1) >= way[last]*float64(next) && next < n-1 {
			frames = append(frames, i)
			for next < n-1 && way[i]*float64(n-1) >= way[last]*float64(next) {
				next++
			}
		}
	}
	return append(frames, last)
}

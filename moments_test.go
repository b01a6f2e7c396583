package main

import (
	"bytes"
	"image/gif"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tandem/internal/runs"
)

// A run keeps pictures of its way, those of before a resume too, and they change nothing of the
// model.
func TestMoments(t *testing.T) {
	dir := t.TempDir()
	moments := func(run string) map[uint64][]byte {
		t.Helper()
		updates, err := runs.Moments(filepath.Join(dir, run))
		if err != nil {
			t.Fatal(err)
		}
		found := map[uint64][]byte{}
		for _, u := range updates {
			if found[u], err = runs.ReadMoment(filepath.Join(dir, run), u); err != nil {
				t.Fatal(err)
			}
			if _, err := png.Decode(bytes.NewReader(found[u])); err != nil {
				t.Errorf("%s, update %d: %v", run, u, err)
			}
		}
		return found
	}
	must(t, dir, small("--moments", "8", "--out", "whole")...)
	whole := moments("whole")
	if len(whole) != 8 || whole[0] == nil || whole[1] == nil || whole[30] == nil {
		t.Errorf("%d moments", len(whole))
	}
	// Resumed beyond its end: what somebody left beyond the checkpoint goes, and the rest stays.
	must(t, dir, small("--moments", "8", "--out", "parts")...)
	lay(t, filepath.Join(dir, "parts", "moments"), "000000031.png", []byte("left by a stop"))
	must(t, dir, "resume", "parts", "--updates", "40", "--quiet")
	for u, picture := range moments("parts") {
		if u <= 1 && !bytes.Equal(picture, whole[u]) || u == 31 {
			t.Errorf("the moment of update %d is another", u)
		}
	}
	if moments("parts")[40] == nil {
		t.Error("no moment of the new end")
	}
	must(t, dir, small("--moments", "0", "--out", "none")...)
	if sha(t, dir, "none") != sha(t, dir, "whole") || len(moments("none")) != 0 {
		t.Error("moments change the model, or cannot be left out")
	}
	refuse(t, 2, dir, small("--moments", "1", "--out", "one"), "moments: 1; must be 0, or 2 to 1000")
}

// A film has the first and the last moment, and is as small as it must be.
func TestFilm(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--updates", "50", "--out", "run")...)
	shown := func(args ...string) *gif.GIF {
		t.Helper()
		must(t, dir, append([]string{"film", "run", "--gif", "f.gif"}, args...)...)
		data, err := os.ReadFile(filepath.Join(dir, "f.gif"))
		if err != nil {
			t.Fatal(err)
		}
		g, err := gif.DecodeAll(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	all, some := shown("--kilobytes", "100000"), shown("--kilobytes", "200")
	if n := len(all.Image); n < 12 || len(some.Image) >= n || len(some.Image) < 2 {
		t.Errorf("%d frames of %d", len(some.Image), n)
	}
	info, err := os.Stat(filepath.Join(dir, "f.gif"))
	if err != nil || info.Size() > 200_000 {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
	for _, at := range []func(g *gif.GIF) []uint8{func(g *gif.GIF) []uint8 { return g.Image[0].Pix },
		func(g *gif.GIF) []uint8 { return g.Image[len(g.Image)-1].Pix }} {
		if !slices.Equal(at(all), at(some)) {
			t.Error("the first or the last moment is left out")
		}
	}
	must(t, dir, "film", "run")
	if _, err := os.Stat(filepath.Join(dir, "run", "film.gif")); err != nil {
		t.Error(err)
	}
	refuse(t, 1, dir, []string{"film", "run", "--kilobytes", "10"}, "--kilobytes")
	// What somebody else has put there is no moment.
	folder := filepath.Join(dir, "run", "moments")
	bomb := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x00\x00\x00\x00"
	for what, picture := range map[string]string{"000000003.png": "no picture",
		"000000007.png": bomb + "\x00\x00\x00\x00"} {
		lay(t, folder, what, []byte(picture))
		refuse(t, 1, dir, []string{"film", "run"}, "the moment of update "+strings.Trim(what, "0.png"))
		if err := os.Remove(filepath.Join(folder, what)); err != nil {
			t.Fatal(err)
		}
	}
	must(t, dir, small("--moments", "0", "--out", "none")...)
	if err := os.Symlink(folder, filepath.Join(dir, "none", "moments")); err == nil {
		refuse(t, 1, dir, []string{"film", "none"}, "none/moments")
		if err := os.Remove(filepath.Join(dir, "none", "moments")); err != nil {
			t.Fatal(err)
		}
	}
	refuse(t, 1, dir, []string{"film", "none"}, "0 moments", "--moments")
	must(t, dir, "export", "run", "--npz", "m.npz")
	refuse(t, 1, dir, []string{"film", "m.npz"}, "needs the moments of a run")
}

package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math"
	"path/filepath"
	"testing"

	"tandem/internal/runs"
	"tandem/mnist"
)

// Features are the fixed point of mean field, for all images, with their labels.
func TestFeatures(t *testing.T) {
	long(t)
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, "features", "run", "--npz", "f.npz", "--quiet")
	z, err := zip.OpenReader(filepath.Join(dir, "f.npz"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	read := func(name string) []byte {
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(f); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()[10+int(binary.LittleEndian.Uint16(b.Bytes()[8:])):]
	}
	q1, q2, labels := read("q1.npy"), read("q2.npy"), read("labels.npy")
	set, err := mnist.Open("", mnist.Test)
	if err != nil {
		t.Fatal(err)
	}
	if len(q1) != 4*10000*20 || len(q2) != 4*10000*10 || !bytes.Equal(labels, set.Labels) {
		t.Fatalf("%d and %d bytes of features, %d labels", len(q1), len(q2), len(labels))
	}
	c, err := runs.ReadCheckpoint(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	at := func(b []byte, i int) float64 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
	}
	for _, image := range []int{0, 150, 9999} {
		for j := range 10 {
			pre := float64(c.State.Biases[2][j])
			for i := range 20 {
				pre += at(q1, image*20+i) * float64(c.State.Weights[1][i*10+j])
			}
			if want, got := 1/(1+math.Exp(-pre)), at(q2, image*10+j); math.Abs(got-want) > 1e-4 {
				t.Errorf("image %d: unit %d of layer 2 is %v, want %v", image, j, got, want)
			}
		}
	}
	refuse(t, 2, dir, []string{"features", "run"}, "--npz")
	refuse(t, 2, dir, []string{"features", "run", "--npz", "x.npz", "--pixels", "sample"}, "pixels")
	refuse(t, 2, dir, []string{"features", "run", "--npz", "x.npz", "--split", "all"}, "split")
}

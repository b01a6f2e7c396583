package dataset

import (
	"archive/zip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func formatted(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func TestReadLabels(t *testing.T) {
	qmnist := make([]int32, 24)
	qmnist[0], qmnist[8], qmnist[16] = 5, 0, 4
	numbers, words := []string{"5", "0", "4"}, []string{"a", "b", "c"}
	for _, c := range []struct {
		name    string
		data    []byte
		options Options
		want    []string
	}{
		{"l-idx1-ubyte", idx(8, []uint32{3}, []uint8{5, 0, 4}), Options{}, numbers},
		{"l-idx1-int", idx(12, []uint32{3}, []int32{5, 0, 4}), Options{}, numbers},
		{"l-idx2-int", idx(12, []uint32{3, 8}, qmnist), Options{}, numbers},
		{"l.npy", npy("<i8", "False", "3,", []int64{5, 0, 4}), Options{}, numbers},
		{"l.npy", npy("<f8", "False", "3, 1", []float64{5, 0, 4}), Options{}, numbers},
		{"l.npy", letters("abc"), Options{}, words},
		{"l.npy", npy("|S2", "False", "3,", []byte("a\x00b\x00c\x00")), Options{}, words},
		{"l.npz", archive(zip.Deflate, "l", letters("abc")), Options{}, words},
		{"l.npz", archive(zip.Deflate, "x", npy("|u1", "False", "3, 4", digitsOf), "z", letters("z"), "target",
			letters("abc")),
			Options{}, words},
		{"l.npz:y", archive(zip.Deflate, "y", letters("abc"), "target", letters("zz")), Options{}, words},
		{"l.txt", []byte("5\n0\r\n 4 \n\n"), Options{}, numbers},
		{"l.txt", []byte("label\n5\n0\n4"), Options{Header: "yes"}, numbers},
		{"l.txt", []byte("\ufeffAnkle boot\nT-shirt, top\n\"a \"\"b\"\"\"\n"), Options{}, []string{"Ankle boot",
			"T-shirt, top",
			`a "b"`}},
		{"l.csv", []byte("a\n\"b\"\nc\n"), Options{}, words},
		{"l.csv", []byte("class\na\nb\nc\n"), Options{Header: "yes"}, words},
		{"l.csv", []byte("x,class\n1,a\n2,b\n3,c\n"), Options{LabelColumn: "class"}, words},
		{"l.csv", []byte("x,class\n1,a\n2,b\n3,c\n"), Options{LabelColumn: "2"}, words},
		{"l.csv", []byte("1,a\n2,b\n3,c\n"), Options{LabelColumn: "2"}, words},
	} {
		file, array, _ := strings.Cut(c.name, ":")
		for _, gz := range []bool{false, true} {
			name, data := file, c.data
			if gz {
				name, data = name+".gz", zipped(data)
			}
			name = put(t, name, data)
			if array != "" {
				name += ":" + array
			}
			if got, err := ReadLabels(name, c.options); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s, %.80q: %q, %v; want %q", c.name, c.data, got, err, c.want)
			}
		}
	}
}

func TestReadLabelsRejects(t *testing.T) {
	for _, c := range []struct {
		name    string
		data    []byte
		options Options
		words   []string
	}{
		{"l.npy", npy("<f8", "False", "2,", []float64{1, 1.5}), Options{}, []string{"example 2", "1.5", "whole"}},
		{"l.npy", npy("<f8", "False", "2, 2", []float64{1, 1, 1, 1}), Options{}, []string{"(2, 2)", "one dimension"}},
		{"l.npy", npy("<i4", "False", "0,", []int32{}), Options{}, []string{"no labels"}},
		{"l.npy", npy("|S1", "False", "2,", []byte("a\x00")), Options{}, []string{"example 2", "empty"}},
		{"l.npz", archive(zip.Store, "a", letters("a"), "b", letters("b")), Options{}, []string{"several", "b (1,) <U1"}},
		{"l.npz", archive(zip.Store, "a", npy("|u1", "False", "3, 4", digitsOf)), Options{}, []string{"no array",
			"a (3, 4) |u1"}},
		{"l.npz:q", archive(zip.Store, "a", letters("a")), Options{}, []string{`no array "q"`}},
		{"l", idx(8, []uint32{2, 2, 3}, digitsOf), Options{}, []string{"3 dimensions", "not labels"}},
		{"l", idx(12, []uint32{3, 4}, make([]int32, 12)), Options{}, []string{"8 numbers"}},
		{"l", idx(8, []uint32{9}, []uint8{1}), Options{}, []string{"9 labels", "follow"}},
		{"l.txt", []byte("a\n\nb\n"), Options{}, []string{"line 2", "empty"}},
		{"l.txt", []byte("a\n"), Options{Header: "yes"}, []string{"no labels"}},
		{"l.txt", []byte("1 2 3\n"), Options{}, []string{"line 1", "several numbers"}},
		{"l.txt", []byte("1\n2,3\n"), Options{}, []string{"line 2", "several numbers"}},
		{"l.csv", []byte("a,b\n"), Options{}, []string{"2 columns", "--label-column"}},
		{"l.csv", []byte("x,y\na,b\nc,\n"), Options{LabelColumn: "y"}, []string{"line 3", `column 2 ("y")`, "empty"}},
		{"l.csv", []byte("a\n\nb\n"), Options{}, []string{"line 2", "empty"}},
	} {
		file, array, _ := strings.Cut(c.name, ":")
		name := put(t, file, c.data)
		if array != "" {
			name += ":" + array
		}
		_, err := ReadLabels(name, c.options)
		checkError(t, string(c.data), name, err, c.words)
	}
}

// checkError reports an error that is not there, does not begin with the file or lacks a
// word.
func checkError(t *testing.T, what, name string, err error, words []string) {
	t.Helper()
	if err == nil {
		t.Errorf("%.60q: no error; want one with %q", what, words)
		return
	}
	text, ok := strings.CutPrefix(err.Error(), name+": ")
	for _, word := range words {
		ok = ok && strings.Contains(text, word)
	}
	if !ok || strings.Contains(text, name) {
		t.Errorf("%.60q: error %q; want the file once at its beginning, and %q", what, err, words)
	}
}

func TestFolder(t *testing.T) {
	images, other := idx(8, []uint32{2, 2, 3}, digitsOf), idx(8, []uint32{1, 2, 3}, digitsOf[:6])
	labels := idx(8, []uint32{2}, []uint8{5, 0})
	qmnist := idx(12, []uint32{2, 8}, append([]int32{5, 0, 0, 0, 0, 0, 0, 0}, make([]int32, 8)...))
	// An image has 3 rows of 2 as a person sees it, and is stored as 2 columns of 3.
	turned := []uint8{0, 0, 255, 17, 3, 0, 0, 1, 0, 0, 128, 9}
	five := []string{"5", "0"}
	for _, c := range []struct {
		set    string
		files  map[string][]byte
		shape  []int
		bytes  []uint8
		labels []string
		words  string // of an error
	}{
		{"train", map[string][]byte{"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte.gz": zipped(labels),
			"t10k-images-idx3-ubyte": other}, []int{2, 3}, digitsOf, five, ""},
		{"test", map[string][]byte{"t10k-images.idx3-ubyte": images, "t10k-images.idx3-ubyte.gz": []byte("bad"),
			"train-images-idx3-ubyte": other}, []int{2, 3}, digitsOf, nil, ""},
		{"test", map[string][]byte{"emnist-letters-test-images-idx3-ubyte.gz": zipped(images),
			"emnist-letters-test-labels-idx1-ubyte.gz": zipped(labels), "emnist-letters-train-images-idx3-ubyte": other},
			[]int{3, 2}, turned, five, ""},
		{"train", map[string][]byte{"qmnist-train-images-idx3-ubyte": images,
			"qmnist-train-labels-idx2-int.gz": zipped(qmnist)},
			[]int{2, 3}, digitsOf, five, ""},
		{"train", map[string][]byte{"emnist-letters-train-images-idx3-ubyte": images,
			"emnist-digits-train-images-idx3-ubyte.gz": zipped(images)}, nil, nil, nil,
			"emnist-digits-train-images-idx3-ubyte.gz, emnist-letters-train-images-idx3-ubyte"},
		{"train", map[string][]byte{"t10k-images-idx3-ubyte": images}, nil, nil, nil, "no train images"},
		{"train", map[string][]byte{"train-images-idx3-ubyte": other, "train-labels-idx1-ubyte": labels}, nil, nil, nil,
			"2 labels for the 1 images"},
		{"half", nil, nil, nil, nil, "train and test"},
	} {
		dir := t.TempDir()
		for name, data := range c.files {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := Folder(dir, c.set)
		switch {
		case c.words != "":
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%s: error %v; want %q", c.set, err, c.words)
			}
		case err != nil || !slices.Equal(got.Shape, c.shape) || !slices.Equal(got.Bytes, c.bytes) ||
			!slices.Equal(got.Labels, c.labels):
			t.Errorf("%s: %+v, %v; want %v, %v, %v", c.set, got, err, c.shape, c.bytes, c.labels)
		}
	}
	if _, err := Folder(t.TempDir(), "test"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Folder(filepath.Join(t.TempDir(), "none"), "test"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

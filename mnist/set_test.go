package mnist

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The embedded sets are read once for all tests that need them.
var (
	embeddedTrain = sync.OnceValues(func() (*Set, error) { return Open("", Train) })
	embeddedTest  = sync.OnceValues(func() (*Set, error) { return Open("", Test) })
)

func must(t testing.TB, open func() (*Set, error)) *Set {
	t.Helper()
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEmbeddedFilesAreTheCanonicalOnes(t *testing.T) {
	want := map[string]string{
		"t10k-images-idx3-ubyte.gz":  "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
		"t10k-labels-idx1-ubyte.gz":  "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
		"train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
		"train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
	}
	readme, err := os.ReadFile("data/README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := embedded.ReadDir("data")
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d files embedded, want %d (%v)", len(files), len(want), err)
	}
	for _, f := range files {
		b, err := embedded.ReadFile("data/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		if got := hex.EncodeToString(sum[:]); got != want[f.Name()] {
			t.Errorf("%s: SHA-256 %s, want %s", f.Name(), got, want[f.Name()])
		}
		if !strings.Contains(string(readme), want[f.Name()]) {
			t.Errorf("data/README.md lacks the SHA-256 of %s", f.Name())
		}
	}
}

func TestEmbeddedSets(t *testing.T) {
	for _, c := range []struct {
		open   func() (*Set, error)
		name   string
		n      int
		first  []byte
		sha256 string // of the unpacked images, by sha256sum
	}{
		{embeddedTrain, Train, 60000, []byte{5, 0, 4, 1, 9},
			"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
		{embeddedTest, Test, 10000, []byte{7, 2, 1, 0, 4},
			"0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
	} {
		s := must(t, c.open)
		if s.Name != c.name || s.N() != c.n || s.Rows() != 28 || s.Columns() != 28 || len(s.Labels) != c.n {
			t.Errorf("%s: %s, %d images of %d × %d pixels, %d labels", c.name, s.Name, s.N(), s.Rows(), s.Columns(),
				len(s.Labels))
		}
		if !bytes.Equal(s.Labels[:5], c.first) {
			t.Errorf("%s: first labels %v, want %v", c.name, s.Labels[:5], c.first)
		}
		if s.SHA256 != c.sha256 {
			t.Errorf("%s: SHA-256 %s, want %s", c.name, s.SHA256, c.sha256)
		}
		if s.Source != "embedded MNIST" || !strings.Contains(s.Credit, "Yann LeCun and Corinna Cortes") {
			t.Errorf("%s: source %q, credit %q", c.name, s.Source, s.Credit)
		}
	}
}

func TestImage(t *testing.T) {
	s := must(t, embeddedTrain)
	// The first image is a 5, whose first ink is in row 5, column 12.
	five := s.Image(0)
	if len(five) != 784 || cap(five) != 784 || five[5*28+11] != 0 || five[5*28+12] != 3 || five[5*28+13] != 18 {
		t.Errorf("the first image is not the known 5: %v", five[5*28:6*28])
	}
	last := s.Image(59999)
	if &last[783] != &s.Images.Pixels[len(s.Images.Pixels)-1] {
		t.Error("the last image does not end with the pixels")
	}
}

// folderOf makes a folder of files.
func folderOf(t *testing.T, files map[string][]byte) string {
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// openBoth opens both sets; test is nil where there is none.
func openBoth(dir string) (train, test *Set, err error) {
	if train, err = Open(dir, Train); err != nil {
		return nil, nil, err
	}
	if test, err = Open(dir, Test); errors.Is(err, fs.ErrNotExist) {
		return train, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return train, test, nil
}

func TestOpenFindsNames(t *testing.T) {
	train, trainLabels := idx(0x803, []uint32{2, 2, 5}, ramp(20)), idx(0x801, []uint32{2}, []byte{1, 2})
	test, testLabels := idx(0x803, []uint32{1, 2, 5}, ramp(10)), idx(0x801, []uint32{1}, []byte{3})
	for _, c := range []struct{ between, end string }{{"-", ""}, {"-", ".gz"}, {".", ""}, {".", ".gz"}} {
		name := func(stem, kind string) string { return stem + c.between + kind + c.end }
		// The name does not tell the content: .gz holds plain files here, and no .gz gzipped ones.
		dir := folderOf(t, map[string][]byte{
			name("train-images", "idx3-ubyte"): train, name("train-labels", "idx1-ubyte"): zipped(trainLabels),
			name("t10k-images", "idx3-ubyte"): zipped(test), name("t10k-labels", "idx1-ubyte"): testLabels,
		})
		a, b, err := openBoth(dir)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if a.Name != Train || a.N() != 2 || !bytes.Equal(a.Labels, []byte{1, 2}) || a.Source != dir || a.Credit != "" {
			t.Errorf("%+v: training set %+v", c, a)
		}
		if b.Name != Test || b.N() != 1 || !bytes.Equal(b.Image(0), ramp(10)) || !bytes.Equal(b.Labels, []byte{3}) {
			t.Errorf("%+v: test set %+v", c, b)
		}
		for s, file := range map[*Set][]byte{a: train, b: test} {
			if sum := sha256.Sum256(file); s.SHA256 != hex.EncodeToString(sum[:]) {
				t.Errorf("%+v: SHA-256 of %s is not that of the plain file", c, s.Name)
			}
		}
	}
}

func TestOpenPartOfAFolder(t *testing.T) {
	dir := folderOf(t, map[string][]byte{"train-images.idx3-ubyte": goodImages})
	// As in some archives, beside the file a folder of the name that is looked for first.
	if err := os.Mkdir(filepath.Join(dir, "train-images-idx3-ubyte"), 0o777); err != nil {
		t.Fatal(err)
	}
	train, test, err := openBoth(dir)
	if err != nil || train.N() != 3 || train.Labels != nil || test != nil {
		t.Errorf("training set %+v, test set %+v, %v", train, test, err)
	}
}

// Opening one set neither needs the files of the other nor minds what is in them.
func TestOpenReadsOneSet(t *testing.T) {
	dir := folderOf(t, map[string][]byte{"train-images-idx3-ubyte": []byte("junk"), "t10k-images-idx3-ubyte": goodImages})
	if s, err := Open(dir, Test); err != nil || s.N() != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	images := "train-images-idx3-ubyte, train-images-idx3-ubyte.gz, train-images.idx3-ubyte, train-images.idx3-ubyte.gz"
	for _, c := range []struct {
		name  string
		files map[string][]byte
		want  []string
	}{
		{"an empty folder", nil, []string{"train images: none of " + images + " in DIR"}},
		{"the test set alone", map[string][]byte{"t10k-images-idx3-ubyte": goodImages},
			[]string{"train images: none of " + images + " in DIR"}},
		{"junk", map[string][]byte{"train-images-idx3-ubyte.gz": []byte("junk mail")},
			[]string{"train images: DIR", "train-images-idx3-ubyte.gz: not an IDX file of images"}},
		{"a label missing", map[string][]byte{"train-images-idx3-ubyte": goodImages,
			"train-labels-idx1-ubyte": idx(0x801, []uint32{2}, []byte{1, 2})},
			[]string{"train labels: DIR", "train-labels-idx1-ubyte: 2 labels for 3 images"}},
		{"a label over", map[string][]byte{"train-images-idx3-ubyte": goodImages, "train-labels-idx1-ubyte": goodLabels},
			[]string{"train labels: DIR", "train-labels-idx1-ubyte: 4 labels for 3 images"}},
		{"damaged labels", map[string][]byte{"train-images-idx3-ubyte": goodImages,
			"train-labels-idx1-ubyte.gz": zipped(goodLabels)[:20]},
			[]string{"train labels: DIR", "train-labels-idx1-ubyte.gz: the gzip stream is cut short"}},
		{"damaged test images", map[string][]byte{"train-images-idx3-ubyte": goodImages,
			"t10k-images-idx3-ubyte": goodImages[:20]},
			[]string{"test images: DIR", "t10k-images-idx3-ubyte: the header promises"}},
	} {
		dir := folderOf(t, c.files)
		train, test, err := openBoth(dir)
		if err == nil || train != nil || test != nil {
			t.Errorf("%s: accepted or half accepted (%v)", c.name, err)
			continue
		}
		for _, want := range c.want {
			if want = strings.ReplaceAll(want, "DIR", dir); !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q lacks %q", c.name, err, want)
			}
		}
	}

	missing := filepath.Join(t.TempDir(), "missing")
	_, _, err := openBoth(missing)
	if want := "no folder " + missing + " in which to look for " + images; !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("missing folder: error %v, want %q", err, want)
	}
	if _, err := Open("", "validation"); err == nil || !strings.Contains(err.Error(),
		`no set "validation"; the sets are train and test`) {
		t.Errorf("unknown set: error %v", err)
	}
}

func BenchmarkOpenTrain(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open("", Train); err != nil {
			b.Fatal(err)
		}
	}
}

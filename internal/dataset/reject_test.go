package dataset

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tandem/internal/files"
	"tandem/internal/memory"
)

// Each wrong file has its error, which names the file, the place and what to do.
func TestReadRejects(t *testing.T) {
	square := npy("|u1", "False", "3, 4", digitsOf)
	sparse := func(format string, indptr, indices []int32, shape []int64, data []float64) []byte {
		return archive(zip.Store, "indices", npy("<i4", "False", formatted(float64(len(indices)))+",", indices),
			"indptr", npy("<i4", "False", formatted(float64(len(indptr)))+",", indptr),
			"format", npy("|S3", "False", "", []byte(format)), "shape", npy("<i8", "False", "2,", shape),
			"data", npy("<f8", "False", formatted(float64(len(data)))+",", data))
	}
	floats := func(x ...float64) []byte { return npy("<f8", "False", "2, 2", x) }
	none, label := Options{}, func(s string) Options { return Options{LabelColumn: s} }
	for _, c := range []struct {
		name    string
		data    string
		options Options
		words   []string
	}{
		{"x", "", none, []string{"empty"}},
		{"x.csv", "\n\n", none, []string{"no rows"}},
		{"x.csv", "a,b\n", none, []string{"only a header", "--header no"}},
		{"x.csv", "1,2\n3\n", none, []string{"line 2", "1 columns", "has 2"}},
		{"x.csv", "1,2\n3,4,5\n", none, []string{"line 2", "3 columns", "has 2"}},
		{"x.csv", "a,b\n1,2\n\n3,\n", none, []string{"line 4", `column 2 ("b")`, "empty", "fill"}},
		{"x.csv", "1,2\n,4\n", none, []string{"line 2", "column 1", "empty"}},
		{"x.csv", "1,2\nNaN,4\n", none, []string{"line 2", "column 1", `"NaN"`, "fill"}},
		{"x.csv", "NA,2\n3,4\n", none, []string{"line 1", "column 1", `"NA"`, "--header yes"}},
		{"x.csv", "1,2\n3,?\n", none, []string{"line 2", "column 2", `"?"`}},
		{"x.csv", "1,2\n3,-inf\n", none, []string{"line 2", "column 2", `"-inf"`}},
		{"x.csv", "1,2\n3,1e999\n", none, []string{"line 2", "column 2", "float32"}},
		{"x.csv", "1,2\n3,4e38\n", none, []string{"line 2", "column 2", "float32"}},
		{"x.csv", "a,b\n1,cat\n", none, []string{"line 2", `column 2 ("b")`, `"cat"`, "--label-column"}},
		{"x.csv", "1,cat\n2,dog\n", none, []string{"line 2", `column 2 ("cat")`, `"dog"`}},
		{"x.csv", "a,b\n1,True\n", none, []string{"line 2", "write 1 for true"}},
		{"x.csv", "a,b\n1,0x10\n", none, []string{"line 2", `"0x10"`}},
		{"x.csv", "a,b\n1,1_0\n", none, []string{"line 2", `"1_0"`}},
		{"x.csv", "1;2,5\n", Options{Header: "no"}, []string{"line 1", `"2,5"`, "point"}},
		{"x.csv", "0,1,2,3\n5,6,7,8\n", none, []string{"pandas", "--header yes"}},
		{"x.csv", ",a\n0,1\n1,7\n2,5\n", none, []string{"pandas", "index=False"}},
		{"x.csv", ",a\n0,1.5\n1,7\n2,5\n", none, []string{"pandas", "index=False"}},
		{"x.csv", "1\n\n2\n", none, []string{"line 2", "empty"}},
		{"x.csv", "1,\"2\n3,4\n", none, []string{"line 1", "quote"}},
		{"x.csv", "1,2\n3,\"4\"5\n", none, []string{"line 2", "column 2", "quote"}},
		{"x.csv", "1,2\n3,4\"5\"\n", none, []string{"line 2", "column 2", "quote"}},
		{"x.csv", "a,b\n1,2\n", label("c"), []string{`no column is named "c"`, `"a", "b"`}},
		{"x.csv", "a,a\n1,2\n", label("a"), []string{"several columns"}},
		{"x.csv", "1,2\n3,4\n", label("c"), []string{"no header"}},
		{"x.csv", "1,2\n3,4\n", label("3"), []string{"label column 3", "2 columns"}},
		{"x.csv", "1,2\n3,4\n", label("0"), []string{"label column 0"}},
		{"x.csv", "a,b\n1,2\n3,\n", label("b"), []string{"line 3", "label is empty"}},
		{"x.csv", "a\n1\n", label("a"), []string{"only column"}},
		{"x.csv", "\xff\xfe1\x00,\x002\x00", none, []string{"UTF-16", "save it as UTF-8"}},
		{"x.csv", "\xfe\xff\x001\x00,", none, []string{"UTF-16", "save it as UTF-8"}},
		{"x", "1,2\x00", none, []string{"not a format", "IDX, .npy"}},
		{"x.h5", "\x89HDF\r\n", none, []string{"HDF5", "numpy.save"}},
		{"x.csv", "1,2\n", Options{Header: "maybe"}, nil},

		{"x.txt", "1:2 0:3\n", none, []string{"line 1", "index 0", "--zero-based"}},
		{"x.txt", "1:2\n3:1 3:2\n", none, []string{"line 2", "index 3", "twice"}},
		{"x.txt", "1:2\n-3:1\n", none, []string{"line 2", "index -3", "below 1"}},
		{"x.txt", "1:2\n1048577:1\n", none, []string{"line 2", "index 1048577", "1048576"}},
		{"x.txt", "1:2\n5:1\n", Options{Columns: 4}, []string{"line 2", "index 5", "4 columns"}},
		{"x.txt", "0:2\n4:1\n", Options{Columns: 4, ZeroBased: true}, []string{"line 2", "index 4", "largest is 3"}},
		{"x.txt", "1:2\n2:x\n", none, []string{"line 2", `"2:x"`, "value"}},
		{"x.txt", "1:2\n2:nan\n", none, []string{"line 2", "index 2", "nan"}},
		{"x.txt", "1:2\nb:2\n", none, []string{"line 2", `"b:2"`, "index"}},
		{"x.txt", "a 1:2\n2:2\n", none, []string{"line 2", "label"}},
		{"x.txt", "1:2\n\n2:2\n", none, []string{"line 2 is empty", "label"}},
		{"x.txt", "1 qid:3 1:2\n", none, []string{"line 1", "qid"}},
		{"x.txt", "1 1:2\n", label("1"), []string{"label column"}},
		{"x.svm", "a\nb\n", none, []string{"--columns"}},

		{"x.npy", string(npy("<f4", "False", "4,", make([]float32, 4))), none, []string{"(4,)", "reshape(-1, 1)"}},
		{"x.npy", string(npy("<f4", "False", "2, 1, 1, 2", make([]float32, 4))), none, []string{"(2, 1, 1, 2)", "reshape"}},
		{"x.npy", string(npy("<f4", "False", "0, 4", []float32{})), none, []string{"no examples"}},
		{"x.npy", string(npy("<f4", "False", "4, 0", []float32{})), none, []string{"columns"}},
		{"x.npy", string(npy("|u1", "False", "1, 1048577", make([]uint8, 1048577))), none, []string{"1048577", "1048576"}},
		{"x.npy", string(npy("<c8", "False", "1, 1", make([]float32, 2))), none, []string{"<c8", "float32"}},
		{"x.npy", string(npy("|O", "False", "1, 1", make([]float32, 2))), none, []string{"Python objects", "astype"}},
		{"x.npy", string(npy("<U1", "False", "1, 2", []rune("ab"))), none, []string{"<U1", "numbers"}},
		{"x.npy", string(floats(1, 2, math.NaN(), 3)), none, []string{"example 2, column 1", "NaN", "fill"}},
		{"x.npy", string(floats(1, 2, 1, math.Inf(1))), none, []string{"example 2, column 2", "infinity"}},
		{"x.npy", string(floats(1, 1e300, 1, 1)), none, []string{"example 1, column 2", "float32", "scale"}},
		{"x.npy", string(npy("<f8", "False", "1, 2, 2", []float64{1, 2, math.NaN(), 3})), none,
			[]string{"example 1, row 2, column 1"}},
		{"x.npy", string(square), label("class"), []string{"1 to 4"}},
		{"x.npy", string(square), label("5"), []string{"1 to 4"}},
		{"x.npy", string(floats(1, 2, 1.5, 2)), label("1"), []string{"label of example 2", "1.5"}},
		{"x.npy", string(npy("|u1", "False", "3, 2, 2", digitsOf)), label("1"), []string{"label column"}},
		{"x.npy", string(npy("<f8", "False", "9999999, 100", []float64{1})), none, []string{"more than"}},
		{"x.npy", string(square) + "x", none, []string{"more than"}},
		{"x.npy:x", string(square), none, []string{"not an .npz"}},

		{"x.npz", string(archive(zip.Store, "a", square, "b", square)), none, []string{"several", "FILE.npz:a",
			"a (3, 4) |u1",
			"b (3, 4) |u1"}},
		{"x.npz:c", string(archive(zip.Store, "a", square, "b", square)), none, []string{`no array "c"`, "b (3, 4) |u1"}},
		{"x.npz", string(archive(zip.Store, "a", letters("ab"), "b", letters("cd"))), none, []string{"no array",
			"a (2,) <U1"}},
		{"x.npz", string(archive(zip.Store, "a", npy("<f4", "False", "4,", make([]float32, 4)))), none,
			[]string{"reshape"}},
		{"x.xlsx", string(archive(zip.Store)), none, nil},
		{"x.npz", string(archive(zip.Deflate, "a", square)[:60]), none, []string{"copy it again"}},
		{"x.npz", string(sparse("csc", []int32{0, 1}, []int32{0}, []int64{1, 2}, []float64{1})), none, []string{"csc",
			".tocsr()"}},
		{"x.npz", string(archive(zip.Store, "row", letters("a"), "col", letters("a"), "data", letters("a"), "shape",
			letters("ab"), "format", npy("|S3", "False", "", []byte("coo")))), none, []string{"coo", ".tocsr()"}},
		{"x.npz", string(sparse("csr", []int32{0, 2}, []int32{1, 1}, []int64{1, 2}, []float64{1, 2})), none,
			[]string{"example 1", "column 2", "sum_duplicates"}},
		{"x.npz", string(sparse("csr", []int32{0, 1}, []int32{2}, []int64{1, 2}, []float64{1})), none,
			[]string{"column 2", "of 2"}},
		{"x.npz", string(sparse("csr", []int32{0, 2, 1}, []int32{0, 1}, []int64{2, 2}, []float64{1, 2})), none,
			[]string{"indptr"}},
		{"x.npz", string(sparse("csr", []int32{0, 3}, []int32{0, 1}, []int64{1, 2}, []float64{1, 2})), none,
			[]string{"indptr"}},
		{"x.npz", string(sparse("csr", []int32{0, 1}, []int32{0}, []int64{9, 2}, []float64{1})), none, []string{"indptr"}},
		{"x.npz", string(sparse("csr", []int32{0, 1}, []int32{0}, []int64{1, 1 << 40}, []float64{1})), none,
			[]string{"at most"}},
		{"x.npz", string(sparse("csr", []int32{0, 1}, []int32{1}, []int64{1, 2}, []float64{math.NaN()})), none,
			[]string{"example 1, column 2", "NaN"}},
		{"x.npz", string(archive(zip.Store, "shape", letters("a"), "format", npy("|S3", "False", "", []byte("csr")))), none,
			[]string{"without", "indptr"}},

		{"x", string(idx(8, []uint32{9}, make([]uint8, 9))), none, []string{"labels"}},
		{"x", string(idx(8, []uint32{9, 2, 2}, make([]uint8, 9))), none, []string{"9 images", "follow"}},
		{"x", string(idx(8, []uint32{9, 2}, make([]uint8, 9))), none, []string{"(9, 2)", "follow"}},
		{"x", string(idx(8, []uint32{1 << 30, 1 << 30}, make([]uint8, 9))), none, []string{"more data"}},
		{"x", string(idx(13, []uint32{1, 1}, []float32{float32(math.NaN())})), none, []string{"example 1", "NaN"}},
		{"x", string(idx(8, []uint32{2, 2, 3}, digitsOf)), label("1"), []string{"label column"}},
		{"x.csv.gz", string(zipped([]byte(strings.Repeat("1,2\n", 9999)))[:60]), none, []string{"cut short"}},
		{"x.csv.gz", string(zipped([]byte("1,2\n"))) + "trailing", none, []string{"not gzip"}},
	} {
		file, array, _ := strings.Cut(c.name, ":")
		name := put(t, file, []byte(c.data))
		if array != "" {
			name += ":" + array
		}
		_, err := Read(name, c.options)
		if c.words == nil && err != nil {
			continue
		}
		checkError(t, c.data, name, err, c.words)
	}
}

// Few bytes of a file may stand for many examples of many columns.
func TestSparseMemory(t *testing.T) {
	t.Setenv(memory.Variable, "1MiB")
	_, err := Read(put(t, "x.svm", []byte(strings.Repeat("a\n", 100)+"a 100000:1\n")), Options{})
	if _, ok := errors.AsType[*memory.Error](err); !ok {
		t.Errorf("error %v", err)
	}
}

// What unpacks to far more than the file has is not read to its end.
func TestLimited(t *testing.T) {
	for limit, ok := range map[int64]bool{9: false, 10: true, 11: true} {
		got, err := io.ReadAll(&limited{strings.NewReader("0123456789"), limit, limit})
		if (err == nil) != ok || !ok && (len(got) != 9 || !strings.Contains(err.Error(), "unpack it first")) {
			t.Errorf("limit %d: %q, %v", limit, got, err)
		}
	}
	if mostData(10) != 64<<20+1000 {
		t.Errorf("10 bytes may unpack to %d", mostData(10))
	}
}

// Streams that follow one another in a gzipped file are one text.
func TestSeveralStreams(t *testing.T) {
	data := append(zipped([]byte("1,2\n3,")), zipped([]byte("4\n"))...)
	if got, err := Read(put(t, "x.csv.gz", data), Options{}); err != nil || got.N != 2 || got.Bytes[3] != 4 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"none.csv", "none.npz", "none.npz:x"} {
		if _, err := Read(filepath.Join(dir, name), Options{}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(dir, Options{}); !errors.Is(err, files.ErrNotRegular) {
		t.Errorf("a folder: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	// A colon may be part of a name.
	colon := filepath.Join(dir, "a:b.csv")
	if err := os.WriteFile(colon, []byte("1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(colon, Options{}); err != nil {
		t.Error(err)
	}
}

package dataset

import (
	"archive/zip"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tandem/internal/memory"
)

// FuzzRead holds that any file gives a sound table or an error that names the file, in
// memory that its size bounds.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"1,2\n3,4\n", "a;b\n1;2\n", "\ufeffa\t\"b\"\"\n\"\n1\t2\r\n", "# x\n 1  2 \n3 4", "1,\"2\n", "0,1,2,3\n4,5,6,7\n",
		"1:2 3:0.5\n2:1 # x\n", "a 1:2\nb\n\nc 2:-1e3\n", "0:1\n", "1 qid:2 1:1\n", "1\n\n2\n", "a\nb\n", "1e999,nan\n",
		"\xff\xfe1",
		string(npy("<f8", "True", "2, 2", []float64{1, 2, 3, 0.5})), string(npy("|u1", "False", "3, 4", digitsOf)),
		string(npy(">i2", "False", "99999999, 9999", []int16{1})), string(letters("abc")),
		string(idx(8, []uint32{2, 2, 3}, digitsOf)), string(idx(8, []uint32{3, 4}, digitsOf)),
		string(idx(12, []uint32{1, 8}, make([]int32, 8))), string(idx(8, []uint32{3}, digitsOf[:3])),
		string(idx(14, []uint32{1 << 20, 1 << 20}, []float64{1})),
		string(archive(zip.Deflate, "x", npy("|u1", "False", "3, 4", digitsOf), "y", letters("abc"))),
		string(archive(zip.Store, "indices", npy("<i4", "False", "2,", []int32{0, 1}), "indptr",
			npy("<i4", "False", "3,", []int32{0, 2, 2}), "format", npy("|S3", "False", "", []byte("csr")), "shape",
			npy("<i8", "False", "2,", []int64{2, 2}), "data", npy("<f8", "False", "2,", []float64{1, 0.5}))),
		string(zipped([]byte("1,2\n3,4\n"))),
	} {
		f.Add([]byte(seed), "", false)
		f.Add([]byte(seed), "1", true)
	}
	name := filepath.Join(f.TempDir(), "x")
	f.Setenv(memory.Variable, "1MiB")
	f.Fuzz(func(t *testing.T, data []byte, column string, zeroBased bool) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		o := Options{LabelColumn: column, ZeroBased: zeroBased}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := Read(name, o)
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 128<<20+1000*uint64(len(data)) {
			t.Fatalf("%d bytes took %d bytes of memory", len(data), taken)
		}
		if err == nil {
			checkTable(t, got)
		} else if !strings.HasPrefix(err.Error(), name) {
			t.Fatalf("error %q does not name the file", err)
		}
		labels, err := ReadLabels(name, o)
		if err == nil && len(labels) == 0 {
			t.Fatal("no labels and no error")
		}
		for _, label := range labels {
			if label == "" {
				t.Fatal("an empty label")
			}
		}
	})
}

// checkTable holds that a table says itself what its values are.
func checkTable(t *testing.T, got *Table) {
	units := got.Units()
	if got.N < 1 || units < 1 || got.N*units != len(got.Bytes)+len(got.Floats) ||
		(got.Bytes == nil) == (got.Floats == nil) ||
		got.Labels != nil && len(got.Labels) != got.N || got.Names != nil && len(got.Names) != units {
		t.Fatalf("%d examples of shape %v: %d bytes, %d floats, %d labels, %d names", got.N, got.Shape, len(got.Bytes),
			len(got.Floats), len(got.Labels), len(got.Names))
	}
	largest, least, whole, small := math.Inf(-1), math.Inf(1), true, true
	count := func(x float64) {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatalf("value %v", x)
		}
		largest, least = max(largest, x), min(least, x)
		whole = whole && x == math.Trunc(x)
		small = small && x == float64(uint8(max(0, min(x, 255))))
	}
	for _, b := range got.Bytes {
		count(float64(b))
	}
	for _, x := range got.Floats {
		count(float64(x))
	}
	if largest != got.Largest || least != got.Least || whole != got.Whole || small != (got.Bytes != nil) {
		t.Fatalf("values from %v to %v, whole %v; the table says %v to %v, %v", least, largest, whole, got.Least,
			got.Largest,
			got.Whole)
	}
}

// FuzzQuoted holds that rows with quotes are cut as rows without them.
func FuzzQuoted(f *testing.F) {
	f.Add("1,2,3", ",")
	f.Add("a b;;c ; ", ";")
	f.Add(" 1  22 \t3", " ")
	f.Add("ä\tb\t", "\t")
	f.Fuzz(func(t *testing.T, line, separator string) {
		if len(separator) != 1 || !strings.Contains(",;\t ", separator) || strings.Contains(line, `"`) {
			t.Skip()
		}
		plain, quoted := &rows{separator: separator[0]}, &rows{separator: separator[0]}
		plain.split([]byte(line))
		if err := quoted.splitQuoted([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if len(plain.cells) != len(quoted.cells) {
			t.Fatalf("%q by %q: %q without quotes, %q with", line, separator, plain.cells, quoted.cells)
		}
		for i := range plain.cells {
			if string(plain.cells[i]) != string(quoted.cells[i]) {
				t.Fatalf("%q by %q: %q without quotes, %q with", line, separator, plain.cells, quoted.cells)
			}
		}
	})
}

// BenchmarkText reads images of digits as a table: 10,000 × 784.
func BenchmarkText(b *testing.B) {
	var text strings.Builder
	for range 10_000 {
		for column := range 784 {
			if column > 0 {
				text.WriteByte(',')
			}
			if column%5 == 0 {
				text.WriteString("253")
			} else {
				text.WriteByte('0')
			}
		}
		text.WriteByte('\n')
	}
	name := put(b, "x.csv", []byte(text.String()))
	for b.Loop() {
		if _, err := Read(name, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

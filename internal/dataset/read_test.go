package dataset

import (
	"archive/zip"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// digitsOf is three examples of four values; fortranOf has them column by column.
var (
	digitsOf  = []uint8{0, 255, 3, 0, 17, 0, 0, 0, 128, 1, 0, 9}
	fortranOf = []uint8{0, 17, 128, 255, 0, 1, 3, 0, 0, 0, 0, 9}
)

// The same examples give the same numbers, whatever the format and the type.
func TestSameBytes(t *testing.T) {
	toInt64 := func(b uint8) int64 { return int64(b) }
	toInt32 := func(b uint8) int32 { return int32(b) }
	toFloat := func(b uint8) float64 { return float64(b) }
	toFloat32 := func(b uint8) float32 { return float32(b) }
	toUint16 := func(b uint8) uint16 { return uint16(b) }
	comma := table(digitsOf, 4, ",")
	array := npy("<i8", "False", "3, 4", as(digitsOf, toInt64))
	pairs := "2:255 3:3\n1:17\n1:128 2:1 4:9\n"
	labelled := "a 3:3 2:255 # a comment\n# another\n\nb 1:17\nc 1:128 2:1 4:9e0"
	csr := func(method uint16) []byte {
		return archive(method, "indices", npy("<i4", "False", "6,", []int32{2, 1, 0, 0, 1, 3}),
			"indptr", npy("<i4", "False", "4,", []int32{0, 2, 3, 6}),
			"format", npy("|S3", "False", "", []byte("csr")),
			"shape", npy("<i8", "False", "2,", []int64{3, 4}),
			"data", npy("<f8", "False", "6,", []float64{3, 255, 17, 128, 1, 9}))
	}
	names := []string{"a", "b c", "d", `e"`}
	abc, classes := []string{"a", "b", "c"}, []string{"7", "-1", "7"}
	for _, c := range []struct {
		name    string
		data    []byte
		options Options
		names   []string
		labels  []string
	}{
		{"x-idx2-ubyte", idx(8, []uint32{3, 4}, digitsOf), Options{}, nil, nil},
		{"x-idx2-int", idx(12, []uint32{3, 4}, as(digitsOf, toInt32)), Options{}, nil, nil},
		{"x.npy", npy("|u1", "False", "3, 4", digitsOf), Options{}, nil, nil},
		{"x.npy", npy("|u1", "True", "3, 4", fortranOf), Options{}, nil, nil},
		{"x.npy", array, Options{}, nil, nil},
		{"x.npy", npy(">i4", "False", "3, 4", as(digitsOf, toInt32)), Options{}, nil, nil},
		{"x.npy", npy(">u2", "True", "3, 4", as(fortranOf, toUint16)), Options{}, nil, nil},
		{"x.npy", npy("<f8", "False", "3, 4", as(digitsOf, toFloat)), Options{}, nil, nil},
		{"x.npy", npy("<f4", "True", "3, 4", as(fortranOf, toFloat32)), Options{}, nil, nil},
		{"wrong-name.csv", array, Options{}, nil, nil},
		{"x.npz", archive(zip.Store, "x", array), Options{}, nil, nil},
		{"x.npz", archive(zip.Deflate, "x", array, "label", letters("abc")), Options{}, nil, abc},
		{"x.npz", archive(zip.Deflate, "y", npy("<i2", "False", "3, 1", []int16{7, -1, 7}), "x", array), Options{}, nil,
			classes},
		{"x.npz", archive(zip.Deflate, "y", letters("abcd"), "x", array), Options{}, nil, nil},
		{"x.npz:x", archive(zip.Store, "x", array, "z", array, "y", letters("abc")), Options{}, nil, nil},
		{"x.npz", csr(zip.Store), Options{}, nil, nil},
		{"x.npz", csr(zip.Deflate), Options{}, nil, nil},
		{"x.csv", []byte(comma), Options{}, nil, nil},
		{"x.csv", []byte(strings.ReplaceAll(comma, "\n", "\r\n")), Options{Header: "no"}, nil, nil},
		{"x.csv", []byte("\ufeff" + strings.TrimSuffix(comma, "\n")), Options{}, nil, nil},
		{"x.csv", []byte("a, b c ,d,\"e\"\"\"\n\n" + comma + "\n\n"), Options{}, names, nil},
		{"x.csv", []byte("1,2,3,4\n" + comma), Options{Header: "yes"}, []string{"1", "2", "3", "4"}, nil},
		{"x.csv", []byte(strings.ReplaceAll(comma, "17", `"17.0"`)), Options{}, nil, nil},
		{"x.csv", []byte("# as numpy.savetxt has it\n" + strings.ReplaceAll(comma, "17", "1.7e+01")), Options{}, nil, nil},
		{"x.csv", []byte(strings.ReplaceAll(comma, ",0", ",-0.0")), Options{}, nil, nil},
		{"x.csv", []byte("0,255,a,3,0\n17,0,\"b\",0,0\n128,1, c ,0,9"), Options{LabelColumn: "3"}, nil, abc},
		{"x.csv", []byte("a,b c,\"the\nclass\",d,\"e\"\"\"\n0,255,a,3,0\n17,0,b,0,0\n128,1,c,0,9"),
			Options{LabelColumn: "the\nclass"}, names, abc},
		{"x.tsv", []byte(table(digitsOf, 4, "\t")), Options{}, nil, nil},
		{"x.txt", []byte(table(digitsOf, 4, ";")), Options{}, nil, nil},
		{"x.txt", []byte(" " + table(digitsOf, 4, "  ")), Options{}, nil, nil},
		{"x.txt", []byte("a \"b c\" d \"e\"\"\"\n" + table(digitsOf, 4, " ")), Options{}, names, nil},
		{"x.txt", []byte(pairs), Options{}, nil, nil},
		{"x.svm", []byte("2:255 3:3\n1:17\n1:128 2:1\n"), Options{Columns: 4}, nil, nil},
		{"x.txt", []byte(labelled), Options{}, nil, abc},
		{"x.txt", []byte("1:255 2:3\n0:17\n0:128 1:1 3:9\n"), Options{ZeroBased: true}, nil, nil},
		{"x.npy", npy("|i1", "False", "3, 2", []int8{7, 0, -1, 1, 7, 2}), Options{LabelColumn: "1"}, nil, classes},
	} {
		want := &Table{N: 3, Shape: []int{4}, Names: c.names, Bytes: digitsOf, Largest: 255, Whole: true, Labels: c.labels}
		if c.data[6] == 1 && c.options.LabelColumn == "1" {
			want.Shape, want.Bytes, want.Largest = []int{1}, []uint8{0, 1, 2}, 2
		}
		if c.options.Columns > 0 {
			want.Bytes = slices.Clone(digitsOf)
			want.Bytes[11], want.Largest = 0, 255
		}
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
			want.Source = name
			got, err := Read(name, c.options)
			if err != nil {
				t.Errorf("%.80q: %v", c.data, err)
			} else if !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %.80q:\n%+v, want\n%+v", name, c.data, got, want)
			}
		}
	}
}

func TestBool(t *testing.T) {
	got, err := Read(put(t, "x.npy", npy("|b1", "False", "2, 2", []bool{true, false, false, true})), Options{})
	if err != nil || !slices.Equal(got.Bytes, []uint8{1, 0, 0, 1}) || got.Largest != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestImages(t *testing.T) {
	for _, data := range [][]byte{
		idx(8, []uint32{2, 2, 3}, digitsOf),
		npy("|u1", "False", "2, 2, 3", digitsOf),
		archive(zip.Store, "x", npy("<f8", "False", "2, 2, 3", as(digitsOf, func(b uint8) float64 { return float64(b) }))),
	} {
		got, err := Read(put(t, "x", data), Options{})
		if err != nil || got.N != 2 || !slices.Equal(got.Shape, []int{2, 3}) || !slices.Equal(got.Bytes, digitsOf) ||
			got.Units() != 6 {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// The first value that is no byte turns all into floats, wherever it stands.
func TestFloats(t *testing.T) {
	for _, values := range [][]float64{{0.1, 2, 200, 7}, {0, 2, 200, 0.1}, {256, 0, 1, 2}, {3, 4, 255, -1},
		{1e-3, -0.5, 1e18, 0},
		{300, -7, 12, 1e9}} {
		want := &Table{N: 2, Shape: []int{2}, Largest: values[0], Least: values[0], Whole: true}
		text := ""
		for i, x := range values {
			f := float64(float32(x))
			want.Floats = append(want.Floats, float32(x))
			if i == 0 {
				want.Largest, want.Least = f, f
			}
			want.Largest, want.Least = max(want.Largest, f), min(want.Least, f)
			want.Whole = want.Whole && f == float64(int64(f))
			text += formatted(x) + []string{",", "\n"}[i%2]
		}
		pairs := ""
		for row := range 2 {
			for column := range 2 {
				pairs += []string{"1:", " 2:"}[column] + formatted(values[2*row+column])
			}
			pairs += "\n"
		}
		for name, data := range map[string][]byte{"x.npy": npy("<f8", "False", "2, 2", values), "x.csv": []byte(text),
			"x.svm": []byte(pairs)} {
			got, err := Read(put(t, name, data), Options{})
			if err != nil {
				t.Errorf("%s of %v: %v", name, values, err)
				continue
			}
			want.Source = got.Source
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s of %v:\n%+v, want\n%+v", name, values, got, want)
			}
		}
	}
}

// The same numbers have the same bits: there is one zero.
func TestOneZero(t *testing.T) {
	got, err := Read(put(t, "x.csv", []byte("0.5,-0\n-0.0,-1e-99\n")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range got.Floats {
		if math.Signbit(float64(x)) {
			t.Errorf("value %d is %v", i, x)
		}
	}
}

// An unnamed first column that does not number the rows is data.
func TestUnnamedColumn(t *testing.T) {
	for _, text := range []string{",a\n0,1\n1,7\n3,5\n", "i,a\n0,1\n1,7\n2,5\n", ",a\n0,1\n1,7\n"} {
		if got, err := Read(put(t, "x.csv", []byte(text)), Options{}); err != nil || got.Shape[0] != 2 {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Zeros that a sparse file leaves out count for its range.
func TestSparseRange(t *testing.T) {
	got, err := Read(put(t, "x.svm", []byte("1:-3 2:-4\n2:-0.5\n")), Options{})
	if err != nil || got.Largest != 0 || got.Least != -4 || got.Whole ||
		!slices.Equal(got.Floats, []float32{-3, -4, 0, -0.5}) {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = Read(put(t, "x.svm", []byte("1:3 2:4\n2:5\n")), Options{})
	if err != nil || got.Largest != 5 || got.Least != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// An example of a sparse file may have no value; a label makes it one.
func TestSparseEmptyRow(t *testing.T) {
	got, err := Read(put(t, "x.svm", []byte("+1\n-1 1:1\n+1\n")), Options{Columns: 2})
	if err != nil || got.N != 3 || !slices.Equal(got.Bytes, []uint8{0, 0, 1, 0, 0, 0}) ||
		!slices.Equal(got.Labels, []string{"+1", "-1", "+1"}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// Rows longer than the buffer of the reader are whole.
func TestLongRows(t *testing.T) {
	const columns = 100_000
	row := strings.Repeat("12,", columns-1) + "7\n"
	got, err := Read(put(t, "x.csv", []byte(row+row)), Options{})
	if err != nil || got.N != 2 || got.Shape[0] != columns || got.Bytes[columns-1] != 7 || got.Bytes[columns] != 12 {
		t.Errorf("%v", err)
	}
	pairs := "a"
	for i := range 20_000 {
		pairs += " " + formatted(float64(i+1)) + ":1"
	}
	got, err = Read(put(t, "x.txt", []byte(pairs+"\nb 3:2")), Options{})
	if err != nil || got.N != 2 || got.Shape[0] != 20_000 || got.Bytes[19_999] != 1 || got.Bytes[20_002] != 2 {
		t.Errorf("%v", err)
	}
}

package npz

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// member is a file of an archive for tests, whose directory may lie.
type member struct {
	name    string
	data    []byte
	deflate bool
	crc     uint32 // in place of the right one, if not 0
	size    uint64 // in place of the unpacked size, if not 0
}

// archive returns an archive of members.
func archive(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, CRC32: crc32.ChecksumIEEE(m.data), UncompressedSize64: uint64(len(m.data))}
		packed := m.data
		if m.deflate {
			var z bytes.Buffer
			f, _ := flate.NewWriter(&z, flate.BestCompression)
			f.Write(m.data)
			f.Close()
			h.Method, packed = zip.Deflate, z.Bytes()
		}
		h.CompressedSize64 = uint64(len(packed))
		if m.crc != 0 {
			h.CRC32 = m.crc
		}
		if m.size != 0 {
			h.UncompressedSize64 = m.size
		}
		to, err := w.CreateRaw(h)
		if err != nil {
			t.Fatal(err)
		}
		to.Write(packed)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(data []byte) (*Reader, error) { return NewReader(bytes.NewReader(data), int64(len(data))) }

// readAll reads everything in an archive.
func readAll(data []byte) error {
	r, err := open(data)
	if err != nil {
		return err
	}
	for _, name := range r.Names() {
		if _, _, err := r.Describe(name); err != nil {
			return err
		}
		if _, err := r.Array(name, 1<<30); err != nil {
			return err
		}
	}
	return nil
}

// version2 gives an array a header of version 2.0, with its length in four bytes.
func version2(array []byte) []byte {
	b := append([]byte("\x93NUMPY\x02\x00"), array[8], array[9], 0, 0)
	return append(b, array[10:]...)
}

// Arrays are read as NumPy writes them: compressed or not, and with each version of the
// header.
func TestAsNumPyWrites(t *testing.T) {
	array := file(headerText("<f4", "True", "2, 3"), []float32{1, 4, 2, 5, 3, 6})
	for _, deflate := range []bool{false, true} {
		for _, data := range [][]byte{array, version2(array)} {
			r, err := open(archive(t, member{name: "x.npy", data: data, deflate: deflate}))
			if err != nil {
				t.Fatal(err)
			}
			kind, shape, err := r.Describe("x")
			if err != nil || kind != Float32 || !slices.Equal(shape, []int{2, 3}) {
				t.Errorf("%s, %v, %v", kind, shape, err)
			}
			a, err := r.Array("x", 24)
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, 6)
			if err := a.Float32s(x); err != nil || !slices.Equal(x, []float32{1, 2, 3, 4, 5, 6}) {
				t.Errorf("%v, %v", x, err)
			}
		}
	}
}

// A file that is no array becomes an array of one string of bytes where NumPy loads and
// saves it.
func TestFileAsArray(t *testing.T) {
	text := []byte("{\"x\": 1}")
	scalar := file(headerText("|S8", "False", ""), text)
	for _, m := range []member{{name: "a.json", data: text}, {name: "a.json.npy", data: scalar},
		{name: "a.json.npy", data: version2(scalar), deflate: true},
		{name: "a.json.npy", data: file(headerText("|S8", "False", "1,"), text)}} {
		r, err := open(archive(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.File("a.json", 8); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %q, %v", m.name, got, err)
		}
		if _, err := r.File("a.json", 7); err == nil || !strings.Contains(err.Error(), "at most 7") {
			t.Errorf("%s: more than the limit: %v", m.name, err)
		}
		if _, err := r.File("b.json", 8); !errors.Is(err, ErrMissing) {
			t.Errorf("a file that is not there: %v", err)
		}
	}
	for word, data := range map[string][]byte{
		"must be bytes":   file(headerText("<U8", "False", ""), text),
		"shape (2,)":      file(headerText("|S4", "False", "2,"), text),
		"truncated":       file(headerText("|S9", "False", ""), text),
		"more than the 7": file(headerText("|S7", "False", ""), text),
	} {
		r, err := open(archive(t, member{name: "a.json.npy", data: data}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.File("a.json", 1<<20); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one with %q", err, word)
		}
	}
	r, err := open(archive(t, member{name: "a.json", data: text}, member{name: "a.json.npy", data: scalar}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.File("a.json", 8); err == nil || !strings.Contains(err.Error(), "both") {
		t.Errorf("given twice: %v", err)
	}
}

func TestReaderRejects(t *testing.T) {
	array := file(headerText("<f4", "False", "2,"), []float32{1, 2})
	other := file(headerText("<f4", "False", "2,"), []float32{1, 3})
	none := file(headerText("<f4", "False", "0,"))
	big := file(headerText("<f4", "False", "1000000,"), []float32{1, 2})
	for word, members := range map[string][]member{
		"twice":                   {{name: "x.npy", data: array}, {name: "x.npy", data: other}},
		"x: damaged: the bytes":   {{name: "x.npy", data: array, crc: 7}},
		"y: damaged: the bytes":   {{name: "y.npy", data: array, crc: crc32.ChecksumIEEE(other), deflate: true}},
		"z: damaged: the bytes":   {{name: "z.npy", data: none, crc: 7}}, // read to its end, though it has no elements
		"x: 9 bytes":              {{name: "x.npy", data: array, deflate: true, size: uint64(len(array)) + 1}},
		"do not fit":              {{name: "x.npy", data: big}},
		"unpack to 1099511627776": {{name: "x.npy", data: make([]byte, 8), size: 1 << 40, deflate: true}},
		"all together may unpack": {{name: "x.npy", data: make([]byte, 100<<20), deflate: true}},
	} {
		if err := readAll(archive(t, members...)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one with %q", err, word)
		}
	}
	many := make([]member, maxMembers+1)
	for i := range many {
		many[i].name = fmt.Sprint(i)
	}
	if err := readAll(archive(t, many...)); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("too many members: %v", err)
	}
}

// What a download that was cut short, or a copy as text, leaves is named. It is not said
// to be no archive at all.
func TestCutShort(t *testing.T) {
	whole := archive(t, member{name: "x.npy", data: file(headerText("<f4", "False", "2,"), []float32{1, 2})})
	for what, cut := range map[string][]byte{
		"a byte short": whole[:len(whole)-1],
		"half of it":   whole[:len(whole)/2],
		"four bytes":   whole[:4],
		"many lines":   append(bytes.Clone(whole), make([]byte, 1<<17)...), // more than a comment may have
	} {
		if err := readAll(cut); err == nil || !strings.Contains(err.Error(), "cut short") {
			t.Errorf("%s: error %v", what, err)
		}
	}
	text := bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n"))
	err := readAll(text)
	if err == nil || !strings.Contains(err.Error(), "a copy as text") || errors.Is(err, zip.ErrFormat) {
		t.Errorf("copied as text: error %v", err)
	}
	for what, other := range map[string][]byte{
		"nothing": nil, "text": []byte("PKZIP is not here"), "a checkpoint": []byte("\x93TANDEM\n"),
	} {
		if err := readAll(other); !errors.Is(err, zip.ErrFormat) {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

// A checksum of 0 in the directory is compared as every other.
func TestChecksumOfZero(t *testing.T) {
	data := archive(t, member{name: "x.npy", data: file(headerText("|u1", "False", "4,"), []byte("abcd"))})
	at := bytes.LastIndex(data, []byte("PK\x01\x02")) + 16
	binary.LittleEndian.PutUint32(data[at:], 0)
	if err := readAll(data); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("error %v", err)
	}
}

// Every flipped bit of an array is found, and every cut of the archive.
func TestDamage(t *testing.T) {
	data := archive(t, member{name: "x.npy", data: file(headerText("<f4", "False", "2,"), []float32{1, 2})})
	from := bytes.Index(data, []byte(magic))
	to := bytes.LastIndex(data, []byte("PK\x01\x02"))
	for i := from; i < to; i++ {
		bad := bytes.Clone(data)
		bad[i] ^= 0x10
		if err := readAll(bad); err == nil {
			t.Errorf("byte %d changed: no error", i)
		}
	}
	for n := range data {
		if err := readAll(data[:n]); err == nil {
			t.Errorf("cut to %d bytes: no error", n)
		}
	}
}

// A header's claims take no memory, nor does a bomb.
func TestMemory(t *testing.T) {
	claim := file(headerText("<f4", "False", "200000000,"), []float32{1})
	for name, data := range map[string][]byte{
		"claim": archive(t, member{name: "x.npy", data: claim}),
		"deflated claim": archive(t, member{name: "x.npy", data: claim, deflate: true,
			size: slack}),
		"bomb": archive(t, member{name: "x.npy", data: append(claim, make([]byte, 100<<20)...), deflate: true}),
	} {
		before := allocated()
		r, err := open(data)
		if err == nil {
			_, err = r.Array("x", 1<<30)
		}
		if taken := allocated() - before; err == nil || taken > 1<<20 {
			t.Errorf("%s: %v after %d bytes of memory", name, err, taken)
		}
	}
}

// allocated returns how many bytes of memory were taken so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// What is not a regular file is not opened: a pipe would wait for its writer.
func TestOpenOnlyFiles(t *testing.T) {
	for _, name := range []string{t.TempDir(), "/dev/zero"} {
		if _, err := os.Stat(name); err != nil {
			continue
		}
		if _, err := Open(name); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	name := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(name, []byte("no archive"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("%v", err)
	}
}

// Each member has a day that exists, and no other time.
func TestValidDay(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	w.File("a.txt")
	w.Floats("x", []float32{1}, 1)
	w.Close()
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if y, m, d := f.Modified.Date(); y != 1980 || m != 1 || d != 1 || len(f.Extra) > 0 {
			t.Errorf("%s: %v, %q", f.Name, f.Modified, f.Extra)
		}
	}
}

func TestTuple(t *testing.T) {
	for want, shape := range map[string][]int{"()": nil, "(64,)": {64}, "(784, 64)": {784, 64}, "(1, 2, 3)": {1, 2, 3}} {
		if got := Tuple(shape); got != want {
			t.Errorf("%v is %s, want %s", shape, got, want)
		}
	}
}

// write writes an array as it was read.
func write(w *Writer, name string, a *Array) error {
	to, err := w.Array(name, a.Type, a.Shape...)
	if err == nil {
		_, err = to.Write(a.Data)
	}
	return err
}

// Whatever the bytes, Read returns an array within the limit or an error. What it returns
// can be written and read again.
func FuzzRead(f *testing.F) {
	f.Add(file(headerText("<f4", "False", "2, 2"), []float32{1, 2, 3, 4}))
	f.Add(version2(file(headerText("<f4", "False", "2, 2"), []float32{1, 2, 3, 4})))
	f.Add(file(headerText("<i8", "True", "3, 1, 2"), make([]int64, 6)))
	f.Add(file(headerText("|b1", "True", "0, 7")))
	f.Add(file(headerText("<f8", "False", "")))
	f.Add(file(headerText("<f8", "False", "9223372036854775807, 2")))
	f.Add(file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'descr': '|u1'}", float32(1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 12
		before := allocated()
		a, err := Read(bytes.NewReader(data), limit)
		if taken := allocated() - before; taken > 1<<20+100*uint64(len(data)) {
			t.Fatalf("%d bytes took %d bytes of memory", len(data), taken)
		}
		if err != nil {
			return
		}
		n := 1
		for _, d := range a.Shape {
			n *= d
		}
		if len(a.Data) > limit || a.Len() != n {
			t.Fatalf("%d bytes, %d elements of shape %v", len(a.Data), a.Len(), a.Shape)
		}
		for i := range a.Len() {
			a.At(i)
		}
		var b bytes.Buffer
		if err := writeHeader(&b, a.Type, a.Shape...); err != nil {
			t.Fatal(err)
		}
		b.Write(a.Data)
		again, err := Read(&b, limit)
		if err != nil || again.Type != a.Type || !slices.Equal(again.Shape, a.Shape) || !bytes.Equal(again.Data, a.Data) {
			t.Fatalf("%+v came back as %+v, %v", a, again, err)
		}
	})
}

// Whatever the bytes, an archive is rejected or can be written and read again, and takes
// no more memory than its size allows.
func FuzzArchive(f *testing.F) {
	array := file(headerText("<f4", "False", "2,"), []float32{1, 2})
	f.Add(archive(f, member{name: "x.npy", data: array}, member{name: "about.json", data: []byte("{}")}))
	f.Add(archive(f, member{name: "x.npy", data: version2(array), deflate: true}))
	f.Add(archive(f, member{name: "x.npy", data: array}, member{name: "x.npy", data: array}))
	f.Add(archive(f, member{name: "x.npy", data: array, crc: 7}))
	f.Add(archive(f, member{name: "about.json.npy", data: file(headerText("|S2", "False", ""), []byte("{}"))}))
	f.Add(archive(f, member{name: "x.npy", data: array, size: 1 << 26, deflate: true}))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := allocated()
		arrays, about := map[string]*Array{}, []byte(nil)
		r, err := open(data)
		if err == nil {
			about, _ = r.File("about.json", 1<<12)
			for _, name := range r.Names() {
				if a, err := r.Array(name, 1<<12); err == nil {
					arrays[name] = a
				}
			}
		}
		if taken := allocated() - before; taken > 1<<22+1000*uint64(len(data)) {
			t.Fatalf("%d bytes took %d bytes of memory", len(data), taken)
		}
		if err != nil {
			return
		}
		var b bytes.Buffer
		w := NewWriter(&b)
		if about != nil {
			to, err := w.File("about.json")
			if err != nil {
				t.Fatal(err)
			}
			to.Write(about)
		}
		if about != nil {
			delete(arrays, "about.json") // an array of one string that File reads
		}
		for name, a := range arrays {
			if err := write(w, name, a); err != nil {
				t.Skip(err) // a name that is too long for one
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if r, err = open(b.Bytes()); err != nil {
			t.Fatal(err)
		}
		if got, err := r.File("about.json", 1<<12); about != nil && !bytes.Equal(got, about) {
			t.Fatalf("%q came back as %q, %v", about, got, err)
		}
		for name, a := range arrays {
			again, err := r.Array(name, 1<<12)
			if err != nil || again.Type != a.Type || !slices.Equal(again.Shape, a.Shape) || !bytes.Equal(again.Data, a.Data) {
				t.Fatalf("%+v came back as %+v, %v", a, again, err)
			}
		}
	})
}

package mnist

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// idx is a plain IDX file.
func idx(magic uint32, sizes []uint32, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, magic)
	for _, n := range sizes {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return append(b, data...)
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// ramp is n bytes that differ from their neighbours.
func ramp(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*37 + i/256)
	}
	return b
}

var (
	goodImages = idx(0x803, []uint32{3, 2, 5}, ramp(30))
	goodLabels = idx(0x801, []uint32{4}, []byte{7, 0, 255, 3})
)

func TestReadImages(t *testing.T) {
	halves := join(zipped(goodImages[:21]), zipped(nil), zipped(goodImages[21:]))
	for name, file := range map[string][]byte{"plain": goodImages, "gzip": zipped(goodImages), "gzip in parts": halves} {
		for how, r := range map[string]io.Reader{
			"at once":           bytes.NewReader(file),
			"byte by byte":      iotest.OneByteReader(bytes.NewReader(file)),
			"end with the data": iotest.DataErrReader(bytes.NewReader(file)),
		} {
			m, err := ReadImages(r, 1<<30, name)
			if err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
				continue
			}
			if m.N != 3 || m.Rows != 2 || m.Columns != 5 || !bytes.Equal(m.Pixels, ramp(30)) {
				t.Errorf("%s, %s: read %+v", name, how, m)
			}
		}
	}
}

func TestReadImagesLarge(t *testing.T) {
	for _, n := range []int{1<<15 - 1, 1 << 15, 1<<15 + 1, 300_000} {
		want := ramp(n)
		m, err := ReadImages(bytes.NewReader(idx(0x803, []uint32{uint32(n), 1, 1}, want)), 1<<30, "large")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.Pixels, want) || cap(m.Pixels) != n {
			t.Errorf("%d bytes: read %d others, capacity %d", n, len(m.Pixels), cap(m.Pixels))
		}
	}
}

func TestReadLabels(t *testing.T) {
	for name, file := range map[string][]byte{"plain": goodLabels, "gzip": zipped(goodLabels)} {
		labels, err := ReadLabels(bytes.NewReader(file), 1<<30, name)
		if err != nil || !bytes.Equal(labels, []byte{7, 0, 255, 3}) {
			t.Errorf("%s: %v, %v", name, labels, err)
		}
	}
}

func TestReadImagesRefuses(t *testing.T) {
	good := zipped(goodImages)
	flipped := func(at int) []byte {
		b := bytes.Clone(good)
		b[(at+len(b))%len(b)] ^= 1
		return b
	}
	lots := uint32(1<<32 - 1)
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "header cut short: 0 of 16 bytes"},
		{"one byte", []byte{0x1f}, "header cut short: 1 of 16 bytes"},
		{"magic alone", goodImages[:4], "header cut short: 4 of 16 bytes"},
		{"header cut", goodImages[:15], "header cut short: 15 of 16 bytes"},
		{"header cut, gzip", zipped(goodImages[:15]), "header cut short: 15 of 16 bytes"},
		{"labels", goodLabels, "labels, not images: the file begins with 0x00000801, expected 0x00000803"},
		{"labels, gzip", zipped(goodLabels), "labels, not images: the file begins with 0x00000801, expected 0x00000803"},
		{"text", []byte("<!DOCTYPE html>"),
			"not an IDX file of images: the file begins with 0x3c21444f, expected 0x00000803"},
		{"floats", idx(0xd03, []uint32{1, 1, 1}, make([]byte, 4)), "begins with 0x00000d03, expected 0x00000803"},
		{"gzip in gzip", zipped(good), "not an IDX file of images: the file begins with 0x1f8b"},
		{"no images", idx(0x803, []uint32{0, 2, 5}, nil), "no images"},
		{"no rows", idx(0x803, []uint32{3, 0, 5}, nil), "0 rows × 5 columns, so no pixels"},
		{"no columns", idx(0x803, []uint32{3, 2, 0}, nil), "2 rows × 0 columns, so no pixels"},
		{"huge images", idx(0x803, []uint32{1, 1 << 10, 1<<10 + 1}, nil), "1024 rows × 1025 columns; at most 1048576 pixels"},
		{"product beyond 32 bits", idx(0x803, []uint32{1, 1 << 16, 1 << 16}, nil), "at most 1048576 pixels"},
		{"largest sizes", idx(0x803, []uint32{lots, lots, lots}, nil), "4294967295 rows × 4294967295 columns; at most"},
		{"no pixels", goodImages[:16], "promises 3 images of 2 × 5 pixels, 30 bytes, but 0 follow"},
		{"a pixel short", goodImages[:45], "promises 3 images of 2 × 5 pixels, 30 bytes, but 29 follow"},
		{"a pixel short, gzip", zipped(goodImages[:45]), "30 bytes, but 29 follow"},
		{"a byte over", join(goodImages, []byte{0}), "30 bytes, but more follow"},
		{"a byte over, gzip", zipped(join(goodImages, []byte{0})), "30 bytes, but more follow"},
		{"gzip header cut", good[:7], "gzip stream is cut short"},
		{"gzip cut", good[:len(good)/2], "gzip stream is cut short"},
		{"gzip without its end", good[:len(good)-1], "gzip stream is cut short"},
		{"gzip method", flipped(2), "cannot read the gzip stream"},
		{"gzip block type", append(bytes.Clone(good[:10]), 0xff, 0xff), "cannot read the gzip stream: flate: corrupt input"},
		{"gzip checksum", flipped(-5), "content does not match the checksum"},
		{"gzip length", flipped(-1), "content does not match the checksum"},
		{"a byte after gzip", join(good, []byte{0}), "bytes that are not gzip follow the gzip stream"},
		{"bytes after gzip", join(good, []byte("much more than a gzip header has")),
			"bytes that are not gzip follow the gzip stream"},
		{"a byte after three streams", join(zipped(goodImages[:21]), zipped(nil), zipped(goodImages[21:]), []byte{0}),
			"bytes that are not gzip follow"},
		{"second stream cut", join(zipped(goodImages[:21]), zipped(goodImages[21:])[:15]), "gzip stream is cut short"},
		{"second stream over", join(good, good), "30 bytes, but more follow"},
	} {
		m, err := ReadImages(bytes.NewReader(c.file), 1<<30, "some/file")
		check(t, c.name, m == nil, err, c.want)
	}
}

func TestReadLabelsRefuses(t *testing.T) {
	good := zipped(goodLabels)
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "header cut short: 0 of 8 bytes"},
		{"header cut", goodLabels[:7], "header cut short: 7 of 8 bytes"},
		{"images", goodImages, "images, not labels: the file begins with 0x00000803, expected 0x00000801"},
		{"text", []byte("labels"), "not an IDX file of labels: the file begins with 0x6c616265, expected 0x00000801"},
		{"no labels", idx(0x801, []uint32{0}, nil), "no labels"},
		{"a label short", goodLabels[:11], "promises 4 labels, 4 bytes, but 3 follow"},
		{"a label over", join(goodLabels, []byte{1}), "promises 4 labels, 4 bytes, but more follow"},
		{"gzip cut", good[:len(good)-2], "gzip stream is cut short"},
		{"a byte after gzip", join(good, []byte{0}), "bytes that are not gzip follow"},
	} {
		labels, err := ReadLabels(bytes.NewReader(c.file), 1<<30, "some/file")
		check(t, c.name, labels == nil, err, c.want)
	}
}

// check wants an error that says something and names the file, and no result beside it.
func check(t *testing.T, name string, none bool, err error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s: accepted, want an error with %q", name, want)
	case !none:
		t.Errorf("%s: a result beside the error", name)
	case !strings.HasPrefix(err.Error(), "some/file: ") || !strings.Contains(err.Error(), want):
		t.Errorf("%s: error %q, want some/file and %q", name, err, want)
	}
}

// However early a file ends, it is refused.
func TestReadImagesRefusesEveryPrefix(t *testing.T) {
	for name, file := range map[string][]byte{"plain": goodImages, "gzip": zipped(goodImages)} {
		for n := range file {
			if _, err := ReadImages(bytes.NewReader(file[:n]), 1<<30, name); err == nil {
				t.Errorf("%s: the first %d of %d bytes are accepted", name, n, len(file))
			}
		}
	}
}

// failOnce returns its error once and then says that the file has ended.
type failOnce struct{ err error }

func (f *failOnce) Read([]byte) (int, error) {
	err := f.err
	f.err = io.EOF
	return 0, err
}

// What the disk says is passed on, wherever it says it and even if only once.
func TestReadImagesFailingReader(t *testing.T) {
	broken := errors.New("disk on fire")
	for name, file := range map[string][]byte{"plain": goodImages, "gzip": zipped(goodImages)} {
		for n := range len(file) + 1 {
			m, err := ReadImages(io.MultiReader(bytes.NewReader(file[:n]), &failOnce{broken}), 1<<30, name)
			if !errors.Is(err, broken) || m != nil {
				t.Errorf("%s failing after %d bytes: %v, %v", name, n, m, err)
			}
		}
	}
}

// allocated is how many bytes f takes from the heap in all, freed ones too.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestLyingHeaderCostsNoMemory(t *testing.T) {
	megabyte := make([]byte, 1<<20)
	for _, c := range []struct {
		name  string
		file  []byte
		limit uint64
	}{
		{"2³¹ images, no data", idx(0x803, []uint32{1 << 31, 28, 28}, nil), 256 << 10},
		{"2³¹ images, no data, gzip", zipped(idx(0x803, []uint32{1 << 31, 28, 28}, nil)), 256 << 10},
		{"2³² images of the most pixels", idx(0x803, []uint32{1<<32 - 1, 1 << 10, 1 << 10}, nil), 256 << 10},
		{"2³¹ images, a megabyte", idx(0x803, []uint32{1 << 31, 28, 28}, megabyte), 256 << 10},
		{"as much as any file may hold", idx(0x803, []uint32{1 << 16, 1 << 10, 1}, nil), 64<<20 + 256<<10},
		{"more than a small file may hold", zipped(idx(0x803, []uint32{1<<16 + 10, 1 << 10, 1}, nil)), 256 << 10},
		{"2³² labels, no data", idx(0x801, []uint32{1<<32 - 1}, nil), 256 << 10},
	} {
		var err error
		got := allocated(func() {
			if c.file[3] == 1 {
				_, err = ReadLabels(bytes.NewReader(c.file), mostData(int64(len(c.file))), "lying")
			} else {
				_, err = ReadImages(bytes.NewReader(c.file), mostData(int64(len(c.file))), "lying")
			}
		})
		if err == nil {
			t.Errorf("%s: accepted", c.name)
		}
		if got > c.limit {
			t.Errorf("%s: %d bytes allocated, want at most %d", c.name, got, c.limit)
		}
	}
}

// A bomb: an honest header, one image, and then zeros that gzip packs a thousandfold.
func TestGzipBombIsStopped(t *testing.T) {
	const most = 64 << 20
	r, w := io.Pipe()
	written := make(chan int)
	go func() {
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		z.Write(idx(0x803, []uint32{1, 28, 28}, nil))
		n, zeros := 0, make([]byte, 1<<20)
		for n < most {
			k, err := z.Write(zeros)
			n += k
			if err != nil {
				break
			}
			z.Flush()
		}
		z.Close()
		w.Close()
		written <- n
	}()
	_, err := ReadImages(r, 1<<30, "some/file")
	r.Close()
	check(t, "bomb", true, err, "784 bytes, but more follow")
	if n := <-written; n >= most {
		t.Errorf("the reader took %d bytes for a promise of 784", n)
	}
}

func FuzzReadImages(f *testing.F) {
	for _, seed := range [][]byte{
		goodImages,
		zipped(goodImages),
		join(zipped(goodImages[:20]), zipped(goodImages[20:])),
		idx(0x803, []uint32{1 << 31, 28, 28}, ramp(50)),
		idx(0x803, []uint32{1<<32 - 1, 1 << 31, 1 << 31}, nil),
		goodImages[:40],
		zipped(goodImages)[:30],
		goodLabels,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := ReadImages(bytes.NewReader(file), 1<<30, "fuzz")
		if err != nil {
			if m != nil || !strings.HasPrefix(err.Error(), "fuzz: ") {
				t.Fatalf("%v with the error %v", m, err)
			}
			return
		}
		if m.N < 1 || m.Rows < 1 || m.Columns < 1 || m.Rows*m.Columns > 1<<20 || len(m.Pixels) != m.N*m.Rows*m.Columns {
			t.Fatalf("%d × %d × %d, but %d pixels", m.N, m.Rows, m.Columns, len(m.Pixels))
		}
		again := idx(0x803, []uint32{uint32(m.N), uint32(m.Rows), uint32(m.Columns)}, m.Pixels)
		if want := plain(t, file); !bytes.Equal(again, want) {
			t.Fatalf("written again: %x, want %x", again, want)
		}
	})
}

func FuzzReadLabels(f *testing.F) {
	for _, seed := range [][]byte{
		goodLabels,
		zipped(goodLabels),
		idx(0x801, []uint32{1<<32 - 1}, ramp(9)),
		goodLabels[:9],
		zipped(goodLabels)[:20],
		goodImages,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		labels, err := ReadLabels(bytes.NewReader(file), 1<<30, "fuzz")
		if err != nil {
			if labels != nil || !strings.HasPrefix(err.Error(), "fuzz: ") {
				t.Fatalf("%v with the error %v", labels, err)
			}
			return
		}
		if len(labels) < 1 {
			t.Fatal("no labels, but no error")
		}
		if again, want := idx(0x801, []uint32{uint32(len(labels))}, labels), plain(t, file); !bytes.Equal(again, want) {
			t.Fatalf("written again: %x, want %x", again, want)
		}
	})
}

// plain is the content of a sound file, by the standard library's own reading.
func plain(t *testing.T, file []byte) []byte {
	if !bytes.HasPrefix(file, []byte{0x1f, 0x8b}) {
		return file
	}
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

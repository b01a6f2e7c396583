package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func all(string) bool { return true }

var three = []File{
	{Name: "runs/b/metrics.jsonl", Data: []byte("{\"update\":1}\n{\"update\":2}\n")},
	{Name: "tandem", Executable: true, Data: []byte("\x7fELF and more")},
	{Name: "runs/a/empty é"},
}

// written is three as an archive.
func written(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, three); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// item is an entry of a tar.
type item struct {
	tar.Header
	data string
}

// build makes an archive of any entries, and of what is behind them.
func build(t *testing.T, tail []byte, entries ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range entries {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Size == 0 {
			h.Size = int64(len(h.data))
		}
		if err := w.WriteHeader(&h.Header); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, h.data)
	}
	w.Close() // fails where a size is a lie
	z.Write(tail)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// entry is a file for build.
func entry(name, data string) item { return item{tar.Header{Name: name, Mode: 0o644}, data} }

// sums is the file Sums for files.
func sums(files ...item) item {
	s := ""
	for _, f := range files {
		s += fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(f.data)), f.Name)
	}
	return entry(Sums, s)
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error %v; want one with %q", err, w)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	data := written(t)
	kept, n, err := Read(bytes.NewReader(data), all)
	want := map[string][]byte{three[0].Name: three[0].Data, three[1].Name: three[1].Data, three[2].Name: {}}
	if err != nil || n != 3 || !reflect.DeepEqual(kept, want) {
		t.Errorf("read %q, %d, %v; want %q", kept, n, err, want)
	}
	kept, n, err = Read(bytes.NewReader(data), func(name string) bool { return name == "tandem" })
	if err != nil || n != 3 || len(kept) != 1 || !bytes.Equal(kept["tandem"], three[1].Data) {
		t.Errorf("read %q, %d, %v; want one of three files", kept, n, err)
	}
}

func TestBytesFollowFromFiles(t *testing.T) {
	data := written(t)
	given := slices.Clone(three)
	slices.Reverse(given)
	var b bytes.Buffer
	if err := Write(&b, given); err != nil || !bytes.Equal(b.Bytes(), data) {
		t.Errorf("another order of files gives other bytes; %v", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if z.Name != "" || z.Comment != "" || !z.ModTime.IsZero() {
		t.Errorf("the header of gzip is %+v", z.Header)
	}
	var names []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		mode := int64(0o644)
		if h.Name == "tandem" {
			mode = 0o755
		}
		if h.Mode != mode || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" ||
			!h.ModTime.Equal(time.Unix(0, 0)) || h.Typeflag != tar.TypeReg {
			t.Errorf("entry %+v", h)
		}
		if h.Name != Sums {
			continue
		}
		got, err := io.ReadAll(r)
		want := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  runs/a/empty é\n"
		if err != nil || !strings.HasPrefix(string(got), want) || strings.Count(string(got), "\n") != 3 {
			t.Errorf("%s is\n%s%v", Sums, got, err)
		}
	}
	if want := []string{Sums, "runs/a/empty é", "runs/b/metrics.jsonl", "tandem"}; !slices.Equal(names, want) {
		t.Errorf("entries %q; want %q", names, want)
	}
}

// A byte that changes is found, unless what is read stays the same, as for the
// parts of a gzip header that say nothing about the content.
func TestEveryByteCounts(t *testing.T) {
	data := written(t)
	want, _, err := Read(bytes.NewReader(data), all)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := range data {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(data)
			bad[i] ^= flip
			switch got, _, err := Read(bytes.NewReader(bad), all); {
			case err != nil:
				found++
			case !reflect.DeepEqual(got, want):
				t.Fatalf("byte %d changed, and %q is read without an error", i, got)
			}
		}
		if _, _, err := Read(bytes.NewReader(data[:i]), all); err == nil {
			t.Errorf("cut to %d of %d bytes: no error", i, len(data))
		}
	}
	if found < 3*(len(data)-20) {
		t.Errorf("%d of %d changes were found", found, 3*len(data))
	}
}

// What was packed again after a change has the right checksums of gzip and tar.
func TestChangedFilesAreNamed(t *testing.T) {
	a, b, c := entry("runs/a", "first"), entry("runs/b", "second"), entry("c", "third")
	files := []item{sums(a, b, c), a, b, c}
	if _, n, err := Read(bytes.NewReader(build(t, nil, files...)), all); err != nil || n != 3 {
		t.Fatalf("%d files, %v", n, err)
	}
	for i := 1; i < len(files); i++ {
		name := files[i].Name
		for at := range files[i].data {
			bad := slices.Clone(files)
			content := []byte(bad[i].data)
			content[at] ^= 1
			bad[i].data = string(content)
			for _, keep := range []bool{true, false} {
				_, _, err := Read(bytes.NewReader(build(t, nil, bad...)), func(string) bool { return keep })
				wantError(t, err, name+" has changed")
			}
		}
		_, _, err := Read(bytes.NewReader(build(t, nil, slices.Delete(slices.Clone(files), i, i+1)...)), all)
		wantError(t, err, name, "missing")
		bad := slices.Clone(files)
		bad[0] = sums(slices.Delete(slices.Clone(files[1:]), i-1, i)...)
		_, _, err = Read(bytes.NewReader(build(t, nil, bad...)), all)
		wantError(t, err, name, "not listed")
	}
	for at, x := range []byte(files[0].data) {
		bad := slices.Clone(files)
		content := []byte(files[0].data)
		content[at] = x ^ 1
		bad[0].data = string(content)
		if _, _, err := Read(bytes.NewReader(build(t, nil, bad...)), all); err == nil {
			t.Errorf("byte %d of %s changed: no error", at, Sums)
		}
	}
}

func TestHostileArchives(t *testing.T) {
	a := entry("a", "x")
	named := func(name string) []byte { e := entry(name, "x"); return build(t, nil, sums(a, e), a, e) }
	typed := func(kind byte) []byte {
		return build(t, nil, sums(a), a, item{tar.Header{Name: "link", Linkname: "/etc/passwd", Typeflag: kind}, ""})
	}
	good := build(t, nil, sums(a), a)
	huge := func(size int64) []byte { h := entry("big", ""); h.Size = size; return build(t, nil, sums(a), a, h) }
	for name, c := range map[string]struct {
		data  []byte
		words string
	}{
		"up":        {named("../up"), "../up"},
		"up inside": {named("runs/../../up"), "clean"},
		"absolute":  {named("/etc/x"), "/etc/x"},
		"dot":       {named("./x"), "clean"},
		"doubled":   {named("runs//x"), "clean"},
		"backslash": {named(`runs\x`), "character"},
		"drive":     {named("C:x"), "character"},
		"newline":   {named("a\nb"), "character"},
		"escape":    {named("a\x1b[31m"), "character"},
		"long":      {named(strings.Repeat("x", maxName+1)), "name of more"},
		"symlink":   {typed(tar.TypeSymlink), `"link": not a plain file`},
		"hard link": {typed(tar.TypeLink), "not a plain file"},
		"pipe":      {typed(tar.TypeFifo), "not a plain file"},
		"folder": {build(t, nil, sums(a), a, item{tar.Header{Name: "runs/", Typeflag: tar.TypeDir}, ""}),
			"not a plain file"},
		"twice":         {build(t, nil, sums(a), a, a), "a: twice"},
		"sums twice":    {build(t, nil, sums(a), a, sums(a)), Sums + ": twice"},
		"listed twice":  {build(t, nil, sums(a, a), a), "listed twice"},
		"no sums":       {build(t, nil, a), "no " + Sums},
		"empty sums":    {build(t, nil, entry(Sums, ""), a), "not listed"},
		"other sums":    {build(t, nil, entry(Sums, "hello\n"), a), "line 1"},
		"cut sums":      {build(t, nil, entry(Sums, strings.TrimSuffix(sums(a).data, "\n")), a), "line 1"},
		"big":           {huge(1 << 40), "big: 1099511627776 bytes"},
		"bigger":        {huge(1<<62 + 1), "big: "},
		"too big":       {huge(maxBytes), "big: "},
		"a lie":         {huge(1 << 30), "big: "},
		"text behind":   {build(t, []byte("text"), sums(a), a), errFollows.Error()},
		"much behind":   {build(t, make([]byte, 1<<20), sums(a), a), errFollows.Error()},
		"member behind": {slices.Concat(good, good), errFollows.Error()},
		"byte behind":   {append(slices.Clone(good), 0), errFollows.Error()},
		"no gzip":       {[]byte("not an archive"), "not an archive of tandem"},
		"nothing":       {nil, "not an archive of tandem"},
		"no tar":        {build(t, bytes.Repeat([]byte("x"), 4096)), errFollows.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := Read(bytes.NewReader(c.data), all)
			runtime.ReadMemStats(&after)
			wantError(t, err, c.words)
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 16<<20 {
				t.Errorf("it took %d bytes of memory", taken)
			}
		})
	}
	if _, _, err := Read(bytes.NewReader(build(t, make([]byte, 9000), sums(a), a)), all); err != nil {
		t.Errorf("padding as tar writes it: %v", err)
	}
}

// What unpacks to too much is not read to its end.
func TestBombs(t *testing.T) {
	var files []item
	for i := range 60 {
		e := entry(fmt.Sprint(i), "")
		e.PAXRecords = map[string]string{"TANDEM.x": strings.Repeat("x", 900<<10)}
		files = append(files, e)
	}
	_, _, err := read(bytes.NewReader(build(t, nil, files...)), all, 1000)
	if !errors.Is(err, errTooLong) {
		t.Errorf("headers without end: %v", err)
	}
	half := strings.Repeat("x", 600)
	data := build(t, nil, entry("a", half), entry("b", half))
	_, _, err = read(bytes.NewReader(data), all, 1000)
	wantError(t, err, "b: 600 bytes, after 600 bytes")
	files = nil
	for i := range maxFiles + 1 {
		files = append(files, entry(fmt.Sprint(i), ""))
	}
	_, _, err = Read(bytes.NewReader(build(t, nil, files...)), all)
	wantError(t, err, "more than 10000 files")
}

// A small archive that unpacks to far more than its size is given up early, in one file,
// in several or in what is not kept.
func TestSmallBombs(t *testing.T) {
	zeros := strings.Repeat("\x00", 100<<20)
	one := entry("runs/a/checkpoint.tandem", zeros)
	var many []item
	for i := range 10 {
		many = append(many, entry(fmt.Sprint(i), zeros[:10<<20]))
	}
	for name, data := range map[string][]byte{
		"one file":   build(t, nil, sums(one), one),
		"many files": build(t, nil, append([]item{sums(many...)}, many...)...),
	} {
		for _, keep := range []bool{true, false} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := Read(bytes.NewReader(data), func(string) bool { return keep })
			runtime.ReadMemStats(&after)
			if !errors.Is(err, errTooLong) {
				t.Errorf("%s: error %v", name, err)
			}
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 4*uint64(slack) || !keep && taken > 1<<20 {
				t.Errorf("%s of %d bytes took %d bytes of memory", name, len(data), taken)
			}
		}
	}
	if err := Write(io.Discard, []File{{Name: "zeros", Data: []byte(zeros)}}); !errors.Is(err, errTooLong) {
		t.Errorf("Write makes what Read rejects: %v", err)
	}
	fine := entry("zeros", zeros[:50<<20])
	if _, _, err := Read(bytes.NewReader(build(t, nil, sums(fine), fine)), all); err != nil {
		t.Errorf("50 MiB of zeros: %v", err)
	}
}

// Whatever the bytes, an archive is rejected, or its files can be written and read again.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := Write(&b, three); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()/2])
	f.Add(append(b.Bytes(), 0))
	z, err := gzip.NewReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		f.Fatal(err)
	}
	tarred, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(tarred)
	f.Add(append(tarred, tarred...))
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(data []byte) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			kept, n, err := Read(bytes.NewReader(data), all)
			runtime.ReadMemStats(&after)
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 4<<20+4000*uint64(len(data)) {
				t.Fatalf("%d bytes took %d bytes of memory", len(data), taken)
			}
			if err != nil {
				return
			}
			var files []File
			for name, data := range kept {
				files = append(files, File{Name: name, Data: data})
			}
			var b bytes.Buffer
			if err := Write(&b, files); err != nil {
				t.Fatal(err)
			}
			again, m, err := Read(&b, all)
			if err != nil || m != n || !reflect.DeepEqual(kept, again) {
				t.Fatalf("%q came back as %q, %v", kept, again, err)
			}
		}
		check(data)
		// Behind the checksum of gzip, or nothing would come to the tar.
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		z.Write(data)
		z.Close()
		check(b.Bytes())
	})
}

// Write refuses what Read would, and passes on what its writer says.
func TestWriteRefuses(t *testing.T) {
	for name, files := range map[string][]File{
		"../x":  {{Name: "../x"}},
		"clean": {{Name: "runs//config.json"}},
		"twice": {{Name: "a"}, {Name: "a"}},
		Sums:    {{Name: Sums}},
	} {
		wantError(t, Write(io.Discard, files), name)
	}
	full := errors.New("disk full")
	if err := Write(failing{full}, three); !errors.Is(err, full) {
		t.Errorf("error %v; want %v", err, full)
	}
	failed := io.MultiReader(bytes.NewReader(written(t)[:100]), failing{full})
	if _, _, err := Read(failed, all); !errors.Is(err, full) {
		t.Errorf("error %v; want %v", err, full)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
func (f failing) Read([]byte) (int, error)  { return 0, f.err }

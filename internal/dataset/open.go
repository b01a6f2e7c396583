package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tandem/internal/files"
	"tandem/internal/npz"
)

// sniffed is how many bytes are looked at to tell the format.
const sniffed = 64 << 10

// mostData returns how many bytes the content of a file of some bytes may have, as package
// mnist has it.
func mostData(size int64) int64 { return 64<<20 + 100*max(size, 0) }

// source is an open file.
type source struct {
	name  string // as given, for messages
	base  string // the name without folders and .gz, in lower case
	array string // what follows the colon in FILE.npz:ARRAY
	limit int64  // bytes that the content may have
	size  int64  // of the file
	file  *os.File
	zip   bool          // the file itself is a zip archive
	text  *bufio.Reader // the content, no longer gzipped
	head  []byte        // its beginning, at most sniffed bytes
}

// open opens a file, gzipped or not, and looks at its beginning. close must be called.
func open(name string) (*source, error) {
	s := &source{name: name}
	file := name
	if at := strings.LastIndexByte(name, ':'); at > 1 && !exists(name) &&
		(exists(name[:at]) || strings.HasSuffix(strings.ToLower(name[:at]), ".npz")) {
		file, s.array = name[:at], name[at+1:]
	}
	s.base = strings.TrimSuffix(strings.ToLower(filepath.Base(file)), ".gz")
	var err error
	if s.file, s.size, err = files.Open(file); err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = fmt.Errorf("%s: %w", file, path.Err)
		}
		return nil, err
	}
	s.limit = mostData(s.size)
	if err := s.look(); err != nil {
		s.close()
		return nil, s.wrap(err)
	}
	return s, nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func (s *source) close() { s.file.Close() }

// wrap puts the name of the file before an error.
func (s *source) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", s.name, err)
}

// look reads the beginning, behind gzip where it is gzipped.
func (s *source) look() error {
	plain := bufio.NewReaderSize(s.file, sniffed)
	magic, err := plain.Peek(4)
	if err != nil && err != io.EOF {
		return err
	}
	s.zip = string(magic) == zipMagic
	content := &limited{r: plain, left: s.limit, limit: s.limit}
	if bytes.HasPrefix(magic, gzipMagic) {
		z, err := gzip.NewReader(plain)
		if err != nil {
			return gzipError(err)
		}
		z.Multistream(false)
		content.r = unzipped{z, plain}
	}
	s.text = bufio.NewReaderSize(content, sniffed)
	if s.head, err = s.text.Peek(sniffed); err != nil && err != io.EOF {
		return err
	}
	if len(s.head) == 0 {
		return errors.New("the file is empty")
	}
	return nil
}

// unzipped reads gzip streams, one after the other to the end of the file. It walks from one
// to the next itself, for gzip.Reader reports a few stray bytes as a stream cut short. Its
// errors are never bare ends of file, but for the sound end of the last stream.
type unzipped struct {
	z     *gzip.Reader
	plain *bufio.Reader
}

func (u unzipped) Read(p []byte) (int, error) {
	for {
		n, err := u.z.Read(p)
		switch {
		case n > 0 && err == io.EOF:
			return n, nil
		case err == nil:
			return n, nil
		case err != io.EOF:
			return n, gzipError(err)
		}
		next, err := u.plain.Peek(2)
		switch {
		case len(next) == 0:
			return 0, err
		case !bytes.Equal(next, gzipMagic):
			return 0, gzipError(gzip.ErrHeader)
		}
		if err := u.z.Reset(u.plain); err != nil {
			return 0, gzipError(err)
		}
		u.z.Multistream(false)
	}
}

func gzipError(err error) error {
	switch err {
	case io.EOF, io.ErrUnexpectedEOF:
		return errors.New("the gzip stream is cut short; copy the file again")
	case gzip.ErrChecksum:
		return errors.New("the gzip stream is damaged: its content does not match the checksum; copy the file again")
	case gzip.ErrHeader:
		return errors.New("bytes that are not gzip follow the gzip stream; copy the file again")
	}
	return fmt.Errorf("the gzip stream is damaged: %w", err)
}

// limited reads up to a limit of bytes, beyond which it fails: a gzip bomb.
type limited struct {
	r           io.Reader
	left, limit int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		if n, err := l.r.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, fmt.Errorf("unpacks to more than %d bytes, far more than a file of its size should; unpack it first",
			l.limit)
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// archive opens the content as a zip archive of arrays.
func (s *source) archive() (*npz.Reader, error) {
	if s.zip {
		return npz.NewReader(s.file, s.size)
	}
	data, err := io.ReadAll(s.text)
	if err != nil {
		return nil, err
	}
	return npz.NewReader(bytes.NewReader(data), int64(len(data)))
}

// The beginnings of files.
const (
	zipMagic = "PK\x03\x04"
	npyMagic = "\x93NUMPY"
)

var gzipMagic = []byte("\x1f\x8b")

// fileFormat is what a file holds.
type fileFormat int

const (
	textFormat fileFormat = iota
	idxFormat
	npyFormat
	npzFormat
)

// foreign are beginnings of files that are not read, what they are, and what to do.
var foreign = []struct{ start, advice string }{
	{"\xff\xfe", "text in UTF-16; save it as UTF-8"},
	{"\xfe\xff", "text in UTF-16; save it as UTF-8"},
	{"\x89HDF", "an HDF5 file; save its array with numpy.save"},
	{"PAR1", "a Parquet file; save it as CSV"},
	{"MATLAB 5.0", "a MATLAB file; save its array with numpy.save"},
	{"\x89PNG", "a picture; all examples must be in one file, as numpy.save writes it"},
	{"\xff\xd8\xff", "a picture; all examples must be in one file, as numpy.save writes it"},
	{"\xd0\xcf\x11\xe0", "an Excel workbook; save it as CSV"},
	{"BZh", "packed with bzip2; unpack it, or pack it with gzip"},
	{"\xfd7zXZ", "packed with xz; unpack it, or pack it with gzip"},
	{"\x28\xb5\x2f\xfd", "packed with zstd; unpack it, or pack it with gzip"},
	{"\x80\x04", "a Python pickle; save its array with numpy.save"},
	{"\x80\x05", "a Python pickle; save its array with numpy.save"},
}

// format tells the format by the content.
func (s *source) format() (fileFormat, error) {
	head := string(s.head)
	switch {
	case strings.HasPrefix(head, zipMagic):
		return npzFormat, nil
	case s.array != "":
		return 0, fmt.Errorf("not an .npz archive, so it has no array %q", s.array)
	case strings.HasPrefix(head, npyMagic):
		return npyFormat, nil
	case isIDX(s.head):
		return idxFormat, nil
	}
	for _, f := range foreign {
		if strings.HasPrefix(head, f.start) {
			return 0, errors.New(f.advice)
		}
	}
	if strings.HasPrefix(head, "version https://git-lfs") {
		return 0, errors.New("a pointer of Git LFS, not the file itself; fetch it with git lfs pull")
	}
	if strings.IndexByte(head, 0) >= 0 {
		return 0, errors.New("not a format that is read: those are IDX, .npy, .npz, and text (.csv, .tsv, or rows of " +
			"index:value in UTF-8)")
	}
	return textFormat, nil
}

// from opens a file and reads something from it. An error names the file.
func from[T any](name string, o Options, read func(*source) (T, error)) (found T, err error) {
	if err := o.check(); err != nil {
		return found, err
	}
	s, err := open(name)
	if err != nil {
		return found, err
	}
	defer s.close()
	if found, err = read(s); err != nil {
		return found, s.wrap(err)
	}
	return found, nil
}

// Read reads the examples of one file, never of a folder. The format is told by the content.
// name may be FILE.npz:ARRAY.
func Read(name string, o Options) (*Table, error) {
	t, err := from(name, o, func(s *source) (*Table, error) {
		t, err := s.read(o)
		if err == nil && t.Labels != nil && len(t.Labels) != t.N {
			err = fmt.Errorf("%d labels for %d examples", len(t.Labels), t.N)
		}
		return t, err
	})
	if err != nil {
		return nil, err
	}
	t.Source = name
	t.fromSpins()
	return t, nil
}

func (s *source) read(o Options) (*Table, error) {
	f, err := s.format()
	if err != nil {
		return nil, err
	}
	switch f {
	case npzFormat:
		return s.readNPZ(o)
	case npyFormat:
		a, err := npz.Read(s.text, s.limit)
		if err != nil {
			return nil, err
		}
		return fromArray(a, o)
	case idxFormat:
		return s.readIDX(o)
	}
	return s.readText(o)
}

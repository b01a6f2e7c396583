package npz

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
)

// Limits keep an archive from taking more than a small multiple of its own size.
const (
	maxMembers = 10_000
	slack      = 64 << 20 // bytes that any archive may unpack to
	ratio      = 100      // bytes that each byte of an archive may unpack to, beside slack
)

// Reader reads an archive, compressed or not.
type Reader struct {
	members map[string]*zip.File
	names   []string // of the arrays, in the order of the archive
	file    *os.File // nil where the reader below is the caller's
}

// ErrMissing is the error of an array or a file that an archive lacks.
var ErrMissing = errors.New("missing from the file")

// Open opens an archive, which must be a regular file. Close must be called.
func Open(name string) (*Reader, error) {
	info, err := os.Stat(name) // to open a pipe would wait for a writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	var r *Reader
	if info, err = f.Stat(); err == nil {
		r, err = NewReader(f, info.Size())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.file = f
	return r, nil
}

// NewReader returns a reader of an archive of size bytes. It rejects names given twice,
// of which others might read the other one, and what unpacks to far more than the archive.
func NewReader(r io.ReaderAt, size int64) (*Reader, error) {
	z, err := zip.NewReader(r, size)
	if errors.Is(err, zip.ErrFormat) && beginsAsZip(r) {
		return nil, errCut
	}
	if err != nil {
		return nil, err
	}
	if len(z.File) > maxMembers {
		return nil, fmt.Errorf("%d arrays and files; must be at most %d", len(z.File), maxMembers)
	}
	read := &Reader{members: map[string]*zip.File{}}
	left := uint64(slack) + ratio*uint64(size)
	for _, f := range z.File {
		if read.members[f.Name] != nil {
			return nil, fmt.Errorf("%q is in it twice", f.Name)
		}
		read.members[f.Name] = f
		if name, isArray := strings.CutSuffix(f.Name, ".npy"); isArray && name != "" {
			read.names = append(read.names, name)
		}
		if f.CompressedSize64 > uint64(size) || f.UncompressedSize64 > left {
			return nil, fmt.Errorf("%q: %d bytes unpack to %d, in a file of %d bytes; all together may unpack to %d",
				f.Name, f.CompressedSize64, f.UncompressedSize64, size, uint64(slack)+ratio*uint64(size))
		}
		left -= f.UncompressedSize64
	}
	return read, nil
}

// errCut is the error of an archive without its end, where the list of its members is.
var errCut = errors.New("the end of the file is missing or damaged, as after a download that was cut short " +
	"or a copy as text; copy it again")

// beginsAsZip reports whether the first member of an archive stands at the beginning.
func beginsAsZip(r io.ReaderAt) bool {
	var start [4]byte
	n, _ := r.ReadAt(start[:], 0)
	return string(start[:n]) == "PK\x03\x04"
}

// Close closes the file that Open opened.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Names returns the names of the arrays, in the order of the archive.
func (r *Reader) Names() []string { return r.names }

// IsPlain reports whether there are arrays alone, as numpy.savez writes.
func (r *Reader) IsPlain() bool { return len(r.names) == len(r.members) }

// Has reports whether there is an array of a name.
func (r *Reader) Has(name string) bool { return r.members[name+".npy"] != nil }

// File reads a file that is no array, of at most limit bytes. numpy.load returns such a
// file as bytes, and numpy.savez makes an array of one string of them, which File reads
// too.
func (r *Reader) File(name string, limit int64) (data []byte, err error) {
	asArray := r.members[name+".npy"]
	switch f := r.members[name]; {
	case f == nil && asArray == nil:
		err = ErrMissing
	case f != nil && asArray != nil:
		err = errors.New("both a file and an array")
	case f == nil:
		data, err = readMember(asArray, func(from io.Reader) ([]byte, error) { return readText(from, limit) })
	case f.UncompressedSize64 > uint64(limit):
		err = fmt.Errorf("%d bytes; must be at most %d", f.UncompressedSize64, limit)
	default:
		data, err = readMember(f, func(from io.Reader) ([]byte, error) {
			return readExactly(from, int64(f.UncompressedSize64))
		})
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// Array reads an array of at most limit bytes of elements.
func (r *Reader) Array(name string, limit int64) (*Array, error) {
	f := r.members[name+".npy"]
	if f == nil {
		return nil, fmt.Errorf("%s: %w", name, ErrMissing)
	}
	a, err := readMember(f, func(from io.Reader) (*Array, error) { return Read(from, limit) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

// Describe returns the type and shape of an array, in NumPy's notation, as its header has
// them. The type may be one that Array does not read. The elements are not read, but must
// have the size that the shape asks for.
func (r *Reader) Describe(name string) (Type, []int, error) {
	f := r.members[name+".npy"]
	if f == nil {
		return "", nil, fmt.Errorf("%s: %w", name, ErrMissing)
	}
	from, err := f.Open()
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", name, damaged(err))
	}
	defer from.Close()
	h, err := readHeader(from)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", name, err)
	}
	all := int64(f.UncompressedSize64) - h.size
	t := Type(h.descr)
	if size := int64(t.Size()); size > 0 {
		need, err := h.bytes(size, max(all, 0))
		if err != nil || need != all {
			return "", nil, fmt.Errorf("%s: %d bytes of elements do not fit the type %s and the shape %s", name, all, h.descr,
				Tuple(h.shape))
		}
	}
	return t, h.shape, nil
}

// readMember reads a member of an archive, and compares its checksum. The read function
// must read to the end.
func readMember[T any](f *zip.File, read func(from io.Reader) (T, error)) (value T, err error) {
	var none T
	from, err := f.Open()
	if err != nil {
		return none, damaged(err)
	}
	defer from.Close()
	// archive/zip takes a checksum of 0 for one that is not known.
	sum := crc32.NewIEEE()
	if value, err = read(io.TeeReader(from, sum)); err != nil {
		return none, damaged(err)
	}
	if sum.Sum32() != f.CRC32 {
		return none, damaged(zip.ErrChecksum)
	}
	return value, nil
}

// damaged words the errors of archive/zip for who has the file.
func damaged(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, zip.ErrChecksum):
		return errors.New("damaged: the bytes do not match their checksum")
	case errors.Is(err, zip.ErrFormat):
		return errors.New("damaged: it is not where the end of the file says, as after a copy as text")
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &corrupt):
		return fmt.Errorf("damaged: %w", err)
	}
	return err
}

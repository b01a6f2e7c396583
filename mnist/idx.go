package mnist

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// An IDX file is a header of big-endian 32-bit words and then the data, a byte
// each here. The first word is two zero bytes, the type of the data (8:
// unsigned byte) and the number of dimensions; their sizes follow.
const (
	imagesMagic = 0x00000803 // images × rows × columns
	labelsMagic = 0x00000801 // labels
	floatType   = 0x0d       // in place of 8: float32
)

// maxPixels is the most pixels an image may have: the most units that package
// dbm allows a layer.
const maxPixels = 1 << 20

// mostData returns how many bytes of data a file of some bytes may hold: gzip packs what
// nobody has drawn a thousandfold, pictures tenfold.
func mostData(size int64) uint64 { return 64<<20 + 100*uint64(max(size, 0)) }

// Images holds pictures of one size, or rows of a table, whose height is 1. A unit has a byte,
// of which 0 is background and Most ink, or where Pixels is nil a number from 0 to 1.
type Images struct {
	N, Rows, Columns int       // each at least 1
	Pixels           []byte    // images × rows × columns, row-major
	Numbers          []float32 // likewise
	levels           *levels   // what bytes stand for; nil: 255 stands for 1
}

// header is what precedes the pixels in an IDX file.
func (m *Images) header() []byte {
	b := binary.BigEndian.AppendUint32(nil, imagesMagic)
	b = binary.BigEndian.AppendUint32(b, uint32(m.N))
	b = binary.BigEndian.AppendUint32(b, uint32(m.Rows))
	return binary.BigEndian.AppendUint32(b, uint32(m.Columns))
}

// SHA256 is the hash of the images as a plain IDX file, in hexadecimal. It is
// the same whether they came from a gzipped file or not. Numbers are hashed as an IDX file of
// float32 has them.
func (m *Images) SHA256() string {
	h := sha256.New()
	b := m.header()
	if m.Numbers != nil {
		b[2] = floatType
	}
	h.Write(b)
	h.Write(m.Pixels)
	for chunk := range slices.Chunk(m.Numbers, 1<<12) {
		b = b[:0]
		for _, x := range chunk {
			b = binary.BigEndian.AppendUint32(b, math.Float32bits(x))
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ReadImages reads an IDX file of images, plain or gzipped, to its end; which of
// the two it is shows in its first bytes, not in its name, which serves errors
// alone. It rejects a file that is not images, that has none, whose images have
// no pixels or more than 2²⁰, that holds fewer or more bytes than its header
// promises, or more than limit, and a damaged gzip stream. Memory is taken once, for
// what the header promises.
func ReadImages(r io.Reader, limit uint64, name string) (*Images, error) {
	m, err := readImages(r, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// ReadLabels reads an IDX file of labels, a byte each, as ReadImages does images.
func ReadLabels(r io.Reader, limit uint64, name string) ([]byte, error) {
	labels, err := readLabels(r, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return labels, nil
}

func readImages(r io.Reader, limit uint64) (*Images, error) {
	r, m, err := imageHeader(r)
	if err != nil {
		return nil, err
	}
	m.Pixels, err = readData(r, uint64(m.N)*uint64(m.Rows*m.Columns), limit,
		fmt.Sprintf("%d images of %d × %d pixels", m.N, m.Rows, m.Columns))
	if err != nil {
		return nil, err
	}
	return m, nil
}

// imageHeader reads the header of images. It returns the reader of what follows, and the
// images without their pixels.
func imageHeader(r io.Reader) (io.Reader, *Images, error) {
	r, err := inflate(r)
	if err != nil {
		return nil, nil, err
	}
	var n, rows, columns uint32
	if err := readHeader(r, imagesMagic, &n, &rows, &columns); err != nil {
		return nil, nil, err
	}
	switch size := uint64(rows) * uint64(columns); {
	case n == 0:
		return nil, nil, errors.New("the header says that there are no images")
	case size == 0:
		return nil, nil, fmt.Errorf("the header says that images have %d rows × %d columns, so no pixels", rows, columns)
	case size > maxPixels:
		return nil, nil, fmt.Errorf("the header says that images have %d rows × %d columns; at most %d pixels are allowed",
			rows, columns, maxPixels)
	case n > math.MaxInt32:
		return nil, nil, fmt.Errorf("the header says that there are %d images; at most %d are allowed", n, math.MaxInt32)
	}
	return r, &Images{N: int(n), Rows: int(rows), Columns: int(columns)}, nil
}

func readLabels(r io.Reader, limit uint64) ([]byte, error) {
	r, err := inflate(r)
	if err != nil {
		return nil, err
	}
	var n uint32
	if err := readHeader(r, labelsMagic, &n); err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errors.New("the header says that there are no labels")
	}
	return readData(r, uint64(n), limit, fmt.Sprintf("%d labels", n))
}

// readHeader reads the magic number, which must be as wanted, and the sizes.
func readHeader(r io.Reader, want uint32, sizes ...*uint32) error {
	b := make([]byte, 4+4*len(sizes))
	n, err := io.ReadFull(r, b)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if n >= 4 {
		if magic := binary.BigEndian.Uint32(b); magic != want {
			return fmt.Errorf("%s: the file begins with %#08x, expected %#08x", mistake(magic, want), magic, want)
		}
	}
	if n < len(b) {
		return fmt.Errorf("header cut short: %d of %d bytes", n, len(b))
	}
	for i, s := range sizes {
		*s = binary.BigEndian.Uint32(b[4+4*i:])
	}
	return nil
}

// mistake names what a file with the wrong magic number is.
func mistake(magic, want uint32) string {
	switch {
	case magic == labelsMagic:
		return "labels, not images"
	case magic == imagesMagic:
		return "images, not labels"
	case want == labelsMagic:
		return "not an IDX file of labels"
	}
	return "not an IDX file of images"
}

// readData reads n bytes, after which the file must end. No byte beyond n+1 is asked for,
// so that a gzip bomb costs no time.
func readData(r io.Reader, n, limit uint64, what string) ([]byte, error) {
	if n > min(limit, math.MaxInt) {
		return nil, fmt.Errorf("the header promises %s, %d bytes, more than the file can hold", what, n)
	}
	data := make([]byte, n)
	switch read, err := io.ReadFull(r, data); {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, fmt.Errorf("the header promises %s, %d bytes, but %d follow", what, n, read)
	case err != nil:
		return nil, err
	}
	// For a gzip stream this read is also what compares the checksum.
	switch k, err := io.ReadFull(r, make([]byte, 1)); {
	case k > 0:
		return nil, fmt.Errorf("the header promises %s, %d bytes, but more follow", what, n)
	case err != io.EOF:
		return nil, err
	}
	return data, nil
}

// inflate returns the plain content of r.
func inflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 32<<10)
	zipped, err := startsGzip(b)
	if err != nil || !zipped {
		return b, err
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, gzipError(err)
	}
	z.Multistream(false)
	return &gzipReader{b, z}, nil
}

// startsGzip reports whether a gzip stream comes next.
func startsGzip(b *bufio.Reader) (bool, error) {
	head, err := b.Peek(2)
	if err != nil && err != io.EOF {
		return false, err
	}
	return string(head) == "\x1f\x8b", nil
}

// gzipReader reads gzip streams, one after the other to the end of the file. It
// walks from one to the next itself, for gzip.Reader reports a few stray bytes
// after a stream as a stream cut short.
type gzipReader struct {
	b *bufio.Reader
	z *gzip.Reader
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if err == nil || n > 0 && err == io.EOF {
			return n, nil
		}
		if err != io.EOF {
			return n, gzipError(err)
		}
		if _, err := g.b.Peek(1); err != nil {
			return 0, err
		}
		zipped, err := startsGzip(g.b)
		if err != nil {
			return 0, err
		}
		if !zipped {
			return 0, errors.New("bytes that are not gzip follow the gzip stream")
		}
		if err := g.z.Reset(g.b); err != nil {
			return 0, gzipError(err)
		}
		g.z.Multistream(false)
	}
}

// gzipError never returns a bare io.ErrUnexpectedEOF: the callers above take that
// for a sound stream that ends before the header's promise.
func gzipError(err error) error {
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return errors.New("the gzip stream is cut short")
	case err == gzip.ErrChecksum:
		return fmt.Errorf("the gzip stream is damaged: its content does not match the checksum at its end: %w", err)
	}
	return fmt.Errorf("cannot read the gzip stream: %w", err)
}

package npz

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Writer writes an archive, not compressed and without times: the same arrays give the
// same bytes.
type Writer struct{ zip *zip.Writer }

// NewWriter returns a writer of an archive. Close must be called.
func NewWriter(w io.Writer) *Writer { return &Writer{zip.NewWriter(w)} }

// File begins a file that is no array, which NumPy reads as bytes. Its contents go to the
// result until the next file or array begins.
func (w *Writer) File(name string) (io.Writer, error) {
	return w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
}

// Array begins an array. Its elements, little-endian in C order, go to the result until
// the next file or array begins.
func (w *Writer) Array(name string, t Type, shape ...int) (io.Writer, error) {
	f, err := w.File(name + ".npy")
	if err != nil {
		return nil, err
	}
	return f, writeHeader(f, t, shape...)
}

// Floats writes an array of Float32.
func (w *Writer) Floats(name string, x []float32, shape ...int) error {
	f, err := w.Array(name, Float32, shape...)
	if err != nil {
		return err
	}
	return WriteFloats(f, x)
}

// Close writes the directory of the archive. It does not close the writer below.
func (w *Writer) Close() error { return w.zip.Close() }

// Reader reads an archive, compressed or not.
type Reader struct {
	zip  *zip.Reader
	file io.Closer // nil where the reader below is the caller's
}

// ErrNoArray is the error of an array that an archive lacks.
var ErrNoArray = errors.New("no such array")

// Open opens an archive. Close must be called.
func Open(name string) (*Reader, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	return &Reader{&z.Reader, z}, nil
}

// NewReader returns a reader of an archive of size bytes.
func NewReader(r io.ReaderAt, size int64) (*Reader, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, err
	}
	return &Reader{zip: z}, nil
}

// Close closes the file that Open opened.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Names returns the names of the arrays, in the order of the archive.
func (r *Reader) Names() []string {
	var names []string
	for _, f := range r.zip.File {
		if n := len(f.Name) - len(".npy"); n > 0 && f.Name[n:] == ".npy" {
			names = append(names, f.Name[:n])
		}
	}
	return names
}

// File reads a file that is no array, of at most limit bytes.
func (r *Reader) File(name string, limit int64) ([]byte, error) {
	f, err := r.zip.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", name, limit)
	}
	return data, err
}

// Array reads an array of at most limit bytes of elements.
func (r *Reader) Array(name string, limit int64) (*Array, error) {
	f, err := r.zip.Open(name + ".npy")
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNoArray
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	a, err := Read(f, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

package npz

import (
	"archive/zip"
	"io"
)

// firstDay is 1 January 1980 as zip archives write it, the first day that they know.
const firstDay = 1<<5 | 1

// Writer writes an archive, not compressed and without times: the same arrays give the
// same bytes.
type Writer struct{ zip *zip.Writer }

// NewWriter returns a writer of an archive. Close must be called.
func NewWriter(w io.Writer) *Writer { return &Writer{zip.NewWriter(w)} }

// File begins a file that is no array, which NumPy reads as bytes. Its contents go to the
// result until the next file or array begins.
func (w *Writer) File(name string) (io.Writer, error) {
	h := &zip.FileHeader{Name: name, Method: zip.Store}
	h.ModifiedDate = firstDay //lint:ignore SA1019 h.Modified would add a second time to each file
	return w.zip.CreateHeader(h)
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

// Bytes writes an array of Uint8.
func (w *Writer) Bytes(name string, x []byte, shape ...int) error {
	f, err := w.Array(name, Uint8, shape...)
	if err != nil {
		return err
	}
	_, err = f.Write(x)
	return err
}

// Close writes the directory of the archive. It does not close the writer below.
func (w *Writer) Close() error { return w.zip.Close() }

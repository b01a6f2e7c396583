package archive

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
)

// Write writes an archive of files, and Sums. The same files give the same bytes,
// in whatever order they come: entries are sorted, and have no times and no owners,
// and one of two modes. It rejects what Read would.
func Write(w io.Writer, files []File) error {
	byName := func(a, b File) int { return cmp.Compare(a.Name, b.Name) }
	sorted := slices.SortedFunc(slices.Values(files), byName)
	var sums bytes.Buffer
	for _, f := range sorted {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(f.Data), f.Name)
	}
	sorted = append(sorted, File{Name: Sums, Data: sums.Bytes()})
	slices.SortStableFunc(sorted, byName)

	count := census{most: maxBytes, names: map[string]bool{}}
	packed := &sized{to: w}
	z := gzip.NewWriter(packed) // its header has no name and no time
	t := tar.NewWriter(z)
	for _, f := range sorted {
		if err := count.add(f.Name, int64(len(f.Data))); err != nil {
			return err
		}
		mode := int64(0o644)
		if f.Executable {
			mode = 0o755
		}
		// No time means 1970, no owner root.
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.Name, Size: int64(len(f.Data)),
			Mode: mode}); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if _, err := t.Write(f.Data); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if count.bytes > slack+ratio*packed.written {
		return errTooLong
	}
	return nil
}

// sized counts the bytes that are written.
type sized struct {
	to      io.Writer
	written int64
}

func (s *sized) Write(b []byte) (int, error) {
	n, err := s.to.Write(b)
	s.written += int64(n)
	return n, err
}

package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Read reads an archive to its end and compares every file with Sums. It returns
// the content of the files whose names keep chooses, and how many files Sums
// vouches for. Nothing is unpacked, and memory is taken for what has arrived,
// not for what a header announces.
//
// It rejects everything that is not a plain file, names that lead out of a folder, names
// given twice, and too many files or bytes, also for the size of the archive. It rejects a
// file that Sums does not list, that is missing, or that has changed.
func Read(r io.Reader, keep func(name string) bool) (kept map[string][]byte, files int, err error) {
	return read(r, keep, maxBytes)
}

// ReadWithin is Read of an archive whose files have at most some bytes together.
func ReadWithin(r io.Reader, most int64, keep func(name string) bool) (kept map[string][]byte, files int, err error) {
	return read(r, keep, min(most, maxBytes))
}

func read(r io.Reader, keep func(name string) bool, most int64) (map[string][]byte, int, error) {
	packed := &counter{from: r}
	from := bufio.NewReader(packed)
	z, err := gzip.NewReader(from)
	if err != nil {
		return nil, 0, fmt.Errorf("not an archive of tandem: %w", err)
	}
	z.Multistream(false)
	// Headers and padding take less than 4 KiB a file, if they are honest.
	stream := &limited{from: z, left: most + 4<<10*maxFiles, packed: packed}
	t := tar.NewReader(stream)
	count := census{most: most, names: map[string]bool{}}
	kept, found := map[string][]byte{}, map[string]string{}
	var sums []byte
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, 0, damaged(err)
		}
		if h.Typeflag != tar.TypeReg {
			return nil, 0, fmt.Errorf("%.80q: not a plain file", h.Name)
		}
		if err := count.add(h.Name, h.Size); err != nil {
			return nil, 0, err
		}
		data, sum, err := take(t, h.Size, h.Name == Sums || keep(h.Name))
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", h.Name, damaged(err))
		}
		if h.Name == Sums {
			sums = data
			continue
		}
		if found[h.Name] = sum; data != nil {
			kept[h.Name] = data
		}
	}
	if err := end(stream, from); err != nil {
		return nil, 0, err
	}
	if !count.names[Sums] {
		return nil, 0, fmt.Errorf("no %s in it", Sums)
	}
	if err := compare(found, sums); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", Sums, err)
	}
	return kept, len(found), nil
}

// take reads a file and hashes it; what is not to be kept is forgotten.
func take(r io.Reader, size int64, keep bool) (data []byte, sum string, err error) {
	h := sha256.New()
	if keep {
		data, err = readAll(io.TeeReader(r, h), size)
	} else {
		_, err = io.Copy(h, r)
	}
	return data, hex.EncodeToString(h.Sum(nil)), err
}

// readAll reads size bytes, into memory that grows with what arrives, but not beyond size.
func readAll(r io.Reader, size int64) ([]byte, error) {
	data := make([]byte, 0, min(size, 1<<16))
	for int64(len(data)) < size {
		if len(data) == cap(data) {
			data = append(make([]byte, 0, min(2*int64(len(data)), size)), data...)
		}
		n, err := io.ReadFull(r, data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
	}
	return data, nil
}

// end sees that nothing but zeros, which pad a tar, is behind the last file. Only
// at its end does gzip compare its own checksum.
func end(stream io.Reader, from *bufio.Reader) error {
	const most = 64 << 10
	rest, err := io.ReadAll(io.LimitReader(stream, most+1))
	if err != nil {
		return damaged(err)
	}
	if len(rest) > most || len(bytes.Trim(rest, "\x00")) > 0 {
		return errFollows
	}
	switch _, err := from.ReadByte(); err {
	case io.EOF:
		return nil
	case nil:
		return errFollows
	default:
		return err
	}
}

// compare returns an error that says how the files found differ from those of sums.
func compare(found map[string]string, sums []byte) error {
	listed := map[string]string{}
	for line := range strings.Lines(string(sums)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if b, err := hex.DecodeString(sum); !ok || err != nil || len(b) != sha256.Size || !strings.HasSuffix(line, "\n") {
			return fmt.Errorf("line %d is no checksum, two spaces and a name", len(listed)+1)
		}
		if _, twice := listed[name]; twice {
			return fmt.Errorf("%q is listed twice", name)
		}
		listed[name] = sum
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		if sum, ok := found[name]; !ok {
			return fmt.Errorf("%q is listed, and missing in the archive", name)
		} else if !strings.EqualFold(sum, listed[name]) {
			return fmt.Errorf("%s has changed: its checksum is %.12s…, must be %.12s…", name, sum, listed[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if _, ok := listed[name]; !ok {
			return fmt.Errorf("%s is in the archive, and not listed", name)
		}
	}
	return nil
}

// damaged words an error of gzip or tar for who has the file.
func damaged(err error) error {
	if errors.Is(err, errTooLong) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("cut short: %w", err)
	}
	return fmt.Errorf("damaged: %w", err)
}

var errTooLong = errors.New("unpacks to more than an archive may hold")

// limited reads a number of bytes, and fails, rather than ends, where there are more. It
// fails too where more bytes come out than the archive's size explains.
type limited struct {
	from   io.Reader
	left   int64
	packed *counter
	read   int64
}

func (l *limited) Read(b []byte) (int, error) {
	if l.left <= 0 || l.read > slack+ratio*l.packed.read {
		return 0, errTooLong
	}
	n, err := l.from.Read(b[:min(int64(len(b)), l.left)])
	l.left -= int64(n)
	l.read += int64(n)
	return n, err
}

// counter counts the bytes that are read.
type counter struct {
	from io.Reader
	read int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	c.read += int64(n)
	return n, err
}

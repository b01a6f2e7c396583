// Package files reads and writes files without trust in what their names lead to.
//
// What is read is a regular file of bounded size: no device, no pipe that blocks. What
// is written is whole or not there at all. A Folder stays the same folder whatever
// becomes of its name, and its files are never reached through links.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrNotRegular is the error of a name that leads to no regular file: to a folder, a
// device or a pipe, or, in a Folder, to a link.
var ErrNotRegular = errors.New("not a regular file")

// Open opens a regular file, behind links too, and returns its size in bytes.
func Open(name string) (*os.File, int64, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", name, ErrNotRegular)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// Read reads a regular file of at most limit bytes, behind links too.
func Read(name string, limit int64) ([]byte, error) {
	f, size, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, name, size, limit)
}

// readAll reads a file of some size. A file that grows meanwhile is bounded, too.
func readAll(f *os.File, name string, size, limit int64) ([]byte, error) {
	tooLong := fmt.Errorf("%s: more than %d bytes", name, limit)
	if size > limit {
		return nil, tooLong
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = tooLong
	}
	return data, err
}

// cause returns an error without the name of the file, which may be that of a temporary
// file or have no folder.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

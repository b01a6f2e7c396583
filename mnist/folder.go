package mnist

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// folder is where the files of a set lie.
type folder struct {
	files  fs.FS
	within string // the folder in files
	name   string // for messages
}

// fileNames lists the names that a file goes by, the most wanted first. The dot
// is how some programs unpack MNIST.
func fileNames(stem, kind string) []string {
	dash, dot := stem+"-"+kind, stem+"."+kind
	return []string{dash, dash + ".gz", dot, dot + ".gz"}
}

// find returns the first of names that the folder has as a file, and an
// fs.ErrNotExist where it has none. A folder of such a name is passed over: some
// archives of MNIST put each file in a folder named like it.
func (f folder) find(names []string) (string, error) {
	for _, name := range names {
		info, err := fs.Stat(f.files, path.Join(f.within, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", fmt.Errorf("%s: %w", f.full(name), cause(err))
		case info.Mode().IsRegular():
			return name, nil
		case !info.IsDir(): // a pipe would be waited for
			return "", fmt.Errorf("%s: not a regular file", f.full(name))
		}
	}
	list := strings.Join(names, ", ")
	if _, err := fs.Stat(f.files, f.within); err != nil {
		return "", fmt.Errorf("no folder %s in which to look for %s: %w", f.name, list, cause(err))
	}
	return "", fmt.Errorf("none of %s in %s: %w", list, f.name, fs.ErrNotExist)
}

// full is the name of a file for messages.
func (f folder) full(name string) string { return filepath.Join(f.name, name) }

// read decodes the first file that there is of names and returns its full name too.
func read[T any](f folder, names []string, decode func(r io.Reader, limit uint64, name string) (T, error)) (data T,
	full string, err error) {
	name, err := f.find(names)
	if err != nil {
		return data, "", err
	}
	full = f.full(name)
	file, err := f.files.Open(path.Join(f.within, name))
	if err != nil {
		return data, full, fmt.Errorf("%s: %w", full, cause(err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return data, full, fmt.Errorf("%s: %w", full, cause(err))
	}
	data, err = decode(file, mostData(info.Size()), full)
	return data, full, err
}

// cause is err without the name, which an fs.FS gives from its root down.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// Reads reports whether Open looks for a file of a name.
func Reads(name string) bool {
	same := func(known string) bool { return strings.EqualFold(known, name) } // as some file systems have it
	for _, prefix := range []string{"train", "t10k"} {
		if slices.ContainsFunc(fileNames(prefix+"-images", "idx3-ubyte"), same) ||
			slices.ContainsFunc(fileNames(prefix+"-labels", "idx1-ubyte"), same) {
			return true
		}
	}
	return false
}

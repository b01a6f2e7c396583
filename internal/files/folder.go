package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder is a folder that is held open: renamed or replaced, it stays the one that was
// opened. Its files are named without a path.
type Folder struct {
	path string
	root *os.Root
	info fs.FileInfo
}

// ErrMoved is the error of a folder that is no longer where it was opened.
var ErrMoved = errors.New("the folder was moved, deleted or replaced")

// OpenFolder opens a folder, behind links too. Close must be called.
func OpenFolder(path string) (*Folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err != nil {
		root.Close()
		return nil, err
	}
	return &Folder{path, root, info}, nil
}

// Sub opens a folder in it. It rejects links. Close must be called.
func (d *Folder) Sub(name string) (*Folder, error) {
	info, err := d.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder", d.full(name))
	}
	root, err := d.root.OpenRoot(name)
	if err != nil {
		return nil, d.named(name, err)
	}
	if info, err = root.Stat("."); err != nil {
		root.Close()
		return nil, d.named(name, err)
	}
	return &Folder{d.full(name), root, info}, nil
}

// Make opens a folder in it, which it makes where there is none.
func (d *Folder) Make(name string) (*Folder, error) {
	if err := d.root.Mkdir(name, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, d.named(name, err)
	}
	return d.Sub(name)
}

// Path returns the name with which the folder was opened.
func (d *Folder) Path() string { return d.path }

// Close lets go of the folder.
func (d *Folder) Close() error { return d.root.Close() }

// Here returns ErrMoved unless the name of the folder still leads to it.
func (d *Folder) Here() error {
	info, err := os.Stat(d.path)
	switch {
	case err == nil && os.SameFile(info, d.info):
		return nil
	case err == nil || errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", d.path, ErrMoved)
	}
	return err
}

// Entries returns the entries of the folder, sorted by name.
func (d *Folder) Entries() ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	return entries, d.named(".", err)
}

// Lstat describes a file; it does not follow a link. The error of a name that does not
// exist is an fs.ErrNotExist.
func (d *Folder) Lstat(name string) (fs.FileInfo, error) {
	info, err := d.root.Lstat(name)
	return info, d.named(name, err)
}

// Open opens a regular file and returns its size in bytes. It rejects links.
func (d *Folder) Open(name string) (*os.File, int64, error) {
	f, err := d.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, d.named(name, err)
	}
	return f, info.Size(), nil
}

// OpenFile opens a regular file with flags of os.OpenFile. It rejects links. With
// os.O_CREATE it makes the file where there is none.
func (d *Folder) OpenFile(name string, flag int) (*os.File, error) {
	for try := 1; ; try++ {
		f, err := d.openFile(name, flag)
		// Another process has made the file meanwhile, or replaced it, as training does.
		again := errors.Is(err, errReplaced) || flag&os.O_CREATE != 0 && errors.Is(err, fs.ErrExist)
		if !again || try == openTries {
			return f, err
		}
	}
}

// errReplaced is the error of a name that led to one file when it was looked at, and to
// another when it was opened.
var errReplaced = errors.New("replaced while it was opened")

// openTries is how often a file is opened that is replaced each time. A run that trains
// replaces its files a few times a second at most.
const openTries = 20

func (d *Folder) openFile(name string, flag int) (*os.File, error) {
	before, err := d.root.Lstat(name)
	switch {
	case err == nil && before.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("%s is a link: %w; links in the folder are not followed", d.full(name), ErrNotRegular)
	case err == nil && !before.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w", d.full(name), ErrNotRegular)
	case err == nil:
		flag &^= os.O_CREATE
	case errors.Is(err, fs.ErrNotExist) && flag&os.O_CREATE != 0:
		flag |= os.O_EXCL // of two processes one makes it
	default:
		return nil, d.named(name, err)
	}
	f, err := d.root.OpenFile(name, flag|nonblock, 0o666)
	if err != nil {
		return nil, d.named(name, err)
	}
	after, err := f.Stat()
	if err == nil && before != nil && !os.SameFile(before, after) {
		err = errReplaced
	}
	if err != nil {
		f.Close()
		return nil, d.named(name, err)
	}
	return f, nil
}

// Read reads a regular file of at most limit bytes. It rejects links.
func (d *Folder) Read(name string, limit int64) ([]byte, error) {
	f, size, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, d.full(name), size, limit)
}

// Remove removes a file, or a link but not what it leads to.
func (d *Folder) Remove(name string) error { return d.named(name, d.root.Remove(name)) }

// Rename gives a file another name, in place of any file that has it.
func (d *Folder) Rename(from, to string) error { return d.named(from, d.rename(from, to)) }

// full returns the path of a file, for messages.
func (d *Folder) full(name string) string { return filepath.Join(d.path, name) }

// named puts the path of a file before an error, if there is one.
func (d *Folder) named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", d.full(name), cause(err))
}

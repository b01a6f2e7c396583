// Package mnist knows the data: IDX files, the MNIST embedded in the program, the
// ways to turn pixels into numbers, and the order of the examples.
package mnist

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
)

// The names of the sets.
const (
	Train = "train"
	Test  = "test"
)

// Set is a set of images. Nothing here changes it, so many may read it at once.
type Set struct {
	Name   string // Train or Test
	Source string // "embedded MNIST" or the folder
	Credit string // who made the data and on what terms; empty where that is unknown
	SHA256 string // of the images as a plain IDX file, in hexadecimal
	Images *Images
	Labels []byte   // one an image; nil where the folder has none
	Places []uint32 // of the images in Images, of a set that has some of them; nil: all
	Names  []string // of the units, of a table whose columns have names

	Missing []bool // images × units, of all in Images: there is no value, and 0 stands for it; nil: all are there

	Classes []string // names of the classes that labels number; nil: labels are their own names
}

// N is the number of images.
func (s *Set) N() int {
	if s.Places != nil {
		return len(s.Places)
	}
	return s.Images.N
}

// place returns where image i stands in Images.
func (s *Set) place(i int) int {
	if s.Places != nil {
		return int(s.Places[i])
	}
	return i
}

// Some returns a set of some images of this one.
func (s *Set) Some(name string, images []int) *Set {
	some := *s
	some.Name, some.Labels, some.Places = name, nil, make([]uint32, len(images))
	for i, image := range images {
		some.Places[i] = uint32(s.place(image))
		if s.Labels != nil {
			some.Labels = append(some.Labels, s.Labels[image])
		}
	}
	return &some
}

// ClassName returns what a class is called.
func (s *Set) ClassName(label byte) string {
	if int(label) < len(s.Classes) {
		return s.Classes[label]
	}
	return strconv.Itoa(int(label))
}

// Rows is the height of an image in pixels.
func (s *Set) Rows() int { return s.Images.Rows }

// Columns is the width of an image in pixels.
func (s *Set) Columns() int { return s.Images.Columns }

// Image is the bytes of image i (rows × columns, row-major), not a copy of them. Images of
// numbers have none.
func (s *Set) Image(i int) []byte {
	size := s.Images.Rows * s.Images.Columns
	i = s.place(i)
	return s.Images.Pixels[i*size : (i+1)*size : (i+1)*size]
}

// Open reads one set, Train or Test, and no file of the other: from a folder, or
// the embedded one where dir is empty. The files have MNIST's names, with a dash or
// a dot before idx, with or without .gz; where there are several, the first in the
// order of fileNames is taken. Labels may be missing. Open rejects what ReadImages
// and ReadLabels reject, and labels whose number is not that of the images. Where the folder or
// the images are missing the error is an fs.ErrNotExist and says what was looked for.
func Open(dir, name string) (*Set, error) {
	from, prefix, err := open(dir, name)
	if err != nil {
		return nil, err
	}
	s := &Set{Name: name, Source: from.name}
	if dir == "" {
		s.Credit = embeddedCredit
	}
	if s.Images, _, err = read(from, fileNames(prefix+"-images", "idx3-ubyte"), ReadImages); err != nil {
		return nil, fmt.Errorf("%s images: %w", name, err)
	}
	s.SHA256 = s.Images.SHA256()

	var file string
	s.Labels, file, err = read(from, fileNames(prefix+"-labels", "idx1-ubyte"), ReadLabels)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s labels: %w", name, err)
	}
	if len(s.Labels) != s.N() {
		return nil, fmt.Errorf("%s labels: %s: %d labels for %d images", name, file, len(s.Labels), s.N())
	}
	return s, nil
}

// Bytes returns how many bytes the images of a set take, which their header says. Its errors
// are those of Open.
func Bytes(dir, name string) (uint64, error) {
	from, prefix, err := open(dir, name)
	if err != nil {
		return 0, err
	}
	header := func(r io.Reader, _ uint64, full string) (*Images, error) {
		_, m, err := imageHeader(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", full, err)
		}
		return m, nil
	}
	m, _, err := read(from, fileNames(prefix+"-images", "idx3-ubyte"), header)
	if err != nil {
		return 0, fmt.Errorf("%s images: %w", name, err)
	}
	return uint64(m.N) * uint64(m.Rows*m.Columns), nil
}

// open returns where the files of a set lie, and how their names begin.
func open(dir, name string) (_ folder, prefix string, err error) {
	switch name {
	case Train:
		prefix = "train"
	case Test:
		prefix = "t10k"
	default:
		return folder{}, "", fmt.Errorf("there is no set %q; the sets are %s and %s", name, Train, Test)
	}
	if dir == "" {
		return folder{files: embedded, within: "data", name: embeddedSource}, prefix, nil
	}
	return folder{files: os.DirFS(dir), within: ".", name: dir}, prefix, nil
}

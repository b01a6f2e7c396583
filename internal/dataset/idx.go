package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"tandem/internal/npz"
	"tandem/mnist"
)

// idxTypes are the types that an IDX file may have, by their code.
var idxTypes = map[byte]npz.Type{0x08: npz.Uint8, 0x09: npz.Int8, 0x0b: npz.Int16, 0x0c: npz.Int32, 0x0d: npz.Float32,
	0x0e: npz.Float64}

const (
	idxImages = "\x00\x00\x08\x03" // of bytes: what package mnist reads
	idxLabels = "\x00\x00\x08\x01"
	idxQMNIST = "\x00\x00\x0c\x02" // labels with seven more numbers each
)

// isIDX reports whether a file begins as IDX: two zeros, a type, the number of dimensions.
func isIDX(head []byte) bool {
	return len(head) >= 4 && head[0] == 0 && head[1] == 0 && idxTypes[head[2]] != "" && head[3] >= 1 && head[3] <= 8
}

// readIDX reads images or a table. EMNIST's images lie on their side and are turned back.
func (s *source) readIDX(o Options) (*Table, error) {
	switch dimensions := s.head[3]; {
	case dimensions == 1:
		return nil, errors.New("an IDX file of one dimension has labels, not examples; give it as the file of labels")
	case string(s.head[:4]) != idxImages:
		a, err := s.idxArray()
		if err != nil {
			return nil, err
		}
		return fromArray(a, o)
	case o.LabelColumn != "":
		return nil, errNoColumns
	}
	m, err := mnist.ReadImages(s.text, uint64(s.limit), s.name)
	if err != nil {
		return nil, trimName(err, s.name)
	}
	if isEMNIST(s.base) {
		turn(m)
	}
	v := numbers{bytes: m.Pixels}
	return v.table(s.name, m.N, m.Rows, m.Columns), nil
}

// trimName returns an error of package mnist without the name of the file, which is put
// before it again.
func trimName(err error, name string) error {
	if text, ok := strings.CutPrefix(err.Error(), name+": "); ok {
		return errors.New(text)
	}
	return err
}

// idxArray reads an IDX file as an array. Memory grows with what arrives.
func (s *source) idxArray() (*npz.Array, error) {
	header := make([]byte, 4+4*int(s.head[3]))
	if _, err := io.ReadFull(s.text, header); err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil, errors.New("the header is cut short")
	} else if err != nil {
		return nil, err
	}
	a := &npz.Array{Type: idxTypes[header[2]]}
	size := a.Type.Size()
	all := int64(size)
	for at := 4; at < len(header); at += 4 {
		n := binary.BigEndian.Uint32(header[at:])
		if n > math.MaxInt32 || n > 0 && all > s.limit/int64(n) {
			return nil, fmt.Errorf("the header promises more data than the file can hold")
		}
		all *= int64(n)
		a.Shape = append(a.Shape, int(n))
	}
	data, err := io.ReadAll(s.text)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != all {
		return nil, fmt.Errorf("the header promises shape %s, %d bytes, but %d follow", npz.Tuple(a.Shape), all, len(data))
	}
	for from := 0; size > 1 && from < len(data); from += size {
		slices.Reverse(data[from : from+size])
	}
	a.Data = data
	return a, nil
}

// isEMNIST reports whether a file has the name of one of EMNIST's, in lower case.
func isEMNIST(base string) bool { return strings.HasPrefix(base, "emnist-") }

// turn brings images that are stored column by column to rows × columns.
func turn(m *mnist.Images) {
	size := m.Rows * m.Columns
	old := make([]byte, size)
	for i := range m.N {
		image := m.Pixels[i*size : (i+1)*size]
		copy(old, image)
		for row := range m.Columns {
			for column := range m.Rows {
				image[row*m.Rows+column] = old[column*m.Columns+row]
			}
		}
	}
	m.Rows, m.Columns = m.Columns, m.Rows
}

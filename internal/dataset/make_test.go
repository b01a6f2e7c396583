package dataset

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// put writes a file and returns its name.
func put(t testing.TB, name string, data []byte) string {
	t.Helper()
	full := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(full, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return full
}

func zipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(data)
	z.Close()
	return b.Bytes()
}

// npy returns an array as NumPy writes it. Elements are written in the order they are given.
func npy(kind, fortran, shape string, elements any) []byte {
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }\n", kind, fortran, shape)
	b := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(head)))
	b = append(b, head...)
	var order binary.ByteOrder = binary.LittleEndian
	if kind[0] == '>' {
		order = binary.BigEndian
	}
	b, err := binary.Append(b, order, elements)
	if err != nil {
		panic(err)
	}
	return b
}

// letters returns strings of one letter as NumPy has them in <U1.
func letters(text string) []byte {
	return npy("<U1", "False", fmt.Sprintf("%d,", len(text)), []rune(text))
}

// archive returns a zip archive of arrays, which follow their names.
func archive(method uint16, namesAndArrays ...any) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(namesAndArrays); i += 2 {
		f, err := z.CreateHeader(&zip.FileHeader{Name: namesAndArrays[i].(string) + ".npy", Method: method})
		if err != nil {
			panic(err)
		}
		f.Write(namesAndArrays[i+1].([]byte))
	}
	z.Close()
	return b.Bytes()
}

// idx returns an IDX file.
func idx(code byte, sizes []uint32, elements any) []byte {
	b := []byte{0, 0, code, byte(len(sizes))}
	for _, n := range sizes {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	b, err := binary.Append(b, binary.BigEndian, elements)
	if err != nil {
		panic(err)
	}
	return b
}

// as returns numbers in another type.
func as[T any, V uint8 | bool | float64 | float32 | int64 | int32 | uint16 | int8](values []T, turn func(T) V) []V {
	all := make([]V, len(values))
	for i, v := range values {
		all[i] = turn(v)
	}
	return all
}

func table(values []uint8, columns int, separator string) string {
	var b strings.Builder
	for i, v := range values {
		fmt.Fprint(&b, v)
		if (i+1)%columns == 0 {
			b.WriteString("\n")
		} else {
			b.WriteString(separator)
		}
	}
	return b.String()
}

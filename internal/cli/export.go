package cli

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"

	"tandem/internal/runs"
)

// export is the verb that writes arrays for NumPy.
func export(t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem export RUN --npz FILE [flags]")
	name := f.String("npz", "", "`FILE` for numpy.load, with float32 arrays: W1, W2, … (units below × above),\n"+blank+"b0, b1, …, mu, and chains0, chains1, … (chains × units), and tandem.json, which tells\n"+blank+"what model it is; sample, filters and others read it in place of a run")
	chains := f.Bool("chains", true, "the chains, too; --chains=false leaves them out")
	found, err := parse(f, args, "RUN")
	if err != nil {
		return err
	}
	if *name == "" {
		return usageError{fmt.Errorf("export: --npz FILE is missing")}
	}
	s, err := load(found[0])
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := writeFile(*name, func(w io.Writer) error { return writeNPZ(w, s.Checkpoint, *chains) }); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	t.tell(*name)
	return nil
}

// writeNPZ writes a state as NumPy does with savez: a zip archive of .npy files,
// not compressed, and tandem.json. The same training gives the same bytes: the
// seconds it took are left out.
func writeNPZ(w io.Writer, from *runs.Checkpoint, chains bool) error {
	z := zip.NewWriter(w)
	c, s := &from.Settings.Config, from.State
	told := from.Header
	told.Seconds = 0
	header, err := json.Marshal(&told)
	if err != nil {
		return err
	}
	f, err := z.CreateHeader(&zip.FileHeader{Name: about, Method: zip.Store})
	if err != nil {
		return err
	}
	if _, err := f.Write(header); err != nil {
		return err
	}
	array := func(name string, x []float32, shape ...int) error {
		f, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
		if err != nil {
			return err
		}
		return writeNPY(f, x, shape...)
	}
	for l := 1; l < len(c.Layers); l++ {
		if err := array(fmt.Sprintf("W%d", l), s.Weights[l-1], c.Layers[l-1], c.Layers[l]); err != nil {
			return err
		}
	}
	for l, n := range c.Layers {
		if err := array(fmt.Sprintf("b%d", l), s.Biases[l], n); err != nil {
			return err
		}
	}
	mu := make([]float32, len(s.Mu))
	for i, x := range s.Mu {
		mu[i] = float32(x)
	}
	if err := array("mu", mu, len(mu)); err != nil {
		return err
	}
	for l, n := range c.Layers {
		if !chains {
			break
		}
		if err := array(fmt.Sprintf("chains%d", l), s.Chains[l], c.Chains, n); err != nil {
			return err
		}
	}
	return z.Close()
}

// writeNPY writes an array in NumPy's format.
func writeNPY(w io.Writer, x []float32, shape ...int) error {
	b := bufio.NewWriter(w)
	writeNPYHeader(b, "<f4", shape...)
	writeFloats(b, x)
	return b.Flush()
}

// writeNPYHeader writes what stands before the numbers, version 1.0 of the format:
// magic, version, the length of a header that is a Python literal, padded so that
// the numbers begin at a multiple of 64 bytes. They follow in little-endian C order.
func writeNPYHeader(b *bufio.Writer, kind string, shape ...int) {
	axes := make([]string, len(shape))
	for i, n := range shape {
		axes[i] = fmt.Sprintf("%d,", n)
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, strings.Join(axes, " "))
	const before = 10 // magic, version, length
	header += strings.Repeat(" ", 63-(before+len(header))%64) + "\n"
	b.WriteString("\x93NUMPY\x01\x00")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(header))))
	b.WriteString(header)
}

// writeFloats writes numbers; b keeps its first error for Flush.
func writeFloats(b *bufio.Writer, x []float32) {
	var word [4]byte
	for _, v := range x {
		binary.LittleEndian.PutUint32(word[:], math.Float32bits(v))
		b.Write(word[:])
	}
}

package cli

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"tandem/dbm"
	"tandem/internal/runs"
)

// about is the file in an exported archive that tells what model it is: the
// header of the checkpoint. NumPy hands it out as bytes.
const about = "tandem.json"

// readNPZ reads what export wrote. The chains may be missing: then they begin
// with fair coins, as in a new run. Offsets and what else only training needs is
// not there, so that a run cannot go on from it.
func readNPZ(name string) (*runs.Checkpoint, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer z.Close()
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	c, err := decodeNPZ(&z.Reader, uint64(info.Size()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

func decodeNPZ(z *zip.Reader, size uint64) (*runs.Checkpoint, error) {
	f, err := z.Open(about)
	if err != nil {
		return nil, fmt.Errorf("no %s in it: not written by tandem export", about)
	}
	defer f.Close()
	c := new(runs.Checkpoint)
	if err := json.NewDecoder(io.LimitReader(f, 1<<20)).Decode(&c.Header); err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	if err := c.Settings.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	// No array is made room for that the archive does not hold: its arrays are not
	// compressed. Where it has no chains, a few are enough for pictures.
	config, need := &c.Settings.Config, uint64(0)
	chains := slices.ContainsFunc(z.File, func(f *zip.File) bool { return f.Name == "chains0.npy" })
	if !chains {
		config.Chains = min(config.Chains, 100)
	}
	for l, n := range config.Layers {
		need += 4 * uint64(n)
		if chains {
			need += 4 * uint64(n) * uint64(config.Chains)
		}
		if l > 0 {
			need += 4 * uint64(n) * uint64(config.Layers[l-1])
		}
	}
	if need > size {
		return nil, fmt.Errorf("truncated: %d bytes of arrays in a file of %d bytes", need, size)
	}
	if c.State, err = dbm.Initial(config, nil); err != nil {
		return nil, err
	}
	c.State.Updates = c.Updates
	for l := range config.Layers {
		if l > 0 {
			if err := readNPY(z, fmt.Sprintf("W%d", l), c.State.Weights[l-1]); err != nil {
				return nil, err
			}
		}
		if err := readNPY(z, fmt.Sprintf("b%d", l), c.State.Biases[l]); err != nil {
			return nil, err
		}
		if err := readNPY(z, fmt.Sprintf("chains%d", l), c.State.Chains[l]); err != nil && !errors.Is(err, errNoArray) {
			return nil, err
		}
	}
	mu := make([]float32, len(c.State.Mu))
	if err := readNPY(z, "mu", mu); err != nil {
		return nil, err
	}
	for i, x := range mu {
		c.State.Mu[i] = float64(x)
	}
	return c, nil
}

var errNoArray = errors.New("no such array")

// readNPY reads the numbers of an array as writeNPY writes it; its number of
// elements must be that of x.
func readNPY(z *zip.Reader, name string, x []float32) error {
	f, err := z.Open(name + ".npy")
	if err != nil {
		return fmt.Errorf("%s: %w", name, errNoArray)
	}
	defer f.Close()
	b := bufio.NewReader(f)
	var start [10]byte
	if _, err := io.ReadFull(b, start[:]); err != nil || string(start[:8]) != "\x93NUMPY\x01\x00" {
		return fmt.Errorf("%s: no array in NumPy's format 1.0", name)
	}
	header := make([]byte, binary.LittleEndian.Uint16(start[8:]))
	if _, err := io.ReadFull(b, header); err != nil {
		return fmt.Errorf("%s: truncated", name)
	}
	if h := string(header); !strings.Contains(h, "'<f4'") || !strings.Contains(h, "'fortran_order': False") {
		return fmt.Errorf("%s: not float32 in C order", name)
	}
	var word [4]byte
	for i := range x {
		if _, err := io.ReadFull(b, word[:]); err != nil {
			return fmt.Errorf("%s: %d numbers; must be %d", name, i, len(x))
		}
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(word[:]))
		if x[i]-x[i] != 0 {
			return fmt.Errorf("%s: number %d is %v; must be finite", name, i, x[i])
		}
	}
	if _, err := b.ReadByte(); err != io.EOF {
		return fmt.Errorf("%s: more than %d numbers", name, len(x))
	}
	return nil
}

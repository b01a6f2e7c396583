package runs

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/files"
	"tandem/internal/format"
)

// A checkpoint is one file, all numbers little-endian:
//
//	8 bytes   magic
//	uint32    version of this format, 1
//	uint32    length of the header in bytes, at most 1 MiB
//	header    JSON of Header
//	arrays    weights, biases, mu, chains, offsets, lower biases, as dbm.State.SHA256 orders them
//	32 bytes  SHA-256 of all that stands before
//
// The header's configuration gives the shapes of the arrays, and so the size of the file.
const (
	magic         = "\x93TANDEM\n" // no text file begins so, and what mends line ends breaks it
	formatVersion = 1
	prefixSize    = len(magic) + 4 + 4
	maxHeader     = 1 << 20
	chunk         = 1 << 14 // numbers converted at a time
)

// Header is what a checkpoint says about itself before its numbers.
type Header struct {
	Version  string   `json:"version"`  // of the tandem that wrote it
	Numerics int      `json:"numerics"` // kernel.Version of the build that wrote it
	Updates  uint64   `json:"updates"`  // done so far
	Seconds  float64  `json:"seconds"`  // of training so far
	Settings Settings `json:"config"`
}

// Checkpoint is all that a run needs to go on.
type Checkpoint struct {
	Header
	State *dbm.State
	Data  *Data // on which the model was trained; nil where nothing says it, as in a checkpoint
}

// ErrNoCheckpoint says that a run was stopped before its first checkpoint, or
// has not come to it.
var ErrNoCheckpoint = errors.New("no checkpoint yet")

// WriteCheckpoint replaces the checkpoint of a run by the state given; seconds
// are those of training so far and version is tandem's. When it returns without
// an error the checkpoint is on the disk, and so are lines, which it appends to the
// metrics, and all metrics appended before. A state that does not fit the
// configuration of the run, or that no run can go on from, is refused. Whatever
// fails, the last checkpoint stays. Called again with the same lines, WriteCheckpoint
// appends only those that are not yet there.
func (r *Run) WriteCheckpoint(s *dbm.State, seconds float64, version string, lines ...*Metrics) error {
	if err := r.check(); err != nil {
		return err
	}
	c := &Checkpoint{Header: Header{version, kernel.Version, s.Updates, seconds, r.settings}, State: s}
	path := filepath.Join(r.dir, CheckpointFile)
	if err := c.Header.validate(); err != nil {
		return fmt.Errorf("%s: not written: %w", path, err)
	}
	if err := s.Check(&c.Settings.Config); err != nil {
		return fmt.Errorf("%s: not written: %w", path, err)
	}
	// The metrics come between: on a full disk they must not run ahead of a checkpoint that
	// cannot be written.
	had := r.appended
	err := r.folder.WriteAfter(CheckpointFile, c.encode, func() error {
		return errors.Join(r.restore(), r.AppendNew(lines...), r.syncMetrics())
	})
	if err != nil && r.appended > had {
		r.takeBack(lines[0].Update-1, had)
	}
	if now, e := r.folder.Lstat(CheckpointFile); e == nil {
		r.checkpoint = now
	}
	return err
}

// ReadCheckpoint reads the checkpoint of a run folder and verifies it. It does
// not refuse a checkpoint that another version of the numerics wrote: Open does.
// Memory is taken only once the file has the size that its header asks for.
func ReadCheckpoint(dir string) (*Checkpoint, error) {
	return inRun(dir, readCheckpoint)
}

func readCheckpoint(d *files.Folder) (*Checkpoint, error) {
	f, size, err := openCheckpoint(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := decodeCheckpoint(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return c, nil
}

// ReadHeader reads what the checkpoint of a run folder says about itself, and
// checks that the file has the right size, but not that its bytes are undamaged.
func ReadHeader(dir string) (*Header, error) {
	return inRun(dir, readHeader)
}

func readHeader(d *files.Folder) (*Header, error) {
	f, size, err := openCheckpoint(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := decodeHeader(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return h, nil
}

// checkpointGone is an error where a run without a checkpoint must have had one:
// begun anew it would lose what it has recorded.
func checkpointGone(d *files.Folder) error {
	dir := d.Path()
	c, err := readSettings(d)
	if err != nil {
		return err
	}
	metrics, err := readMetrics(d)
	if err != nil {
		return err
	}
	if n := len(metrics); n > 0 && metrics[n-1].Update > c.CheckpointEvery {
		return fmt.Errorf("run %s has made %d updates, but its checkpoint is gone; "+
			"`tandem train --config %s --out NEW` makes it again",
			dir, metrics[n-1].Update, format.Argument(filepath.Join(dir, SettingsFile)))
	}
	return nil
}

// openCheckpoint opens the checkpoint of a run folder and returns its size in bytes.
func openCheckpoint(d *files.Folder) (*os.File, int64, error) {
	f, size, err := d.Open(CheckpointFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err := checkpointGone(d); err != nil {
			return nil, 0, err
		}
		return nil, 0, fmt.Errorf("run %s: %w; once stopped, `tandem resume %s` restarts it", d.Path(), ErrNoCheckpoint,
			format.Argument(d.Path()))
	}
	return f, size, err
}

// encode writes a checkpoint that has been checked.
func (c *Checkpoint) encode(w io.Writer) error {
	header, err := json.Marshal(&c.Header)
	if err != nil {
		return err
	}
	if len(header) > maxHeader {
		return fmt.Errorf("a header of %d bytes is more than %d", len(header), maxHeader)
	}
	sum := sha256.New()
	b := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	// A bufio.Writer keeps its first error for Flush.
	b.WriteString(magic)
	b.Write(binary.LittleEndian.AppendUint32(nil, formatVersion))
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(header))))
	b.Write(header)
	for a := range c.State.Arrays(&c.Settings.Config) {
		writeNumbers(b, a.Float32)
		writeNumbers(b, a.Float64)
	}
	if err := b.Flush(); err != nil {
		return err
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

func writeNumbers[T float32 | float64](b *bufio.Writer, x []T) {
	var buf []byte
	for part := range slices.Chunk(x, chunk) {
		buf, _ = binary.Append(buf[:0], binary.LittleEndian, part)
		b.Write(buf)
	}
}

// decodeCheckpoint reads a checkpoint of size bytes.
func decodeCheckpoint(r io.Reader, size int64) (*Checkpoint, error) {
	sum := sha256.New()
	hashed := io.TeeReader(r, sum)
	h, err := decodeHeader(hashed, size)
	if err != nil {
		return nil, err
	}
	s := dbm.NewState(&h.Settings.Config)
	s.Updates = h.Updates
	for a := range s.Arrays(&h.Settings.Config) {
		if err := errors.Join(readNumbers(hashed, a.Float32), readNumbers(hashed, a.Float64)); err != nil {
			return nil, err
		}
	}
	var want [sha256.Size]byte
	if err := readFull(r, want[:]); err != nil {
		return nil, err
	}
	if !bytes.Equal(sum.Sum(nil), want[:]) {
		return nil, errors.New("damaged: the bytes do not match their checksum")
	}
	if err := s.Check(&h.Settings.Config); err != nil {
		return nil, err
	}
	return &Checkpoint{Header: *h, State: s}, nil
}

// decodeHeader reads a checkpoint of size bytes up to its arrays.
func decodeHeader(r io.Reader, size int64) (*Header, error) {
	prefix := make([]byte, min(int64(prefixSize), size))
	if err := readFull(r, prefix); err != nil {
		return nil, err
	}
	n := min(len(prefix), len(magic))
	if string(prefix[:n]) != magic[:n] {
		return nil, errors.New("not a tandem checkpoint")
	}
	if len(prefix) < prefixSize {
		return nil, fmt.Errorf("truncated: only %d bytes", size)
	}
	version := binary.LittleEndian.Uint32(prefix[len(magic):])
	if version > formatVersion {
		return nil, fmt.Errorf("written by a newer tandem: format version %d, this build reads %d", version, formatVersion)
	}
	if version < formatVersion {
		return nil, fmt.Errorf("damaged: format version %d does not exist", version)
	}
	length := int64(binary.LittleEndian.Uint32(prefix[len(magic)+4:]))
	if length > maxHeader {
		return nil, fmt.Errorf("damaged: a header of %d bytes is more than %d", length, maxHeader)
	}
	rest := size - int64(prefixSize) - length - sha256.Size
	if rest < 0 {
		return nil, fmt.Errorf("truncated: %d bytes, and a header of %d bytes", size, length)
	}
	header := make([]byte, length)
	if err := readFull(r, header); err != nil {
		return nil, err
	}
	h, err := parseHeader(header)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	need := h.Settings.StateBytes()
	if rest < need {
		return nil, fmt.Errorf("truncated: %d bytes of %d", size, size-rest+need)
	}
	if rest > need {
		return nil, fmt.Errorf("%d bytes too long: %d bytes, must be %d", rest-need, size, size-rest+need)
	}
	return h, nil
}

// parseHeader reads the JSON of a header, in a checkpoint or in an exported model.
func parseHeader(data []byte) (*Header, error) {
	h := new(Header)
	if err := DecodeJSON(data, h); err != nil {
		return nil, err
	}
	if err := h.validate(); err != nil {
		return nil, err
	}
	return h, nil
}

func readNumbers[T float32 | float64](r io.Reader, x []T) error {
	if len(x) == 0 {
		return nil
	}
	buf := make([]byte, binary.Size(x[:min(len(x), chunk)]))
	for part := range slices.Chunk(x, chunk) {
		b := buf[:binary.Size(part)]
		if err := readFull(r, b); err != nil {
			return err
		}
		if _, err := binary.Decode(b, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	return nil
}

// readFull fills b. The size is known to suffice, so that an end means that the
// file shrank since.
func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("truncated while it was read")
	}
	return err
}

func (h *Header) validate() error {
	if err := h.Settings.Validate(); err != nil {
		return err
	}
	if h.Numerics < 1 {
		return fmt.Errorf("numerics: %d; must be at least 1", h.Numerics)
	}
	if h.Updates > math.MaxUint32 {
		return fmt.Errorf("updates: %d is more than %d", h.Updates, uint32(math.MaxUint32))
	}
	if !(h.Seconds >= 0) || math.IsInf(h.Seconds, 0) {
		return fmt.Errorf("seconds: %v; must be a number not below 0", h.Seconds)
	}
	return nil
}

package runs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tandem/internal/files"
)

// Owns reports whether a run keeps a file of its own by a name. Some systems do not tell
// small letters from capitals.
func Owns(name string) bool {
	return strings.EqualFold(name, lockName) || strings.EqualFold(name, BestFile) || strings.EqualFold(name, InitFile) ||
		slices.ContainsFunc(contents[:], func(own string) bool { return strings.EqualFold(name, own) })
}

// BestFile is the model of a run that is the best by its held-out examples.
const BestFile = "best.npz"

// The pictures in a run's folder. Anybody may write them anew, so a run does not own them.
const (
	FiltersFile = "filters.png"
	SamplesFile = "samples.png"
)

// ownTemp reports whether a temporary file of this name is one that tandem leaves in a run's
// folder when it is killed: of a file of the run, or of one of its pictures.
func ownTemp(name string) bool {
	_, kept := keptUpdate(name)
	return kept || Owns(name) || name == FiltersFile || name == SamplesFile
}

// Has reports whether a folder has a file of a name.
func Has(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return !errors.Is(err, fs.ErrNotExist)
}

// maxText is how large config.json and manifest.json may be.
const maxText = 16 << 20

// maxModel is how large a model file in a run's folder may be.
const maxModel = 1 << 36

// Snapshot is what a run folder's own files say.
type Snapshot struct {
	Settings   Settings
	Manifest   *Manifest
	Metrics    []Metrics
	Checkpoint *Checkpoint
}

// ReadSnapshot reads a run folder's own files, by name, so that they agree with one
// another while another process trains the run, and checks that they do. It rejects
// a run without a checkpoint.
func ReadSnapshot(dir string) (map[string][]byte, error) {
	return inRun(dir, readSnapshot)
}

func readSnapshot(d *files.Folder) (map[string][]byte, error) {
	// All but the metrics are replaced whole. The checkpoint comes first: what the
	// others say of its update and those before is written before it, and stays.
	checkpoint, err := readCheckpointBytes(d)
	if err != nil {
		return nil, err
	}
	snapshot := map[string][]byte{CheckpointFile: checkpoint}
	for _, name := range []string{SettingsFile, manifestName} {
		if snapshot[name], err = d.Read(name, maxText); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{InitFile, BestFile} { // which not every run has
		data, err := d.Read(name, maxModel)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		snapshot[name] = data
	}
	if snapshot[MetricsFile], err = readLines(d); err != nil {
		return nil, err
	}
	// The run may be writing the last line: whole lines only are kept.
	metrics := snapshot[MetricsFile]
	snapshot[MetricsFile] = metrics[:bytes.LastIndexByte(metrics, '\n')+1]
	if _, err := DecodeSnapshot(snapshot); err != nil {
		return nil, fmt.Errorf("%s: %w", d.Path(), err)
	}
	return snapshot, nil
}

// readCheckpointBytes reads the checkpoint of a run folder as it is, once its header and
// its size agree.
func readCheckpointBytes(d *files.Folder) ([]byte, error) {
	f, size, err := openCheckpoint(d)
	if err != nil {
		return nil, err
	}
	defer f.Close() // before the next file: an open one cannot be replaced on Windows
	var data bytes.Buffer
	if _, err := decodeHeader(io.TeeReader(f, &data), size); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	data.Grow(int(size) - data.Len())
	_, err = io.CopyN(&data, f, size-int64(data.Len()))
	return data.Bytes(), err
}

// DecodeSnapshot reads what ReadSnapshot returned, which may since have been in
// anybody's hands. It accepts a checkpoint of another version of the
// numerics. Memory is taken only for what the files hold, and files of text that are
// larger than any run's are rejected.
func DecodeSnapshot(files map[string][]byte) (*Snapshot, error) {
	for _, name := range contents {
		if files[name] == nil {
			return nil, fmt.Errorf("there is no %s", name)
		}
		limit := maxText
		if name == MetricsFile {
			limit = maxMetrics
		}
		if n := len(files[name]); name != CheckpointFile && n > limit {
			return nil, fmt.Errorf("%s: %d bytes; must be at most %d", name, n, limit)
		}
	}
	s := new(Snapshot)
	var err error
	if s.Settings, err = decodeSettings(files[SettingsFile]); err != nil {
		return nil, fmt.Errorf("%s: %w", SettingsFile, err)
	}
	if s.Manifest, err = decodeManifest(files[manifestName]); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	if s.Metrics, err = decodeMetrics(files[MetricsFile]); err != nil {
		return nil, fmt.Errorf("%s: %w", MetricsFile, err)
	}
	c := files[CheckpointFile]
	if s.Checkpoint, err = decodeCheckpoint(bytes.NewReader(c), int64(len(c))); err != nil {
		return nil, fmt.Errorf("%s: %w", CheckpointFile, err)
	}
	if name := s.Settings.Differs(&s.Checkpoint.Settings); name != "" {
		return nil, fmt.Errorf("%s and %s do not agree on %s", SettingsFile, CheckpointFile, name)
	}
	return s, nil
}

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
)

// Owns reports whether a run keeps a file of its own by a name.
func Owns(name string) bool { return name == lockName || slices.Contains(contents[:], name) }

// Has reports whether a folder has a file of a name.
func Has(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return !errors.Is(err, fs.ErrNotExist)
}

// maxText is how large a file of text may be: metrics have some hundred lines, and
// take several times as much memory.
const maxText = 16 << 20

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
	// All but the metrics are replaced whole. The checkpoint comes first: what the
	// others say of its update and those before is written before it, and stays.
	f, _, err := openCheckpoint(dir)
	if err != nil {
		return nil, err
	}
	checkpoint, err := io.ReadAll(f)
	f.Close() // now, for an open file cannot be replaced on Windows
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{CheckpointFile: checkpoint}
	for _, name := range []string{SettingsFile, manifestName} {
		if files[name], err = readJSON(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	metrics, err := os.ReadFile(filepath.Join(dir, metricsName))
	if err != nil {
		return nil, err
	}
	// The run may be writing the last line: whole lines only are kept.
	files[metricsName] = metrics[:bytes.LastIndexByte(metrics, '\n')+1]
	if _, err := DecodeSnapshot(files); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return files, nil
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
		if n := len(files[name]); name != CheckpointFile && n > maxText {
			return nil, fmt.Errorf("%s: %d bytes; must be at most %d", name, n, maxText)
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
	if s.Metrics, err = decodeMetrics(files[metricsName]); err != nil {
		return nil, fmt.Errorf("%s: %w", metricsName, err)
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

package runs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// WriteBest writes the model that is the best so far, with its chains. The same training gives
// the same bytes.
func (r *Run) WriteBest(s *dbm.State, version string, data *Data) error {
	if err := r.check(); err != nil {
		return err
	}
	c := &Checkpoint{Header: Header{Version: version, Numerics: kernel.Version, Updates: s.Updates, Settings: r.settings},
		State: s, Data: data}
	return r.folder.Write(BestFile, func(w io.Writer) error { return c.WriteModel(w, true) })
}

// ReadBest reads the best model of a run folder, or returns nil where the run keeps none or has
// none yet. Where a run was killed, its best model may be of a later update than its checkpoint.
func ReadBest(dir string, c *Settings) (*Checkpoint, error) {
	name := filepath.Join(dir, BestFile)
	info, err := os.Lstat(name)
	switch {
	case !c.KeepBest || errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	best, err := ReadModel(name)
	if err != nil {
		return nil, err
	}
	if field := best.Settings.Differs(c); field != "" {
		return nil, fmt.Errorf("%s: does not agree with %s on %s", name, SettingsFile, field)
	}
	return best, nil
}

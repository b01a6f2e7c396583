package session

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tandem/internal/runs"
)

// Describe writes the manifest of a run anew where it is missing or damaged. It returns a
// warning that says so, nil where the manifest is sound.
func Describe(o Options) (warning, err error) {
	_, damage := o.Run.Manifest()
	if !unusable(damage) {
		return nil, damage
	}
	s := &session{Options: o, settings: o.Run.Settings()}
	if err := s.describe(damage, o.Checkpoint.Updates); err != nil {
		return nil, err
	}
	if s.warning == nil {
		s.warning = fmt.Errorf("%s had no manifest; it is described anew, with the images that are there now", o.Run.Dir())
	}
	return s.warning, nil
}

// unusable reports whether a manifest is missing, as in a run that was killed before it had
// one, or damaged.
func unusable(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, runs.ErrManifest)
}

// describe writes the manifest of a run that begins after some updates, and sets a damaged
// one aside.
func (s *session) describe(damage error, done uint64) (err error) {
	if errors.Is(damage, runs.ErrManifest) {
		if s.warning, err = s.Run.SetManifestAside(damage); err != nil {
			return err
		}
	}
	now := time.Now()
	d := runs.NewManifest(s.Version, now)
	d.Kernel, d.CPU, d.Threads = s.Kernels.Name, s.CPU, s.Threads
	d.Arguments, d.Seed = s.Arguments, s.settings.Seed
	d.Data = s.data()
	d.Parts = []runs.Part{s.part(now, done)}
	return s.Run.WriteManifest(d)
}

// data describes the training examples.
func (s *session) data() runs.Data {
	return runs.Data{Source: s.Data.Source, Credit: s.Data.Credit, SHA256: s.Data.SHA256, Examples: s.Data.N(),
		Rows: s.Data.Rows(), Columns: s.Data.Columns()}
}

// part describes this stretch of the run.
func (s *session) part(now time.Time, updates uint64) runs.Part {
	p := runs.NewPart(s.Version, now)
	p.Arguments, p.FirstUpdate = s.Arguments, updates
	p.Kernel, p.CPU, p.Threads = s.Kernels.Name, s.CPU, s.Threads
	return p
}

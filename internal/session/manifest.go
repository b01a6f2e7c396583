package session

import (
	"time"

	"tandem/internal/runs"
)

// describe writes the manifest of a new run.
func (s *session) describe() error {
	now := time.Now()
	d := runs.NewManifest(s.Version, now)
	d.Kernel, d.CPU, d.Threads = s.Kernels.Name, s.CPU, s.Threads
	d.Arguments, d.Seed = s.Arguments, s.settings.Seed
	d.Data = runs.Data{Source: s.Data.Source, Credit: s.Data.Credit, SHA256: s.Data.SHA256, Examples: s.Data.N(),
		Rows: s.Data.Rows(), Columns: s.Data.Columns()}
	d.Parts = []runs.Part{s.part(now, 0)}
	return s.Run.WriteManifest(d)
}

// part describes this stretch of the run.
func (s *session) part(now time.Time, updates uint64) runs.Part {
	p := runs.NewPart(s.Version, now)
	p.Arguments, p.FirstUpdate = s.Arguments, updates
	p.Kernel, p.CPU, p.Threads = s.Kernels.Name, s.CPU, s.Threads
	return p
}

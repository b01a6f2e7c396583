package runs

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/files"
)

// Manifest records who made a run, with what and from what, for those who find it
// in an archive. Nothing is computed from it.
type Manifest struct {
	Version   string    `json:"version"`  // of tandem
	Numerics  int       `json:"numerics"` // kernel.Version
	Go        string    `json:"go"`
	GOOS      string    `json:"goos"`
	GOARCH    string    `json:"goarch"`
	GOAMD64   string    `json:"goamd64,omitempty"`
	Revision  string    `json:"vcs_revision,omitempty"` // "" where the build does not know
	Modified  bool      `json:"vcs_modified"`           // the build was from changed files
	Kernel    string    `json:"kernel"`
	CPU       string    `json:"cpu"`
	Threads   int       `json:"threads"`
	Arguments []string  `json:"arguments"`
	Seed      uint64    `json:"seed"`
	Data      Data      `json:"data"`
	Started   time.Time `json:"started"`
	Parts     []Part    `json:"parts"` // one for each train or resume
}

// Data describes what a run was trained on.
type Data struct {
	Source   string `json:"source"` // a folder, or the embedded MNIST
	Credit   string `json:"credit"`
	SHA256   string `json:"sha256"` // in hexadecimal
	Examples int    `json:"examples"`
	Rows     int    `json:"rows,omitempty"` // of an image; 0 in runs of versions before 0.3.0
	Columns  int    `json:"columns,omitempty"`
}

// Part is one stretch of a run, from a train or resume to its end.
type Part struct {
	Arguments   []string  `json:"arguments"`
	Started     time.Time `json:"started"`
	FirstUpdate uint64    `json:"first_update"`
	Kernel      string    `json:"kernel"`
	CPU         string    `json:"cpu,omitempty"` // "": that of the manifest, which the first versions gave only once
	Threads     int       `json:"threads"`
	Version     string    `json:"version"` // of tandem
	GOOS        string    `json:"goos"`
	GOARCH      string    `json:"goarch"`
}

// NewManifest returns a manifest of this build, of the version of tandem given.
// The rest is for the caller to fill in.
func NewManifest(version string, started time.Time) *Manifest {
	m := &Manifest{
		Version:  version,
		Numerics: kernel.Version,
		Go:       runtime.Version(),
		GOOS:     runtime.GOOS,
		GOARCH:   runtime.GOARCH,
		Started:  started,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "GOAMD64":
				m.GOAMD64 = s.Value
			case "vcs.revision":
				m.Revision = s.Value
			case "vcs.modified":
				m.Modified = s.Value == "true"
			}
		}
	}
	return m
}

// NewPart returns a part by this build, of the version of tandem given. The rest
// is for the caller to fill in.
func NewPart(version string, started time.Time) Part {
	return Part{Started: started, Version: version, GOOS: runtime.GOOS, GOARCH: runtime.GOARCH}
}

// WriteManifest replaces the manifest of a run. Times are kept in UTC, to the second.
func (r *Run) WriteManifest(m *Manifest) error {
	if err := r.check(); err != nil {
		return err
	}
	// Lists are never null in the file.
	w := *m
	w.Started = second(w.Started)
	w.Arguments = append([]string{}, m.Arguments...)
	w.Parts = append([]Part{}, m.Parts...)
	for i := range w.Parts {
		p := &w.Parts[i]
		p.Started = second(p.Started)
		p.Arguments = append([]string{}, p.Arguments...)
	}
	r.manifest = &w
	return r.writeJSON(manifestName, &w)
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// AddPart adds a part at the end of the manifest of a run, which must have one.
func (r *Run) AddPart(p Part) error {
	m, err := r.Manifest()
	if err != nil {
		return err
	}
	m.Parts = append(slices.Clip(m.Parts), p)
	return r.WriteManifest(m)
}

// ReadManifest reads the manifest of a run folder. For a run that was stopped
// before it had one the error is an fs.ErrNotExist.
func ReadManifest(dir string) (*Manifest, error) {
	return inRun(dir, readManifest)
}

// ErrManifest is the error of a manifest that cannot be understood.
var ErrManifest = errors.New("damaged")

// asideName is the name of a damaged manifest that was set aside.
const asideName = "manifest.damaged.json"

// SetManifestAside renames a damaged manifest, so that the run can get another, and
// returns a warning that says so. damage is what ReadManifest returned.
func (r *Run) SetManifestAside(damage error) (warning, err error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	aside := asideName
	for n := 2; ; n++ {
		if _, err := r.folder.Lstat(aside); err != nil {
			break
		}
		aside = fmt.Sprintf("manifest.damaged-%d.json", n)
	}
	if err := r.folder.Rename(manifestName, aside); err != nil {
		return nil, err
	}
	return fmt.Errorf("%w; it is now %s, and nothing tells whether the data are those that the run was begun with", damage,
		aside), nil
}

// Manifest reads the manifest of the run, as ReadManifest does.
func (r *Run) Manifest() (*Manifest, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return readManifest(r.folder)
}

func readManifest(d *files.Folder) (*Manifest, error) {
	data, err := d.Read(manifestName, maxJSON)
	if err != nil {
		return nil, err
	}
	m, err := decodeManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", filepath.Join(d.Path(), manifestName), ErrManifest, err)
	}
	return m, nil
}

func decodeManifest(data []byte) (*Manifest, error) {
	m := new(Manifest)
	if err := DecodeJSON(data, m); err != nil {
		return nil, err
	}
	return m, m.Data.validate()
}

// validate returns an error that names the first field that cannot be.
func (d *Data) validate() error {
	switch {
	case d.Examples < 0:
		return fmt.Errorf("examples: %d; must not be below 0", d.Examples)
	case d.Rows < 0 || d.Columns < 0 || d.Rows > dbm.MaxUnits || d.Columns > dbm.MaxUnits:
		return fmt.Errorf("rows and columns: %d and %d; must be 0 to %d", d.Rows, d.Columns, dbm.MaxUnits)
	case len(d.SHA256) != 2*sha256.Size && d.SHA256 != "" || strings.Trim(d.SHA256, "0123456789abcdef") != "":
		return fmt.Errorf("sha256: %.80q; must be %d hexadecimal digits", d.SHA256, 2*sha256.Size)
	}
	return nil
}

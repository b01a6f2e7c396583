package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"tandem/dbm"
	"tandem/internal/files"
)

// Settings are everything that decides a run. It is config.json of a run folder,
// and what `train --config` reads. In JSON the fields of dbm.Config stand
// beside the others. A field that is not in a file is zero: so a field that a
// later version adds must mean with zero what was done without it.
type Settings struct {
	Preset          string `json:"preset"` // where the values came from; letters, digits, - and _, or ""
	dbm.Config             // what decides the numbers, the data apart
	Pixels          string `json:"pixels"` // how grey levels become the values of visible units
	Reading                // where the examples lie
	Updates         uint64 `json:"updates"`          // in total, those before a resume included
	CheckpointEvery uint64 `json:"checkpoint_every"` // updates from one checkpoint to the next

	Init      string `json:"init,omitempty"`       // SHA-256 of the model that the run begins with; "": random weights
	KeepEvery string `json:"keep_every,omitempty"` // updates from one model that is kept to the next, or exp; "": none
	KeepMax   int    `json:"keep_max,omitempty"`   // of these, the last ones; 0: 20

	MetricsEvery uint64 `json:"metrics_every,omitempty"` // updates between lines of metrics; 0: as usual
	Moments      int    `json:"moments,omitempty"`       // pictures of the way that are kept; 0: none

	KeepBest bool   `json:"keep_best,omitempty"` // the model that is best by the held-out examples is kept, too
	Patience uint64 `json:"patience,omitempty"`  // checkpoints without a better one end the run; 0: never
}

// Reading says where examples lie and how they are read. Levels and HoldOut decide which
// numbers a run learns from; they are settled when it begins.
type Reading struct {
	Data          string   `json:"data"`                      // file or folder; "": the embedded MNIST
	Levels        float64  `json:"levels,omitempty"`          // the value that stands for 1; 0: 255, as of old
	HoldOut       float64  `json:"hold_out,omitempty"`        // training examples to hold out: a share below 1, or so many
	Test          string   `json:"test,omitempty"`            // file of test examples; "": none, or those of the folder
	LabelFile     string   `json:"label_file,omitempty"`      // of the training examples
	TestLabelFile string   `json:"test_label_file,omitempty"` // of the test examples
	Classes       []string `json:"classes,omitempty"`         // names of the classes, where labels are no small numbers
	LabelColumn   string   `json:"label_column,omitempty"`    // name or number, from 1, of the column that has labels
	Header        string   `json:"header,omitempty"`          // of a table in text: yes, no, or "" where it shows
	Columns       int      `json:"columns,omitempty"`         // width of rows of index:value; 0: the largest index
	ZeroBased     bool     `json:"zero_based,omitempty"`      // these indices count from 0
	Names         []string `json:"column_names,omitempty"`    // of the columns of a table with a header
}

// validate returns an error that names the first field that is not valid.
func (r *Reading) validate() error {
	switch {
	case !(r.Levels >= 0) || math.IsInf(r.Levels, 1):
		return fmt.Errorf("levels: %v; must be above 0", r.Levels)
	case !(r.HoldOut >= 0) || r.HoldOut >= 1 && (r.HoldOut != math.Floor(r.HoldOut) || r.HoldOut > math.MaxInt32):
		return fmt.Errorf("hold_out: %v; must be a share below 1, or a number of examples", r.HoldOut)
	case r.Header != "" && r.Header != "yes" && r.Header != "no":
		return fmt.Errorf("header: %q; must be yes or no", r.Header)
	case r.Columns < 0 || r.Columns > dbm.MaxUnits:
		return fmt.Errorf("columns: %d; must be 0 to %d", r.Columns, dbm.MaxUnits)
	}
	// JSON would put other characters in place of what is not UTF-8.
	for _, f := range []struct{ name, v string }{{"data", r.Data}, {"test", r.Test}, {"label_file", r.LabelFile},
		{"test_label_file", r.TestLabelFile}, {"label_column", r.LabelColumn}} {
		if !utf8.ValidString(f.v) {
			return fmt.Errorf("%s: %q is not UTF-8", f.name, f.v)
		}
	}
	return nil
}

// Files returns the files and folders that examples are read from. One of an archive of
// arrays is named without its array.
func (r *Reading) Files() (names []string) {
	for _, name := range []string{r.Data, r.Test, r.LabelFile, r.TestLabelFile} {
		if at := strings.LastIndex(name, ".npz:"); at >= 0 {
			name = name[:at+len(".npz")]
		}
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Validate returns an error that names the first field that is not valid. Whether
// preset, pixels and data name something that exists is for others to say.
func (c *Settings) Validate() error {
	if err := c.Config.Validate(); err != nil {
		return err
	}
	if c.Updates < 1 || c.Updates > math.MaxUint32 {
		return fmt.Errorf("updates: %d; must be 1 to %d", c.Updates, uint32(math.MaxUint32))
	}
	if c.CheckpointEvery < 1 {
		return fmt.Errorf("checkpoint_every: %d; must be at least 1", c.CheckpointEvery)
	}
	if c.KeepBest && c.HoldOut == 0 {
		return errors.New("keep_best: needs held-out examples to tell the best by (hold_out)")
	}
	if c.Patience > 0 && !c.KeepBest {
		return errors.New("patience: needs a best model to wait for (keep_best)")
	}
	if err := c.validateMoments(); err != nil {
		return err
	}
	if err := c.validateKeep(); err != nil {
		return err
	}
	// The preset becomes part of a folder's name.
	if i := strings.IndexFunc(c.Preset, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}); i >= 0 {
		return fmt.Errorf("preset: %q; must be letters, digits, - and _", c.Preset)
	}
	if !utf8.ValidString(c.Pixels) { // JSON would put other characters in its place
		return fmt.Errorf("pixels: %q is not UTF-8", c.Pixels)
	}
	return c.Reading.validate()
}

// ReadFile reads a configuration file over c: a field that the file does not
// give keeps its value, a list that it gives is replaced whole. Unknown fields,
// fields given twice, null and anything after the object are errors that name
// the file; c is then as before. The values are not validated.
func (c *Settings) ReadFile(path string) error {
	_, err := c.ReadFields(path)
	return err
}

// ReadFields is ReadFile, and returns which fields the file gives.
func (c *Settings) ReadFields(path string) (map[string]bool, error) {
	data, err := files.Read(path, maxJSON)
	if err != nil {
		return nil, err
	}
	if err := c.decode(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	all, given := map[string]json.RawMessage{}, map[string]bool{}
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte(markUTF8)), &all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for name := range all {
		given[name] = true
	}
	return given, nil
}

// Editors of Windows put a byte order mark before a text.
const (
	markUTF8    = "\xef\xbb\xbf"
	markUTF16LE = "\xff\xfe"
	markUTF16BE = "\xfe\xff"
)

func (c *Settings) decode(data []byte) error {
	data = bytes.TrimPrefix(data, []byte(markUTF8))
	if bytes.HasPrefix(data, []byte(markUTF16LE)) || bytes.HasPrefix(data, []byte(markUTF16BE)) {
		return errors.New("text in UTF-16; save it as UTF-8")
	}
	next := c.clone() // encoding/json writes into the lists that it finds
	if err := DecodeJSON(data, &next); err != nil {
		return err
	}
	*c = next
	return nil
}

// fields is a configuration's JSON by field.
func (c *Settings) fields() map[string]json.RawMessage {
	m := make(map[string]json.RawMessage)
	data, err := json.Marshal(c)
	if err == nil { // only what Validate rejects has no JSON
		json.Unmarshal(data, &m)
	}
	return m
}

// Differs names a field that decides the numbers and is not the same in both
// configurations, or returns "". A run may be made longer, write its
// checkpoints at other updates and find its data elsewhere.
func (c *Settings) Differs(o *Settings) string {
	a, b := c.fields(), o.fields()
	all := maps.Clone(a) // what is zero may be left out
	maps.Copy(all, b)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch name {
		case "preset", "data", "test", "label_file", "test_label_file", "updates", "checkpoint_every", "patience",
			"metrics_every", "keep_every", "keep_max":
		default:
			if !bytes.Equal(a[name], b[name]) {
				return name
			}
		}
	}
	return ""
}

func (c *Settings) clone() Settings {
	d := *c
	d.Layers = slices.Clone(c.Layers)
	d.Alpha = slices.Clone(c.Alpha)
	d.Classes = slices.Clone(c.Classes)
	d.Names = slices.Clone(c.Names)
	return d
}

// ReadSettings reads and validates the configuration of a run folder.
func ReadSettings(dir string) (Settings, error) {
	return inRun(dir, readSettings)
}

func readSettings(d *files.Folder) (Settings, error) {
	data, err := d.Read(SettingsFile, maxJSON)
	if err != nil {
		return Settings{}, err
	}
	c, err := decodeSettings(data)
	if err != nil {
		return c, fmt.Errorf("%s: %w", filepath.Join(d.Path(), SettingsFile), err)
	}
	return c, nil
}

func decodeSettings(data []byte) (Settings, error) {
	var c Settings
	if err := c.decode(data); err != nil {
		return Settings{}, err
	}
	if err := c.Validate(); err != nil {
		return Settings{}, err
	}
	return c, nil
}

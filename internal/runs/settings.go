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
	Pixels          string `json:"pixels"`           // how grey levels become the values of visible units
	Data            string `json:"data"`             // folder of IDX files; "": the embedded MNIST
	Updates         uint64 `json:"updates"`          // in total, those before a resume included
	CheckpointEvery uint64 `json:"checkpoint_every"` // updates from one checkpoint to the next
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
	// The preset becomes part of a folder's name.
	if i := strings.IndexFunc(c.Preset, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}); i >= 0 {
		return fmt.Errorf("preset: %q; must be letters, digits, - and _", c.Preset)
	}
	// JSON would put other characters in place of what is not UTF-8.
	for _, f := range []struct{ name, v string }{{"pixels", c.Pixels}, {"data", c.Data}} {
		if !utf8.ValidString(f.v) {
			return fmt.Errorf("%s: %q is not UTF-8", f.name, f.v)
		}
	}
	return nil
}

// ReadFile reads a configuration file over c: a field that the file does not
// give keeps its value, a list that it gives is replaced whole. Unknown fields,
// fields given twice, null and anything after the object are errors that name
// the file; c is then as before. The values are not validated.
func (c *Settings) ReadFile(path string) error {
	data, err := files.Read(path, maxJSON)
	if err != nil {
		return err
	}
	if err := c.decode(data); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
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
	for _, name := range slices.Sorted(maps.Keys(a)) {
		switch name {
		case "preset", "data", "updates", "checkpoint_every":
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

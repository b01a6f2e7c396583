package runs

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const configGolden = `{
  "preset": "quick",
  "layers": [
    6,
    4,
    3
  ],
  "batch": 5,
  "chains": 2,
  "gibbs": 1,
  "mean_field_tolerance": 0.0001,
  "mean_field_max": 10,
  "learning_rate": 0.01,
  "learning_rate_end": 0,
  "upper_rate": 0,
  "weight_decay": 0,
  "offset_rate": 0,
  "alpha": [
    0.1,
    0.2
  ],
  "gamma": 1,
  "mu_damping": 0.001,
  "init_scale": 0.003,
  "zero_biases": false,
  "sample_posterior": false,
  "contrastive_divergence": false,
  "pretrain": 0,
  "patch": 0,
  "image_columns": 0,
  "seed": 18446744073709551615,
  "pixels": "grey",
  "data": "a & b/<c>",
  "updates": 100,
  "checkpoint_every": 10
}
`

func TestConfigFile(t *testing.T) {
	r := testRun(t, 0)
	path := filepath.Join(r.dir, SettingsFile)
	if got := string(read(t, path)); got != configGolden {
		t.Errorf("config.json is\n%s", got)
	}
	var c Settings
	if err := c.ReadFile(path); err != nil || !reflect.DeepEqual(c, testConfig()) {
		t.Errorf("read %+v, %v", c, err)
	}
}

func TestConfigMerge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "some.json")
	write(t, path, []byte(` {"layers": [9, 8], "gamma": 0, "seed": 12345678901234567890} `))
	base := testConfig()
	c := base // shares its lists
	if err := c.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	want := testConfig()
	want.Layers, want.Gamma, want.Seed = []int{9, 8}, 0, 12345678901234567890
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v; want %+v", c, want)
	}
	if !reflect.DeepEqual(base, testConfig()) {
		t.Errorf("reading changed the lists of another configuration: %+v", base)
	}

	write(t, path, []byte(`{"layers": [1, 2, 3, 4], "alpha": [0]}`))
	want.Layers, want.Alpha = []int{1, 2, 3, 4}, []float64{0}
	if err := c.ReadFile(path); err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, %v; want %+v", c, err, want)
	}
}

func TestConfigRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bad.json")
	for _, f := range []struct{ json, want string }{
		{``, "unexpected end"},
		{`[]`, "not a JSON object"},
		{`null`, "not a JSON object"},
		{`"x"`, "not a JSON object"},
		{`{"seed": 1} x`, "after top-level value"},
		{`{"seed": 1}{}`, "after top-level value"},
		{"{\n\"seed\": 1,\n\n}", "line 4:"},
		{"\xff\xfe{\x00}\x00", "UTF-16; save it as UTF-8"},
		{"\xfe\xff\x00{\x00}", "UTF-16; save it as UTF-8"},
		{"\xef\xbb\xbf\xef\xbb\xbf{}", "line 1:"},
		{`{"learning_rate": 0,01}`, "line 1:"},
		{`{"sed": 1}`, `unknown field "sed"`},
		{`{"Config": {}}`, `unknown field "Config"`},
		{`{"Seed": 1}`, `unknown field "Seed"`},
		{`{"seed": 1, "gibbs": 2, "seed": 1}`, "seed: given twice"},
		{`{"seed": null}`, "seed: null"},
		{`{"layers": null}`, "layers: null"},
		{`{"layers": [7, null]}`, "layers: null"},
		{`{"layers": [7, 1.5]}`, "layers: a JSON number 1.5; must be a whole number"},
		{`{"layers": 7}`, "layers: a JSON number; must be a list"},
		{`{"seed": -1}`, "seed: a JSON number -1; must be a whole number from 0"},
		{`{"seed": 18446744073709551616}`, "seed: a JSON number 18446744073709551616"},
		{`{"updates": "7"}`, "updates: a JSON string; must be a whole number"},
		{`{"gamma": 1e999}`, "gamma: a JSON number 1e999; must be a number"},
		{`{"pixels": 7}`, "pixels: a JSON number; must be a string"},
	} {
		write(t, path, []byte(f.json))
		c := testConfig()
		err := c.ReadFile(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%s: error %v; want %q", f.json, err, f.want)
		}
		if !reflect.DeepEqual(c, testConfig()) {
			t.Errorf("%s: a refused file changed the configuration", f.json)
		}
	}
	c := testConfig()
	missing := filepath.Join(t.TempDir(), "missing.json")
	wantError(t, c.ReadFile(missing), missing)
	write(t, path, []byte(`{"data": "nullable", "pixels": "null"}`))
	if err := c.ReadFile(path); err != nil {
		t.Error(err)
	}
	write(t, path, bytes.Repeat([]byte(" "), maxJSON+1))
	wantError(t, c.ReadFile(path), path, "more than 16777216 bytes")
}

// Editors of Windows write a byte order mark, and lines that end in a carriage return.
func TestConfigOfWindows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	for _, text := range []string{
		"\xef\xbb\xbf{\"seed\": 9}", "{\r\n\"seed\": 9\r\n}\r\n", "\xef\xbb\xbf\r\n{\r\n\"seed\":\t9}\r\n",
	} {
		write(t, path, []byte(text))
		c, want := testConfig(), testConfig()
		want.Seed = 9
		if err := c.ReadFile(path); err != nil || !reflect.DeepEqual(c, want) {
			t.Errorf("%q: error %v, read %+v", text, err, c)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	for _, f := range []struct {
		want   string
		change func(*Settings)
	}{
		{"", func(*Settings) {}},
		{"", func(c *Settings) { c.Updates, c.CheckpointEvery = math.MaxUint32, math.MaxUint64 }},
		{"", func(c *Settings) { c.Updates, c.Preset, c.Data = 1, "", "" }},
		{"layers", func(c *Settings) { c.Layers = nil }},
		{"updates: 0;", func(c *Settings) { c.Updates = 0 }},
		{"updates: 4294967296;", func(c *Settings) { c.Updates = 1 << 32 }},
		{"checkpoint_every: 0", func(c *Settings) { c.CheckpointEvery = 0 }},
		{"preset", func(c *Settings) { c.Preset = "a/b" }},
		{"preset", func(c *Settings) { c.Preset = ".." }},
		{"data", func(c *Settings) { c.Data = "\xff" }},
		{"pixels", func(c *Settings) { c.Pixels = "\xff" }},
	} {
		c := testConfig()
		f.change(&c)
		err := c.Validate()
		if f.want == "" && err != nil || f.want != "" && (err == nil || !strings.HasPrefix(err.Error(), f.want)) {
			t.Errorf("error %v; want %q", err, f.want)
		}
	}

	// What is in a run folder is validated too.
	r := testRun(t, 0)
	path := filepath.Join(r.dir, SettingsFile)
	write(t, path, bytes.Replace(read(t, path), []byte(`"chains": 2`), []byte(`"chains": 0`), 1))
	_, err := ReadSettings(r.dir)
	wantError(t, err, path, "chains: 0")
}

func FuzzConfig(f *testing.F) {
	for _, s := range []string{
		configGolden, `{}`, `null`, `{"layers":[1,null]}`, `{"seed":1,"seed":2}`, `{"SEED":1}`, `{"alpha":[]}`,
		`{"alpha":[1,2,3,4]}`, `{"x":`, `{"preset":"papr"}`, `{"updates":1e5}`, `{"alpha":[[1]]}`, `{"seed":{"a":1,"a":2}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		base := testConfig()
		c := base
		var err error
		bounded(t, data, func() { err = c.decode(data) })
		if !reflect.DeepEqual(base, testConfig()) {
			t.Fatal("decoding changed the lists of another configuration")
		}
		if err != nil {
			if !reflect.DeepEqual(c, base) {
				t.Fatal("a refused configuration was taken in part")
			}
			return
		}
		// What was there before does not show where all fields are given.
		again, err := encodeJSON(&c)
		if err != nil {
			t.Fatal(err)
		}
		var d Settings
		if err := d.decode(again); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(c, d) {
			t.Fatalf("%+v came back as %+v", c, d)
		}
	})
}

func TestConfigEndless(t *testing.T) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip(err)
	}
	var c Settings
	wantError(t, c.ReadFile("/dev/zero"), "/dev/zero", "not a regular file")
}

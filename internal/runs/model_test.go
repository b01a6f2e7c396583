package runs

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/npz"
)

// testModel returns a checkpoint and the bytes of its exported model.
func testModel(t *testing.T, chains bool) (*Checkpoint, []byte) {
	t.Helper()
	c := testConfig()
	from := &Checkpoint{Header: Header{"v1", kernel.Version, 7, 12.5, c}, State: testState(&c, 7)}
	var b bytes.Buffer
	if err := from.WriteModel(&b, chains); err != nil {
		t.Fatal(err)
	}
	return from, b.Bytes()
}

// An exported model is read as it was written, with its chains or without.
func TestModel(t *testing.T) {
	for _, chains := range []bool{true, false} {
		want, data := testModel(t, chains)
		name := filepath.Join(t.TempDir(), "model.npz")
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := ReadModel(name)
		if err != nil {
			t.Fatal(err)
		}
		for l := range want.State.Weights {
			if !slices.Equal(got.State.Weights[l], want.State.Weights[l]) {
				t.Errorf("weights of layer %d differ", l+1)
			}
		}
		for l := range want.State.Biases {
			if !slices.Equal(got.State.Biases[l], want.State.Biases[l]) {
				t.Errorf("biases of layer %d differ", l)
			}
			if chains && !slices.Equal(got.State.Chains[l], want.State.Chains[l]) {
				t.Errorf("chains of layer %d differ", l)
			}
		}
		if got.State.HasChains() != chains || got.Settings.Chains != want.Settings.Chains {
			t.Errorf("exported with chains: %v; has chains: %v", chains, got.State.HasChains())
		}
		if got.Updates != 7 || got.State.Updates != 7 || got.Seconds != 0 || got.Version != "v1" {
			t.Errorf("header %+v", got.Header)
		}
	}
}

// A model whose numbers are not finite is rejected.
func TestModelMustBeFinite(t *testing.T) {
	c := testConfig()
	from := &Checkpoint{Header: Header{"v1", kernel.Version, 7, 12.5, c}, State: testState(&c, 7)}
	from.State.Biases[1][2] = float32(math.Inf(1))
	var b bytes.Buffer
	if err := from.WriteModel(&b, true); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "model.npz")
	if err := os.WriteFile(name, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := ReadModel(name)
	wantError(t, err, "b1: value 2 is +Inf; must be finite")
}

// patched returns an archive with other bytes in its names and files.
func patched(t *testing.T, data []byte, old, new string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := npz.NewWriter(&b)
	found := false
	for _, file := range z.File {
		content, err := fs.ReadFile(z, file.Name)
		if err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(content, []byte(old)) || strings.Contains(file.Name, old)
		to, err := w.File(strings.ReplaceAll(file.Name, old, new))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(bytes.ReplaceAll(content, []byte(old), []byte(new))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil || !found {
		t.Fatalf("no %s in the model (%v)", old, err)
	}
	return b.Bytes()
}

// decodeBytes reads a model from the bytes of its file.
func decodeBytes(data []byte) (*Checkpoint, error) {
	z, err := npz.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return decodeModel(z)
}

// A damaged model is an error that names what is wrong. What a checkpoint's header refuses,
// a model's does.
func TestModelDamaged(t *testing.T) {
	_, data := testModel(t, true)
	for _, c := range []struct{ old, new, word string }{
		{"tandem.json", "random.json", "tandem.json: missing from the file: neither written by tandem export"},
		{`"layers":[6,`, `"layers":[9,`, "W1: shape (6, 4); must be (9, 4)"},
		{`"layers":[6,`, `"layers":[100000,`, "W1: shape (6, 4); must be (100000, 4)"},
		{`"chains":2,`, `"chains":1,`, "chains0: shape (2, 6); must be (1, 6)"},
		{`"batch":5`, `"batch":0`, "tandem.json: batch"},
		{`"updates":7`, `"updates":9223372036854775808`, "tandem.json: updates: 9223372036854775808"},
		{`"updates":7`, `"updates":-1`, "tandem.json: updates"},
		{`"updates":7`, `"updates":7,"updates":8`, "tandem.json: updates: given twice"},
		{`"seconds":0`, `"seconds":-1`, "tandem.json: seconds: -1"},
		{`"numerics":1`, `"numerics":0`, "tandem.json: numerics"},
		{`"gamma":1`, `"gamma":1,"momentum":0.5`, `tandem.json: unknown field "momentum"`},
		{`{"version"`, `[{"version"`, "tandem.json: "},
		{"W2.npy", "V2.npy", "W2: missing from the file"},
		{"b0.npy", "B0.npy", "b0: missing from the file"},
		{"mu.npy", "nu.npy", "mu: missing from the file"},
		{"chains1.npy", "links1.npy", "chains1: missing from the file"},
		{"'<f4', 'fortran_order': False, 'shape': (6, 4,)", "'<i4', 'fortran_order': False, 'shape': (6, 4,)",
			"W1: type <i4; must be <f4 or <f8"},
		{"'<f4', 'fortran_order': False, 'shape': (6, 4,)", "'>f4', 'fortran_order': False, 'shape': (6, 4,)",
			"W1: type >f4; must be <f4 or <f8"},
		{"False, 'shape': (6, 4,)", "False, 'shape': (4, 6,)", "W1: shape (4, 6); must be (6, 4)"},
		{"'shape': (6,), }  ", "'shape': (6,1,), }", "b0: shape (6, 1); must be (6,)"},
		{"False, 'shape': (2, 3,)", "False, 'shape': (3, 2,)", "chains2: shape (3, 2); must be (2, 3)"},
		{"\x00\x00\x80\x3f", "\x00\x00\x00\x3f", "is 0.5; must be 0 or 1"},
		{"\x00\x00\x80\x3f", "\x00\x00\xc0\x7f", "is NaN; must be finite"},
		{"\x00\x00\x80\x3f", "\x00\x00\x00\x80", "is -0; must be 0 or 1"},
	} {
		_, err := decodeBytes(patched(t, data, c.old, c.new))
		wantError(t, err, c.word)
	}
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 1
		// What remains is the same model, or an error: nothing in between.
		if c, err := decodeBytes(bad); err == nil && !reflect.DeepEqual(c, must(decodeBytes(data))) {
			t.Errorf("byte %d changed, and another model is read", i)
		}
	}
}

func must(c *Checkpoint, err error) *Checkpoint {
	if err != nil {
		panic(err)
	}
	return c
}

// doubled returns a model of 1-1 whose only weight is given as float64.
func doubled(t *testing.T, weight float64) []byte {
	t.Helper()
	c := testConfig()
	c.Layers, c.Alpha = []int{1, 1}, []float64{0}
	from := &Checkpoint{Header: Header{"v1", kernel.Version, 7, 0, c}, State: dbm.NewState(&c.Config)}
	var b, out bytes.Buffer
	if err := from.WriteModel(&b, false); err != nil {
		t.Fatal(err)
	}
	z, err := npz.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	about, err := z.File(aboutModel, maxHeader)
	if err != nil {
		t.Fatal(err)
	}
	w := npz.NewWriter(&out)
	f, _ := w.File(aboutModel)
	f.Write(about)
	f, _ = w.Array("W1", npz.Float64, 1, 1)
	binary.Write(f, binary.LittleEndian, weight)
	for _, name := range []string{"b0", "b1", "mu"} {
		w.Floats(name, []float32{0}, 1)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Numbers of float64 are taken where float32 holds them exactly.
func TestModelOfFloat64(t *testing.T) {
	for weight, want := range map[float64]string{
		0.5: "", -3e-45: "no float32", 0.1: "W1: value 0 is 0.1, which is no float32", 1e300: "no float32",
		math.Inf(1): "must be finite", math.NaN(): "must be finite", math.MaxFloat32: "",
	} {
		c, err := decodeBytes(doubled(t, weight))
		if want != "" {
			wantError(t, err, want)
		} else if err != nil || float64(c.State.Weights[0][0]) != weight {
			t.Errorf("%v: %v", weight, err)
		}
	}
}

// What a model claims to hold takes no memory unless it is there.
func TestModelMemory(t *testing.T) {
	_, with := testModel(t, true)
	_, without := testModel(t, false)
	for name, data := range map[string][]byte{
		"layers": patched(t, with, `"layers":[6,`, `"layers":[1000000,`),
		"layers, weight": patched(t, patched(t, with, `"layers":[6,`, `"layers":[1000000,`), "(6, 4,), }      ",
			"(1000000, 4,), }"),
		"chains":      patched(t, with, `"chains":2,`, `"chains":1000000,`),
		"no chains":   patched(t, without, `"chains":2,`, `"chains":1000000,`),
		"pretraining": patched(t, without, `"pretrain":0`, `"pretrain":9`),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := decodeBytes(data)
		runtime.ReadMemStats(&after)
		if wrong := name != "no chains" && name != "pretraining"; (err != nil) != wrong {
			t.Errorf("%s: %v", name, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: took %d bytes", name, n)
		}
	}
}

// Whatever the bytes, they are rejected or are a model in every way.
func FuzzReadModel(f *testing.F) {
	for _, name := range []string{"tandem", "saved", "compressed", "fortran", "float64", "version2"} {
		data, err := os.ReadFile(filepath.Join("testdata", "numpy", name+".npz"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c *Checkpoint
		var err error
		bounded(t, data, func() { c, err = decodeBytes(data) })
		if err != nil {
			return
		}
		c.Seconds = 0 // which is not exported
		var b bytes.Buffer
		if err := c.WriteModel(&b, c.State.HasChains()); err != nil {
			t.Fatal(err)
		}
		if again, err := decodeBytes(b.Bytes()); err != nil || !reflect.DeepEqual(c, again) {
			t.Fatalf("%+v came back as %+v, %v", c, again, err)
		}
	})
}

package runs

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tandem/dbm/kernel"
	"tandem/internal/npz"
)

// testModel returns a checkpoint and the bytes of its exported model.
func testModel(t *testing.T, chains bool) (*Checkpoint, []byte) {
	t.Helper()
	c := testConfig()
	from := &Checkpoint{Header{"v1", kernel.Version, 7, 12.5, c}, testState(&c, 7)}
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
			if slices.Equal(got.State.Chains[l], want.State.Chains[l]) != chains && len(want.State.Chains[l]) > 8 {
				t.Errorf("chains of layer %d: want those of the model only where they are exported", l)
			}
		}
		if got.Updates != 7 || got.State.Updates != 7 || got.Seconds != 0 || got.Version != "v1" {
			t.Errorf("header %+v", got.Header)
		}
	}
}

// A model whose numbers are not finite is rejected.
func TestModelMustBeFinite(t *testing.T) {
	c := testConfig()
	from := &Checkpoint{Header{"v1", kernel.Version, 7, 12.5, c}, testState(&c, 7)}
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
	wantError(t, err, "b1: number 2 is +Inf; must be finite")
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

// A damaged model is an error that names what is wrong.
func TestModelDamaged(t *testing.T) {
	_, data := testModel(t, true)
	for _, c := range []struct{ old, new, word string }{
		{"tandem.json", "random.json", "not written by tandem export"},
		{`"layers":[6,`, `"layers":[9,`, "W1"},
		{`"layers":[6,`, `"layers":[100000,`, "truncated"},
		{`"chains":2,`, `"chains":1,`, "chains0"},
		{`"batch":5`, `"batch":0`, "batch"},
		{"W2.npy", "V2.npy", "W2: no such array"},
		{"'<f4', 'fortran_order': False, 'shape': (6, 4,", "'<i4', 'fortran_order': False, 'shape': (6, 4,", "type"},
		{"False, 'shape': (6, 4,)", "False, 'shape': (4, 6,)", "shape"},
	} {
		bad := patched(t, data, c.old, c.new)
		z, err := npz.NewReader(bytes.NewReader(bad), int64(len(bad)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeModel(z, int64(len(bad))); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s for %s: error %v, want one with %q", c.new, c.old, err, c.word)
		}
	}
	data[len(data)/3] ^= 1
	z, err := npz.NewReader(bytes.NewReader(data), int64(len(data)))
	if err == nil {
		_, err = decodeModel(z, int64(len(data)))
	}
	if err == nil {
		t.Error("a flipped bit is no error")
	}
}

package runs

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"tandem/dbm/kernel"
)

// tinyModel is a model of 4-3-2.
func tinyModel() *Checkpoint {
	c := testConfig()
	c.Layers, c.Data = []int{4, 3, 2}, ""
	s := testState(&c, 7)
	for l := range s.Weights {
		for i := range s.Weights[l] {
			s.Weights[l][i] = float32(i)/3 - float32(l)
		}
	}
	for l := range s.Biases {
		s.Biases[l][0] = -float32(l+1) / 7
		s.Chains[l][1] = 1
	}
	for i := range s.Mu {
		s.Mu[i] = float64(i) + 0.5
	}
	return &Checkpoint{Header: Header{"v1", kernel.Version, 7, 0, c}, State: s}
}

// The files of testdata/numpy are one model as NumPy 1.24.2 writes it: make.py there makes
// them from tandem.npz, which is tinyModel as WriteModel writes it.
func TestAsNumPyWritesModels(t *testing.T) {
	var b bytes.Buffer
	if err := tinyModel().WriteModel(&b, true); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), read(t, filepath.Join("testdata", "numpy", "tandem.npz"))) {
		t.Error("tandem.npz has other bytes")
	}
	names, err := filepath.Glob(filepath.Join("testdata", "numpy", "*.npz"))
	if err != nil || len(names) != 6 {
		t.Fatalf("%q, %v", names, err)
	}
	want := tinyModel()
	for _, name := range names {
		got, err := ReadModel(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v of %+v, want %+v of %+v", name, got.Header, got.State, want.Header, want.State)
		}
	}
	if _, err := os.Stat(filepath.Join("testdata", "numpy", "make.py")); err != nil {
		t.Error(err)
	}
}

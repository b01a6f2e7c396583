package runs

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"tandem/dbm/kernel"
)

func TestManifest(t *testing.T) {
	r := testRun(t, 0)
	_, err := ReadManifest(r.dir)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a run without a manifest: %v", err)
	}
	if err := r.AddPart(Part{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a part for a run without a manifest: %v", err)
	}

	started := time.Date(2026, 11, 23, 1, 2, 3, 4, time.FixedZone("", 3600))
	utc := time.Date(2026, 11, 23, 0, 2, 3, 0, time.UTC)
	m := NewManifest("v1", started)
	if m.Version != "v1" || m.Numerics != kernel.Version || m.Go != runtime.Version() || m.GOOS != runtime.GOOS ||
		m.GOARCH != runtime.GOARCH {
		t.Errorf("manifest of this build: %+v", m)
	}
	m.Kernel, m.CPU, m.Threads, m.Seed = "avx2", "a <CPU> & more", 2, 7
	m.Arguments = []string{"train", "--seed", "7"}
	m.Data = Data{Source: "embedded", Credit: "them", SHA256: strings.Repeat("ab", 32), Examples: 60000}
	if err := r.WriteManifest(m); err != nil {
		t.Fatal(err)
	}
	if !m.Started.Equal(started) || m.Parts != nil {
		t.Error("writing changed the manifest given")
	}
	path := filepath.Join(r.dir, manifestName)
	data := read(t, path)
	for _, want := range []string{`"started": "2026-11-23T00:02:03Z"`, `"cpu": "a <CPU> & more"`, `"parts": []`, "}\n"} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("manifest.json has no %s:\n%s", want, data)
		}
	}

	want := *m
	want.Started = utc
	for first := range uint64(2) {
		p := NewPart("v2", started)
		if p.GOOS != runtime.GOOS || p.GOARCH != runtime.GOARCH || p.Version != "v2" {
			t.Errorf("part of this build: %+v", p)
		}
		p.FirstUpdate, p.Kernel, p.CPU, p.Threads = first, "generic", "another", 3
		if err := r.AddPart(p); err != nil {
			t.Fatal(err)
		}
		p.Started, p.Arguments = utc, []string{}
		want.Parts = append(want.Parts, p)
	}
	got, err := ReadManifest(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, &want) {
		t.Errorf("manifest %+v; want %+v", got, &want)
	}

	write(t, path, []byte(`{"kernels": 1}`))
	_, err = ReadManifest(r.dir)
	wantError(t, err, path, `"kernels"`)
}

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"tandem/internal/archive"
	"tandem/internal/runs"
	"tandem/mnist"
)

// reading is a file and how it is read.
type reading struct {
	name, from string
	checked    bool // a checksum covers every byte: no change may pass with other content
	every      int  // of so many bits that are changed one at a time, all in the long part
	read       func(path string) (content string, err error)
}

// readings are the files that tandem reads.
func (s *suite) readings() []reading {
	return []reading{
		{"checkpoint.tandem", "run/checkpoint.tandem", true, 1, func(path string) (string, error) {
			c, err := runs.ReadCheckpoint(filepath.Dir(path))
			if err != nil {
				return "", err
			}
			return fmt.Sprint(c.Header) + c.State.SHA256(), nil
		}},
		{"model (.npz)", "model.npz", true, 3, func(path string) (string, error) {
			c, err := runs.ReadModel(path)
			if err != nil {
				return "", err
			}
			return fmt.Sprint(c.Header) + c.State.SHA256(), nil
		}},
		{"archive (.tar.gz)", "study.tar.gz", true, 2, func(path string) (string, error) {
			data, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			kept, n, err := archive.Read(bytes.NewReader(data), func(string) bool { return true })
			if err != nil {
				return "", err
			}
			return fmt.Sprint(n, kept), nil
		}},
		{"config.json", "run/config.json", false, 2, func(path string) (string, error) {
			c, err := runs.ReadSettings(filepath.Dir(path))
			return fmt.Sprint(c), err
		}},
		{"manifest.json", "run/manifest.json", false, 4, func(path string) (string, error) {
			m, err := runs.ReadManifest(filepath.Dir(path))
			return fmt.Sprint(m), err
		}},
		{"metrics.jsonl", "run/metrics.jsonl", false, 4, func(path string) (string, error) {
			m, err := runs.ReadMetrics(filepath.Dir(path))
			return fmt.Sprint(m), err
		}},
		{"images (IDX)", "data/train-images-idx3-ubyte", false, 1, func(path string) (string, error) {
			set, err := mnist.Open(filepath.Dir(path), mnist.Train)
			if err != nil {
				return "", err
			}
			return set.SHA256, nil
		}},
	}
}

// damage cuts files at every byte, and changes every bit, one at a time.
func (s *suite) damage() error {
	for _, f := range s.readings() {
		whole, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(f.from)))
		if err != nil {
			return err
		}
		if err := s.fresh("damaged"); err != nil {
			return err
		}
		path := filepath.Join(s.dir, "damaged", filepath.Base(f.from))
		if err := os.WriteFile(path, whole, 0o666); err != nil {
			return err
		}
		want, err := f.read(path)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		cuts := s.begin(f.name + ": cut at every byte")
		for n := range len(whole) {
			cuts.try(f, path, whole[:n], want, fmt.Sprintf("%d bytes", n), false)
		}
		flips := s.begin(f.name + ": one bit changed")
		bad := bytes.Clone(whole)
		for i := range 8 * len(whole) {
			if !s.long && i%f.every != 0 {
				continue
			}
			bad[i/8] ^= 1 << (i % 8)
			flips.try(f, path, bad, want, fmt.Sprintf("bit %d of byte %d", i%8, i/8), true)
			bad[i/8] ^= 1 << (i % 8)
		}
	}
	return nil
}

// try reads a damaged file.
func (r *row) try(f reading, path string, data []byte, want, what string, whole bool) {
	r.injected++
	if err := os.WriteFile(path, data, 0o666); err != nil {
		r.wrong(&r.panics, "%v", err)
		return
	}
	defer func() {
		if p := recover(); p != nil {
			r.wrong(&r.panics, "%s: %v", what, p)
		}
	}()
	var start, end runtime.MemStats
	runtime.ReadMemStats(&start)
	began := time.Now()
	got, err := f.read(path)
	took := time.Since(began)
	runtime.ReadMemStats(&end)
	r.memory = max(r.memory, int64(end.TotalAlloc-start.TotalAlloc)>>10)
	switch {
	case took > patience:
		r.wrong(&r.hangs, "%s: took %v", what, took)
	case end.TotalAlloc-start.TotalAlloc > maxMemory<<10:
		r.wrong(&r.panics, "%s: took %d MiB", what, (end.TotalAlloc-start.TotalAlloc)>>20)
	case err != nil:
		r.refused++
	case f.checked && got != want:
		r.wrong(&r.believed, "%s: accepted with other content", what)
	default: // text has no checksum, and a run may be writing the last line of its metrics
		r.survived++
	}
}

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// special puts pipes, devices, folders, links and files without end in the place of each file,
// and asks every verb that reads it.
func (s *suite) special() error {
	places := map[string]func(path string) error{
		"a pipe":          func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"a folder":        func(path string) error { return os.Mkdir(path, 0o777) },
		"a link to zeros": func(path string) error { return os.Symlink("/dev/zero", path) },
		"a link to a pipe": func(path string) error {
			return errors.Join(syscall.Mkfifo(path+".pipe", 0o666), os.Symlink(path+".pipe", path))
		},
		"a device": func(path string) error { return syscall.Mknod(path, syscall.S_IFCHR|0o666, 1<<8|5) },
		"nothing":  func(path string) error { return nil },
		"no bytes": func(path string) error { return os.WriteFile(path, nil, 0o666) },
		"a file of 1 TB": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o666), os.Truncate(path, 1<<40))
		},
	}
	resume, pack := s.resuming("damaged"), []string{"archive", "damaged", "--out", "x.tar.gz"}
	targets := map[string][][]string{
		"damaged/config.json": {{"info", "damaged"}, resume, pack,
			{"train", "--config", "damaged/config.json", "--dry-run"}},
		"damaged/manifest.json":     {{"info", "damaged"}, resume, pack},
		"damaged/metrics.jsonl":     {resume, pack},
		"damaged/checkpoint.tandem": {{"info", "damaged"}, resume, {"filters", "damaged"}, {"sample", "damaged"}},
		"damaged/lock":              {resume},
		"damaged/filters.png":       {pack, {"filters", "damaged"}},
		"m.npz": {{"info", "m.npz"}, {"sample", "m.npz"},
			{"eval", "m.npz", "--runs", "2", "--temps", "5"}},
		"a.tar.gz":                  {{"verify", "a.tar.gz"}},
		"d/train-images-idx3-ubyte": {{"train", "--data", "d", "--out", "new", "--updates", "1"}},
		"d/train-labels-idx1-ubyte": {{"train", "--data", "d", "--out", "new", "--updates", "1"}},
	}
	r := s.begin("special files in the place of each file")
	for target, commands := range targets {
		for what, place := range places {
			for _, args := range commands {
				if err := s.arrange(target, place); err != nil {
					continue // as without the right to make devices
				}
				r.injected++
				what := fmt.Sprintf("%s as %s, %s", target, what, args[0])
				switch o := s.start(nil, args...); {
				case !r.judge(o, what):
				case o.code == 0:
					r.survived++
				default:
					r.refused++
				}
			}
		}
	}
	return nil
}

// arrange makes everything anew, with something else in the place of one file.
func (s *suite) arrange(target string, place func(string) error) error {
	for _, name := range []string{"d", "new", "x.tar.gz", "m.npz", "m.npz.pipe", "a.tar.gz", "a.tar.gz.pipe"} {
		os.RemoveAll(filepath.Join(s.dir, name))
	}
	if err := s.fresh("damaged"); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(s.dir, "d"), os.DirFS(filepath.Join(s.dir, "data"))); err != nil {
		return err
	}
	path := filepath.Join(s.dir, filepath.FromSlash(target))
	os.Remove(path)
	return place(path)
}

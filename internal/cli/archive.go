package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"tandem/internal/archive"
	"tandem/internal/files"
	"tandem/internal/memory"
	"tandem/internal/runs"
)

// runsFolder is the folder of an archive that has the runs.
const runsFolder = "runs"

// pack is the verb archive, which packs runs, and the program that can repeat them,
// into one file. Packing the same again gives the same bytes.
func pack(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem archive RUN… --out FILE [flags]")
	out := f.String("out", "", "`FILE` for tar, gzipped, such as study.tar.gz; the runs stand below runs in it")
	binary := f.Bool("binary", true, "this program, too; --binary=false leaves it out")
	dirs, err := parse(f, args, "RUN…")
	if err != nil {
		return err
	}
	if *out == "" {
		return usageError{errors.New("--out FILE is missing")}
	}
	if err := t.guard.writes([]output{{"out", *out}}); err != nil {
		return err
	}
	if err := outside(*out, dirs); err != nil {
		return err
	}
	if err := t.guard.reads(readFor(dirs, *binary)...); err != nil {
		return err
	}
	if err := roomForFolders(dirs); err != nil {
		return err
	}
	packed, err := collect(ctx, dirs)
	if err != nil {
		return err
	}
	if *binary {
		program, err := thisProgram()
		if err != nil {
			return err
		}
		packed = append(packed, program)
	}
	if err := t.guard.write(ctx, *out, func(w io.Writer) error { return archive.Write(w, packed) }); err != nil {
		return fmt.Errorf("%s: %w", *out, err)
	}
	t.made(*out)
	return nil
}

// readFor returns what must not be lost by packing runs: the runs, their data, and the
// program.
func readFor(dirs []string, binary bool) (inputs []string) {
	for _, dir := range dirs {
		inputs = append(inputs, dir)
		if c, err := runs.ReadSettings(dir); err == nil && c.Data != "" {
			inputs = append(inputs, c.Data)
		}
	}
	if name, err := os.Executable(); err == nil && binary {
		inputs = append(inputs, name)
	}
	return inputs
}

// outside returns an error for an archive in a folder that it packs: it would pack itself
// the next time.
func outside(archive string, dirs []string) error {
	in, err := os.Stat(filepath.Dir(archive))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if run, err := os.Stat(dir); err == nil && os.SameFile(in, run) {
			return fmt.Errorf("out: %s is in a run that is packed, and would be packed with it; choose another folder", archive)
		}
	}
	return nil
}

// collect reads what is to be packed of run folders. All of it is held in memory,
// for files that are hashed and then read again might be replaced in between.
func collect(ctx context.Context, dirs []string) ([]archive.File, error) {
	var packed []archive.File
	taken := map[string]string{}
	names := map[string]string{}
	for _, dir := range dirs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		full, err := filepath.Abs(dir) // the folder . has a name, too
		if err != nil {
			return nil, err
		}
		name := filepath.Base(full)
		// Where it is unpacked, names may be the same in both cases.
		if other, ok := taken[strings.ToLower(name)]; ok {
			return nil, fmt.Errorf("%s and %s would both be %s in the archive, or differ in case alone: rename one",
				other, dir, path.Join(runsFolder, name))
		}
		taken[strings.ToLower(name)] = dir
		own, err := runs.ReadSnapshot(dir)
		if err != nil {
			return nil, err
		}
		if err := addResults(own, dir); err != nil {
			return nil, err
		}
		for _, file := range slices.Sorted(maps.Keys(own)) {
			to := path.Join(runsFolder, name, file)
			if other, ok := names[strings.ToLower(to)]; ok {
				return nil, fmt.Errorf("%s and %s differ in case alone: rename one", other, to)
			}
			names[strings.ToLower(to)] = to
			packed = append(packed, archive.File{Name: to, Data: own[file]})
		}
	}
	return packed, nil
}

// roomForFolders returns an error where there is no room for the files of folders.
func roomForFolders(dirs []string) error {
	need := uint64(0)
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil // reading its files will say more
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
				need = memory.Sum(need, uint64(info.Size()))
			}
		}
	}
	return memory.Check(memory.Sum(need, programMemory), "pack fewer runs at a time")
}

// addResults adds the pictures and results that are in a run folder, beside the
// run's own files: such files are of whatever update they were made at.
func addResults(own map[string][]byte, dir string) error {
	d, err := files.OpenFolder(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	entries, err := d.Entries()
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".png", ".json", ".md", ".html", ".svg":
		default:
			continue
		}
		if runs.Owns(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		if own[e.Name()], err = d.Read(e.Name(), archive.MaxBytes); err != nil {
			return err
		}
	}
	return nil
}

// thisProgram is the binary that is running.
func thisProgram() (archive.File, error) {
	name, err := os.Executable()
	if err != nil {
		return archive.File{}, err
	}
	data, err := os.ReadFile(name)
	f := archive.File{Name: "tandem", Executable: true, Data: data}
	if runtime.GOOS == "windows" {
		f.Name += ".exe"
	}
	return f, err
}

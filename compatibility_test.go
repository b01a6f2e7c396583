package main

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Files that earlier versions wrote, in testdata by version: every later version
// opens them and, as long as the numerics version stays, resumes and verifies them
// to the same bits. The hashes are those that the version itself ended with.
var written = []struct {
	version, run string
	now          string // hash of the checkpoint, at update 30
	resumed      string // hash after a resume to update 60
	chains       string // the flag with which the run was exported
}{
	{"0.1.0", "spring", "de2c20ee48690bbacd373b90b7cb6e83c4dff4db8d9bc067a39aaddac955ad79",
		"e07ac7fdfe807bf570306ee75f4941373ff216acb0a5920f29498161bba0718b", "--chains=true"},
	{"0.1.0", "pretrained", "5e6115d57cc59cb70968513738a2b4cc1245d2e24b96023719e858ca59ece5d9",
		"ae04092f38b133a5631bb4bc33bb710f0c4a1d72d4782d6ed1444ab1f6ee1809", "--chains=false"},
}

func TestFilesOfEarlierVersions(t *testing.T) {
	for _, w := range written {
		from := filepath.Join("testdata", w.version)
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		if got := sha(t, dir, w.run); got != w.now {
			t.Errorf("%s of %s: hash %s, want %s", w.run, w.version, got, w.now)
		}
		must(t, dir, "export", w.run, "--npz", "again.npz", w.chains)
		old, err := os.ReadFile(filepath.Join(from, w.run+".npz"))
		if err != nil {
			t.Fatal(err)
		}
		again, err := os.ReadFile(filepath.Join(dir, "again.npz"))
		if err != nil {
			t.Fatal(err)
		}
		// From 0.3.0 on, members have a day that exists, and tandem.json (the first) ends with
		// the data: the rest has the same bytes.
		one, other := unzipped(t, old), unzipped(t, again)
		other[1] = append(bytes.Split(other[1], []byte(`,"data":{`))[0], '}')
		if !slices.EqualFunc(one, other, bytes.Equal) {
			t.Errorf("%s of %s: the exported file has other bytes than before", w.run, w.version)
		}
		for _, model := range []string{w.run, w.run + ".npz"} {
			if r := about(t, dir, model); r["updates"] != 30.0 || r["version"] != w.version {
				t.Errorf("%s of %s: info prints update %v, version %v", model, w.version, r["updates"], r["version"])
			}
			must(t, dir, "filters", model)
		}
		must(t, dir, "verify", "runs.tar.gz", "--quiet")
		must(t, dir, "resume", "--quiet", w.run, "--updates", "60")
		if got := sha(t, dir, w.run); got != w.resumed {
			t.Errorf("%s of %s: resumed to hash %s, want %s", w.run, w.version, got, w.resumed)
		}
	}
}

// unzipped returns the names and contents of an archive's files, in its order.
func unzipped(t *testing.T, data []byte) (all [][]byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		content, err := fs.ReadFile(z, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, []byte(f.Name), content)
	}
	return all
}

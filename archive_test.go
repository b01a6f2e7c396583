package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"tandem/internal/archive"
	"tandem/internal/runs"
)

// unpacked reads all files of an archive but Sums.
func unpacked(t *testing.T, name string) map[string][]byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files, _, err := archive.Read(f, func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// repack writes files as an archive whose checksums are right.
func repack(t *testing.T, name string, files map[string][]byte) {
	t.Helper()
	var list []archive.File
	for file, data := range files {
		list = append(list, archive.File{Name: file, Data: data})
	}
	var b bytes.Buffer
	if err := archive.Write(&b, list); err != nil {
		t.Fatal(err)
	}
	put(t, name, b.Bytes())
}

func put(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// verified is what verify --json says.
type verified struct {
	File      string
	Checksums int
	Runs      []struct {
		Run      string
		Updates  uint64
		Compared int
		OK       bool
		Error    string
	}
}

func TestArchive(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, small("--out", "studies/other", "--seed", "2", "--updates", "5")...)
	results := []string{"eval.json", "notes.md", "page.html", "curve.svg"}
	for _, name := range append(results, "table.csv", "film.gif", "filters.png.1.tmp") {
		put(t, filepath.Join(dir, "run", name), []byte(name))
	}
	if err := os.Mkdir(filepath.Join(dir, "run", "folder.png"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hosts", filepath.Join(dir, "run", "link.json")); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	if out := must(t, dir, "archive", "run", "studies/other", "--out", "a.tar.gz"); out != "a.tar.gz\n" {
		t.Errorf("archive says %q", out)
	}
	files := unpacked(t, filepath.Join(dir, "a.tar.gz"))
	binary := "tandem"
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	if !bytes.Equal(files[binary], get(t, os.Args[0])) {
		t.Errorf("%s is %d bytes that are not this program", binary, len(files[binary]))
	}
	delete(files, binary)
	want := map[string][]byte{}
	own := []string{"config.json", "manifest.json", "metrics.jsonl", "checkpoint.tandem", "filters.png", "samples.png",
		"curves.svg"}
	for _, name := range append(results, own...) {
		want["runs/run/"+name] = get(t, filepath.Join(dir, "run", name))
	}
	for _, name := range own {
		want["runs/other/"+name] = get(t, filepath.Join(dir, "studies/other", name))
	}
	if !maps.EqualFunc(files, want, bytes.Equal) {
		t.Errorf("the archive has %q; want %q", slices.Sorted(maps.Keys(files)), slices.Sorted(maps.Keys(want)))
	}

	// Again, in another order, and from within.
	must(t, dir, "archive", "studies/other", "run", "--out", "b.tar.gz")
	if !bytes.Equal(get(t, filepath.Join(dir, "a.tar.gz")), get(t, filepath.Join(dir, "b.tar.gz"))) {
		t.Error("packing the same twice gives two archives")
	}
	must(t, dir, "archive", "run", "--binary=false", "--out", "run.tar.gz")
	must(t, filepath.Join(dir, "run"), "archive", ".", "--binary=false", "--out", "../within.tar.gz")
	if !bytes.Equal(get(t, filepath.Join(dir, "run.tar.gz")), get(t, filepath.Join(dir, "within.tar.gz"))) {
		t.Error("the folder . is packed differently")
	}
	if got := unpacked(t, filepath.Join(dir, "run.tar.gz")); got[binary] != nil || len(got) != len(results)+len(own) {
		t.Errorf("without the program there are %q", slices.Sorted(maps.Keys(got)))
	}

	// The tools that everybody has unpack and check it.
	if _, err := exec.LookPath("sha256sum"); err == nil {
		if err := os.Mkdir(filepath.Join(dir, "unpacked"), 0o777); err != nil {
			t.Fatal(err)
		}
		c := exec.Command("sh", "-c", "tar xzf ../a.tar.gz && sha256sum -c --strict SHA256SUMS && test -x tandem && find "+
			". -type f | wc -l")
		c.Dir = filepath.Join(dir, "unpacked")
		out, err := c.CombinedOutput()
		if err != nil || strings.Count(string(out), ": OK\n") != len(want)+1 ||
			!strings.HasSuffix(strings.TrimSpace(string(out)), fmt.Sprint(len(want)+2)) {
			t.Errorf("sha256sum says (%v)\n%s", err, out)
		}
	}

	before := len(unpacked(t, filepath.Join(dir, "a.tar.gz")))
	must(t, dir, small("--out", "studies/run")...)
	if err := os.MkdirAll(filepath.Join(dir, "begun"), 0o777); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "begun", "config.json"), get(t, filepath.Join(dir, "run", "config.json")))
	refuse(t, 1, dir, []string{"archive", "run", "studies/run", "--out", "a.tar.gz"}, "studies/run", "runs/run", "rename")
	refuse(t, 1, dir, []string{"archive", "run", "begun", "--out", "a.tar.gz"}, "begun", "no checkpoint yet")
	refuse(t, 1, dir, []string{"archive", "studies", "--out", "a.tar.gz"}, "studies", "holds no run")
	refuse(t, 1, dir, []string{"archive", "run", "--out", "no/such/folder"}, "no/such/folder")
	refuse(t, 1, dir, []string{"archive", "run", "--out", "run/metrics.jsonl"}, "metrics.jsonl")
	refuse(t, 2, dir, []string{"archive", "run"}, "--out")
	refuse(t, 2, dir, []string{"archive", "--out", "x.tar.gz"}, "RUN")
	if after := len(unpacked(t, filepath.Join(dir, "a.tar.gz"))); after != before {
		t.Error("a refused archive replaced another")
	}
}

// Where an archive is unpacked, a name may be the same as another in capitals.
func TestArchiveOfNamesThatDifferInCase(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--updates", "1", "--out", "run")...)
	for _, run := range []string{filepath.Join("other", "RUN"), filepath.Join("third", "Ümlaut"),
		filepath.Join("fourth", "ümlaut")} {
		if err := os.CopyFS(filepath.Join(dir, run), os.DirFS(filepath.Join(dir, "run"))); err != nil {
			t.Fatal(err)
		}
	}
	refuse(t, 1, dir, []string{"archive", "run", filepath.Join("other", "RUN"), "--out", "x.tar.gz"}, "case alone")
	refuse(t, 1, dir, []string{"archive", filepath.Join("third", "Ümlaut"), filepath.Join("fourth", "ümlaut"), "--out",
		"x.tar.gz"}, "case alone")
	put(t, filepath.Join(dir, "run", "Notes.md"), []byte("a"))
	must(t, dir, "archive", "run", "--out", "one.tar.gz", "--binary=false")
	put(t, filepath.Join(dir, "run", "notes.md"), []byte("b"))
	if entries, err := filepath.Glob(filepath.Join(dir, "run", "?otes.md")); err != nil || len(entries) != 2 {
		t.Skip("file names here have no case")
	}
	refuse(t, 1, dir, []string{"archive", "run", "--out", "x.tar.gz"}, "case alone")
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, small("--out", "pretrained", "--seed", "2", "--pretrain", "6", "--offset-rate", "0.01", "--pixels",
		"sample")...)
	must(t, dir, "archive", "run", "pretrained", "--binary=false", "--out", "a.tar.gz")
	said := func(code int, args ...string) verified {
		t.Helper()
		out, messages, got := tandem(t, dir, append([]string{"verify", "--json"}, args...)...)
		if got != code {
			t.Errorf("verify %v: exit code %d, want %d\n%s%s", args, got, code, out, messages)
		}
		var v verified
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatalf("%v in\n%s%s", err, out, messages)
		}
		return v
	}
	// The updates recorded are 1, 10, 20 and 30, where the checkpoint is.
	for n, want := range map[string][2]int{"1": {1, 2}, "9": {1, 2}, "10": {10, 3}, "29": {20, 4}, "30": {30, 5},
		"100": {30, 5}} {
		v := said(0, "a.tar.gz", "--updates", n, "--threads", "3")
		if v.File != "a.tar.gz" || v.Checksums != 14 || len(v.Runs) != 2 || v.Runs[0].Run != "pretrained" ||
			v.Runs[1].Run != "run" {
			t.Fatalf("verify says %+v", v)
		}
		for _, r := range v.Runs {
			if !r.OK || r.Error != "" || r.Updates != uint64(want[0]) || r.Compared != want[1] {
				t.Errorf("--updates %s: %+v; want %d updates and %d hashes", n, r, want[0], want[1])
			}
		}
	}
	out := must(t, dir, "verify", "a.tar.gz")
	for _, w := range []string{`checksums +14 files`, `(?m)^run +the same bits: 5 hashes compared, 30 updates`,
		`(?m)^pretrained +the same bits`} {
		if !regexp.MustCompile(w).MatchString(out) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	refuse(t, 1, dir, []string{"verify", "a.tar.gz", "--updates", "0"}, "nothing to compare before update 1")
	refuse(t, 2, dir, []string{"verify", "a.tar.gz", "--threads", "0"}, "threads")
	refuse(t, 2, dir, []string{"verify"}, "FILE is missing")
	refuse(t, 1, dir, []string{"verify", "nowhere.tar.gz"}, "nowhere.tar.gz")
	refuse(t, 1, dir, []string{"verify", "run/checkpoint.tandem"}, "not an archive of tandem")

	// A byte changed, without new checksums: one of gzip's own checksum of the content.
	// Another may change nothing that is read, such as the distance to equal zeros.
	data := get(t, filepath.Join(dir, "a.tar.gz"))
	data[len(data)-8] ^= 1
	put(t, filepath.Join(dir, "damaged.tar.gz"), data)
	refuse(t, 1, dir, []string{"verify", "damaged.tar.gz"}, "damaged.tar.gz")

	// Lies with checksums that are right.
	good := unpacked(t, filepath.Join(dir, "a.tar.gz"))
	metrics, err := runs.ReadMetrics(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	zeros := strings.Repeat("0", 64)
	replace := func(name, old, with string) map[string][]byte {
		t.Helper()
		files := maps.Clone(good)
		files[name] = bytes.Replace(good[name], []byte(old), []byte(with), 1)
		if bytes.Equal(files[name], good[name]) {
			t.Fatalf("no %s in %s", old, name)
		}
		return files
	}
	without := func(names ...string) map[string][]byte {
		files := maps.Clone(good)
		for _, name := range names {
			delete(files, name)
		}
		return files
	}
	with := func(name string, data []byte) map[string][]byte {
		files := maps.Clone(good)
		files[name] = data
		return files
	}
	own := func(run string) (names []string) {
		for name := range good {
			if strings.HasPrefix(name, "runs/"+run+"/") {
				names = append(names, name)
			}
		}
		return names
	}
	lines := bytes.SplitAfter(good["runs/run/metrics.jsonl"], []byte("\n"))
	newer := bytes.Replace(good["runs/run/checkpoint.tandem"], []byte(`"numerics":1`), []byte(`"numerics":9`), 1)
	newer = newer[:len(newer)-sha256.Size]
	sum := sha256.Sum256(newer)
	newer = append(newer, sum[:]...)
	must(t, dir, small("--out", "elsewhere/run", "--seed", "3")...)
	for name, c := range map[string]struct {
		files   map[string][]byte
		updates string
		words   []string
	}{
		"hash": {replace("runs/run/metrics.jsonl", metrics[1].ParamsSHA256, zeros), "10",
			[]string{"run run: update 10: ", zeros[:12]}},
		"first hash": {replace("runs/run/metrics.jsonl", metrics[0].ParamsSHA256, zeros), "1",
			[]string{"run run: update 1: "}},
		"hash of checkpoint": {replace("runs/run/metrics.jsonl", metrics[3].ParamsSHA256, zeros), "1",
			[]string{"run run: the checkpoint, at update 30: "}},
		"second line": {with("runs/run/metrics.jsonl", slices.Concat(good["runs/run/metrics.jsonl"],
			bytes.ReplaceAll(lines[0], []byte(metrics[0].ParamsSHA256), []byte(zeros)))), "1", []string{"run run: update 1: "}},
		"line of checkpoint": {with("runs/run/metrics.jsonl", bytes.Join(lines[:3], nil)), "100", []string{"run run: ",
			"no hash for update 30"}},
		"no first lines": {with("runs/run/metrics.jsonl", bytes.Join(lines[1:], nil)), "9",
			[]string{"run run: nothing to compare before update 10", "--updates 10"}},
		"no lines": {with("runs/run/metrics.jsonl", []byte{}), "100", []string{"run run: nothing to compare"}},
		"other checkpoint": {with("runs/run/checkpoint.tandem", get(t, filepath.Join(dir,
			"elsewhere/run/checkpoint.tandem"))), "1", []string{"run run: ", "do not agree on seed"}},
		"other run": {func() map[string][]byte {
			files := maps.Clone(good)
			for _, name := range []string{"checkpoint.tandem", "config.json"} {
				files["runs/run/"+name] = get(t, filepath.Join(dir, "elsewhere/run", name))
			}
			return files
		}(), "1", []string{"run run: the checkpoint, at update 30: "}},
		"other numerics": {with("runs/run/checkpoint.tandem", newer), "1",
			[]string{"run run: numerics version 9, this build has 1"}},
		"other data": {replace("runs/run/manifest.json", `"sha256": "ba89`, `"sha256": "0000`), "1",
			[]string{"run run: ", "--data PATH"}},
		"no config": {without("runs/run/config.json"), "1", []string{"run run: ", "no config.json"}},
		"pictures alone": {without(slices.DeleteFunc(own("run"), func(name string) bool {
			return strings.HasSuffix(name,
				".png")
		})...), "1", []string{"run run: ", "no config.json"}},
		"no runs": {without(append(own("run"), own("pretrained")...)...), "1", []string{"no run in it"}},
	} {
		t.Run(name, func(t *testing.T) {
			repack(t, filepath.Join(dir, "lie.tar.gz"), c.files)
			refuse(t, 1, dir, []string{"verify", "lie.tar.gz", "--updates", c.updates}, append(c.words, "lie.tar.gz")...)
		})
	}
	// One run that fails leaves the other its due.
	repack(t, filepath.Join(dir, "lie.tar.gz"), replace("runs/pretrained/metrics.jsonl", `"params_sha256":"`,
		`"params_sha256":"0`))
	v := said(1, "lie.tar.gz", "--updates", "1")
	if len(v.Runs) != 2 || v.Runs[0].OK || !strings.Contains(v.Runs[0].Error, "update 1") || !v.Runs[1].OK {
		t.Errorf("verify says %+v", v)
	}
}

// A run that learnt from other images needs them to be verified.
func TestVerifyWithData(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, filepath.Join(dir, "data"), 13, 5, 7)
	writeImages(t, filepath.Join(dir, "fewer"), 12, 5, 7)
	must(t, dir, "train", "--quiet", "--preset", "quick", "--data", "data", "--layers", "35,9,8", "--updates", "20",
		"--batch", "4", "--out",
		"run")
	must(t, dir, small("--out", "digits")...)
	must(t, dir, "archive", "run", "digits", "--binary=false", "--out", "a.tar.gz")
	if err := os.Rename(filepath.Join(dir, "data"), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	refuse(t, 1, dir, []string{"verify", "a.tar.gz"}, "run run: ", "--data PATH")
	refuse(t, 1, dir, []string{"verify", "a.tar.gz", "--data", "fewer"}, "run run: ", "--data PATH")
	refuse(t, 1, dir, []string{"verify", "a.tar.gz", "--data", "data"}, "data")
	must(t, dir, "verify", "a.tar.gz", "--data", "moved")

	// A layer that does not fit the images is an error like others.
	files := unpacked(t, filepath.Join(dir, "a.tar.gz"))
	files["runs/run/manifest.json"] = files["runs/digits/manifest.json"]
	repack(t, filepath.Join(dir, "lie.tar.gz"), files)
	refuse(t, 1, dir, []string{"verify", "lie.tar.gz"}, "run run: ", "35 units", "784 pixels")
}

// A run is archived while it is trained.
func TestArchiveOfARunInTraining(t *testing.T) {
	dir := t.TempDir()
	begin(t, dir, "checkpoint.tandem", "10")
	for range 8 {
		must(t, dir, "archive", "run", "--binary=false", "--out", "a.tar.gz")
		must(t, dir, "verify", "a.tar.gz", "--updates", "20")
	}
}

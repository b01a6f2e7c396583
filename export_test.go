package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tandem/internal/runs"
)

func TestExport(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, "export", "run", "--npz", "run.npz")
	c, err := runs.ReadCheckpoint(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(filepath.Join(dir, "run.npz"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	want := map[string]struct {
		shape string
		x     []float32
	}{
		"W1": {"784, 20", c.State.Weights[0]}, "W2": {"20, 10", c.State.Weights[1]},
		"b0": {"784,", c.State.Biases[0]}, "b1": {"20,", c.State.Biases[1]}, "b2": {"10,", c.State.Biases[2]},
		"mu":      {"2,", []float32{float32(c.State.Mu[0]), float32(c.State.Mu[1])}},
		"chains0": {"4, 784", c.State.Chains[0]}, "chains1": {"4, 20", c.State.Chains[1]}, "chains2": {"4, 10",
			c.State.Chains[2]},
	}
	if len(z.File) != len(want)+1 {
		t.Errorf("%d arrays, want %d", len(z.File)-1, len(want))
	}
	for _, f := range z.File {
		if f.Name == "tandem.json" {
			continue
		}
		w, ok := want[strings.TrimSuffix(f.Name, ".npy")]
		if !ok {
			t.Errorf("%s was not asked for", f.Name)
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		data := b.Bytes()
		length := int(binary.LittleEndian.Uint16(data[8:]))
		header, numbers := string(data[10:10+length]), data[10+length:]
		if !bytes.HasPrefix(data, []byte("\x93NUMPY\x01\x00")) || (10+length)%64 != 0 || !strings.HasSuffix(header, "\n") ||
			!strings.Contains(header, "'descr': '<f4'") || !strings.Contains(strings.ReplaceAll(header, ",)", ")"),
			"("+strings.TrimSuffix(w.shape, ",")+")") {
			t.Errorf("%s has header %q, want shape %s", f.Name, header, w.shape)
		}
		for i, x := range w.x {
			if got := math.Float32frombits(binary.LittleEndian.Uint32(numbers[4*i:])); got != x {
				t.Fatalf("%s: number %d is %v, want %v", f.Name, i, got, x)
			}
		}
		if len(numbers) != 4*len(w.x) {
			t.Errorf("%s has %d bytes of numbers, want %d", f.Name, len(numbers), 4*len(w.x))
		}
	}
}

// What export wrote stands for the run, with its chains or without.
func TestExportedModelIsRead(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, "export", "run", "--npz", "with.npz")
	must(t, dir, "export", "run", "--npz", "without.npz", "--chains=false")
	must(t, dir, small("--out", "again")...)
	must(t, dir, "export", "again", "--npz", "again.npz")
	one, err := os.ReadFile(filepath.Join(dir, "with.npz"))
	if err != nil {
		t.Fatal(err)
	}
	if other, err := os.ReadFile(filepath.Join(dir, "again.npz")); err != nil || !bytes.Equal(one, other) {
		t.Errorf("the same training twice gives two archives; %v", err)
	}
	for _, args := range [][]string{{"sample"}, {"sample", "--fresh", "3", "--sweeps", "2"}, {"filters"}} {
		var want []byte
		for _, model := range []string{"run", "with.npz", "without.npz"} {
			if model == "without.npz" && len(args) == 1 && args[0] == "sample" {
				continue
			}
			must(t, dir, append(slices.Clone(args), model, "--out", "picture.png")...)
			got, err := os.ReadFile(filepath.Join(dir, "picture.png"))
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%v of %s is another picture than that of the run", args, model)
			}
		}
	}
	if run := about(t, dir, "with.npz"); run["has_chains"] != true {
		t.Errorf("info of a model with chains: %v", run["has_chains"])
	}
	if run, model := about(t, dir, "run"), about(t, dir, "with.npz"); fmt.Sprint(model["layers"],
		model["updates"]) != fmt.Sprint(run["layers"], run["updates"]) {
		t.Errorf("info of an exported model is %v", model)
	}
	data, err := os.ReadFile(filepath.Join(dir, "with.npz"))
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{"cut.npz": data[:len(data)/2], "empty.npz": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), bad, 0o666); err != nil {
			t.Fatal(err)
		}
		refuse(t, 1, dir, []string{"sample", name}, name)
	}
	refuse(t, 1, dir, []string{"sample", "nowhere.npz"}, "nowhere.npz")
}

// A model without chains has none that sample could show: it says so and draws new ones,
// the same each time.
func TestModelWithoutChains(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, "export", "run", "--npz", "x.npz", "--chains=false")
	out, messages, code := tandem(t, dir, "sample", "x.npz", "--quiet")
	if code != 0 || !strings.Contains(messages, "x.npz has no training chains; this draws 50 new ones") ||
		out != "x-samples-annealed-1000.png\n" {
		t.Errorf("exit code %d, %q\n%s", code, out, messages)
	}
	must(t, dir, "sample", "run", "--fresh", "50", "--anneal", "1000", "--out", "asked.png", "--quiet")
	drawn, err := os.ReadFile(filepath.Join(dir, "x-samples-annealed-1000.png"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, dir, "sample", "x.npz", "--quiet", "--out", "again.png")
	if again, err := os.ReadFile(filepath.Join(dir, "again.png")); err != nil || !bytes.Equal(drawn, again) {
		t.Errorf("drawn twice, two pictures; %v", err)
	}
	if asked, err := os.ReadFile(filepath.Join(dir, "asked.png")); err != nil || bytes.Equal(drawn, asked) {
		t.Errorf("the caption does not say that there were no chains; %v", err)
	}
	refuse(t, 1, dir, []string{"sample", "x.npz", "--sweeps", "5"}, "x.npz", "no training chains", "--fresh 50")
	refuse(t, 1, dir, []string{"export", "x.npz", "--npz", "y.npz", "--chains"}, "no training chains")
	refuse(t, 1, dir, []string{"bench", "update", "--run", "x.npz"}, "x.npz", "folder")
	if _, messages, code := tandem(t, dir, "export", "x.npz", "--npz", "y.npz"); code != 0 ||
		!strings.Contains(messages, "no training chains") {
		t.Errorf("exit code %d\n%s", code, messages)
	}
	one, err := os.ReadFile(filepath.Join(dir, "x.npz"))
	if err != nil {
		t.Fatal(err)
	}
	if other, err := os.ReadFile(filepath.Join(dir, "y.npz")); err != nil || !bytes.Equal(one, other) {
		t.Errorf("what is exported from a model has other bytes; %v", err)
	}
	if about(t, dir, "x.npz")["has_chains"] != false {
		t.Error("info says that there are chains")
	}
	table := must(t, dir, "info", "x.npz")
	for _, none := range []string{"0 threads", "  kernels", ", kernels", "0 s"} {
		if strings.Contains(table, none) {
			t.Errorf("info prints %q of what is not known:\n%s", none, table)
		}
	}
	if !strings.Contains(table, "none in the file") {
		t.Errorf("info does not say that there are no chains:\n%s", table)
	}
	for _, verb := range [][]string{{"filters", "x.npz"}, {"complete", "x.npz", "--images", "1", "--sweeps", "2"},
		{"features", "x.npz", "--npz", "f.npz", "--quiet"}} {
		must(t, dir, verb...)
	}
}

// A model is known by its content, whatever its name. Of what is none, the message says
// what it is.
func TestModelOfAnyName(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	for _, name := range []string{"plain", "model.zip", "x.tar.gz"} {
		must(t, dir, "export", "run", "--npz", name)
		if about(t, dir, name)["updates"] != 30.0 {
			t.Errorf("info of %s", name)
		}
		if out := must(t, dir, "filters", name); out != name+"-filters.png\n" {
			t.Errorf("filters of %s is %q", name, out)
		}
	}
	if err := os.Rename(filepath.Join(dir, "run"), filepath.Join(dir, "run.npz")); err != nil {
		t.Fatal(err)
	}
	if out := must(t, dir, "filters", "run.npz"); out != filepath.Join("run.npz", "filters.png")+"\n" {
		t.Errorf("filters of a folder with such a name is %q", out)
	}
	if err := os.WriteFile(filepath.Join(dir, "text.npz"), []byte("not a model at all"), 0o666); err != nil {
		t.Fatal(err)
	}
	refuse(t, 1, dir, []string{"info", "text.npz"}, "text.npz", "neither the folder of a run nor a model")
	refuse(t, 1, dir, []string{"info", "run.npz/checkpoint.tandem"}, "checkpoint of a run", "hint: name the run's folder")
	refuse(t, 1, dir, []string{"info", "."}, "no run")
	if _, err := os.Stat("/dev/zero"); err == nil {
		refuse(t, 1, dir, []string{"info", "/dev/zero"}, "/dev/zero", "not a regular file")
	}
}

// What cannot be written is a failure.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full")
	}
	defer full.Close()
	dir := t.TempDir()
	tandem(t, dir, "version") // skips where no process can be started
	c := command(t, dir, "version")
	c.Stdout = full
	if err := c.Run(); c.ProcessState.ExitCode() != 1 {
		t.Errorf("exit code %d (%v), want 1", c.ProcessState.ExitCode(), err)
	}
	must(t, dir, small("--out", "run")...)
	refuse(t, 1, dir, []string{"export", "run", "--npz", "run/checkpoint.tandem"}, "checkpoint.tandem")
	link := filepath.Join(dir, "link")
	if err := os.Symlink("target", link); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "target"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	refuse(t, 1, dir, []string{"export", "run", "--npz", "link"}, "link is a link", "target")
	if info, err := os.Stat(link); err != nil || info.Size() != 0 {
		t.Errorf("something was written behind the link: %v", err)
	}
}

package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image/gif"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dustin/go-humanize"

	"tandem/dbm"
	"tandem/internal/runs"
	"tandem/mnist"
)

// The test binary is tandem itself when a test runs it with this variable set.
const asTandem = "TANDEM_TEST_AS_TANDEM"

func TestMain(m *testing.M) {
	if os.Getenv(asTandem) != "" {
		main()
	}
	os.Exit(m.Run())
}

// command is tandem with arguments, in a folder of its own.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Dir = dir
	c.Env = append(os.Environ(), asTandem+"=1")
	return c
}

// tandem runs tandem and returns what it wrote and its exit code.
func tandem(t *testing.T, dir string, args ...string) (out, messages string, code int) {
	t.Helper()
	if runtime.GOARCH == "arm64" && os.Getenv("TANDEM_TEST_REQUIRE") != "" {
		t.Skip("an emulator may not start a second process")
	}
	var stdout, stderr bytes.Buffer
	c := command(t, dir, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), c.ProcessState.ExitCode()
}

// must runs tandem, which must succeed, and returns what it wrote.
func must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, messages, code := tandem(t, dir, args...)
	if code != 0 {
		t.Fatalf("tandem %s: exit code %d\n%s", strings.Join(args, " "), code, messages)
	}
	return out
}

// refuse runs tandem, which must fail with an exit code and a message with all
// of some words.
func refuse(t *testing.T, code int, dir string, args []string, words ...string) {
	t.Helper()
	out, messages, got := tandem(t, dir, args...)
	if got != code {
		t.Errorf("tandem %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, messages)
	}
	for _, w := range words {
		if !strings.Contains(messages, w) {
			t.Errorf("tandem %s: no %q in the message\n%s", strings.Join(args, " "), w, messages)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(messages), "\n") {
		if !strings.HasPrefix(line, "tandem: ") || strings.Contains(line, "goroutine") {
			t.Errorf("tandem %s: a message that is none: %q", strings.Join(args, " "), line)
		}
	}
}

// small is the flags of a run that takes no time.
func small(more ...string) []string {
	return append([]string{"train", "--quiet", "--layers", "784,20,10", "--batch", "5", "--chains", "4", "--updates", "30", "--checkpoint-every", "10"}, more...)
}

// about is what info tells about a run.
func about(t *testing.T, dir, run string) map[string]any {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal([]byte(must(t, dir, "info", run, "--json")), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func sha(t *testing.T, dir, run string) string {
	t.Helper()
	return about(t, dir, run)["params_sha256"].(string)
}

func TestTandemAloneListsItsVerbs(t *testing.T) {
	out := must(t, t.TempDir())
	for _, v := range []string{"train", "resume", "filters", "sample", "export", "info", "version"} {
		if !strings.Contains(out, "\n  tandem "+v+" ") {
			t.Errorf("no %s in\n%s", v, out)
		}
	}
	if out := must(t, t.TempDir(), "train", "--help"); !strings.Contains(out, "--mean-field-tolerance X") || !strings.Contains(out, "(default 784,500,500)") {
		t.Errorf("train --help tells\n%s", out)
	}
	if out := must(t, t.TempDir(), "version"); !regexp.MustCompile(`^tandem \d+\.\d+\.\d+ \(numerics \d+, go`).MatchString(out) {
		t.Errorf("version tells %q", out)
	}
	if out := must(t, t.TempDir(), "info"); !strings.Contains(out, "Yann LeCun") || !strings.Contains(out, "kernels") {
		t.Errorf("info tells\n%s", out)
	}
}

func TestTrainAndWhatComesAfter(t *testing.T) {
	dir := t.TempDir()
	out := must(t, dir, small("--out", "run")...)
	for _, w := range []string{"filters.png", "samples.png", "tandem resume run --updates 60"} {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	for _, name := range []string{"config.json", "manifest.json", "metrics.jsonl", "checkpoint.tandem", "filters.png", "samples.png"} {
		if _, err := os.Stat(filepath.Join(dir, "run", name)); err != nil {
			t.Error(err)
		}
	}
	r := about(t, dir, "run")
	if r["updates"] != 30.0 || fmt.Sprint(r["layers"]) != "[784 20 10]" || r["seed"] != 1.0 || r["kernel"] == "" {
		t.Errorf("info tells %v", r)
	}
	for _, key := range []string{"live_filters", "noise_filters", "duplicate_filters", "norm_mean", "norm_sd"} {
		if list, ok := r[key].([]any); !ok || len(list) != 2 {
			t.Errorf("%s is %v", key, r[key])
		}
	}
	if len(r["params_sha256"].(string)) != 64 {
		t.Errorf("params_sha256 is %v", r["params_sha256"])
	}
	metrics, err := runs.ReadMetrics(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	var at []uint64
	for _, m := range metrics {
		at = append(at, m.Update)
	}
	if !slices.Equal(at, []uint64{1, 10, 20, 30}) || metrics[3].ParamsSHA256 != r["params_sha256"] {
		t.Errorf("metrics are at %v and end with %s", at, metrics[len(metrics)-1].ParamsSHA256)
	}

	refuse(t, 1, dir, small("--out", "run"), "run", "tandem resume run")
	refuse(t, 1, dir, []string{"resume", "run"}, "30 updates", "--updates 60")

	// A run as config.json says, in a folder found by itself, ends the same.
	out = must(t, dir, "train", "--quiet", "--config", "run/config.json")
	again := regexp.MustCompile(`runs/[^/]+`).FindString(filepath.ToSlash(out))
	if sha(t, dir, again) != r["params_sha256"] {
		t.Errorf("%s differs from the run whose configuration it has", again)
	}
	// So does one cut in two, and flags beat the configuration.
	must(t, dir, "train", "--quiet", "--config", "run/config.json", "--updates", "17", "--threads", "1", "--out", "cut")
	must(t, dir, "resume", "cut", "--updates", "30", "--threads", "3", "--quiet")
	if sha(t, dir, "cut") != r["params_sha256"] {
		t.Error("the cut shows")
	}
	for _, name := range []string{must(t, dir, "filters", "run", "--units", "0", "--out", "all.png"), must(t, dir, "sample", "run", "--fresh", "7", "--sweeps", "3", "--out", "fresh.png")} {
		data, err := os.ReadFile(filepath.Join(dir, strings.TrimSpace(name)))
		if err != nil || !bytes.HasPrefix(data, []byte("\x89PNG")) {
			t.Errorf("%s is no picture: %v", name, err)
		}
	}
}

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
		"chains0": {"4, 784", c.State.Chains[0]}, "chains1": {"4, 20", c.State.Chains[1]}, "chains2": {"4, 10", c.State.Chains[2]},
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
			!strings.Contains(header, "'descr': '<f4'") || !strings.Contains(strings.ReplaceAll(header, ",)", ")"), "("+strings.TrimSuffix(w.shape, ",")+")") {
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
	must(t, dir, "sample", "without.npz")
	if run, model := about(t, dir, "run"), about(t, dir, "with.npz"); fmt.Sprint(model["layers"], model["updates"]) != fmt.Sprint(run["layers"], run["updates"]) {
		t.Errorf("info of an exported model is %v", model)
	}
	if _, err := os.Stat(filepath.Join(dir, "without-samples.png")); err != nil {
		t.Error(err)
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

// long skips a test that takes minutes on an emulated machine.
func long(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
}

// eval of a model that can be enumerated finds what enumeration does, and the
// figures of each image add up to those of the set.
func TestEval(t *testing.T) {
	long(t)
	dir := t.TempDir()
	must(t, dir, small("--out", "run", "--layers", "784,9", "--updates", "60", "--learning-rate", "0.1", "--pixels", "sample")...)
	var e struct {
		LogZ    float64 `json:"log_z"`
		StdErr  float64 `json:"log_z_stderr"`
		Reverse float64 `json:"log_z_reverse"`
		Test    float64 `json:"bound_test"`
		TestErr float64 `json:"bound_test_stderr"`
		Train   float64 `json:"bound_train"`
		Trusted bool    `json:"trusted"`
		Exact   struct {
			LogZ float64 `json:"log_z"`
			Test float64 `json:"log_likelihood_test"`
		} `json:"exact"`
	}
	out := must(t, dir, "eval", "run", "--runs", "30", "--temps", "300", "--sweeps", "50", "--split", "test,train", "--json", "--per-example", "all.csv", "--quiet")
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatal(err)
	}
	if d := math.Abs(e.LogZ - e.Exact.LogZ); !(d < 4*e.StdErr) || math.Abs(e.Reverse-e.LogZ) > 1 || !e.Trusted {
		t.Errorf("log Z is %v ± %v, from above %v, exactly %v", e.LogZ, e.StdErr, e.Reverse, e.Exact.LogZ)
	}
	if d := (e.Test + e.LogZ) - (e.Exact.Test + e.Exact.LogZ); math.Abs(d) > 1e-3 || e.TestErr <= 0 || e.Train == 0 {
		t.Errorf("the bound is %v ± %v, %v nats beside the truth", e.Test, e.TestErr, d)
	}
	data, err := os.ReadFile(filepath.Join(dir, "all.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	sum := 0.0
	for _, line := range lines[1:] {
		if words := strings.Split(line, ","); words[0] == "test" {
			x, err := strconv.ParseFloat(words[4], 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += x / 10000
		}
	}
	if len(lines) != 70001 || math.Abs(sum-e.Test) > 1e-6 {
		t.Errorf("%d lines, the bounds of the test images have mean %v, not %v", len(lines), sum, e.Test)
	}
	if text := must(t, dir, "eval", "run", "--runs", "3", "--temps", "30", "--quiet"); !strings.Contains(text, "bound, test") || !strings.Contains(text, "from above") {
		t.Errorf("eval says %q", text)
	}
	refuse(t, 2, dir, []string{"eval", "run", "--pixels", "grey"}, "grey", "fixed")
	refuse(t, 2, dir, []string{"eval", "run", "--split", "all"}, "split", "test")
	refuse(t, 2, dir, []string{"eval", "run", "--split", "test,test"}, "split", "test")
	refuse(t, 2, dir, []string{"eval", "run", "--runs", "0"}, "runs")
	refuse(t, 1, dir, []string{"eval", "nowhere"}, "nowhere")
}

// Features are the fixed point of mean field, for all images, with their labels.
func TestFeatures(t *testing.T) {
	long(t)
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, "features", "run", "--npz", "f.npz", "--quiet")
	z, err := zip.OpenReader(filepath.Join(dir, "f.npz"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	read := func(name string) []byte {
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(f); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()[10+int(binary.LittleEndian.Uint16(b.Bytes()[8:])):]
	}
	q1, q2, labels := read("q1.npy"), read("q2.npy"), read("labels.npy")
	set, err := mnist.Open("", mnist.Test)
	if err != nil {
		t.Fatal(err)
	}
	if len(q1) != 4*10000*20 || len(q2) != 4*10000*10 || !bytes.Equal(labels, set.Labels) {
		t.Fatalf("%d and %d bytes of features, %d labels", len(q1), len(q2), len(labels))
	}
	c, err := runs.ReadCheckpoint(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	at := func(b []byte, i int) float64 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
	}
	for _, image := range []int{0, 150, 9999} {
		for j := range 10 {
			pre := float64(c.State.Biases[2][j])
			for i := range 20 {
				pre += at(q1, image*20+i) * float64(c.State.Weights[1][i*10+j])
			}
			if want, got := 1/(1+math.Exp(-pre)), at(q2, image*10+j); math.Abs(got-want) > 1e-4 {
				t.Errorf("image %d: unit %d of layer 2 is %v, want %v", image, j, got, want)
			}
		}
	}
	refuse(t, 2, dir, []string{"features", "run"}, "--npz")
	refuse(t, 2, dir, []string{"features", "run", "--npz", "x.npz", "--pixels", "sample"}, "pixels")
	refuse(t, 2, dir, []string{"features", "run", "--npz", "x.npz", "--split", "all"}, "split")
}

// Annealed samples and animations: the same chains whoever looks, as many frames as
// were asked for.
func TestAnnealedSamplesAndFilms(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, "sample", "run", "--fresh", "5", "--anneal", "20", "--sweeps", "4", "--gif", "film.gif", "--out", "a.png")
	must(t, dir, "sample", "run", "--fresh", "5", "--anneal", "20", "--sweeps", "4", "--out", "b.png")
	a, err := os.ReadFile(filepath.Join(dir, "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "b.png")); err != nil || !bytes.Equal(a, b) {
		t.Errorf("an animation changes the samples (%v)", err)
	}
	f, err := os.Open(filepath.Join(dir, "film.gif"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	film, err := gif.DecodeAll(f)
	if err != nil || len(film.Image) != 24 || bytes.Equal(film.Image[0].Pix, film.Image[23].Pix) {
		t.Errorf("%d frames, %v", len(film.Image), err)
	}
	must(t, dir, "sample", "run", "--fresh", "1", "--sweeps", "1200", "--gif", "long.gif") // its captions grow
	refuse(t, 2, dir, []string{"sample", "run", "--anneal", "20"}, "--fresh")
	refuse(t, 2, dir, []string{"sample", "run", "--gif", "x.gif"}, "--sweeps")
}

// complete draws, keeps to what it was asked, and refuses what it cannot do.
func TestComplete(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	pictures := map[string]bool{}
	for _, half := range []string{"top", "bottom", "left", "right"} {
		must(t, dir, "complete", "run", "--known", half, "--images", "3", "--sweeps", "5")
		data, err := os.ReadFile(filepath.Join(dir, "run", "completed-"+half+".png"))
		if err != nil {
			t.Fatal(err)
		}
		pictures[string(data)] = true
	}
	if len(pictures) != 4 {
		t.Errorf("%d different pictures of four halves", len(pictures))
	}
	refuse(t, 2, dir, []string{"complete", "run", "--known", "middle"}, "middle", "top")
	refuse(t, 2, dir, []string{"complete", "run", "--images", "0"}, "images")
	refuse(t, 2, dir, []string{"complete", "run", "--images", "10001"}, "images", "10000")
	refuse(t, 2, dir, []string{"complete", "run", "--sweeps", "0"}, "sweeps")
}

func TestClassify(t *testing.T) {
	long(t)
	dir := t.TempDir()
	must(t, dir, small("--out", "run", "--updates", "400", "--learning-rate", "0.05")...)
	var r struct {
		Labels       int      `json:"labels"`
		HeldOut      int      `json:"held_out"`
		Error        float64  `json:"test_error"`
		Wrong        int      `json:"test_wrong"`
		HeldOutError *float64 `json:"held_out_error"`
		Epoch        int      `json:"epoch"`
		Epochs       int      `json:"epochs"`
		Scratch      bool     `json:"scratch"`
	}
	if err := json.Unmarshal([]byte(must(t, dir, "classify", "run", "--labels", "200", "--epochs", "400", "--drop-hidden", "0", "--learning-rate", "0.01", "--json", "--quiet")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Labels != 200 || r.HeldOut != 0 || r.HeldOutError != nil || r.Error > 0.5 || r.Error != float64(r.Wrong)/10000 {
		t.Errorf("classify says %+v", r)
	}
	wrong := map[int]bool{} // another start ends elsewhere
	for _, test := range []struct {
		flags        []string
		labels, held int
		most         float64 // errors on the test images
	}{
		{[]string{"--epochs", "5", "--learning-rate", "0.01"}, 50_000, 10_000, 0.25},
		{[]string{"--epochs", "5", "--learning-rate", "0.01", "--scratch"}, 50_000, 10_000, 0.25},
		{[]string{"--epochs", "2", "--top-first", "1", "--all"}, 60_000, 0, 0.85},
	} {
		r.HeldOutError = nil
		args := append([]string{"classify", "run", "--adversarial", "0", "--drop-hidden", "0", "--json", "--quiet"}, test.flags...)
		if err := json.Unmarshal([]byte(must(t, dir, args...)), &r); err != nil {
			t.Fatal(err)
		}
		if r.Labels != test.labels || r.HeldOut != test.held || r.Error > test.most || r.Epoch < 1 || r.Epoch > r.Epochs ||
			r.Scratch != slices.Contains(test.flags, "--scratch") || (r.HeldOutError == nil) != (test.held == 0) {
			t.Errorf("classify %q says %+v", test.flags, r)
		}
		if wrong[r.Wrong] {
			t.Errorf("classify %q ends as if one of its flags did nothing", test.flags)
		}
		wrong[r.Wrong] = true
		if r.HeldOutError != nil && math.Abs(*r.HeldOutError-r.Error) > 0.05 {
			t.Errorf("classify %q: %v of those held out are wrong, and %v of the test images", test.flags, *r.HeldOutError, r.Error)
		}
	}
	refuse(t, 2, dir, []string{"classify", "run", "--labels", "5"}, "labels", "10")
	refuse(t, 2, dir, []string{"classify", "run", "--labels", "-1"}, "labels")
	refuse(t, 2, dir, []string{"classify", "run", "--labels", "100", "--all"}, "--all")
	refuse(t, 2, dir, []string{"classify", "run", "--epochs", "-1"}, "epochs")
	refuse(t, 1, dir, []string{"classify", "nowhere"}, "nowhere")
}

// Rough estimates come while a model trains.
func TestEstimates(t *testing.T) {
	long(t)
	dir := t.TempDir()
	must(t, dir, small("--out", "run", "--updates", "14000", "--batch", "50", "--chains", "50", "--checkpoint-every", "7000", "--eval-every", "500", "--pixels", "sample", "--offset-rate", "0.01", "--learning-rate", "0.05")...)
	all, err := runs.ReadMetrics(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	last := 0.0
	for _, m := range all {
		if m.BoundTest != 0 {
			last = m.BoundTest
			if m.Update%500 != 0 {
				t.Errorf("an estimate at update %d", m.Update)
			}
		}
	}
	if last > -50 || last < -250 {
		t.Errorf("the last estimate of the bound is %v", last)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad.json"), []byte(`{"layres": [784]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		code  int
		words []string
	}{
		{[]string{"trian"}, 2, []string{"trian"}},
		{[]string{"train", "extra"}, 2, []string{"extra"}},
		{[]string{"train", "--bathc", "5"}, 2, []string{"bathc", "--help"}},
		{[]string{"train", "--batch", "0"}, 2, []string{"batch"}},
		{[]string{"train", "--batch", "x"}, 2, []string{"batch"}},
		{[]string{"train", "--layers", "784,x"}, 2, []string{"layers", `"x"`}},
		{[]string{"train", "--layers", "100,50"}, 2, []string{"100 units", "784 pixels"}},
		{[]string{"train", "--layers", "784"}, 2, []string{"layers", "hidden"}},
		{[]string{"train", "--alpha", "0.1,0.2,0.3"}, 2, []string{"alpha"}},
		{[]string{"train", "--alpha", "-1"}, 2, []string{"alpha"}},
		{[]string{"train", "--learning-rate", "NaN"}, 2, []string{"learning_rate"}},
		{[]string{"train", "--preset", "slow"}, 2, []string{"slow", "quick"}},
		{[]string{"train", "--pixels", "red"}, 2, []string{"red", "threshold"}},
		{[]string{"train", "--threads", "0"}, 2, []string{"threads"}},
		{[]string{"train", "--updates", "0"}, 2, []string{"updates"}},
		{[]string{"train", "--pprof", "0.0.0.0:6060"}, 2, []string{"loopback"}},
		{[]string{"train", "--config", "bad.json"}, 1, []string{"bad.json", "layres"}},
		{[]string{"train", "--config", "none.json"}, 1, []string{"none.json"}},
		{[]string{"train", "--data", "nowhere"}, 1, []string{"nowhere"}},
		{[]string{"train", "--cpuprofile", "no/such/folder/file"}, 1, []string{"cpuprofile"}},
		{[]string{"resume"}, 2, []string{"RUN is missing"}},
		{[]string{"resume", "nowhere"}, 1, []string{"nowhere"}},
		{[]string{"resume", "."}, 1, []string{"."}},
		{[]string{"info", "nowhere"}, 1, []string{"nowhere"}},
		{[]string{"filters", "nowhere"}, 1, []string{"nowhere"}},
		{[]string{"sample", "nowhere", "--fresh", "-1"}, 2, []string{"fresh"}},
		{[]string{"export", "nowhere"}, 2, []string{"--npz"}},
	} {
		refuse(t, c.code, dir, c.args, c.words...)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("something was left behind: %v %v", entries, err)
	}
	t.Setenv("TANDEM_KERNEL", "abacus")
	refuse(t, 2, dir, []string{"version"}, "abacus", "generic")
}

// begin starts a long run and returns when the folder has a file that is not empty.
func begin(t *testing.T, dir, file, every string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no signals to other processes")
	}
	tandem(t, dir, "version") // skips where no process can be started
	c := command(t, dir, small("--updates", "10000000", "--out", "run", "--threads", "1", "--checkpoint-every", every)...)
	messages := new(bytes.Buffer)
	c.Stderr = messages
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	for range 1000 {
		if info, err := os.Stat(filepath.Join(dir, "run", file)); err == nil && info.Size() > 0 {
			return c, messages
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %s after ten seconds", file)
	return nil, nil
}

// A signal finishes the update and writes a checkpoint where there would be none.
func TestSignalsStopCleanly(t *testing.T) {
	for signal, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		dir := t.TempDir()
		c, messages := begin(t, dir, "metrics.jsonl", "9999999")
		refuse(t, 1, dir, []string{"resume", "run", "--updates", "20000000"}, strconv.Itoa(c.Process.Pid))
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		c.Wait()
		if got := c.ProcessState.ExitCode(); got != code {
			t.Errorf("%v: exit code %d, want %d\n%s", signal, got, code, messages)
		}
		done := uint64(about(t, dir, "run")["updates"].(float64))
		if want := fmt.Sprintf("stopped at update %s; the checkpoint is written", humanize.Comma(int64(done))); !strings.Contains(messages.String(), want) {
			t.Errorf("%v: no %q in\n%s", signal, want, messages)
		}
		metrics, err := runs.ReadMetrics(filepath.Join(dir, "run"))
		if err != nil || metrics[len(metrics)-1].Update != done {
			t.Errorf("%v: the metrics end with update %d, not %d (%v)", signal, metrics[len(metrics)-1].Update, done, err)
		}
		must(t, dir, "resume", "run", "--quiet", "--updates", fmt.Sprint(done+7))
		must(t, dir, small("--out", "whole", "--updates", fmt.Sprint(done+7))...)
		if sha(t, dir, "run") != sha(t, dir, "whole") {
			t.Errorf("%v: the stop shows", signal)
		}
	}
}

func TestKilledRunResumes(t *testing.T) {
	dir := t.TempDir()
	c, _ := begin(t, dir, "checkpoint.tandem", "10")
	time.Sleep(30 * time.Millisecond)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	done := uint64(about(t, dir, "run")["updates"].(float64))
	must(t, dir, "resume", "run", "--quiet", "--updates", fmt.Sprint(done+13))
	must(t, dir, small("--out", "whole", "--updates", fmt.Sprint(done+13))...)
	if sha(t, dir, "run") != sha(t, dir, "whole") {
		t.Error("the kill shows")
	}
}

// A run whose checkpoint is gone keeps what it has recorded; one that never had one
// begins again.
func TestCheckpointIsGone(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run", "--updates", "30", "--checkpoint-every", "10")...)
	must(t, dir, small("--out", "short", "--updates", "30", "--checkpoint-every", "30")...)
	for _, run := range []string{"run", "short"} {
		if err := os.Remove(filepath.Join(dir, run, "checkpoint.tandem")); err != nil {
			t.Fatal(err)
		}
	}
	before := get(t, filepath.Join(dir, "run", "metrics.jsonl"))
	for _, args := range [][]string{{"resume", "run", "--updates", "60", "--quiet"}, {"info", "run"}, {"filters", "run"}} {
		refuse(t, 1, dir, args, "30 updates", "its checkpoint is gone", "--config")
	}
	if !bytes.Equal(get(t, filepath.Join(dir, "run", "metrics.jsonl")), before) {
		t.Error("resume has changed what was recorded")
	}
	must(t, dir, "resume", "short", "--quiet", "--updates", "40")
	must(t, dir, small("--out", "whole", "--updates", "40")...)
	if sha(t, dir, "short") != sha(t, dir, "whole") {
		t.Error("the beginning anew shows")
	}
}

// A run that was killed between its last checkpoint and its pictures gets them.
func TestPicturesOfACompleteRun(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	picture := filepath.Join(dir, "run", "filters.png")
	want, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, 1, dir, []string{"resume", "run", "--updates", "40", "--quiet", "--memprofile", "no/such/file"}, "profile")
	must(t, dir, small("--out", "again", "--updates", "30", "--checkpoint-every", "30")...) // which may be gone: none was before
	if err := os.RemoveAll(filepath.Join(dir, "run")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "again"), filepath.Join(dir, "run")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "run", "checkpoint.tandem")); err != nil {
		t.Fatal(err)
	}
	refuse(t, 2, dir, []string{"resume", "run", "--updates", "0"}, "updates")
	must(t, dir, "resume", "run", "--quiet")
	if err := os.Remove(picture); err != nil {
		t.Fatal(err)
	}
	refuse(t, 1, dir, []string{"resume", "run", "--updates", "10"}, "30 updates")
	must(t, dir, "resume", "run")
	if got, err := os.ReadFile(picture); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the picture is another: %v", err)
	}
}

// Every flag of a configuration lands in its field, and beats the file, which
// beats the preset.
func TestFlagsAndFilesAndPresets(t *testing.T) {
	dir := t.TempDir()
	config := func(run string) runs.Settings {
		t.Helper()
		c, err := runs.ReadSettings(filepath.Join(dir, run))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	writeImages(t, filepath.Join(dir, "data"), 9, 4, 4)
	must(t, dir, "train", "--quiet", "--preset", "direct", "--layers", "16,5,4", "--updates", "3", "--batch", "7", "--chains", "6", "--gibbs", "2",
		"--mean-field-tolerance", "0.01", "--mean-field-max", "9", "--learning-rate", "0.03", "--alpha", "0.4,0.5", "--gamma", "0.7",
		"--mu-damping", "0.02", "--pixels", "threshold", "--init-scale", "0.06", "--seed", "12", "--checkpoint-every", "2", "--data", "data", "--out", "a")
	want := runs.Settings{Preset: "direct", Config: dbm.Config{Layers: []int{16, 5, 4}, Batch: 7, Chains: 6, Gibbs: 2, MeanFieldTolerance: 0.01,
		MeanFieldMax: 9, LearningRate: 0.03, Alpha: []float64{0.4, 0.5}, Gamma: 0.7, MuDamping: 0.02, InitScale: 0.06, Seed: 12},
		Pixels: "threshold", Data: filepath.Join(dir, "data"), Updates: 3, CheckpointEvery: 2}
	if got := config("a"); !reflect.DeepEqual(got, want) {
		t.Errorf("the flags give\n%+v, want\n%+v", got, want)
	}
	// The two experiments of the paper's Section 5, and the beginning of the first.
	paper := runs.Settings{Preset: "paper", Config: dbm.Config{Layers: []int{784, 500, 500}, Batch: 50, Chains: 50, Gibbs: 1, MeanFieldTolerance: 1e-4,
		MeanFieldMax: 50, LearningRate: 0.01, Alpha: []float64{0.1, 0.1}, Gamma: 1, MuDamping: 1e-3, InitScale: 0.003, Seed: 1},
		Pixels: "grey", Updates: 1, CheckpointEvery: 5000}
	quick, direct := paper, paper
	quick.Preset, quick.CheckpointEvery = "quick", 2000
	direct.Preset, direct.Layers, direct.LearningRate, direct.Alpha = "direct", []int{784, 500, 500, 1000}, 0.001, []float64{0, 0, 0}
	for _, want := range []runs.Settings{paper, quick, direct} {
		must(t, dir, "train", "--quiet", "--preset", want.Preset, "--updates", "1", "--out", want.Preset)
		if got := config(want.Preset); !reflect.DeepEqual(got, want) {
			t.Errorf("preset %s is\n%+v, want\n%+v", want.Preset, got, want)
		}
	}
	// A file that names a preset begins with it; one spring serves all layers.
	file := filepath.Join(dir, "few.json")
	if err := os.WriteFile(file, []byte(`{"preset": "direct", "updates": 2, "batch": 3, "layers": [784, 9, 8, 7, 6]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "train", "--quiet", "--config", file, "--batch", "4", "--alpha", "0.2", "--out", "file")
	got := config("file")
	if got.Preset != "direct" || got.LearningRate != 0.001 || got.Updates != 2 || got.Batch != 4 || fmt.Sprint(got.Alpha) != "[0.2 0.2 0.2 0.2]" {
		t.Errorf("the file and flags give %+v", got)
	}
	refuse(t, 2, dir, []string{"train", "--layers", "784,20,10,8", "--alpha", "0.1,0.1"}, "alpha")
}

// Without --quiet there are messages and a last line with all figures.
func TestProgress(t *testing.T) {
	dir := t.TempDir()
	args := small("--out", "run")
	args = append(args[:1], args[2:]...) // not --quiet
	out, messages, code := tandem(t, dir, args...)
	if code != 0 || !strings.Contains(out, "30 updates in") {
		t.Fatalf("exit code %d\n%s%s", code, out, messages)
	}
	for _, w := range []string{"training 784-20-10 on embedded MNIST (60,000 images) to update 30", "the run is in run",
		"update 30 of 30 (100%)", "/s  live ", "  noise ", "  duplicate ", "  norm ", "  reconstruction "} {
		if !strings.Contains(messages, w) {
			t.Errorf("no %q in\n%s", w, messages)
		}
	}
	if _, messages, _ := tandem(t, dir, small("--out", "quiet")...); messages != "" {
		t.Errorf("--quiet says\n%s", messages)
	}
}

// The metrics of a run in two parts are those of the whole, but for the times.
func TestMetricsOfACutRun(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "whole")...)
	must(t, dir, small("--out", "cut", "--updates", "20")...)
	before, err := runs.ReadHeader(filepath.Join(dir, "cut"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, dir, "resume", "cut", "--quiet", "--updates", "30")
	whole, err := runs.ReadMetrics(filepath.Join(dir, "whole"))
	if err != nil {
		t.Fatal(err)
	}
	cut, err := runs.ReadMetrics(filepath.Join(dir, "cut"))
	if err != nil {
		t.Fatal(err)
	}
	if last := cut[len(cut)-1]; last.Seconds <= before.Seconds {
		t.Errorf("the seconds go from %v to %v", before.Seconds, last.Seconds)
	}
	for _, m := range [][]runs.Metrics{whole, cut} {
		for i := range m {
			m[i].Seconds, m[i].PerSecond = 0, 0
		}
	}
	if !reflect.DeepEqual(whole, cut) {
		t.Errorf("the metrics are\n%+v, want\n%+v", cut, whole)
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
	must(t, dir, "export", "run", "--npz", "link")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is one no more: %v", err)
	}
	if info, err := os.Stat(link); err != nil || info.Size() == 0 {
		t.Errorf("nothing was written behind the link: %v", err)
	}
}

// writeImages writes a training set of n images without labels.
func writeImages(t *testing.T, dir string, n, rows, columns int) {
	t.Helper()
	b := []byte{0, 0, 8, 3}
	for _, x := range []int{n, rows, columns} {
		b = binary.BigEndian.AppendUint32(b, uint32(x))
	}
	for i := range n * rows * columns {
		b = append(b, byte(i*i%251))
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "train-images-idx3-ubyte"), b, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestOtherImages(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, filepath.Join(dir, "data"), 13, 5, 7)
	must(t, dir, "train", "--quiet", "--data", "data", "--updates", "20", "--batch", "4", "--pixels", "sample", "--out", "run")
	if r := about(t, dir, "run"); fmt.Sprint(r["layers"]) != "[35 500 500]" {
		t.Errorf("layers are %v", r["layers"])
	}
	must(t, dir, "train", "--quiet", "--data", "data", "--layers", "35,9", "--alpha", "0", "--updates", "20", "--out", "rbm")
	refuse(t, 1, dir, []string{"train", "--data", "data", "--layers", "35,9", "--alpha", "0", "--eval-every", "5", "--out", "never"}, "eval-every")
	if _, err := os.Stat(filepath.Join(dir, "never")); err == nil {
		t.Error("a refused training left a folder")
	}
	must(t, dir, "train", "--quiet", "--layers", "784,9", "--alpha", "0", "--patch", "9", "--updates", "2", "--batch", "4", "--out", "mnist")
	must(t, dir, "train", "--quiet", "--config", filepath.Join("mnist", "config.json"), "--data", "data", "--layers", "35,9", "--patch", "3", "--out", "patch")
	writeImages(t, filepath.Join(dir, "other"), 12, 5, 7)
	before, err := os.ReadFile(filepath.Join(dir, "run", "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, 1, dir, []string{"resume", "run", "--updates", "40", "--quiet", "--data", "other"}, "SHA-256")
	if after, err := os.ReadFile(filepath.Join(dir, "run", "config.json")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a refused resume leaves the configuration\n%s, which was\n%s", after, before)
	}
	must(t, filepath.Join(dir, "other"), "resume", "../run", "--updates", "40", "--quiet")
}

func TestDivergenceStops(t *testing.T) {
	dir := t.TempDir()
	refuse(t, 1, dir, small("--learning-rate", "1e30", "--out", "run"), "diverged", "layer", "update")
}

func TestBench(t *testing.T) {
	var r struct {
		Ceiling float64 `json:"fma_ceiling_gflops"`
		Kernels []struct {
			Name, Shape       string
			Threads           int
			GFLOPS, OfCeiling float64
		}
		Updates []struct {
			Layers     []int
			Threads    int
			PerSecond  float64 `json:"per_second"`
			Iterations float64 `json:"mean_field_iterations"`
			Phases     map[string]float64
		}
	}
	out := must(t, t.TempDir(), "bench", "scaling", "--layers", "784,20,10", "--batch", "6", "--chains", "4", "--mean-field-max", "3", "--threads", "3", "--seconds", "0.1", "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if len(vectorKernels()) > 0 && r.Ceiling < 1 {
		t.Errorf("a ceiling of %v GFLOP/s", r.Ceiling)
	}
	var threads []int
	for _, u := range r.Updates {
		threads = append(threads, u.Threads)
		sum := 0.0
		for _, share := range u.Phases {
			sum += share
		}
		if u.PerSecond <= 0 || math.Abs(sum-1) > 1e-9 || u.Phases["mean field"] <= 0 || math.Abs(u.Iterations-3) > 1e-9 || fmt.Sprint(u.Layers) != "[784 20 10]" {
			t.Errorf("updates: %+v", u)
		}
	}
	if !slices.Equal(threads, []int{1, 2, 3}) {
		t.Errorf("scaling over %v threads", threads)
	}
	if out := must(t, t.TempDir(), "bench", "update", "--layers", "784,20", "--seconds", "0.1"); !strings.Contains(out, "784-20 ") {
		t.Errorf("bench tells\n%s", out)
	}
	refuse(t, 2, t.TempDir(), []string{"bench", "everything"}, "everything", "kernels")
}

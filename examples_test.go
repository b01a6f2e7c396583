package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stripes returns rows of 0 and 1 in which neighbours are alike, and a class for each.
func stripes(n, columns int) (rows [][]byte, labels []string) {
	r := rand.New(rand.NewPCG(7, 8))
	for range n {
		row, class := make([]byte, columns), r.IntN(2)
		for j := range row {
			if row[j] = byte(class); j > 0 && r.Float64() < 0.9 {
				row[j] = row[j-1]
			} else if r.Float64() < 0.3 {
				row[j] = 1 - row[j]
			}
		}
		rows, labels = append(rows, row), append(labels, []string{"no", "yes"}[class])
	}
	return rows, labels
}

// lay writes a file, gzipped if its name says so.
func lay(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if strings.HasSuffix(name, ".gz") {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		data = b.Bytes()
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// asText returns rows as a table in text, with a header and labels if there are any.
func asText(rows [][]byte, labels []string, comma string) []byte {
	var b bytes.Buffer
	for j := range rows[0] {
		fmt.Fprintf(&b, "x%d%s", j, comma)
	}
	b.WriteString("answer\n")
	for i, row := range rows {
		for _, x := range row {
			fmt.Fprintf(&b, "%d%s", x, comma)
		}
		b.WriteString(labels[i] + "\n")
	}
	return b.Bytes()
}

// asArray returns rows as an array of NumPy's, of a type whose numbers take size bytes.
func asArray(rows [][]byte, descr string, size int) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }", descr, len(rows), len(rows[0]))
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	b = append(b, header...)
	for _, row := range rows {
		for _, x := range row {
			number := make([]byte, size)
			number[0] = x
			b = append(b, number...)
		}
	}
	return b
}

// The same examples have the same bits, whatever the format of their file.
func TestSameExamplesInEveryFormat(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(120, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	lay(t, dir, "x.csv.gz", asText(rows, labels, ","))
	lay(t, dir, "x.tsv", asText(rows, labels, "\t"))
	lay(t, dir, "u1.npy", asArray(rows, "|u1", 1))
	lay(t, dir, "b1.npy", asArray(rows, "|b1", 1))
	lay(t, dir, "i8.npy.gz", asArray(rows, "<i8", 8))
	lay(t, dir, "labels.txt", []byte(strings.Join(labels, "\n")+"\n"))
	idx := []byte{0, 0, 8, 2, 0, 0, 0, 120, 0, 0, 0, 12}
	var pairs bytes.Buffer
	for i, row := range rows {
		idx = append(idx, row...)
		pairs.WriteString(labels[i])
		for j, x := range row {
			if x != 0 {
				fmt.Fprintf(&pairs, " %d:1", j+1)
			}
		}
		pairs.WriteString("\n")
	}
	lay(t, dir, "x.idx", idx)
	lay(t, dir, "x.svm", pairs.Bytes())
	first := ""
	for i, from := range [][]string{
		{"x.csv", "--label-column", "answer"}, {"x.csv.gz", "--label-column", "13", "--header", "yes"},
		{"x.tsv", "--label-column", "answer"}, {"u1.npy", "--label-file", "labels.txt"},
		{"b1.npy", "--label-file", "labels.txt"}, {"i8.npy.gz", "--label-file", "labels.txt"},
		{"x.idx", "--label-file", "labels.txt"}, {"x.svm", "--columns", "12"},
	} {
		run := fmt.Sprintf("run%d", i)
		must(t, dir, append([]string{"train", "--quiet", "--updates", "60", "--checkpoint-every", "20", "--out", run,
			"--data"}, from...)...)
		sum := sha(t, dir, run)
		if first == "" {
			first = sum
		}
		if sum != first {
			t.Errorf("%s: another model", from[0])
		}
		var c struct {
			Layers  []int    `json:"layers"`
			Classes []string `json:"classes"`
			Levels  float64  `json:"levels"`
		}
		data, err := os.ReadFile(filepath.Join(dir, run, "config.json"))
		if err == nil {
			err = json.Unmarshal(data, &c)
		}
		if err != nil || len(c.Layers) != 2 || c.Layers[0] != 12 || fmt.Sprint(c.Classes) != "[no yes]" || c.Levels != 1 {
			t.Errorf("%s: settings %+v, %v", from[0], c, err)
		}
	}
}

// From a table to a score, with no settings: the model is better than independent units, and
// everything that looks at examples takes others in any format.
func TestFromATableToAScore(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(600, 12)
	lay(t, dir, "x.csv", asText(rows[:400], labels[:400], ","))
	lay(t, dir, "test.csv", asText(rows[400:], labels[400:], ","))
	lay(t, dir, "more.npy", asArray(rows[400:], "|u1", 1)) // without labels
	said := must(t, dir, "data", "x.csv", "--label-column", "answer", "--test", "test.csv")
	for _, want := range []string{"360 examples, and 40 held out, and 200 for tests", "12 columns", "binary",
		"2 classes: no: ",
		"baseline, held-out", "baseline, test", "12-12 by preset fit"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing of %q in\n%s", want, said)
		}
	}
	said = must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--test", "test.csv",
		"--hidden",
		"6", "--updates", "3000", "--out", "run")
	if !strings.Contains(said, "kept as the best") || strings.Contains(said, "learnt nothing") {
		t.Errorf("train says\n%s", said)
	}
	var e struct {
		Independent float64 `json:"independent_test"`
		Sets        []struct {
			Set   string  `json:"set"`
			N     int     `json:"examples"`
			Exact float64 `json:"log_likelihood"`
			Above float64 `json:"above_independent"`
		} `json:"sets"`
	}
	score := func(args ...string) {
		t.Helper()
		e.Sets, e.Independent = nil, 0
		out := must(t, dir, append([]string{"eval", "run", "--json", "--quiet", "--runs", "0", "--sweeps", "100"},
			args...)...)
		if err := json.Unmarshal([]byte(out), &e); err != nil {
			t.Fatal(err)
		}
	}
	score()
	if len(e.Sets) != 1 || e.Sets[0].Set != "test" || e.Sets[0].N != 200 || e.Sets[0].Above < 1 || e.Independent > -5 {
		t.Errorf("%+v", e)
	}
	test := e.Sets[0].Exact
	if score("--split", "train,held-out"); len(e.Sets) != 2 || e.Sets[1].Set != "held-out" || e.Sets[1].N != 40 {
		t.Errorf("%+v", e)
	}
	for _, name := range []string{"more.npy", "test.csv"} {
		if score("--data", name); len(e.Sets) != 1 || e.Sets[0].Set != "data" || e.Sets[0].Exact != test {
			t.Errorf("%s: %+v, want %v", name, e.Sets, test)
		}
	}
	must(t, dir, "features", "run", "--npz", "q.npz", "--data", "more.npy", "--quiet")
	must(t, dir, "complete", "run", "--data", "more.npy", "--images", "5", "--sweeps", "5", "--known", "left", "--quiet",
		"--out", "c.png")
	lay(t, dir, "mask.txt", []byte("1\n0\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n"))
	must(t, dir, "complete", "run", "--images", "5", "--sweeps", "5", "--known", "mask.txt", "--npz", "c.npz", "--quiet")
	refuse(t, 2, dir, []string{"complete", "run", "--known", "top"}, "no top")
	must(t, dir, "sample", "run", "--npz", "s.npz", "--quiet")
	refuse(t, 2, dir, []string{"eval", "run", "--data", "more.npy", "--split", "train"}, "--data has examples of its own")
	refuse(t, 2, dir, []string{"eval", "run", "--label-file", "x"}, "go with --data")
	lay(t, dir, "wide.csv", []byte("0,1\n1,0\n"))
	refuse(t, 1, dir, []string{"eval", "run", "--data", "wide.csv"}, "12 visible units", "2 columns")
	swapped := bytes.Replace(asText(rows[400:], labels[400:], ","), []byte("x0,x1,"), []byte("x1,x0,"), 1)
	lay(t, dir, "swapped.csv", swapped)
	refuse(t, 1, dir, []string{"eval", "run", "--data", "swapped.csv"}, `column 1 is "x1", where the model has "x0"`)
	lay(t, dir, "high.npy", bytes.Replace(asArray(rows[400:], "|u1", 1), []byte{0, 0, 0, 0, 0}, []byte{0, 0, 7, 0, 0}, 1))
	refuse(t, 1, dir, []string{"eval", "run", "--data", "high.npy"}, "7 is not between 0 and 1")
	// Hidden layers alone, and what contradicts them.
	refuse(t, 2, dir, []string{"train", "--data", "x.csv", "--hidden", "5", "--layers", "12,5"}, "hidden",
		"one of the two")
	refuse(t, 2, dir, []string{"train", "--keep-best"}, "keep-best", "held-out")
	refuse(t, 2, dir, []string{"train", "--patience", "3"}, "patience")
	refuse(t, 1, dir, []string{"train", "--data", "wide.csv", "--label-file", "x.csv"}, "label")
}

// What is wrong with examples is said before training.
func TestWrongExamples(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"minus.csv":   {"-1,1\n0,-1\n", []string{"minus.csv", "move or threshold"}},
		"large.csv":   {"0,3.5\n1,2\n", []string{"large.csv", "--levels"}},
		"missing.csv": {"0,1\n1,\n", []string{"missing.csv", "line 2"}},
		"nan.csv":     {"0,1\nnan,0\n", []string{"nan.csv", "line 2"}},
		"text.csv":    {"a,b\n0,1\n1,x\n", []string{"text.csv", "line 3", "b"}},
		"ragged.csv":  {"0,1\n1\n", []string{"ragged.csv", "line 2"}},
		"empty.csv":   {"", []string{"empty.csv"}},
		"zero.svm":    {"0:1 2:1\n", []string{"zero.svm", "--zero-based"}},
	} {
		lay(t, dir, name, []byte(c.text))
		refuse(t, 1, dir, []string{"train", "--data", name, "--out", "run"}, c.says...)
		refuse(t, 1, dir, []string{"data", name}, c.says...)
	}
	lay(t, dir, "x.csv", []byte(strings.Repeat("0,1\n1,0\n", 20)))
	lay(t, dir, "two.txt", []byte("a\nb\n"))
	refuse(t, 1, dir, []string{"train", "--data", "x.csv", "--label-file", "two.txt"}, "2 labels for the 40 examples")
	refuse(t, 1, dir, []string{"train", "--data", "nowhere.csv"}, "nowhere.csv")
	refuse(t, 1, dir, []string{"train", "--data", "x.csv", "--label-column", "3"}, "3")
	refuse(t, 2, dir, []string{"train", "--data", "x.csv", "--hold-out", "1.5"}, "hold-out")
	refuse(t, 2, dir, []string{"train", "--data", "x.csv", "--hold-out", "0", "--keep-best"}, "keep-best", "held-out")
	refuse(t, 2, dir, []string{"train", "--data", "x.csv", "--hold-out", ""}, "hold-out")
	refuse(t, 1, dir, []string{"train", "--data", "x.csv", "--hold-out", "40"}, "hold-out")
	if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
		t.Error("a run was begun")
	}
}

// The preset fit holds examples out, and keeps the best model by them, unless it is told not to.
func TestNothingIsHeldOut(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, "x.csv", []byte("0,1\n"))
	for _, none := range []string{"0", "0%", "0.0"} {
		run := "run" + none
		must(t, dir, "train", "--quiet", "--data", "x.csv", "--updates", "3", "--hold-out", none, "--out", run)
		if _, err := os.Stat(filepath.Join(dir, run, "best.npz")); err == nil {
			t.Errorf("--hold-out %s: a best model is kept", none)
		}
		must(t, dir, "train", "--quiet", "--data", "x.csv", "--init", run, "--updates", "3", "--hold-out", none,
			"--out", run+"on")
	}
}

// The best model and the end of patience are the same with any kernels, threads and stops.
func TestBestModelEverywhere(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(60, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	train := func(out string, args ...string) {
		t.Helper()
		must(t, dir, append([]string{"train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--hidden", "20,10",
			"--updates", "4000", "--learning-rate-end", "4000", "--learning-rate", "0.5", "--checkpoint-every", "100",
			"--patience", "4", "--out", out}, args...)...)
	}
	best := func(run string) string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, run, "best.npz"))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	train("one", "--threads", "1")
	r := about(t, dir, "one")
	done, kept := r["updates"].(float64), r["best_update"].(float64)
	if done >= 4000 || done-kept != 400 || r["updates_total"] != done {
		t.Fatalf("%v updates of %v, the best is %v", done, r["updates_total"], kept)
	}
	train("three", "--threads", "3")
	t.Setenv("TANDEM_KERNEL", "generic")
	train("generic")
	// In three goes, the last but one of which ends between two scores.
	train("parts", "--updates", "150")
	for _, updates := range []string{fmt.Sprint(int(kept) + 230), "4000"} {
		must(t, dir, "resume", "parts", "--updates", updates, "--quiet")
	}
	for _, run := range []string{"three", "generic", "parts"} {
		if sha(t, dir, run) != sha(t, dir, "one") {
			t.Errorf("%s: another model", run)
		}
		if run != "parts" && best(run) != best("one") { // whose file says how many updates it was to make
			t.Errorf("%s: another best model", run)
		}
		if got := about(t, dir, run); got["updates"] != done || got["best_update"] != kept {
			t.Errorf("%s: %v updates, the best is %v; want %v, %v", run, got["updates"], got["best_update"], done, kept)
		}
	}
}

// A job that is queued again resumes its run, and leaves it where it has made its updates.
func TestResumeIfThere(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(60, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	train := func(updates string, more ...string) []string {
		return append([]string{"train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--updates", updates,
			"--learning-rate-end", "60", "--checkpoint-every", "20", "--resume-if-there", "--out", "run"}, more...)
	}
	must(t, dir, train("40")...)
	must(t, dir, train("60")...)
	if done := about(t, dir, "run")["updates"]; done != 60. {
		t.Errorf("%v updates", done)
	}
	_, said, code := tandem(t, dir, train("60")...)
	if code != 0 || !strings.Contains(said, "has made its 60 updates") {
		t.Errorf("exit code %d\n%s", code, said)
	}
	refuse(t, 1, dir, train("60", "--seed", "5"), "another seed")
}

// Models of the way are kept, the last ones, and are models.
func TestKeptModels(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(60, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	for _, c := range []struct {
		every, most string
		want        []string
	}{
		{"exp", "0", []string{"1", "2", "5", "10", "20", "50", "100"}},
		{"30", "3", []string{"60", "90", "120"}},
	} {
		must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--updates", "120", "--keep-every",
			c.every, "--keep-max", c.most, "--out", "run"+c.every)
		names, err := filepath.Glob(filepath.Join(dir, "run"+c.every, "update-*.npz"))
		if err != nil || len(names) != len(c.want) {
			t.Errorf("%s: %q", c.every, names)
		}
		for _, update := range c.want {
			name := filepath.Join("run"+c.every, "update-"+update+".npz")
			if got := about(t, dir, name)["updates"]; fmt.Sprint(got) != update {
				t.Errorf("%s: %v updates", name, got)
			}
		}
	}
	refuse(t, 2, dir, []string{"train", "--keep-every", "0"}, "keep-every")
	refuse(t, 2, dir, []string{"train", "--keep-every", "often"}, "keep-every")
	if said := must(t, dir, "train", "--dry-run", "--data", "x.csv", "--label-column", "answer", "--keep-every",
		"exp"); !strings.Contains(said, "21 models that are kept") {
		t.Errorf("a dry run says\n%s", said)
	}
}

// What a classifier says of examples can be had as a table, with labels and without, and its
// network as arrays.
func TestPredictions(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(300, 12)
	lay(t, dir, "x.csv", asText(rows[:200], labels[:200], ","))
	lay(t, dir, "test.csv", asText(rows[200:], labels[200:], ","))
	lay(t, dir, "bare.npy", asArray(rows[200:], "|u1", 1))
	must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--test", "test.csv", "--updates",
		"500",
		"--out", "run")
	classify := func(more ...string) (string, []string) {
		t.Helper()
		said := must(t, dir, append([]string{"classify", "run", "--quiet", "--epochs", "20", "--predictions", "p.csv"},
			more...)...)
		data, err := os.ReadFile(filepath.Join(dir, "p.csv"))
		if err != nil {
			t.Fatal(err)
		}
		return said, strings.Split(strings.TrimSpace(string(data)), "\n")
	}
	said, lines := classify("--save", "net.npz")
	wrong := 0
	for _, line := range lines[1:] {
		if words := strings.Split(line, ","); words[1] != words[3] {
			wrong++
		}
	}
	if len(lines) != 101 || lines[0] != "example,class,probability,label" || wrong > 40 ||
		!strings.Contains(said, fmt.Sprintf("(%d of 100 examples)", wrong)) ||
		!strings.Contains(said, "always the commonest class: ") {
		t.Errorf("%d lines, %q, %d wrong\n%s", len(lines), lines[0], wrong, said)
	}
	said, bare := classify("--data", "bare.npy")
	if len(bare) != 101 || bare[0] != "example,class,probability" || strings.Contains(said, "error") ||
		bare[1] != lines[1][:strings.LastIndex(lines[1], ",")] {
		t.Errorf("without labels: %q, %q, not %q\n%s", bare[0], bare[1], lines[1], said)
	}
	// A network that was saved says the same again, without the examples that it was learnt from.
	if err := os.Remove(filepath.Join(dir, "x.csv")); err != nil {
		t.Fatal(err)
	}
	given := func(more ...string) []string {
		t.Helper()
		must(t, dir, append([]string{"classify", "run", "--network", "net.npz", "--predictions", "q.csv", "--quiet"},
			more...)...)
		data, err := os.ReadFile(filepath.Join(dir, "q.csv"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(data)), "\n")
	}
	if again := given(); !slices.Equal(again, lines) {
		t.Errorf("the network that was saved says %q, said %q", again[1], lines[1])
	}
	if again := given("--data", "bare.npy"); !slices.Equal(again, bare) {
		t.Errorf("the network that was saved says %q of other examples, said %q", again[1], bare[1])
	}
	refuse(t, 2, dir, []string{"classify", "run", "--network", "net.npz", "--epochs", "3"}, "epochs", "nothing is learnt")
	refuse(t, 1, dir, []string{"classify", "run", "--network", "run/best.npz"}, "run/best.npz", "not a network")
	refuse(t, 1, dir, []string{"classify", "run", "--network", "nowhere.npz"}, "nowhere.npz")
}

// A run that is resumed to an update without a score still knows the scores before, and the
// baseline beside them.
func TestBestAfterResume(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(300, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--updates", "2000", "--out", "run")
	said := must(t, dir, "resume", "run", "--updates", "2050", "--quiet")
	if !strings.Contains(said, "kept as the best") || strings.Contains(said, "independent units have 0.00") ||
		strings.Contains(said, "warning") {
		t.Errorf("resume says\n%s", said)
	}
}

// Nothing held out leaves nothing to tell the best by, wherever that is said.
func TestHoldOutNothingEverywhere(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(60, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	must(t, dir, "data", "x.csv", "--label-column", "answer", "--hold-out", "0")
	lay(t, dir, "c.json", []byte(`{"preset": "fit", "hold_out": 0}`))
	must(t, dir, "train", "--quiet", "--config", "c.json", "--data", "x.csv", "--label-column", "answer",
		"--updates", "20", "--out", "run")
}

// The width of rows of index:value is that of the training examples, for all that come later.
func TestWidthOfIndexedRows(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, "x.svm", []byte(strings.Repeat("1 1:1 5:1\n0 2:1\n", 20)))
	lay(t, dir, "narrow.svm", []byte("1 1:1\n0 2:1\n1 3:1\n"))
	must(t, dir, "train", "--quiet", "--data", "x.svm", "--test", "narrow.svm", "--updates", "20", "--out", "run")
	must(t, dir, "eval", "run", "--quiet", "--runs", "0", "--sweeps", "100")
	must(t, dir, "features", "run", "--data", "narrow.svm", "--npz", "q.npz", "--quiet")
}

// verify without the examples of a run says that they are missing, whatever their scale.
func TestVerifyWithoutExamples(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(60, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--updates", "20", "--out", "run")
	must(t, dir, "archive", "run", "--out", "a.tar.gz", "--binary=false")
	refuse(t, 1, dir, []string{"verify", "a.tar.gz"}, "no images with the SHA-256", "--data PATH")
	must(t, dir, "verify", "a.tar.gz", "--data", "x.csv")
}

// A word in the wrong place is told the right one.
func TestWrongTurns(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(60, 6)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--updates", "5", "--out", "survey")
	refuse(t, 2, dir, []string{"train", "x.csv"}, "unexpected argument", "--data x.csv")
	refuse(t, 1, dir, []string{"data", "survey"}, "survey is the folder of a run")
	refuse(t, 1, dir, []string{"train", "--data", "survey"}, "survey is the folder of a run")
	refuse(t, 1, dir, []string{"eval", "x.csv"}, "neither the folder of a run", "examples go behind --data")
	for _, verb := range []string{"eval", "resume", "sample"} {
		refuse(t, 1, dir, []string{verb, "surveys"}, "there is no run surveys", "did you mean survey?")
	}
	if _, said, _ := tandem(t, dir, "eval", "y.csv"); strings.Contains(said, "did you mean") {
		t.Errorf("a table was taken for a run: %s", said)
	}
}

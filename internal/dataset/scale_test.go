package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tandem/dbm/kernel"
	"tandem/mnist"
)

// tableOf returns the table of a row of values.
func tableOf(values ...float32) *Table {
	t := &Table{Source: "x.csv", N: 1, Shape: []int{len(values)}, Whole: true, Least: float64(values[0])}
	for _, x := range values {
		t.Least, t.Largest = min(t.Least, float64(x)), max(t.Largest, float64(x))
		if x != float32(int(x)) {
			t.Whole = false
		}
	}
	if t.Floats = values; t.Whole && t.Least >= 0 && t.Largest <= 255 {
		t.Floats = nil
		for _, x := range values {
			t.Bytes = append(t.Bytes, byte(x))
		}
	}
	return t
}

// Which value stands for 1 follows from what there is, or is an error that says what to do.
func TestLevels(t *testing.T) {
	for _, c := range []struct {
		values []float32
		levels float64
		says   string
		want   []float32
	}{
		{[]float32{0, 1, 1}, 1, "", []float32{0, 1, 1}},
		{[]float32{0, 0}, 1, "", []float32{0, 0}},
		{[]float32{0, 4, 16}, 16, "whole numbers up to 16, which stands for 1", []float32{0, 0.25, 1}},
		{[]float32{0, 127}, 127, "up to 127", []float32{0, 1}},
		{[]float32{0, 51, 128}, 255, "", []float32{0, 0.2, 128. / 255}},
		{[]float32{0, 255}, 255, "", []float32{0, 1}},
		{[]float32{0, 0.25, 1}, 1, "", []float32{0, 0.25, 1}},
		{[]float32{0, 256}, 0, "--levels X", nil},
		{[]float32{0, 1.5}, 0, "--levels X", nil},
		{[]float32{-1, 0, 1}, 0, "move or threshold", nil},
		{[]float32{-2, 1}, 0, "move or threshold", nil},
	} {
		table := tableOf(c.values...)
		levels, note, err := Levels(table)
		if err != nil {
			note = err.Error()
		}
		if levels != c.levels || (c.says == "") != (note == "") || !strings.Contains(note,
			c.says) || (c.want == nil) != (err != nil) {
			t.Errorf("%v: %v, %q", c.values, levels, note)
		}
		if c.want == nil {
			continue
		}
		if got := greys(t, table, levels); !slices.Equal(got, c.want) {
			t.Errorf("%v become %v, want %v", c.values, got, c.want)
		}
	}
	if got := greys(t, tableOf(0, 50, 400), 400); !slices.Equal(got, []float32{0, 0.125, 1}) {
		t.Errorf("by 400: %v", got)
	}
	if got := greys(t, tableOf(0, 3, 7), 7.5); !slices.Equal(got, []float32{0, 0.4, float32(7 / 7.5)}) {
		t.Errorf("by 7.5: %v", got)
	}
}

// A few columns that make all others small are named, and so are examples of another scale than
// the model's.
func TestScaleIsDoubted(t *testing.T) {
	x := tableOf(0, 1, 9, 1, 0)
	x.Names = []string{"a", "b", "age", "c", "d"}
	if _, note, err := Levels(x); err != nil || !strings.Contains(note, "4 of 5 columns have only 0 and 1, but column 3 "+
		"(age) has 9 in "+
		"example 1") {
		t.Errorf("%q, %v", note, err)
	}
	if _, note, _ := Levels(tableOf(3, 1, 9, 2, 0)); strings.Contains(note, "have only") {
		t.Errorf("of counts: %q", note)
	}
	for _, c := range []struct {
		table  *Table
		levels float64
		small  bool
	}{
		{tableOf(0, 1, 1), 255, true}, {tableOf(0, 0.5, 1), 255, true}, {tableOf(0, 1), 9, true}, {tableOf(0, 7), 255, true},
		{tableOf(0, 200), 255, false}, {tableOf(0, 8), 9, false}, {tableOf(0, 1), 1, false}, {tableOf(0, 0.25), 1, false},
	} {
		if said := c.table.Small(c.levels); (said != "") != c.small {
			t.Errorf("up to %v where %v stands for 1: %q", c.table.Largest, c.levels, said)
		}
	}
}

// greys returns the values of a table as units.
func greys(t *testing.T, table *Table, levels float64) []float32 {
	t.Helper()
	m, err := table.Images(levels)
	if err != nil {
		t.Fatal(err)
	}
	v := make([]float32, m.Columns)
	(&mnist.Set{Name: mnist.Train, Images: m}).Values(v, 0, mnist.Grey, kernel.Draw{})
	return v
}

// A value beyond the scale of the training examples is an error that says where.
func TestBeyondTheScale(t *testing.T) {
	x := tableOf(0, 3, 17)
	x.Names = []string{"a", "b", "c"}
	if _, err := x.Images(16); err == nil || !strings.Contains(err.Error(), "x.csv: example 1, column 3 (c): 17") {
		t.Errorf("error %v", err)
	}
	if _, err := tableOf(0.5, 1.25).Images(1); err == nil || !strings.Contains(err.Error(), "column 2: 1.25") {
		t.Errorf("error %v", err)
	}
}

// Labels that are small numbers are their own classes; others are numbered in their order, and
// must be known to a model.
func TestClasses(t *testing.T) {
	for _, c := range []struct {
		labels  []string
		known   []string
		classes []byte
		names   []string
	}{
		{[]string{"3", "0", "3.0"}, nil, []byte{3, 0, 3}, nil},
		{[]string{"cat", "ant", "cat"}, nil, []byte{1, 0, 1}, []string{"ant", "cat"}},
		{[]string{"1000", "-2", "30"}, nil, []byte{2, 0, 1}, []string{"-2", "30", "1000"}},
		{[]string{"cat"}, []string{"dog", "cat"}, []byte{1}, []string{"dog", "cat"}},
	} {
		classes, names, err := Classes(c.labels, c.known)
		if err != nil || !slices.Equal(classes, c.classes) || !slices.Equal(names, c.names) {
			t.Errorf("%q: %v, %q, %v", c.labels, classes, names, err)
		}
	}
	if _, _, err := Classes([]string{"cat", "emu"}, []string{"cat"}); err == nil || !strings.Contains(err.Error(),
		"example 2") {
		t.Errorf("an unknown class: %v", err)
	}
	many := make([]string, 300)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)
	}
	if _, _, err := Classes(many, nil); err == nil {
		t.Error("300 classes")
	}
}

// Spins become 0 and 1 wherever they stand: in a file of any format, and in a row that has -1 alone.
func TestSpins(t *testing.T) {
	for text, want := range map[string][]uint8{"-1,1\n1,-1\n": {0, 1, 1, 0}, "-1,-1\n": {0, 0}, "1,1\n": {1, 1},
		"a,b\n-1.0,1\n": {0, 1}} {
		name := filepath.Join(t.TempDir(), "x.csv")
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		table, err := Read(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		levels, note, err := Levels(table)
		if err != nil || levels != 1 || !slices.Equal(table.Bytes, want) || (note != "") != strings.Contains(text, "-1") {
			t.Errorf("%q: %v, levels %v, %q, %v", text, table.Bytes, levels, note, err)
		}
		m, err := table.Images(levels)
		if err != nil || m.N*m.Columns != len(want) {
			t.Errorf("%q: %v, %v", text, m, err)
		}
	}
}

// A few rows that alone have more than 1 are said, as a header of numbers, a total or a code is.
func TestFewLargeRows(t *testing.T) {
	text := strings.Repeat("0,1\n1,0\n", 30)
	for name, c := range map[string]struct{ text, says string }{
		"totals": {text + "30,30\n", "only 1 of 61 examples have more than 1, the first is example 61 with 30"},
		"codes":  {strings.Repeat("0,1\n9,0\n", 30), "whole numbers up to 9, which stands for 1; --levels says otherwise"},
	} {
		file := filepath.Join(t.TempDir(), "x.csv")
		if err := os.WriteFile(file, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		table, err := Read(file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, note, err := Levels(table); err != nil || !strings.Contains(note, c.says) {
			t.Errorf("%s: %q, %v", name, note, err)
		}
	}
	file := filepath.Join(t.TempDir(), "x.csv")
	if err := os.WriteFile(file, []byte("1,2,3,4\n0,1,0,1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file, Options{}); err == nil || !strings.Contains(err.Error(), "counts from 1 to 4") {
		t.Errorf("a header that counts: %v", err)
	}
}

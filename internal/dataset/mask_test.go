package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A mask is a row, a table or a number a line.
func TestReadMask(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"row.csv": "0,1,1,0\n", "table.csv": "0,1\n1,0\n",
		"lines.txt": "0\n1\n1\n0\n"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		mask, err := ReadMask(path, 4, 1)
		if err != nil || !slices.Equal(mask, []bool{false, true, true, false}) {
			t.Errorf("%s: %v, %v", name, mask, err)
		}
		if _, err := ReadMask(path, 5, 1); err == nil {
			t.Errorf("%s: 4 values are taken for 5 units", name)
		}
		mask, err = ReadMask(path, 2, 2)
		if err != nil || !slices.Equal(mask, []bool{false, true, true, false}) {
			t.Errorf("%s, of two examples: %v, %v", name, mask, err)
		}
		mask, err = ReadMask(path, 4, 2)
		if err != nil || !slices.Equal(mask, []bool{false, true, true, false, false, true, true, false}) {
			t.Errorf("%s, for two examples: %v, %v", name, mask, err)
		}
	}
	path := filepath.Join(dir, "bad.csv")
	if err := os.WriteFile(path, []byte("0,2,1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadMask(path, 3, 1); err == nil {
		t.Error("2 is taken for known or not")
	}
}

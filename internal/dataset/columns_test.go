package dataset

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// Columns with names must be those of the model, in its order.
func TestHasColumns(t *testing.T) {
	of := func(names ...string) *Table { return &Table{Source: "x.csv", Names: names} }
	model := []string{"a", "b", "c"}
	for _, same := range []*Table{of("a", "b", "c"), of()} {
		if err := same.HasColumns(model); err != nil {
			t.Errorf("%q: %v", same.Names, err)
		}
	}
	if err := of("x").HasColumns(nil); err != nil {
		t.Errorf("columns without names in the model: %v", err)
	}
	for want, other := range map[string]*Table{
		`x.csv: no column is named "c", as one of the model's is; it has "a", "b", "d"`: of("a", "b", "d"),
		`x.csv: column 2 ("id") is none of those of the model: "a", "b", "c"`:           of("a", "id", "b", "c"),
		`x.csv: column 1 is "b", where the model has "a"; put the columns`:              of("b", "a", "c"),
		"x.csv: 4 named columns for the 3 of the model":                                 of("a", "b", "c", "c"),
	} {
		if err := other.HasColumns(model); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", other.Names, err, want)
		}
	}
	// Names that are not UTF-8 are the same after a way through JSON.
	odd := of("\xff\xfe", "b")
	data, err := json.Marshal(odd.ColumnNames())
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	if err := json.Unmarshal(data, &kept); err != nil || !slices.Equal(kept, odd.ColumnNames()) {
		t.Errorf("%q became %q, %v", odd.ColumnNames(), kept, err)
	}
}

package cli

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"tandem/dbm"
	"tandem/internal/runs"
)

// readingFlags defines the flags that say how examples are read, and with path where they lie.
func readingFlags(f *flag.FlagSet, r *runs.Reading, path bool) {
	if path {
		f.StringVar(&r.Data, "data", r.Data,
			"`PATH` of the training examples: a file (IDX, .npy, .npz, FILE.npz:ARRAY, .csv, "+
				".tsv, SciPy's sparse .npz, rows of index:value; gzipped or not) or a folder of IDX files with MNIST's names "+
				"(default the embedded MNIST)")
	}
	f.StringVar(&r.Test, "test", r.Test, "`PATH` of test examples, which are only scored")
	f.Var((*portion)(&r.HoldOut), "hold-out",
		"`PART` of the training examples to hold out: a share below 1 or a number; of each class its "+
			"share")
	numberVar(f, &r.Levels, "levels",
		"`X` value that stands for 1; values from 0 to X become probabilities (default as the "+
			"training examples tell)")
	f.StringVar(&r.LabelFile, "label-file", r.LabelFile, "`FILE` of the labels of the training examples")
	f.StringVar(&r.TestLabelFile, "test-label-file", r.TestLabelFile, "`FILE` of the labels of the test examples")
	f.StringVar(&r.LabelColumn, "label-column", r.LabelColumn, "`NAME` or number, from 1, of the column that has labels")
	f.Var((*yesNo)(&r.Header), "header", "`yes` or no: whether the first row of a table has names (default if one of its "+
		"cells is no number)")
	countVar(f, &r.Columns, "columns", 0, dbm.MaxUnits, "`N` columns of rows of index:value (default the largest index)")
	f.BoolVar(&r.ZeroBased, "zero-based", r.ZeroBased, "indices of index:value count from 0")
}

// portion is a share below 1 or a number of examples, as a flag.
type portion float64

func (p *portion) String() string {
	if p == nil {
		return "0"
	}
	return strconv.FormatFloat(float64(*p), 'g', -1, 64)
}

// Set reads a share, 0.1 or 10%, or a number.
func (p *portion) Set(s string) error {
	number, percent := strings.CutSuffix(s, "%")
	x, err := parseFloat(number)
	if percent {
		x /= 100
	}
	if err != nil || !(x >= 0) || x >= 1 && (percent || x != float64(int(x))) {
		return fmt.Errorf("%q; must be a share below 1, such as 0.1 or 10%%, or a number of examples", s)
	}
	*p = portion(x)
	return nil
}

// yesNo is "", yes or no, as a flag.
type yesNo string

func (y *yesNo) String() string {
	if y == nil {
		return ""
	}
	return string(*y)
}

// Set accepts yes and no.
func (y *yesNo) Set(s string) error {
	if s != "yes" && s != "no" {
		return errors.New("must be yes or no")
	}
	*y = yesNo(s)
	return nil
}

package memory

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestLimit(t *testing.T) {
	bytes, who := Limit()
	if bytes < 64<<20 || who == "" {
		t.Errorf("%s has %d bytes", who, bytes)
	}
}

// The smallest limit counts, and what is unknown does not.
func TestSmallest(t *testing.T) {
	for _, test := range []struct {
		all   []limit
		bytes uint64
		who   string
	}{
		{nil, math.MaxUint64, "this machine"},
		{[]limit{{0, "a"}}, math.MaxUint64, "this machine"},
		{[]limit{{8, "a"}, {0, "b"}, {5, "c"}, {7, "d"}}, 5, "c"},
	} {
		if bytes, who := smallest(test.all); bytes != test.bytes || who != test.who {
			t.Errorf("%v: %s has %d", test.all, who, bytes)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := Check(1<<20, ""); err != nil {
		t.Error(err)
	}
	err := Check(1<<62, "lower --batch")
	var e *Error
	if !errors.As(err, &e) || e.Hint() != "lower --batch" ||
		!strings.Contains(err.Error(), "needs about 4.0 EiB of memory, ") ||
		!strings.Contains(err.Error(), " has ") {
		t.Errorf("error %v", err)
	}
	if err := Check(math.MaxUint64, ""); err == nil && e.Limit < math.MaxUint64 {
		t.Error("no error")
	}
}

func TestSum(t *testing.T) {
	if got := Sum(1, 2, 3); got != 6 {
		t.Errorf("the sum is %d", got)
	}
	if got := Sum(math.MaxUint64-1, 2, 3); got != math.MaxUint64 {
		t.Errorf("the sum is %d", got)
	}
}

package format

import (
	"math"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Count(1234567), "1,234,567"},
		{Number(1, "image"), "1 image"},
		{Number(10000, "image"), "10,000 images"},
		{Percents([]float64{1, 0.1234, 0}), "100/12.3/0"},
		{Percent(0.5), "50%"},
		{Shape([]int{784, 500}), "784-500"},
		{List([]float64{0.1, 2}), "0.1,2"},
		{Duration(59.4), "59s"},
		{Duration(61), "1m01s"},
		{Duration(7322), "2h02m"},
		{Duration(math.Inf(1)), "277777h46m"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

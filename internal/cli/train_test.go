package cli

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"tandem/internal/runs"
)

// fields returns settings as JSON, field by field.
func fields(t *testing.T, c runs.Settings) map[string]string {
	t.Helper()
	data, err := json.Marshal(&c)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	words := map[string]string{}
	for name, v := range all {
		words[name] = string(v)
	}
	return words
}

// Every setting has a flag of its name, which changes that setting and no other.
func TestEveryFlagSetsItsField(t *testing.T) {
	quick, err := runs.Preset("quick")
	if err != nil {
		t.Fatal(err)
	}
	before := fields(t, quick)
	for _, name := range []string{"levels", "hold_out", "test", "label_file", "test_label_file", "label_column", "header",
		"columns", "zero_based", "keep_best", "patience",
		"metrics_every", "keep_every", "keep_max"} { // which settings leave out where they are not used
		before[name] = ""
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if name == "preset" || name == "image_columns" { // what is begun with; what the data say
			continue
		}
		flag, value := "--"+strings.ReplaceAll(name, "_", "-"), "0.03125"
		want := value
		switch v := before[name]; {
		case name == "header":
			value, want = "no", `"no"`
		case name == "keep_every":
			value, want = "exp", `"exp"`
		case name == "zero_based" || name == "keep_best":
			flag, value, want = flag+"=true", "", "true"
		case slices.Contains([]string{"test", "label_file", "test_label_file", "label_column"}, name):
			value, want = "other", `"other"`
		case name == "columns" || name == "patience" || name == "metrics_every" || name == "keep_max":
			value, want = "3", "3"
		case v == "":
		case v == "false":
			flag, value, want = flag+"=true", "", "true"
		case v[0] == '"':
			value, want = "other", `"other"`
		case name == "layers":
			value, want = "784,7,6", "[784,7,6]"
		case name == "alpha":
			value, want = "0.3,0.4", "[0.3,0.4]"
		case slices.Contains([]string{"batch", "chains", "gibbs", "mean_field_max", "learning_rate_end", "pretrain", "patch",
			"seed", "updates", "checkpoint_every", "moments"}, name):
			value, want = "3", "3"
		}
		args := []string{"--preset", "quick", flag}
		if value != "" {
			args = append(args, value)
		}
		_, got, _, err := trainSettings(&terminal{}, args)
		if err != nil {
			t.Errorf("%s: %v", flag, err)
			continue
		}
		after := fields(t, got)
		for other := range before {
			if other == name && after[other] != want {
				t.Errorf("%s %s makes %s %s, want %s", flag, value, name, after[other], want)
			}
			if other != name && after[other] != before[other] {
				t.Errorf("%s changes %s, too: from %s to %s", flag, other, before[other], after[other])
			}
		}
	}
}
